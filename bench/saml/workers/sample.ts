import { signedAssertion } from "../../../src/saml/assertion.ts";
import type { SamlKey } from "../../../src/saml/signature.ts";

/** The key of a binding: a private RSA key with its certificate, a JWK. */
export async function samlKey(text: string): Promise<SamlKey> {
  const { alg: _forSamlOnly, x5c, ...jwk } = JSON.parse(text) as JsonWebKey & { readonly alg: string; readonly x5c: readonly string[] };
  const key = await crypto.subtle.importKey("jwk", jwk, { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, false, ["sign"]);
  return { key, hash: "SHA-256", certificate: x5c[0] ?? "" };
}

/** An assertion as Cambio signs them: what the demo tenant's application is told about a user. */
export function sampleAssertion(key: SamlKey): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
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
      attributes: { first_name: ["Dona"], mail: ["dona.moore@example.com"], groups: ["employees", "managers", "travellers"], role: ["approver"] },
    },
    key,
  );
}
