// Cambio's own signing of assertions, alone; and the RSA signature that it cannot do without, over the same SignedInfo.
import { bytesOf } from "../../../src/protocol/bytes.ts";
import type { SamlKey } from "../../../src/saml/signature.ts";
import { samlKey, sampleAssertion } from "./sample.ts";

interface Bindings {
  readonly SAML_KEY: string;
  readonly EACH: string;
}

let ready: { readonly key: SamlKey; readonly signedInfo: Uint8Array<ArrayBuffer> } | undefined;

async function prepare({ SAML_KEY: text }: Bindings): Promise<typeof ready & object> {
  const key = await samlKey(text);
  const [written = ""] = /<ds:SignedInfo>.*<\/ds:SignedInfo>/.exec(await sampleAssertion(key)) ?? [];
  return { key, signedInfo: bytesOf(written.replace("<ds:SignedInfo>", '<ds:SignedInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">')) };
}

export default {
  fetch: async (request, env) => {
    if (request.method === "GET") return new Response("ok");
    ready ??= await prepare(env);
    const { key, signedInfo } = ready;
    const isAssertion = new URL(request.url).pathname === "/assertion";
    for (let count = Number(env.EACH); count > 0; count--) await (isAssertion ? sampleAssertion(key) : crypto.subtle.sign("RSASSA-PKCS1-v1_5", key.key, signedInfo));
    return new Response("signed");
  },
} satisfies ExportedHandler<Bindings>;
