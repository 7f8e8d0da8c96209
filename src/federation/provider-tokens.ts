import { openIdentityProviderJwt } from "../protocol/jwt-gate.ts";
import { isSubset } from "../protocol/scope.ts";

/** An IdP's tokens of one scope. */
export interface ProviderTokenSet {
  readonly idToken?: string;
  readonly accessToken?: string;
  /** Seconds; when the access token expires. Unknown where the IdP does not say. */
  readonly expires?: number;
  /** What the access token is good for there. */
  readonly scope?: readonly string[];
}

/** The IdP's own tokens of one login: the latest of the scope that we log in with, and of narrower ones that were asked for. */
export interface ProviderTokens extends ProviderTokenSet {
  readonly idToken: string;
  readonly refreshToken?: string;
  /** By scope, in the order of the alphabet. */
  readonly narrowed?: Readonly<Record<string, ProviderTokenSet>>;
}

const NARROWED_KEPT = 4;

/** The tokens of a scope, as far as they are there; undefined stands for the scope of the login. */
export function tokensOfScope(tokens: ProviderTokens, scope: readonly string[] | undefined): ProviderTokenSet | undefined {
  const { scope: known = [], idToken, narrowed } = tokens;
  if (scope === undefined || scopeName(scope) === scopeName(known)) return tokens;
  const own = narrowed?.[scopeName(scope)];
  // Where none came with it: the ID token of the login says no more than a scope that is at least the login's.
  return own?.idToken !== undefined || !isSubset(known, scope) ? own : { scope: known, ...own, idToken };
}

/** The same with the tokens of one scope replaced by what a refresh gave. A refresh token that was not replaced goes on. */
export function withRefreshed(tokens: ProviderTokens, scope: readonly string[] | undefined, { refreshToken, ...fresh }: Partial<ProviderTokens>): ProviderTokens {
  const { accessToken, expires, ...kept } = { ...tokens, ...(refreshToken === undefined ? {} : { refreshToken }) };
  if (scope === undefined) return { ...kept, ...fresh };
  const others = Object.entries(tokens.narrowed ?? {}).filter(([name]) => name !== scopeName(scope));
  return { ...tokens, ...kept, narrowed: Object.fromEntries([...others, [scopeName(scope), fresh] as const].slice(-NARROWED_KEPT)) };
}

/** The claims of an ID token that was verified when it came. */
export function claimsOfKept(idToken: string) {
  return openIdentityProviderJwt(idToken)?.payload ?? {};
}

function scopeName(scope: readonly string[]): string {
  return scope.toSorted().join(" ");
}
