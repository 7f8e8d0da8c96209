import type { JWK } from "jose";
import { equalInConstantTime, sha256 } from "../protocol/bytes.ts";
import { isObject } from "../protocol/json.ts";
import { DPOP_HEADER_MEMBERS, openJwt, type UnverifiedJwt } from "../protocol/jwt-gate.ts";
import { Rejection } from "../protocol/rejection.ts";
import { importPublicKey, thumbprint, verifySignature } from "../protocol/signature.ts";
import type { Exchange } from "../service.ts";
import { seal, unseal } from "../tokens/seal.ts";

/** The algorithms that a proof may be signed with, as metadata has them. */
export const DPOP_ALGORITHMS: readonly string[] = ["ES256", "ES384", "RS256", "PS256", "EdDSA"];

const AHEAD_SECONDS = 10;
const BEHIND_SECONDS = 60;
const NONCE_SECONDS = 300;

/** What a proof must agree with beside the request. */
export interface ExpectedProof {
  /** The access token that it comes with, at a resource. */
  readonly accessToken?: string;
  /** Whether it must hold a nonce of ours. */
  readonly needsNonce?: boolean;
}

/**
 * Verifies the DPoP proof of a request (RFC 9449 §4.3): one header, signed by the public key that it holds, for this method
 * and URL, now, used once. Answers the key's thumbprint; undefined when the request has no proof.
 */
export async function verifyDpopProof(exchange: Exchange, expected: ExpectedProof = {}): Promise<string | undefined> {
  const { request, service, tenant } = exchange;
  const header = request.headers.get("dpop");
  if (header === null) return undefined;
  const jwt = openJwt(header, DPOP_HEADER_MEMBERS);
  const jwk = jwt?.header.jwk as JWK | undefined;
  if (jwt === undefined || !isObject(jwk) || jwt.type !== "dpop+jwt" || !DPOP_ALGORITHMS.includes(jwt.algorithm)) throw invalid("form");
  const key = await importPublicKey(jwk, jwt.algorithm);
  if (key === undefined || !(await verifySignature(jwt, key))) throw invalid("signature");
  checkClaims(jwt, request, service.now());
  if (expected.accessToken !== undefined && !equalInConstantTime(String(jwt.payload.ath), await sha256(expected.accessToken))) throw invalid("ath");
  await checkNonce(exchange, jwt, expected.needsNonce === true);
  const keyId = await thumbprint(jwk);
  const first = await service.singleUse.use({ tenant: tenant.issuer, issuer: keyId, kind: "dpop_proof" }, String(jwt.payload.jti), Number(jwt.payload.iat) + BEHIND_SECONDS);
  if (!first) throw invalid("used");
  return keyId;
}

function checkClaims({ payload }: UnverifiedJwt, request: Request, now: number): void {
  const { jti, htm, htu, iat } = payload;
  if (typeof jti !== "string" || !/^[\x21-\x7e]{1,256}$/.test(jti)) throw invalid("jti");
  if (htm !== request.method) throw invalid("htm");
  if (typeof htu !== "string" || withoutQuery(htu) !== withoutQuery(request.url)) throw invalid("htu");
  if (typeof iat !== "number" || !Number.isFinite(iat) || iat > now + AHEAD_SECONDS || iat <= now - BEHIND_SECONDS) throw invalid("iat");
}

// What may stand for itself, percent-encoded: letters, figures and - . _ ~ (RFC 3986 §2.3).
const UNRESERVED = /%(2[de]|3\d|[46][1-9a-f]|[57][0-9a]|5f|7e)/gi;

// RFC 9449 §4.3: compared without query and fragment, after the normalisation of RFC 3986 §6.2, most of which parsing does.
function withoutQuery(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { origin, pathname } = new URL(text);
  return `${origin}${pathname.replace(UNRESERVED, (encoded) => decodeURIComponent(encoded))}`;
}

// A nonce is our clock, sealed: any isolate can tell whether it is ours and how old it is (RFC 9449 §8).
async function checkNonce({ ring, service }: Exchange, { payload }: UnverifiedJwt, isNeeded: boolean): Promise<void> {
  const { nonce } = payload;
  if (nonce === undefined && !isNeeded) return;
  const issued = typeof nonce === "string" ? Number((await unseal(ring, "cookie", "dpop-nonce", nonce)) ?? Number.NaN) : Number.NaN;
  if (service.now() - issued <= NONCE_SECONDS) return;
  const fresh = await seal(ring, "cookie", "dpop-nonce", String(service.now()));
  throw new Rejection("dpop_nonce_needed", { headers: { "dpop-nonce": fresh } });
}

function invalid(note: string): Rejection {
  return new Rejection("dpop_proof_invalid", { note });
}
