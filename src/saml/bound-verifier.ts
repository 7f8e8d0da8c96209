import { Rejection } from "../protocol/rejection.ts";
import type { SamlVerifier } from "./verified.ts";

/** The verifier behind its service binding. Where it cannot be asked, nobody can tell: `unavailable`. */
export function boundVerifier(binding: SamlVerifier | undefined): SamlVerifier {
  const ask = async <Answer>(call: (verifier: SamlVerifier) => Promise<Answer>): Promise<Answer> => {
    if (binding === undefined) throw new Rejection("unavailable", { note: "no saml verifier" });
    try {
      return await call(binding);
    } catch (cause) {
      throw new Rejection("unavailable", { note: "saml verifier", cause });
    }
  };
  return {
    authnRequest: (received, certificates) => ask((verifier) => verifier.authnRequest(received, certificates)),
    issuerOf: (document, kind) => ask((verifier) => verifier.issuerOf(document, kind)),
    logoutRequest: (received, certificates) => ask((verifier) => verifier.logoutRequest(received, certificates)),
    verify: (document, kind, certificates, expected) => ask((verifier) => verifier.verify(document, kind, certificates, expected)),
    metadata: (ours) => ask((verifier) => verifier.metadata(ours)),
  };
}
