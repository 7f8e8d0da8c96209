import { env } from "cloudflare:workers";
import { type AssertionFacts, signedAssertion } from "../../src/saml/assertion.ts";
import { type SamlHash, type SamlKey, signElement } from "../../src/saml/signature.ts";

/** The issuer of the corporate SAML IdP that tests play. */
export const SAML_IDP = "https://saml-idp.example.com/metadata";

/** One of the two keys of the run, with its certificate: that of the IdP, and that of somebody else. */
export async function samlKey(which: "own" | "other" = "own", hash: SamlHash = "SHA-256"): Promise<SamlKey> {
  const jwks = JSON.parse((env as unknown as { readonly TEST_SAML_KEYS: string }).TEST_SAML_KEYS) as (JsonWebKey & { readonly x5c: readonly string[] })[];
  const { x5c, alg: _alg, ...jwk } = jwks[which === "own" ? 0 : 1] as (typeof jwks)[0];
  const key = await crypto.subtle.importKey("jwk", jwk, { name: "RSASSA-PKCS1-v1_5", hash }, false, ["sign"]);
  return { key, hash, certificate: x5c[0] ?? "" };
}

/** What the IdP says of a user, at the token endpoint of the demo tenant unless `changes` say otherwise. */
export function samlFacts(changes: Partial<AssertionFacts> = {}): AssertionFacts {
  const now = Math.floor(Date.now() / 1000);
  return {
    id: `_${crypto.randomUUID()}`,
    issuer: SAML_IDP,
    audience: "http://localhost:8787",
    recipient: "http://localhost:8787/oauth2/token",
    nameId: "admin@example.com",
    nameIdFormat: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
    now,
    expires: now + 300,
    authTime: now - 5,
    sessionIndex: "s-1",
    attributes: { mail: ["admin@example.com"], groups: ["employees", "admins"] },
    ...changes,
  };
}

/** A genuine assertion of the IdP. */
export async function genuine(changes: Partial<AssertionFacts> = {}): Promise<string> {
  return await signedAssertion(samlFacts(changes), await samlKey());
}

/** Wraps whatever it is given in a Response that is not signed. */
export function responseOf(content: string, status = "urn:oasis:names:tc:SAML:2.0:status:Success", second = ""): string {
  return `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_response" Version="2.0"><samlp:Status><samlp:StatusCode Value="${status}">${second}</samlp:StatusCode></samlp:Status>${content}</samlp:Response>`;
}

/** An assertion taken apart: the text without its signature, and the signature. */
export function apart(assertion: string): { readonly unsigned: string; readonly signature: string } {
  const [signature = ""] = /<ds:Signature .*<\/ds:Signature>/.exec(assertion) ?? [];
  return { unsigned: assertion.replace(signature, ""), signature };
}

/** A genuine assertion that was changed before it was signed; `signedId`: what its signature refers to. */
export async function resigned(change: (xml: string) => string, facts = samlFacts(), signedId = facts.id): Promise<string> {
  const { unsigned } = apart(await genuine(facts));
  const xml = change(unsigned);
  if (xml === unsigned) throw new Error("the case changes nothing");
  const at = Math.max(0, xml.indexOf("</saml:Issuer>")) + "</saml:Issuer>".length;
  return await signElement(xml.slice(0, at), xml.slice(at), signedId, await samlKey());
}

/** The same assertion about somebody else, under another ID. */
export function evil(unsigned: string): string {
  return unsigned.replaceAll("admin@example.com", "evil@example.com").replace(/ ID="[^"]+"/, ' ID="_evil"');
}
