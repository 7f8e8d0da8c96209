import { readRequestBody } from "../protocol/body.ts";
import { sha256 } from "../protocol/bytes.ts";
import { openJwt, type UnverifiedJwt } from "../protocol/jwt-gate.ts";
import { JWT_TYPE } from "../protocol/names.ts";
import { Rejection } from "../protocol/rejection.ts";
import { importPublicKey, verifySignature } from "../protocol/signature.ts";
import type { Service } from "../service.ts";

const BODY_LIMIT_BYTES = 4_194_304;
const LONGEST_LIFETIME_SECONDS = 60;
const SKEW_SECONDS = 10;
const ALGORITHMS: readonly string[] = ["ES256", "RS256", "EdDSA"];

/** An operator whose token holds for this very request, and the body that it was bound to. */
export interface OperatorRequest {
  readonly operator: string;
  readonly body: Uint8Array<ArrayBuffer>;
}

/**
 * Authenticates an operator: a short-lived JWT (`typ: operator+jwt`) by a key of `OPERATOR_KEYS`, for this issuer, bound to
 * method (`htm`), path with query (`htu`) and SHA-256 of the body (`content_digest`), and used once. The body, which may be
 * large, is read last: nobody else's is.
 */
export async function operatorRequest(service: Service, issuer: string, request: Request): Promise<OperatorRequest> {
  const jwt = await verifiedToken(service, request.headers);
  const { iss, aud, iat, exp, jti, htm, htu, content_digest } = jwt.payload;
  if (iss !== jwt.keyId || aud !== `${issuer}/api/v1` || typeof jti !== "string" || jti.length < 16 || jti.length > 128)
    throw new Rejection("operator_unauthenticated", { note: "claims" });
  const now = service.now();
  if (!isSeconds(iat) || !isSeconds(exp) || exp <= now || iat > now + SKEW_SECONDS || exp - iat > LONGEST_LIFETIME_SECONDS) {
    throw new Rejection("operator_unauthenticated", { note: "time" });
  }
  const url = new URL(request.url);
  if (htm !== request.method || htu !== `${url.pathname}${url.search}`) throw new Rejection("operator_binding");
  const body = await readRequestBody(request, BODY_LIMIT_BYTES);
  if (content_digest !== (await sha256(body))) throw new Rejection("operator_binding", { note: "body" });
  const operator = String(iss);
  const first = await service.singleUse.use({ tenant: issuer, issuer: operator, kind: "operator_token" }, jti, exp);
  if (!first) throw new Rejection("operator_replayed");
  return { operator, body };
}

async function verifiedToken({ config }: Service, headers: Headers): Promise<UnverifiedJwt> {
  const [, text] = /^bearer ([A-Za-z0-9._-]+)$/i.exec(headers.get("authorization") ?? "") ?? [];
  const jwt = text === undefined ? undefined : openJwt(text);
  if (jwt === undefined || jwt.type !== JWT_TYPE.operator || !ALGORITHMS.includes(jwt.algorithm)) throw new Rejection("operator_unauthenticated");
  const jwk = config.operatorKeys.find((key) => key.kid === jwt.keyId);
  const key = jwk === undefined ? undefined : await importPublicKey(jwk, jwt.algorithm);
  if (key === undefined || !(await verifySignature(jwt, key))) throw new Rejection("operator_unauthenticated", { note: "signature" });
  return jwt;
}

function isSeconds(value: unknown): value is number {
  return Number.isSafeInteger(value);
}
