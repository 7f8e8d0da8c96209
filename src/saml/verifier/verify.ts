import type { SamlVerifier, Unverified } from "../verified.ts";
import { Fault } from "./fault.ts";
import { gate } from "./gate.ts";
import { assertionIn, issuerOf, readAssertion } from "./read.ts";
import { signatureOf, verifiedBytes } from "./signature.ts";
import { parse } from "./tree.ts";

/** The verifier itself: gate, parser, shape, signature; then what was signed is read anew. */
export const verifier: SamlVerifier = {
  issuerOf: async (document, kind) =>
    attempt(() => {
      const gated = gate(document);
      return { ok: true, issuer: issuerOf(assertionIn(parse(gated), kind, gated.elements).assertion) };
    }),
  verify: async (document, kind, certificates) =>
    attempt(() => {
      const gated = gate(document);
      const { assertion, response } = assertionIn(parse(gated), kind, gated.elements);
      if (new Set(gated.ids).size !== gated.ids.length) throw new Fault("shape", "an id twice");
      const signed = verifiedBytes(gated.text, signatureOf(assertion), certificates);
      // From here on the document is forgotten: what was signed is read anew, and alone.
      const again = parse(gate(new TextEncoder().encode(signed)));
      return { ok: true, assertion: readAssertion(again), ...(response === undefined ? {} : { response }) };
    }),
};

function attempt<Outcome>(work: () => Outcome): Outcome | Unverified {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof Fault) return { ok: false, fault: cause.fault, note: cause.note };
    // A message of a library may hold a piece of the document: it is not passed on.
    return { ok: false, fault: "malformed", note: "unexpected" };
  }
}
