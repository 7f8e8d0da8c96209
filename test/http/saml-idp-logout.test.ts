import { describe, expect, it } from "vitest";
import { bytesOf } from "../../src/protocol/bytes.ts";
import type { AssertionFacts } from "../../src/saml/assertion.ts";
import { redirectUrl } from "../../src/saml/redirect.ts";
import { signElement } from "../../src/saml/signature.ts";
import { demoTenant } from "../demo-tenant.ts";
import { familiesDown, stopClock, stoppedClock } from "../faults.ts";
import { SAML_IDP, samlKey } from "../saml/idp.ts";
import { cookiesOf, ISSUER, introspect, redeem, type TenantFileInput, WEB_CALLBACK, type World } from "../world.ts";
import { begin, federated, post, responseTo } from "./saml-login-steps.ts";
import { type AskedLogout, logoutRequest, logoutResponse, logoutUrl, signedMessage } from "./saml-logout-steps.ts";
import { authnRequest } from "./saml-steps.ts";

stoppedClock();

const SLO = `${ISSUER}/saml2/sp/slo`;
const IDP_SLO = "https://saml-idp.example.com/slo";

function withSlo(changes: object = {}) {
  return (file: TenantFileInput) => {
    const idps = (file as unknown as { samlIdentityProviders: Record<string, object> }).samlIdentityProviders;
    Object.assign(idps["corp-saml"] ?? {}, { slo: { location: IDP_SLO }, ...changes });
  };
}

interface LoggedIn {
  readonly token: string;
  readonly idToken: string;
  readonly cookie: string;
}

/** A login at the SAML IdP, in a browser of its own. */
async function logIn(w: World, changes: Partial<AssertionFacts> = {}): Promise<LoggedIn> {
  const begun = await begin(w);
  const answer = await post(w, begun, await responseTo(begun, changes));
  const location = new URL(answer.headers.get("location") ?? "http://nowhere/");
  const cookie = cookiesOf(answer);
  const arrived = { code: location.searchParams.get("code") ?? "", verifier: begun.verifier, redirectUri: WEB_CALLBACK, cookie, location };
  const tokens = (await (await redeem(w, "web-app", arrived)).json()) as { readonly access_token: string; readonly id_token: string };
  return { token: tokens.access_token, idToken: tokens.id_token, cookie };
}

const isAlive = async (w: World, { token }: { readonly token: string }) => (await introspect(w, "web-app", token)).active;
const asking = (changes: Partial<AskedLogout> = {}): AskedLogout => ({ destination: SLO, issuer: SAML_IDP, nameId: "u-7", sessionIndexes: ["s-1"], ...changes });

/** What the IdP is answered when it sends the browser. */
async function say(w: World, changes: Partial<AskedLogout> = {}): Promise<string> {
  const answer = await w.fetch(await logoutUrl(asking(changes)));
  expect(answer.status, w.lines.at(-1)).toBe(303);
  return await logoutResponse(w, answer.headers.get("location") ?? "", IDP_SLO);
}

describe("single logout at a corporate SAML identity provider", () => {
  it("ends the login that came of that session, no other one and nobody else's, and is answered with a signed LogoutResponse", async () => {
    const w = await federated(withSlo());
    const [hers, other, another] = [await logIn(w), await logIn(w, { sessionIndex: "s-2" }), await logIn(w, { nameId: "u-8" })];
    const response = await say(w);
    expect(response).toContain('InResponseTo="_logout-1"');
    expect(response).toContain(`Destination="${IDP_SLO}"`);
    expect(response).toContain("status:Success");
    expect([await isAlive(w, hers), await isAlive(w, other), await isAlive(w, another)]).toEqual([false, true, true]);
    // The same again is answered the same, and ends nothing that came later.
    expect(await say(w)).toContain("status:Success");
    expect(await say(w, { attributes: { ID: "_logout-2" }, sessionIndexes: ["unknown", "s-2"] })).toContain("status:Success");
    expect([await isAlive(w, other), await isAlive(w, another)]).toEqual([false, true]);
  });

  it("ends all of the user's sessions where it names none; and goes where answers go", async () => {
    const w = await federated(withSlo({ slo: { location: "https://saml-idp.example.com/ask", responseLocation: IDP_SLO } }));
    const [one, two, another] = [await logIn(w), await logIn(w, { sessionIndex: "s-2" }), await logIn(w, { nameId: "u-8" })];
    expect(await say(w, { sessionIndexes: [] })).toContain("status:Success");
    expect([await isAlive(w, one), await isAlive(w, two), await isAlive(w, another)]).toEqual([false, false, true]);
  });

  it("is taken by POST, signed within", async () => {
    const w = await federated(withSlo());
    const hers = await logIn(w);
    const [head, tail] = logoutRequest(asking());
    const send = (xml: string) => w.post("/saml2/sp/slo", { SAMLRequest: bytesOf(xml).toBase64(), RelayState: "r-1" });
    for (const xml of [head + tail, await signElement(head, tail, "_logout-1", await samlKey("other"))]) expect((await send(xml)).status).toBe(400);
    const answer = await send(await signElement(head, tail, "_logout-1", await samlKey()));
    expect(await logoutResponse(w, answer.headers.get("location") ?? "", IDP_SLO)).toContain("status:Success");
    expect(await isAlive(w, hers)).toBe(false);
  });

  it("refuses what is not signed by the IdP, for us, now; and ends nothing", async () => {
    const w = await federated(withSlo());
    const hers = await logIn(w);
    const good = await logoutUrl(asking());
    const family: Record<string, string> = {
      unsigned: good.replace(/&SigAlg=.*/, ""),
      "the key of another": await logoutUrl(asking(), "other"),
      "another RelayState": good.replace("RelayState=r-1", "RelayState=r-2"),
      "an IdP that is not registered": await logoutUrl(asking({ issuer: "https://elsewhere.example.com/metadata" })),
      "another destination": await logoutUrl(asking({ attributes: { Destination: `${ISSUER}/saml2/idp/slo` } })),
      "no instant of now": await logoutUrl(asking({ attributes: { IssueInstant: "2020-01-01T00:00:00Z" } })),
      "an end that has passed": await logoutUrl(asking({ attributes: { NotOnOrAfter: "2020-01-01T00:00:00Z" } })),
      "an AuthnRequest": await redirectUrl(SLO, { SAMLRequest: authnRequest({ Destination: SLO }, SAML_IDP) }, "r-1", await samlKey()),
      "a LogoutRequest for applications": good.replace("/saml2/sp/slo", "/saml2/idp/slo"),
    };
    for (const [name, url] of Object.entries(family)) {
      const answer = await w.fetch(url, { headers: { cookie: hers.cookie } });
      expect([name, answer.status, answer.headers.get("location")]).toEqual([name, 400, null]);
      expect(w.lines.at(-1), name).toContain("saml_request_refused");
    }
    expect(await isAlive(w, hers)).toBe(true);
  });

  it("is 503 while a session cannot be reached, and the same request ends it then", async () => {
    const w = await federated(withSlo());
    const hers = await logIn(w);
    const up = familiesDown();
    const answer = await w.fetch(await logoutUrl(asking()));
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "2"]);
    up();
    expect(await say(w)).toContain("status:Success");
    expect(await isAlive(w, hers)).toBe(false);
  });

  it("is for an IdP whose record has a single logout service, also while it is switched off: what it began may end", async () => {
    let file: object = {};
    const w = await federated((made) => {
      file = made;
    });
    const hers = await logIn(w);
    expect((await w.fetch(await logoutUrl(asking()))).status).toBe(400);
    expect(await isAlive(w, hers)).toBe(true);
    withSlo({ disabled: true })(file as TenantFileInput);
    expect((await w.apply(file)).status).toBe(200);
    expect(await say(w)).toContain("status:Success");
    expect(w.lines.at(-1)).toContain("logout of a session");
  });
});

describe("a logout at Cambio", () => {
  const HOME = "http://localhost:8789/";
  const logOut = async (w: World, { idToken, cookie }: LoggedIn) =>
    await w.fetch(`/oauth2/logout?${new URLSearchParams({ id_token_hint: idToken, post_logout_redirect_uri: HOME, state: "bye" })}`, { headers: { cookie } });

  it("continues at the IdP by a signed LogoutRequest that names user and session, and comes back to the application", async () => {
    const w = await federated(withSlo({ logout: true }));
    const answer = await logOut(w, await logIn(w));
    const { relayState, message: request } = await signedMessage(w, answer.headers.get("location") ?? "", IDP_SLO);
    expect(request).toMatch(/^<samlp:LogoutRequest [^>]*Destination="https:\/\/saml-idp.example.com\/slo"/);
    expect(request).toContain('Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">u-7</saml:NameID><samlp:SessionIndex>s-1</samlp:SessionIndex>');
    expect(relayState).toMatch(/^[\w-]{22}$/);
    const cookie = cookiesOf(answer);
    const back = (jar: string, state = relayState) =>
      w.fetch(`/saml2/sp/slo?${new URLSearchParams({ SAMLResponse: "whatever it says", RelayState: state })}`, { headers: { cookie: jar } });
    const home = await back(cookie);
    expect([home.status, home.headers.get("location"), home.headers.get("set-cookie")]).toEqual([303, `${HOME}?state=bye`, expect.stringMatching(/logout_.*Max-Age=0/)]);
    // By POST from the IdP's page no cookie comes: the browser comes again, and then it does.
    const posted = await w.post("/saml2/sp/slo", { SAMLResponse: "whatever it says", RelayState: relayState });
    expect([posted.status, posted.headers.get("location")]).toEqual([303, `${SLO}?RelayState=${relayState}`]);
    for (const elsewhere of [await back(""), await back(cookie, "another")]) expect([elsewhere.status, elsewhere.headers.get("location")]).toEqual([200, null]);
    stopClock().forward(600);
    expect((await back(cookie)).status).toBe(200);
  });

  it.each<[string, object]>([
    ["does not say so", {}],
    ["says so, of an IdP that is switched off since", { logout: true, disabled: true }],
  ])("ends here where the record %s", async (_name, changes) => {
    let file: object = {};
    const w = await federated((made) => {
      withSlo({ ...changes, disabled: false })(made);
      file = made;
    });
    const hers = await logIn(w);
    withSlo(changes)(file as TenantFileInput);
    expect((await w.apply(file)).status).toBe(200);
    expect((await logOut(w, hers)).headers.get("location")).toBe(`${HOME}?state=bye`);
  });

  it("can continue at an IdP alone whose record has a single logout service", async () => {
    const w = await federated(withSlo());
    const { certificate } = await samlKey();
    const samlIdentityProviders = { "corp-saml": { entityId: SAML_IDP, certificates: [certificate], logout: true } };
    const { problems } = (await (await w.apply({ ...demoTenant(), samlIdentityProviders }, "?dry_run=true")).json()) as { readonly problems?: readonly object[] };
    expect(problems).toEqual([{ path: "samlIdentityProviders.corp-saml.slo", message: "logout needs it" }]);
  });
});
