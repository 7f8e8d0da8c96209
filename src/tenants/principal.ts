import type { AttributeDefaults, SubjectNameIdentifier } from "./client.ts";

/** What we know of the user behind a login: verified claims of the corporate IdP, under our own subject id. */
export interface Principal {
  /** Tenant-wide subject id: base64url of 16 bytes of HMAC over IdP and the IdP's `sub`. */
  readonly sub: string;
  /** Alias of the IdP. */
  readonly idp: string;
  readonly loginName: string;
  readonly email?: string;
  readonly emailVerified?: boolean;
  readonly name?: string;
  readonly givenName?: string;
  readonly familyName?: string;
  readonly groups: readonly string[];
  /** When the IdP said so (seconds), where it may say so anew in the same family. */
  readonly asOf?: number;
}

/** A user as an application knows it: with its own defaults where the IdP said nothing. No groups at all is nothing. */
export function withDefaults(principal: Principal, defaults: AttributeDefaults | undefined): Principal {
  if (defaults === undefined) return principal;
  const { groups = [], ...texts } = defaults;
  const given = Object.fromEntries(Object.entries(texts).filter(([, value]) => value !== undefined));
  return { ...given, ...principal, groups: principal.groups.length === 0 ? groups : principal.groups };
}

/** What stands in `sub` for a user, where an application declared its subject name identifier. Undefined: the user has no such value. */
export function subjectIdentifierOf(principal: Principal, identifier: SubjectNameIdentifier): string | undefined {
  const values = { userUuid: principal.sub, mail: principal.email, loginName: principal.loginName, displayName: principal.name };
  return values[identifier];
}
