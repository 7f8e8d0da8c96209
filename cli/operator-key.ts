import { createHash, randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { importJWK, type JWK, SignJWT } from "jose";
import { CommandFailed } from "./command.ts";

/** The private key of one operator; `kid` is the operator's name. */
export type OperatorKey = JWK & { readonly kid: string };

/** One request to the operator API, as the token that allows it names it. */
export interface OperatorRequest {
  readonly issuer: string;
  readonly method: string;
  /** Path and query exactly as sent. */
  readonly target: string;
  readonly body: string;
}

/** Reads an operator's private key, or says what is wrong with the file. */
export function readOperatorKey(file: string): OperatorKey {
  if (!existsSync(file)) {
    throw new CommandFailed(`no operator key at ${file}: name one with --key FILE (npm start makes one for a local server)`);
  }
  const key = parseJwk(readFileSync(file, "utf8"));
  if (key?.kty !== "EC" || key.crv !== "P-256" || key.d === undefined || key.kid === undefined) {
    throw new CommandFailed(`${file} is not an operator key: a private ES256 JWK whose kid is the operator's name`);
  }
  return { ...key, kid: key.kid };
}

/** The token for exactly this request: bound to its method, path and body, good for a minute and once. */
export function operatorToken(key: OperatorKey, request: OperatorRequest): Promise<string> {
  const claims = {
    htm: request.method,
    htu: request.target,
    content_digest: createHash("sha256").update(request.body).digest("base64url"),
  };
  return importJWK(key, "ES256").then((privateKey) =>
    new SignJWT(claims)
      .setProtectedHeader({ typ: "operator+jwt", alg: "ES256", kid: key.kid })
      .setIssuer(key.kid)
      .setAudience(`${request.issuer}/api/v1`)
      .setIssuedAt()
      .setExpirationTime("60s")
      .setJti(randomUUID())
      .sign(privateKey),
  );
}

function parseJwk(text: string): JWK | undefined {
  try {
    return JSON.parse(text) as JWK;
  } catch {
    return undefined;
  }
}
