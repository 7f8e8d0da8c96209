import { WorkerEntrypoint } from "cloudflare:workers";
import type { DocumentKind, SamlVerifier } from "../verified.ts";
import { verifier } from "./verify.ts";

/** The second Worker: it parses what strangers wrote, and holds no key, no binding and no state. */
export class Verifier extends WorkerEntrypoint implements SamlVerifier {
  async issuerOf(document: Uint8Array<ArrayBuffer>, kind: DocumentKind): ReturnType<SamlVerifier["issuerOf"]> {
    return await verifier.issuerOf(document, kind);
  }

  async verify(document: Uint8Array<ArrayBuffer>, kind: DocumentKind, certificates: readonly string[]): ReturnType<SamlVerifier["verify"]> {
    return await verifier.verify(document, kind, certificates);
  }
}

export default {
  fetch: () => new Response(null, { status: 404 }),
} satisfies ExportedHandler;
