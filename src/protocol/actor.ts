import { isObject } from "./json.ts";

/** The current actor, and those before it: nested, the outermost is the newest (RFC 8693 §4.1). */
export interface Act {
  readonly sub: string;
  readonly client_id: string;
  readonly act?: Act;
}

/** The one party that may become the actor of a token (RFC 8693 §4.4). */
export interface MayAct {
  readonly sub: string;
  readonly client_id?: string;
}

/** Reads an `act` claim whose signature has been verified; undefined for anything that is not one. */
export function readAct(value: unknown): Act | undefined {
  if (!isObject(value) || typeof value.sub !== "string" || typeof value.client_id !== "string") return undefined;
  const act = readAct(value.act);
  return { sub: value.sub, client_id: value.client_id, ...(act === undefined ? {} : { act }) };
}

/** Reads a `may_act` claim whose signature has been verified. */
export function readMayAct(value: unknown): MayAct | undefined {
  if (!isObject(value) || typeof value.sub !== "string") return undefined;
  return { sub: value.sub, ...(typeof value.client_id === "string" ? { client_id: value.client_id } : {}) };
}
