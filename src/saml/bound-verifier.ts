import { boundWorker } from "../protocol/bound-worker.ts";
import type { SamlVerifier } from "./verified.ts";

/** The verifier behind its service binding. Where it cannot be asked, nobody can tell: `unavailable`. */
export function boundVerifier(binding: SamlVerifier | undefined): SamlVerifier {
  const ask = boundWorker(binding, "saml verifier");
  return {
    authnRequest: (received, certificates) => ask((verifier) => verifier.authnRequest(received, certificates)),
    issuerOf: (document, kind) => ask((verifier) => verifier.issuerOf(document, kind)),
    logoutRequest: (received, certificates) => ask((verifier) => verifier.logoutRequest(received, certificates)),
    verify: (document, kind, certificates, expected) => ask((verifier) => verifier.verify(document, kind, certificates, expected)),
    metadata: (ours) => ask((verifier) => verifier.metadata(ours)),
  };
}
