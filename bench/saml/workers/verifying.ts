import type { Bindings } from "../../../src/config.ts";
import cambio from "../../../src/index.ts";
import { bytesOf } from "../../../src/protocol/bytes.ts";
import type { SamlVerifier } from "../../../src/saml/verified.ts";
import { samlKey, sampleAssertion } from "./sample.ts";

interface VerifyingBindings extends Bindings {
  readonly SAML_KEY: string;
}

let sample: { readonly document: Uint8Array<ArrayBuffer>; readonly certificate: string } | undefined;

async function prepare(text: string): Promise<typeof sample & object> {
  const key = await samlKey(text);
  return { document: bytesOf(await sampleAssertion(key)), certificate: key.certificate };
}

/** Cambio as it is, and a POST that verifies one assertion as often as `?times` says, by the verifier in the place that is measured. */
export function cambioWith(verifierOf: (env: Bindings) => Promise<SamlVerifier>): ExportedHandler<VerifyingBindings> {
  return {
    fetch: async (request, env, context) => {
      const { pathname, searchParams } = new URL(request.url);
      if (pathname === "/document") sample = await prepare(env.SAML_KEY);
      if (pathname === "/document") return new Response("made");
      if (pathname !== "/verify" || sample === undefined) return await cambio.fetch(request, env, context);
      const { document, certificate } = sample;
      const verifier = await verifierOf(env);
      for (let count = Number(searchParams.get("times")); count > 0; count--) {
        const verified = await verifier.verify(document, "assertion", [certificate]);
        if (!verified.ok) return new Response(verified.note, { status: 400 });
      }
      return new Response("verified");
    },
  };
}
