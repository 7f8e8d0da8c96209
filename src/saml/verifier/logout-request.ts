import type { Element } from "@xmldom/xmldom";
import type { LogoutRequest } from "../verified.ts";
import { NS } from "../xml.ts";
import { Fault } from "./fault.ts";
import { instantOf } from "./read.ts";
import { requestFacts } from "./request.ts";
import { childrenNamed, is, textOf } from "./tree.ts";

const SESSIONS_LIMIT = 20;

/** Reads a LogoutRequest from its root: of one user by NameID, and of some of their sessions. */
export function readLogoutRequest(root: Element): LogoutRequest {
  if (!is(root, NS.protocol, "LogoutRequest")) throw new Fault("shape", "not a logout request");
  const [nameId, ...others] = childrenNamed(root, NS.assertion, "NameID");
  if (nameId === undefined || others.length > 0) throw new Fault("content", "NameID");
  const sessionIndexes = childrenNamed(root, NS.protocol, "SessionIndex").map(textOf);
  if (sessionIndexes.length > SESSIONS_LIMIT) throw new Fault("content", "SessionIndex");
  const notOnOrAfter = instantOf(root, "NotOnOrAfter");
  return {
    ...{ ...requestFacts(root), nameId: textOf(nameId), sessionIndexes },
    ...(notOnOrAfter === undefined ? {} : { notOnOrAfter }),
  };
}
