import { WorkerEntrypoint } from "cloudflare:workers";
import type { DocumentKind, Expected, OurMetadata, ReceivedRequest, SamlVerifier } from "../saml/verified.ts";
import { verifier } from "../saml/verifier/verify.ts";

/** Verifies foreign SAML for the Worker that holds the keys. */
export class Verifier extends WorkerEntrypoint implements SamlVerifier {
  async authnRequest(received: ReceivedRequest, certificates?: readonly string[]): ReturnType<SamlVerifier["authnRequest"]> {
    return await verifier.authnRequest(received, certificates);
  }

  async logoutRequest(received: ReceivedRequest, certificates?: readonly string[]): ReturnType<SamlVerifier["logoutRequest"]> {
    return await verifier.logoutRequest(received, certificates);
  }

  async issuerOf(document: Uint8Array<ArrayBuffer>, kind: DocumentKind): ReturnType<SamlVerifier["issuerOf"]> {
    return await verifier.issuerOf(document, kind);
  }

  async verify(document: Uint8Array<ArrayBuffer>, kind: DocumentKind, certificates: readonly string[], expected?: Expected): ReturnType<SamlVerifier["verify"]> {
    return await verifier.verify(document, kind, certificates, expected);
  }

  async metadata(ours: OurMetadata): Promise<string> {
    return await verifier.metadata(ours);
  }
}
