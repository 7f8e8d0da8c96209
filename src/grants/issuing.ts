import type { TokenOptions, TokenSet } from "../dialects/dialect.ts";
import { dialectOf, tokenPolicyOf } from "../dialects/index.ts";
import { randomId } from "../protocol/bytes.ts";
import { SCOPE } from "../protocol/names.ts";
import type { ClientRequest } from "../service.ts";
import type { Granted } from "../storage/families.ts";
import type { FamilyId, NodeId } from "../storage/lineage.ts";
import type { GrantName } from "../tenants/client.ts";
import { ISSUED_TOKEN_TYPES } from "../tokens/index.ts";
import { writeCopy } from "../tokens/inspect.ts";
import { expiryOf, type Issuing, type PreparedToken } from "../tokens/issued-token-type.ts";
import { sessionReference } from "../tokens/session-reference.ts";

/** For whom a grant issues, in which family. */
export function issuingFor({ ring, clientId, client, tenant }: ClientRequest, family: FamilyId): Issuing {
  return { ring, family, clientId, client, dialect: dialectOf(client), policy: tokenPolicyOf(client, tenant.settings) };
}

/** The format of an access token: what was asked for, else what the client is set to, else what its dialect does for this grant. */
export function accessTokenFormat({ dialect, policy }: Issuing, grant: GrantName, options: TokenOptions): "jwt" | "opaque" {
  if (options.format !== undefined) return options.format;
  return policy.accessTokenFormat === "grant" ? dialect.accessTokenFormat(grant) : policy.accessTokenFormat;
}

/** The access token and the ID token of a grant, ready to be made. */
export interface PreparedTokens {
  readonly accessToken: PreparedToken;
  readonly idToken: PreparedToken;
}

/** Draws the leaves of a grant. `ownRow`: the grant exists already, so an opaque token gets a row of its own below it. */
export async function prepareTokens(
  issuing: Issuing,
  format: "jwt" | "opaque",
  grant: { readonly parent: NodeId; readonly id: NodeId; readonly ownRow: boolean },
): Promise<PreparedTokens> {
  const [accessToken, idToken] = await Promise.all([ISSUED_TOKEN_TYPES[format].prepare(issuing, grant), ISSUED_TOKEN_TYPES.id_token.prepare(issuing, grant)]);
  return { accessToken, idToken };
}

/** Makes the tokens of what was recorded, and writes the copy of an opaque one after the response. */
export async function mintTokens(request: ClientRequest, issuing: Issuing, granted: Granted, prepared: PreparedTokens, refreshToken?: string): Promise<TokenSet> {
  const { record, principal, now } = granted;
  const wantsIdToken = principal !== undefined && record.scope.includes(SCOPE.openid);
  const [accessToken, idToken, sessionState] = await Promise.all([
    prepared.accessToken.mint(granted),
    wantsIdToken ? prepared.idToken.mint(granted) : undefined,
    sessionReference(issuing.ring, issuing.family, record.sid),
  ]);
  copyLater(request, granted, prepared.accessToken.leaf.hash);
  request.audit.note({
    family: issuing.family,
    node: record.path.at(-1) ?? "",
    scope: record.scope.join(" "),
    issued: [accessToken && "access_token", refreshToken && "refresh_token", idToken && "id_token"].filter(Boolean).join(" "),
  });
  return {
    accessToken,
    expiresIn: expiryOf(granted, prepared.accessToken.leaf.id) - now,
    issuedAt: now,
    scope: record.scope,
    ...(refreshToken === undefined || granted.chain === undefined ? {} : { refreshToken, refreshExpiresIn: granted.chain.expires - now }),
    ...(idToken === undefined ? {} : { idToken }),
    ...(sessionState === undefined ? {} : { sessionState }),
  };
}

/** An id for a new grant, which is also the id of the operation that records it. */
export const newGrantId = randomId;

// A KV write is the dearest thing we do: only where someone could read the copy, and never before the response.
function copyLater(request: ClientRequest, granted: Granted, hash: string | undefined): void {
  const { tenant, after } = request;
  const leaf = granted.leaves.find((candidate) => candidate.hash !== undefined && candidate.hash === hash);
  if (leaf === undefined || hash === undefined || !tenant.settings.tokenCopies || tenant.settings.consistency !== "eventual") return;
  const { now, root, record, principal } = granted;
  const status = { alive: true as const, now, root, record, leaf, ...(principal === undefined ? {} : { principal }) };
  after(writeCopy(request, hash, { status, expires: leaf.expires }).catch(() => undefined));
}
