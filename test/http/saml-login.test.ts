import { reset } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { bytesOf, toBase64url } from "../../src/protocol/bytes.ts";
import { GRANT_TYPE } from "../../src/protocol/names.ts";
import type { AssertionFacts } from "../../src/saml/assertion.ts";
import { stopClock } from "../faults.ts";
import { resigned, responseOf, samlFacts } from "../saml/idp.ts";
import { type Arrived, cookiesOf, ISSUER, payloadOf, redeem, type TenantFileInput, WEB_CALLBACK, type World } from "../world.ts";
import { authorizeQuery } from "./login-steps.ts";
import { ACS, type Begun, begin, federated, idOf, post, responseTo, SSO } from "./saml-login-steps.ts";
import { certificatesOf, changeClient } from "./saml-steps.ts";

beforeEach(async () => {
  await reset();
  stopClock();
});
afterEach(() => void vi.useRealTimers());

describe("a login at a corporate SAML identity provider", () => {
  it("asks by a signed request, and takes the Response that answers it for a login", async () => {
    const w = await federated();
    const begun = await begin(w);
    expect(begun.url.href).toMatch(SSO);
    expect(begun.request).toMatch(/^<samlp:AuthnRequest .*AssertionConsumerServiceURL="http:\/\/localhost:8787\/saml2\/sp\/acs" Destination="https:\/\/saml-idp.example.com\/sso"/);
    expect(await isSigned(w, begun.url)).toBe(true);
    const response = await responseTo(begun);
    // Another site's post brings no cookie: the page posts it again.
    const page = await post(w, { ...begun, cookie: "" }, response, {});
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('name="again"')]);
    const answer = await post(w, begun, response);
    const location = new URL(answer.headers.get("location") ?? "http://nowhere/");
    expect(location.href, w.lines.at(-1)).toMatch(WEB_CALLBACK);
    const arrived: Arrived = { code: location.searchParams.get("code") ?? "", verifier: begun.verifier, redirectUri: WEB_CALLBACK, cookie: cookiesOf(answer), location };
    const tokens = (await (await redeem(w, "web-app", arrived)).json()) as { id_token: string };
    expect(payloadOf(tokens.id_token)).toMatchObject({ preferred_username: "jo.doe", email: "jo@example.com", idp: "corp-saml" });
    // The session goes on without the IdP.
    const again = await w.fetch(`/oauth2/authorize?${(await authorizeQuery("web-app")).query}`, { headers: { cookie: arrived.cookie } });
    expect(again.headers.get("location")).toMatch(`${WEB_CALLBACK}?code=`);
  });

  it("sends users there by default where the tenant says so, and asks again where the application does", async () => {
    const w = await federated((file) => Object.assign(file, { defaultIdentityProvider: "corp-saml" }));
    const { query } = await authorizeQuery("web-app", { prompt: "login" });
    const location = (await w.fetch(`/oauth2/authorize?${query}`)).headers.get("location") ?? "";
    const deflated = Uint8Array.fromBase64(new URL(location).searchParams.get("SAMLRequest") ?? "");
    expect(await new Response(new Blob([deflated]).stream().pipeThrough(new DecompressionStream("deflate-raw"))).text()).toContain('ForceAuthn="true"');
  });

  it.each<[string, Partial<AssertionFacts>]>([
    ["answers another request", { inResponseTo: "_another" }],
    ["answers none", { inResponseTo: undefined as unknown as string }],
    ["is to be presented at the token endpoint", { recipient: `${ISSUER}/oauth2/token` }],
    ["is for somebody else", { audience: "https://elsewhere.example.com" }],
    ["is of another issuer", { issuer: "https://other-idp.example.com/metadata" }],
  ])("refuses a Response that %s", async (_name, changes) => {
    const w = await federated();
    const begun = await begin(w);
    const answer = await post(w, begun, await responseTo(begun, changes));
    expect(new URL(answer.headers.get("location") ?? "http://nowhere/").searchParams.get("error")).toBe("server_error");
    expect(w.lines.at(-1)).toContain("idp_response_invalid");
  });

  it.each(["A", "AAAAA", "AAAA=", "AA=A", "===="])("tells the application that a Response is none that is no base64: %j", async (text) => {
    const w = await federated();
    const begun = await begin(w);
    const answer = await w.post("/saml2/sp/acs", { SAMLResponse: text, RelayState: begun.relayState, again: "1" }, undefined, { cookie: begun.cookie });
    expect([answer.status, new URL(answer.headers.get("location") ?? "http://nowhere/").searchParams.get("error")]).toEqual([303, "server_error"]);
    expect(JSON.parse(w.lines.at(-1) ?? "")).toMatchObject({ reason: "idp_response_invalid", note: "base64" });
    // In a browser that has not begun it, no application hears of it.
    expect((await w.post("/saml2/sp/acs", { SAMLResponse: text, RelayState: begun.relayState, again: "1" })).status).toBe(400);
  });

  it("SAM-36 SAM-37 refuses a Response for elsewhere, one that comes twice, in another browser, or that nobody asked for", async () => {
    const w = await federated();
    const begun = await begin(w);
    const response = await responseTo(begun);
    expect((await post(w, { ...begun, cookie: "" }, response)).status).toBe(400);
    expect((await post(w, { ...begun, relayState: "corp-saml.unknown" }, response)).status).toBe(400);
    expect((await post(w, { ...begun, relayState: begun.relayState.replace("corp-saml", "corp") }, response)).status).toBe(400);
    expect((await post(w, begun, response)).status).toBe(303);
    expect((await post(w, begun, response)).status).toBe(400);
    const [empty, other] = [await begin(w), await begin(w)];
    const refusedFor = async (one: Begun, destination: string) => {
      await post(w, one, (await responseTo(one)).replace("<samlp:Response ", `<samlp:Response Destination="${destination}" `));
      return w.lines.at(-1);
    };
    expect(await refusedFor(empty, "")).toContain("destination");
    expect(await refusedFor(other, "https://elsewhere.example.com/acs")).toContain("destination");
  });

  it("SAM-37 takes an assertion once wherever it may be presented: one for a login and for a grant is good for one of them", async () => {
    const w = await federated((file) => changeClient(file, "web-app", { grants: ["authorization_code", "token_exchange", "saml2_bearer"], subjectIssuers: ["corp-saml"] }));
    const forBoth = async (begun: Begun) => {
      const facts = samlFacts({ recipient: ACS, inResponseTo: idOf(begun.request) });
      return await resigned((xml) => xml.replace(/(<saml:SubjectConfirmation .*<\/saml:SubjectConfirmation>)/, (one) => one + forGrant(one)), facts);
    };
    const forGrant = (one: string) => one.replace(/ InResponseTo="[^"]*"/, "").replace(/Recipient="[^"]*"/, `Recipient="${ISSUER}/oauth2/token"`);
    const bear = async (xml: string) =>
      (await w.post("/oauth2/token", { grant_type: GRANT_TYPE.saml2_bearer, assertion: toBase64url(bytesOf(xml)) }, ["web-app", "web-app-secret"])).status;
    const [first, second] = [await begin(w), await begin(w)];
    const [atLogin, atGrant] = [await forBoth(first), await forBoth(second)];
    expect((await post(w, first, responseOf(atLogin))).status).toBe(303);
    expect(await bear(atLogin)).toBe(400);
    expect(await bear(atGrant)).toBe(200);
    const refused = await post(w, second, responseOf(atGrant));
    expect([refused.status, w.lines.at(-1)?.includes("idp_response_invalid")]).toEqual([303, true]);
  });

  it("sends nobody to an IdP that is disabled, has no such address, or that the application does not use", async () => {
    const errorOf = async (w: World) => {
      const { query } = await authorizeQuery("web-app", { idp: "corp-saml" });
      return new URL((await w.fetch(`/oauth2/authorize?${query}`)).headers.get("location") ?? "http://nowhere/").searchParams.get("error");
    };
    const change = (changes: object) => (file: TenantFileInput) =>
      Object.assign((file as unknown as { samlIdentityProviders: Record<string, object> }).samlIdentityProviders["corp-saml"] ?? {}, changes);
    expect(await errorOf(await federated(change({ disabled: true })))).toBe("access_denied");
    expect(await errorOf(await federated((file) => changeClient(file, "web-app", { identityProviders: ["corp"] })))).toBe("invalid_request");
    expect(await errorOf(await federated(change({ ssoUrl: undefined })))).toBe("invalid_request");
  });
});

// The signature of the redirect binding stands over the query as it is written.
async function isSigned(w: World, url: URL): Promise<boolean> {
  const [certificate = ""] = await certificatesOf(w);
  const { X509Certificate } = await import("node:crypto");
  const pem = new X509Certificate(Uint8Array.fromBase64(certificate)).publicKey.export({ format: "pem", type: "spki" });
  const spki = Uint8Array.fromBase64(pem.replace(/-----[A-Z ]+-----|\s/g, ""));
  const key = await crypto.subtle.importKey("spki", spki, { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, false, ["verify"]);
  const [signed = "", signature = ""] = url.search.slice(1).split("&Signature=");
  return await crypto.subtle.verify("RSASSA-PKCS1-v1_5", key, Uint8Array.fromBase64(decodeURIComponent(signature)), bytesOf(signed));
}
