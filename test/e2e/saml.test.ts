import { spawnSync } from "node:child_process";
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as client from "openid-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { selfSigned } from "../../cli/certificate.ts";
import { type RunningCambio, startCambio } from "../../cli/local/start-cambio.ts";
import { ROOT } from "../../cli/root.ts";
import { Browser, logIn } from "../../demo/browser.ts";

const REDIRECT_URI = "http://localhost:8789/callback";
const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const SAML2 = "urn:ietf:params:oauth:token-type:saml2";
const ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token";
const URN = "urn:sap:identity:application:provider:name:SAML2SSO";
const [ASSERTION, RESPONSE] = ["urn:oasis:names:tc:SAML:2.0:assertion:Assertion", "urn:oasis:names:tc:SAML:2.0:protocol:Response"];

const hasXmlsec = spawnSync("xmlsec1", ["--version"]).status === 0;

const IDP = "https://saml-idp.example.com/metadata";
const IDP_KEY = generateKeyPairSync("rsa", { modulusLength: 2048 });
const IDP_CERTIFICATE = selfSigned(IDP_KEY.privateKey, IDP_KEY.publicKey, "Partner").toString("base64");

/** The demo tenant, whose SAML application is also a client that trades assertions back; one more signs with SHA-512. */
function tenant(file: unknown): unknown {
  const { clients, permissions, ...rest } = file as { clients: Record<string, { saml: object }>; permissions: object[] };
  const application = clients["saml-sso"] ?? { saml: {} };
  const more = { ...application, resources: [], saml: { ...application.saml, entityId: "urn:example:sha512", signature: "RSA-SHA512" } };
  const receiver = {
    ...application,
    developmentSecret: "saml-sso-secret",
    grants: ["token_exchange", "saml2_bearer"],
    scopes: ["openid", "email"],
    subjectIssuers: ["partner-saml"],
  };
  const permission = { consumer: "web-app", provider: "saml-512", name: "SHA512", tokenTypes: ["saml2"] };
  const samlIdentityProviders = { "partner-saml": { entityId: IDP, certificates: [IDP_CERTIFICATE], attributes: { email: "mail" } } };
  return { ...rest, samlIdentityProviders, clients: { ...clients, "saml-sso": receiver, "saml-512": more }, permissions: [...permissions, permission] };
}

describe.runIf(hasXmlsec)("xmlsec1 (Debian), unmodified; where it is absent nothing here can be shown: apt-get install xmlsec1", () => {
  const folder = mkdtempSync(join(tmpdir(), "cambio-saml-"));
  const certificate = join(folder, "certificate.pem");
  let cambio: RunningCambio;
  let idToken = "";

  beforeAll(async () => {
    cambio = await startCambio({ port: 18_867, idpPort: 18_868, partnerPort: 18_968, fresh: true, tenant });
    idToken = await login(cambio.issuer);
    const printed = spawnSync(process.execPath, [join(ROOT, "cli", "cambio.ts"), "saml", "certificate", "--url", cambio.issuer], { encoding: "utf8" });
    writeFileSync(certificate, printed.stdout);
  }, 120_000);

  afterAll(async () => {
    await cambio?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test.each([
    ["RSA-SHA256", URN],
    ["RSA-SHA512", "urn:sap:identity:application:provider:name:SHA512"],
  ])("SIS-06 accepts an assertion signed with %s, by the certificate that the command line prints, and none that differs in a byte", async (_algorithm, resource) => {
    const { access_token } = await exchange({ requested_token_type: SAML2, resource });
    const xml = Buffer.from(access_token, "base64url").toString();
    expect(verify(xml, ASSERTION)).toBe(0);
    expect(verify(xml.replace("dona.moore", "dona.noore"), ASSERTION)).not.toBe(0);
  });

  test("SIS-06 accepts a Response for the header, and the assertion in it", async () => {
    const { access_token } = await exchange({ requested_token_type: "urn:sap:identity:oauth:token-type:saml2-header", resource: URN });
    const xml = Buffer.from(access_token, "base64").toString();
    expect(xml.match(/<ds:Signature /g)).toHaveLength(2);
    expect(verify(xml, RESPONSE)).toBe(0);
    expect(verify(xml, ASSERTION, "/*/*[local-name()='Assertion']/*[local-name()='Signature']")).toBe(0);
    expect(verify(xml.replace("status:Success", "status:Failure"), RESPONSE)).not.toBe(0);
  });

  test("SIS-08 an assertion comes back through the Worker that reads foreign XML, and becomes a token again", async () => {
    const { access_token } = await exchange({ requested_token_type: SAML2, resource: URN });
    const back = await exchange({ subject_token: access_token, subject_token_type: SAML2 }, "saml-sso");
    expect(back).toMatchObject({ token_type: "Bearer" });
  });

  test.each(["256", "512"])("takes an assertion of a corporate identity provider that xmlsec1 signed with RSA-SHA%s, indented, once", async (bits) => {
    const signed = sign(unsigned(bits));
    const body = () =>
      new URLSearchParams({ grant_type: "urn:ietf:params:oauth:grant-type:saml2-bearer", scope: "openid email", assertion: Buffer.from(signed).toString("base64url") });
    const headers = { authorization: `Basic ${btoa("saml-sso:saml-sso-secret")}` };
    const answer = await fetch(`${cambio.issuer}/oauth2/token`, { method: "POST", body: body(), headers });
    const tokens = (await answer.json()) as { readonly access_token: string };
    expect(answer.status, JSON.stringify(tokens)).toBe(200);
    const info = await fetch(`${cambio.issuer}/oauth2/userinfo`, { headers: { authorization: `Bearer ${tokens.access_token}` } });
    expect(await info.json()).toMatchObject({ email: "jo@partner.example.com" });
    expect((await fetch(`${cambio.issuer}/oauth2/token`, { method: "POST", body: body(), headers })).status).toBe(400);
  });

  // As other products write it: default namespaces, white space, an attribute with xsi:type and so a list of inclusive prefixes.
  function unsigned(bits: string): string {
    const instant = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();
    return `<?xml version="1.0" encoding="UTF-8"?>
<Assertion xmlns="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:xs="http://www.w3.org/2001/XMLSchema" ID="_${randomUUID()}" Version="2.0" IssueInstant="${instant(0)}">
  <Issuer>${IDP}</Issuer>
  <Signature xmlns="http://www.w3.org/2000/09/xmldsig#">
    <SignedInfo>
      <CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>
      <SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha${bits}"/>
      <Reference URI="#ID">
        <Transforms>
          <Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>
          <Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"><ec:InclusiveNamespaces xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="xs"/></Transform>
        </Transforms>
        <DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha${bits}"/>
        <DigestValue></DigestValue>
      </Reference>
    </SignedInfo>
    <SignatureValue/>
    <KeyInfo><KeyName>partner</KeyName></KeyInfo>
  </Signature>
  <Subject>
    <NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">jo</NameID>
    <SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">
      <SubjectConfirmationData NotOnOrAfter="${instant(300)}" Recipient="${cambio.issuer}/oauth2/token"/>
    </SubjectConfirmation>
  </Subject>
  <Conditions NotBefore="${instant(-60)}" NotOnOrAfter="${instant(300)}">
    <AudienceRestriction><Audience>${cambio.issuer}</Audience></AudienceRestriction>
  </Conditions>
  <AttributeStatement>
    <Attribute Name="mail"><AttributeValue xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string">jo@partner.example.com</AttributeValue></Attribute>
  </AttributeStatement>
</Assertion>`.replace(/(ID="(_[^"]+)"[\s\S]*?URI=")#ID/, "$1#$2");
  }

  function sign(xml: string): string {
    const [key, file, output] = ["idp.key", "unsigned.xml", "signed.xml"].map((name) => join(folder, name)) as [string, string, string];
    writeFileSync(key, IDP_KEY.privateKey.export({ format: "pem", type: "pkcs8" }));
    writeFileSync(file, xml);
    const { status, stderr } = spawnSync("xmlsec1", ["--sign", "--privkey-pem", key, "--id-attr:ID", ASSERTION, "--output", output, file], { encoding: "utf8" });
    expect(status, stderr).toBe(0);
    return readFileSync(output, "utf8");
  }

  async function login(issuer: string): Promise<string> {
    const config = await client.discovery(new URL(issuer), "web-app", undefined, client.ClientSecretBasic("web-app-secret"), { execute: [client.allowInsecureRequests] });
    const verifier = client.randomPKCECodeVerifier();
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: REDIRECT_URI,
      scope: "openid profile email groups",
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      state: "s",
    });
    const callback = await logIn(new Browser(), url, "dona.moore", REDIRECT_URI);
    const tokens = await client.authorizationCodeGrant(config, callback, { pkceCodeVerifier: verifier, expectedState: "s" });
    return tokens.id_token ?? "";
  }

  async function exchange(form: Record<string, string>, as = "web-app"): Promise<{ readonly access_token: string; readonly token_type: string }> {
    const body = new URLSearchParams({ grant_type: EXCHANGE, client_id: as, client_secret: `${as}-secret`, subject_token: idToken, subject_token_type: ID_TOKEN, ...form });
    const answer = await fetch(`${cambio.issuer}/oauth2/token`, { method: "POST", body });
    expect(answer.status, JSON.stringify(await answer.clone().text())).toBe(200);
    return (await answer.json()) as { readonly access_token: string; readonly token_type: string };
  }

  function verify(xml: string, element: string, signature?: string): number | null {
    const file = join(folder, "document.xml");
    writeFileSync(file, xml);
    const which = signature === undefined ? [] : ["--node-xpath", signature];
    return spawnSync("xmlsec1", ["--verify", "--pubkey-cert-pem", certificate, "--enabled-key-data", "rsa", "--id-attr:ID", element, ...which, file]).status;
  }
});
