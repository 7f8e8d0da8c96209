import { X509Certificate } from "node:crypto";
import type { TenantFile } from "../src/tenants/tenant.ts";
import type { Finding } from "./identity-providers.ts";

const RSA_BITS = 2048;

/** Looks at the certificates of one SAML identity provider, as its record holds them: it has no document to fetch. */
export function checkSamlProvider(alias: string, { entityId, ssoUrl, certificates }: TenantFile["samlIdentityProviders"][string], now: number = Date.now()): Finding {
  const looked = certificates.map((base64) => checkCertificate(base64, now));
  const found = [ssoUrl === undefined ? "users are not sent there: it has no ssoUrl" : `login: ${ssoUrl}`, ...looked.map(({ line }) => line)];
  return { alias, issuer: entityId, ok: looked.some(({ ok }) => ok), found };
}

function checkCertificate(base64: string, now: number): { readonly ok: boolean; readonly line: string } {
  try {
    const { subject, validTo, publicKey } = new X509Certificate(Buffer.from(base64, "base64"));
    const { modulusLength = 0 } = publicKey.asymmetricKeyDetails ?? {};
    const name = `certificate: ${subject.replaceAll("\n", ", ")}`;
    if (publicKey.asymmetricKeyType !== "rsa" || modulusLength < RSA_BITS) return { ok: false, line: `${name} has no RSA key of ${RSA_BITS} bit or more` };
    // The key is trusted because the record names it; an old date is a sign of an old record.
    return { ok: true, line: `${name}, RSA ${modulusLength}, ${Date.parse(validTo) <= now ? `expired on ${validTo}: is there a newer one?` : `until ${validTo}`}` };
  } catch {
    return { ok: false, line: "certificate: one of them cannot be read" };
  }
}
