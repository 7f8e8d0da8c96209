import type { Element } from "@xmldom/xmldom";
import type { AuthnRequest } from "../verified.ts";
import { NS } from "../xml.ts";
import { Fault } from "./fault.ts";
import { requestFacts } from "./request.ts";
import { attributeOf, is } from "./tree.ts";

/** Reads an AuthnRequest from its root. */
export function readAuthnRequest(root: Element): AuthnRequest {
  if (!is(root, NS.protocol, "AuthnRequest")) throw new Fault("shape", "not an authn request");
  const acs = attributeOf(root, "AssertionConsumerServiceURL");
  const flag = (name: string) => ["true", "1"].includes(attributeOf(root, name) ?? "");
  return { ...requestFacts(root), forceAuthn: flag("ForceAuthn"), isPassive: flag("IsPassive"), ...(acs === undefined ? {} : { acs }) };
}
