import { sha256 } from "../protocol/bytes.ts";
import type { StatusQuery } from "../storage/family/status-ask.ts";
import type { Origin } from "../storage/lineage.ts";
import type { OpaqueToken } from "./opaque.ts";
import type { VerifiedToken } from "./token.ts";

// What is asked about an access or ID token, the same each time: kept with what was verified.
const questions = new WeakMap<VerifiedToken, StatusQuery>();

/** The question whether a token is alive. `window`: of its client, for a refresh token (seconds). */
export async function questionAbout(token: VerifiedToken, window: number): Promise<StatusQuery> {
  const known = questions.get(token);
  if (known !== undefined) return known;
  if (token.kind === "refresh_token") {
    const { parent, node, generation, secret } = token.token;
    return { kind: "refresh", parent, node, generation, hash: await sha256(secret), window };
  }
  const query = token.format === "jwt" ? pathQuestion(token.lineage) : await opaqueQuestion(token.token);
  questions.set(token, query);
  return query;
}

/** The question about a place in a family: of a JWT, or of an actor. */
export function pathQuestion({ path, node, sid, root }: Origin): StatusQuery {
  return { kind: "path", path, node, lazy: root.lazy, began: root.time, ...(sid === undefined ? {} : { sid }) };
}

async function opaqueQuestion({ parent, node, secret }: OpaqueToken): Promise<StatusQuery> {
  return { kind: "opaque", parent, node, hash: await sha256(secret) };
}
