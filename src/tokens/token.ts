import type { Dialect } from "../dialects/dialect.ts";
import type { Act, MayAct } from "../protocol/actor.ts";
import type { Confirmation } from "../protocol/confirmation.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { SsoRecord } from "../storage/family/record.ts";
import type { FamilyId, Lineage } from "../storage/lineage.ts";
import type { Principal } from "../tenants/principal.ts";
import type { Consistency } from "../tenants/token-policy.ts";
import type { Claims } from "./claims.ts";
import type { OpaqueToken } from "./opaque.ts";

/** What a token of ours is. */
export type TokenKind = "access_token" | "id_token" | "refresh_token" | "sso_token" | "saml_assertion" | "saml_session";

/** A token whose MAC or signature, issuer, tenant and type hold. Whether it is alive has not been asked yet. */
export type VerifiedToken =
  | {
      readonly format: "jwt";
      readonly kind: Extract<TokenKind, "access_token" | "id_token">;
      readonly claims: JsonObject;
      readonly lineage: Lineage;
      readonly client: string;
      readonly audience: readonly string[];
      readonly scope: readonly string[];
      /** Seconds. */
      readonly expires: number;
      /** Set on a token of another issuer: the user that its family is opened with, where it is not open yet. */
      readonly opens?: Principal;
    }
  | {
      readonly format: "opaque";
      readonly kind: Exclude<TokenKind, "id_token">;
      readonly token: OpaqueToken;
      /** Of its secret, as its family keeps it. */
      readonly hash: string;
    };

/** The family of a verified token. */
export function familyOf(token: VerifiedToken): FamilyId {
  return token.format === "jwt" ? token.lineage.family : token.token.family;
}

/** Everything that a live token says; nobody needs to see its text again. */
export interface TokenFacts {
  readonly kind: TokenKind;
  readonly format: "jwt" | "opaque";
  readonly client: string;
  readonly audience: readonly string[];
  readonly scope: readonly string[];
  /** The user, or the client itself where there is none. */
  readonly subject: string;
  /** Seconds. */
  readonly expires: number;
  readonly issuedAt?: number | undefined;
  readonly authTime?: number | undefined;
  readonly lineage: Lineage;
  readonly principal?: Principal | undefined;
  readonly act?: Act | undefined;
  readonly mayAct?: MayAct | undefined;
  readonly cnf?: Confirmation | undefined;
  readonly apis?: readonly string[] | undefined;
  readonly sso?: SsoRecord | undefined;
  /** The claims of a JWT. */
  readonly claims?: JsonObject | undefined;
  /** How it was found alive, and when (seconds). */
  readonly consistency: Consistency;
  readonly checkedAt: number;
  /** What was told of it last, for when the very same facts are found again. */
  description?: Description;
}

/** What is told of a token by one version of the configuration, in the words of one dialect. */
export interface Description {
  readonly version: number;
  readonly dialect: Dialect;
  readonly claims: Claims;
  /** The same as JSON. */
  readonly text: string;
}
