import type { StatusQuery } from "../storage/family/status-ask.ts";
import type { Origin } from "../storage/lineage.ts";
import type { VerifiedToken } from "./token.ts";

/** The question whether a token is alive. `window`: of its client, for a refresh token (seconds). */
export function questionAbout(token: VerifiedToken, window: number): StatusQuery {
  if (token.format === "jwt") return pathQuestion(token.lineage);
  const { kind, hash } = token;
  const { parent, node, generation } = token.token;
  return kind === "refresh_token" ? { kind: "refresh", parent, node, generation, hash, window } : { kind: "opaque", parent, node, hash };
}

/** The question about a place in a family: of a JWT, or of an actor. */
export function pathQuestion({ path, node, sid, root }: Origin): StatusQuery {
  return { kind: "path", path, node, lazy: root.lazy, began: root.time, ...(sid === undefined ? {} : { sid }) };
}
