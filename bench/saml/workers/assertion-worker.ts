// Cambio's own signing of assertions, alone; and the RSA signature that it cannot do without, over the same SignedInfo.
import { bytesOf } from "../../src/protocol/bytes.ts";
import { signedAssertion } from "../../src/saml/assertion.ts";
import type { SamlKey } from "../../src/saml/signature.ts";

interface Bindings {
  /** A private RSA key with its certificate, a JWK. */
  readonly SAML_KEY: string;
  readonly EACH: string;
}

interface Ready {
  readonly key: SamlKey;
  readonly signedInfo: Uint8Array<ArrayBuffer>;
}

let ready: Ready | undefined;

async function prepare({ SAML_KEY: text }: Bindings): Promise<Ready> {
  // The algorithm of the record is the certificate's purpose, not WebCrypto's word for it.
  const { alg, x5c, ...jwk } = JSON.parse(text) as JsonWebKey & { readonly alg: string; readonly x5c: readonly string[] };
  const privateKey = await crypto.subtle.importKey("jwk", jwk, { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, false, ["sign"]);
  const key: SamlKey = { key: privateKey, hash: "SHA-256", certificate: x5c[0] ?? "" };
  const [written = ""] = /<ds:SignedInfo>.*<\/ds:SignedInfo>/.exec(await assertion(key)) ?? [];
  const alone = written.replace("<ds:SignedInfo>", '<ds:SignedInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">');
  return { key, signedInfo: bytesOf(alone) };
}

// What the demo tenant's application is told about a user.
function assertion(key: SamlKey): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const attributes = { first_name: ["Dona"], mail: ["dona.moore@example.com"], groups: ["employees", "managers", "travellers"], role: ["approver"] };
  return signedAssertion(
    {
      id: `cambio_saml_${crypto.randomUUID()}`,
      issuer: "http://localhost:8787",
      audience: "http://localhost:8790/saml/metadata",
      recipient: "http://localhost:8790/saml/acs",
      nameId: "dona.moore@example.com",
      nameIdFormat: "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
      ...{ now, expires: now + 600, authTime: now - 60 },
      sessionIndex: `cambio_sid_${crypto.randomUUID()}`,
      attributes,
    },
    key,
  );
}

export default {
  fetch: async (request, env) => {
    if (request.method === "GET") return new Response("ok");
    ready ??= await prepare(env);
    const { key, signedInfo } = ready;
    const isAssertion = new URL(request.url).pathname === "/assertion";
    for (let count = Number(env.EACH); count > 0; count--) await (isAssertion ? assertion(key) : crypto.subtle.sign("RSASSA-PKCS1-v1_5", key.key, signedInfo));
    return new Response("signed");
  },
} satisfies ExportedHandler<Bindings>;
