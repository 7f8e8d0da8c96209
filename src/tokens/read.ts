import { sha256 } from "../protocol/bytes.ts";
import type { JsonObject } from "../protocol/json.ts";
import { openJwt } from "../protocol/jwt-gate.ts";
import { JWT_TYPE, SCOPE } from "../protocol/names.ts";
import { Rejection } from "../protocol/rejection.ts";
import { verifySignature } from "../protocol/signature.ts";
import type { KeyRing } from "./keys.ts";
import { LINEAGE_CLAIM, openLineage } from "./lineage.ts";
import { type OpaqueKind, readOpaque, wordOf } from "./opaque.ts";
import type { VerifiedToken } from "./token.ts";
import type { VerifiedJwt } from "./verified-tokens.ts";

/** Why a text is no token of ours; for the audit log. */
export interface Unreadable {
  readonly format: "none";
  readonly reason: "malformed" | "signature" | "claims" | "expired";
}

const OPAQUE_KINDS: ReadonlyMap<string, readonly [kind: OpaqueKind, is: Extract<VerifiedToken, { format: "opaque" }>["kind"]]> = new Map([
  ["at", ["at", "access_token"]],
  ["rt", ["rt", "refresh_token"]],
  ["sso", ["sso", "sso_token"]],
]);
// What an ID token stands for, which says nothing of scope: it is made only where openid was granted.
const ID_TOKEN_SCOPE = [SCOPE.openid];
// A media type is compared without regard to case (RFC 7515 §4.1.9); the gate has lowered it.
const JWT_KINDS: ReadonlyMap<string, { readonly kind: Extract<VerifiedToken, { format: "jwt" }>["kind"]; readonly type: string }> = new Map([
  [JWT_TYPE.accessToken.toLowerCase(), { kind: "access_token", type: JWT_TYPE.accessToken }],
  [JWT_TYPE.idToken.toLowerCase(), { kind: "id_token", type: JWT_TYPE.idToken }],
]);

/**
 * Reads any token of ours: by prefix and MAC, or by `typ` and signature. What comes back is verified in form, origin and
 * time; nothing is asked of any storage before that. `now` in seconds; no clock skew for our own tokens.
 */
export async function readToken(ring: KeyRing, text: string, now: number): Promise<VerifiedToken | Unreadable> {
  const known = ring.verified.recall(text) ?? (await verifyToken(ring, text));
  return known.format === "jwt" && known.expires <= now ? unreadable("expired") : known;
}

/** True for what `readToken` could not read. */
export function isUnreadable(token: VerifiedToken | Unreadable): token is Unreadable {
  return token.format === "none";
}

/** Reads a JWT of ours whatever its age: an `id_token_hint` may have expired (OpenID Connect RP-Initiated Logout §2). */
export async function readOwnJwt(ring: KeyRing, text: string): Promise<VerifiedJwt | Unreadable> {
  const known = ring.verified.recall(text);
  return known?.format === "jwt" ? known : await verifyJwt(ring, text);
}

async function verifyToken(ring: KeyRing, text: string): Promise<VerifiedToken | Unreadable> {
  const opaque = OPAQUE_KINDS.get(wordOf(text));
  if (opaque === undefined) return await verifyJwt(ring, text);
  const [kind, is] = opaque;
  const token = await readOpaque(ring, kind, text);
  if (token === undefined) return unreadable("malformed");
  const verified: VerifiedToken = { format: "opaque", kind: is, token, hash: await sha256(token.secret) };
  // Of the opaque ones an access token alone is looked at again and again.
  if (is === "access_token") ring.verified.keep(text, verified);
  return verified;
}

async function verifyJwt(ring: KeyRing, text: string): Promise<VerifiedJwt | Unreadable> {
  const token = await verifyOwnJwt(ring, text);
  if (token.format === "jwt") ring.verified.keep(text, token);
  return token;
}

async function verifyOwnJwt(ring: KeyRing, text: string): Promise<VerifiedJwt | Unreadable> {
  const jwt = openJwt(text);
  const known = JWT_KINDS.get(jwt?.type ?? "");
  if (jwt === undefined || known === undefined) return unreadable("malformed");
  const key = await ring.verificationKey(jwt.keyId ?? "", jwt.algorithm);
  if (key === undefined || !(await verifySignature(jwt, key))) return unreadable("signature");
  const claims = readClaims(jwt.payload, ring.issuer);
  if (claims === undefined) return unreadable("claims");
  const lineage = await openLineage(ring, known.type, jwt.payload[LINEAGE_CLAIM]);
  if (lineage === "newer") throw new Rejection("unavailable", { note: "lineage version" });
  return lineage === undefined
    ? unreadable("claims")
    : { format: "jwt", kind: known.kind, claims: jwt.payload, lineage, ...claims, ...(known.kind === "id_token" ? { scope: ID_TOKEN_SCOPE } : {}) };
}

function readClaims(payload: JsonObject, issuer: string) {
  const { iss, sub, aud, exp, iat, client_id, azp, scope } = payload;
  const client = typeof client_id === "string" ? client_id : azp;
  const audience = typeof aud === "string" ? [aud] : aud;
  if (iss !== issuer || typeof sub !== "string" || typeof client !== "string" || !isTextList(audience)) return undefined;
  if (typeof exp !== "number" || typeof iat !== "number" || !Number.isSafeInteger(exp) || !Number.isSafeInteger(iat)) return undefined;
  return { client, audience, scope: typeof scope === "string" ? scope.split(" ") : [], expires: exp };
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === "string");
}

function unreadable(reason: Unreadable["reason"]): Unreadable {
  return { format: "none", reason };
}
