import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { newPrivateJwk } from "../../cli/jwk.ts";
import { SamlIdentityProvider } from "../../src/tenants/saml-identity-provider.ts";
import { inProcess } from "./run-cli.ts";

const folder = mkdtempSync(join(tmpdir(), "cambio-saml-"));
afterAll(() => rmSync(folder, { recursive: true }));

const [signing = "", other = "", encryption = ""] = ["a", "b", "c"].map(() => newPrivateJwk("SAML").x5c?.[0] ?? "");
const key = (certificate: string, use = "") =>
  `<md:KeyDescriptor${use}><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>\n${certificate.replace(/(.{64})/g, "$1\n")}\n</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`;
const METADATA = `<?xml version="1.0"?>
<!-- of the partner -->
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example.com/metadata">
  <md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    ${key(signing, ' use="signing"')}${key(other)}${key(encryption, ' use="encryption"')}
    <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.example.com/post"/>
    <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example.com/redirect"/>
  </md:IDPSSODescriptor>
</md:EntityDescriptor>`;

async function imported(text: string) {
  const file = join(folder, "metadata.xml");
  writeFileSync(file, text);
  return await inProcess(["saml", "import", file]);
}

describe("saml import", () => {
  test("SAM-40 prints what a tenant file takes: keys for signing, one without a use among them, and where users log in", async () => {
    const { status, stdout } = await imported(METADATA);
    expect(status).toBe(0);
    const record = JSON.parse(stdout);
    expect(record).toEqual({ entityId: "https://idp.example.com/metadata", ssoUrl: "https://idp.example.com/redirect", certificates: [signing, other] });
    expect(SamlIdentityProvider.parse(record)).toMatchObject(record);
  });

  test("prints the single logout service, and where its answers go, if they go elsewhere", async () => {
    const withSlo = async (attributes: string) => {
      const service = `<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example.com/slo"${attributes}/>`;
      const { stdout } = await imported(METADATA.replace("<md:SingleSignOnService", `${service}<md:SingleSignOnService`));
      return SamlIdentityProvider.parse(JSON.parse(stdout)).slo;
    };
    expect(await withSlo("")).toEqual({ location: "https://idp.example.com/slo" });
    expect(await withSlo(' ResponseLocation="https://idp.example.com/answer"')).toEqual({
      location: "https://idp.example.com/slo",
      responseLocation: "https://idp.example.com/answer",
    });
  });

  test.each([
    ["several identity providers", METADATA.replace(/(<md:IDPSSODescriptor[\s\S]*<\/md:IDPSSODescriptor>)/, "$1$1"), "describes 2 identity providers"],
    ["an application", METADATA.replaceAll("IDPSSODescriptor", "SPSSODescriptor"), "describes 0 identity providers"],
    ["no certificate", METADATA.replaceAll(/<md:KeyDescriptor[\s\S]*<\/md:KeyDescriptor>/g, ""), "no certificate"],
    ["a DOCTYPE", `<!DOCTYPE a>${METADATA}`, "not well-formed"],
    ["no XML", "metadata", "not well-formed"],
  ])("refuses %s", async (_name, text, sentence) => {
    expect(await imported(text)).toMatchObject({ status: 1, stdout: "", stderr: expect.stringContaining(sentence) });
  });
});
