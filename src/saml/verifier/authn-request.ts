import type { Element } from "@xmldom/xmldom";
import type { AuthnRequest } from "../verified.ts";
import { NS } from "../xml.ts";
import { Fault } from "./fault.ts";
import { instantOf, issuerOf } from "./read.ts";
import { attributeOf, is } from "./tree.ts";

const BYTES_LIMIT = 64 * 1024;

/** Inflates a message of the redirect binding (RFC 1951), to 64 KiB at most. */
export async function inflate(message: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const reader = new Blob([message]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const whole = new Uint8Array(BYTES_LIMIT);
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw new Fault("gate", "deflate");
    });
    if (done) return whole.slice(0, length);
    if (length + value.byteLength > BYTES_LIMIT) {
      await reader.cancel();
      throw new Fault("gate", "size");
    }
    whole.set(value, length);
    length += value.byteLength;
  }
}

/** Reads an AuthnRequest from its root. */
export function readAuthnRequest(root: Element): AuthnRequest {
  if (!is(root, NS.protocol, "AuthnRequest") || attributeOf(root, "Version") !== "2.0") throw new Fault("shape", "not an authn request");
  const id = attributeOf(root, "ID") ?? "";
  const issued = instantOf(root, "IssueInstant");
  if (!/^[A-Za-z_][A-Za-z0-9_.-]{0,255}$/.test(id) || issued === undefined) throw new Fault("content", "ID");
  const [acs, destination] = [attributeOf(root, "AssertionConsumerServiceURL"), attributeOf(root, "Destination")];
  const flag = (name: string) => ["true", "1"].includes(attributeOf(root, name) ?? "");
  return {
    ...{ id, issued, issuer: issuerOf(root), forceAuthn: flag("ForceAuthn"), isPassive: flag("IsPassive") },
    ...(acs === undefined ? {} : { acs }),
    ...(destination === undefined ? {} : { destination }),
  };
}
