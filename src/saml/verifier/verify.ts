import type { SamlVerifier, Unverified } from "../verified.ts";
import { readAuthnRequest } from "./authn-request.ts";
import { presentableUntil } from "./conditions.ts";
import { Fault } from "./fault.ts";
import { gate } from "./gate.ts";
import { readLogoutRequest } from "./logout-request.ts";
import { metadataOf } from "./metadata.ts";
import { assertionIn, issuerOf, readAssertion } from "./read.ts";
import { requestRoot } from "./request.ts";
import { signatureOf, verifiedBytes } from "./signature.ts";
import { parse } from "./tree.ts";

/** The verifier itself: gate, parser, shape, signature; then what was signed is read anew. */
export const verifier: SamlVerifier = {
  authnRequest: async (received, certificates) => attempt(async () => ({ ok: true, request: readAuthnRequest(await requestRoot(received, certificates)) })),
  issuerOf: async (document, kind) =>
    attempt(async () => {
      const gated = gate(document);
      return { ok: true, issuer: issuerOf(assertionIn(parse(gated), kind, gated.elements).assertion) };
    }),
  logoutRequest: async (received, certificates) => attempt(async () => ({ ok: true, request: readLogoutRequest(await requestRoot(received, certificates)) })),
  metadata: async (ours) => metadataOf(ours),
  verify: async (document, kind, certificates, expected) =>
    attempt(async () => {
      const gated = gate(document);
      const { assertion, response } = assertionIn(parse(gated), kind, gated.elements);
      if (new Set(gated.ids).size !== gated.ids.length) throw new Fault("shape", "an id twice");
      const signed = verifiedBytes(gated.text, signatureOf(assertion), certificates);
      // From here on the document is forgotten: what was signed is read anew, and alone.
      const again = parse(gate(new TextEncoder().encode(signed)));
      const read = readAssertion(again);
      return { ok: true, assertion: read, ...(response === undefined ? {} : { response }), ...(expected === undefined ? {} : { until: presentableUntil(read, expected) }) };
    }),
};

async function attempt<Outcome>(work: () => Promise<Outcome>): Promise<Outcome | Unverified> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof Fault) return { ok: false, fault: cause.fault, note: cause.note };
    // A message of a library may hold a piece of the document: it is not passed on.
    return { ok: false, fault: "malformed", note: "unexpected" };
  }
}
