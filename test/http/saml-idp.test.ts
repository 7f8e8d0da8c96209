import { reset } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { bytesOf } from "../../src/protocol/bytes.ts";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { type Clock, stopClock } from "../faults.ts";
import { changed, cookiesOf, exchange, payloadOf, type World, world } from "../world.ts";
import { ACS, askSso as ask, authnRequest, changeClient, ENTITY, follow, posted, SSO, verified } from "./saml-steps.ts";

let clock: Clock;
beforeEach(async () => {
  await reset();
  clock = stopClock();
});
afterEach(() => void vi.useRealTimers());

/** Ends the browser's session, by a click. */
async function logOut(w: World, cookie: string): Promise<void> {
  const page = await (await w.fetch("/oauth2/logout", { headers: { cookie } })).text();
  const confirm = /name="confirm" value="([^"]*)"/.exec(page)?.[1] ?? "";
  expect((await w.post("/oauth2/logout", { confirm }, undefined, { cookie })).status).toBeLessThan(400);
}

describe("Cambio as a SAML identity provider", () => {
  it("logs a user in at the corporate IdP and posts a Response that answers the application's request", async () => {
    const w = await world();
    const { answer } = await follow(w, await ask(w, authnRequest({ AssertionConsumerServiceURL: ACS, Destination: SSO }), "", { RelayState: "r-1" }));
    expect(answer.status, w.lines.at(-1)).toBe(200);
    expect(answer.headers.get("content-security-policy")).toContain("form-action http:");
    const { acs, response, relayState } = await posted(answer);
    expect([acs, relayState]).toEqual([ACS, "r-1"]);
    expect(response).toContain(`Destination="${ACS}"`);
    expect(response).toContain('InResponseTo="_request-1"');
    expect(await verified(w, response, "response")).toMatchObject({
      nameId: "dona.moore@example.com",
      audiences: [[ENTITY]],
      confirmations: [{ recipient: ACS, inResponseTo: "_request-1" }],
      sessionIndex: expect.stringMatching(/^cambio_sid_/),
    });
  });

  it("takes a posted request too, and the session of an earlier login without the corporate IdP", async () => {
    const w = await world();
    const first = await follow(w, await ask(w, authnRequest()));
    const logins = w.idp.requests.length;
    const begun = await w.post("/saml2/idp/sso", { SAMLRequest: bytesOf(authnRequest({ ID: "_request-2" })).toBase64() });
    expect(begun.status).toBe(303);
    const second = await follow(w, begun, "nobody", first.cookie);
    expect((await posted(second.answer)).response).toContain('InResponseTo="_request-2"');
    expect(w.idp.requests.length).toBe(logins);
    // ForceAuthn asks the corporate IdP again.
    const forced = await ask(w, authnRequest({ ForceAuthn: "true" }), first.cookie);
    expect(forced.headers.get("location")).toMatch(w.idp.issuer);
  });

  it("says that nobody is logged in where the application must not show a page", async () => {
    const w = await world();
    const { answer } = await follow(w, await ask(w, authnRequest({ IsPassive: "true" })));
    const { response } = await posted(answer);
    expect(response).toContain("status:Responder");
    expect(response).not.toContain("Assertion");
  });

  it("says so too where the user would have to log in anew and the application must not show a page: an old session is no new login", async () => {
    const w = await world();
    const { cookie } = await follow(w, await ask(w, authnRequest()));
    const silent = await follow(w, await ask(w, authnRequest({ IsPassive: "true" }), cookie), "dona.moore", cookie);
    expect((await posted(silent.answer)).response).toContain("status:Success");
    clock.forward(1);
    const both = await follow(w, await ask(w, authnRequest({ IsPassive: "true", ForceAuthn: "true" }), cookie), "dona.moore", cookie);
    const { response } = await posted(both.answer);
    expect([response.includes("status:Responder"), response.includes("Assertion>")]).toEqual([true, false]);
  });

  it("gives an assertion that is a node of the login: it ends with the session, and counts as a subject token", async () => {
    const w = await world({ tenant: (file) => changeClient(file, "saml-sso", { developmentSecret: "saml-sso-secret", grants: ["token_exchange"], scopes: ["openid", "email"] }) });
    const { answer, cookie } = await follow(w, await ask(w, authnRequest()));
    const [assertion = ""] = /<saml:Assertion .*<\/saml:Assertion>/.exec((await posted(answer)).response) ?? [];
    const subject = { subject_token: bytesOf(assertion).toBase64({ alphabet: "base64url", omitPadding: true }), subject_token_type: TOKEN_TYPE.saml2 };
    const given = await exchange(w, "saml-sso", subject);
    expect(given.status, w.lines.at(-1)).toBe(200);
    await logOut(w, cookie);
    expect(await exchange(w, "saml-sso", subject)).toMatchObject({ status: 400, body: { error: "invalid_request" } });
  });

  it("SAM-43 lets the application trade the session itself, as long as it lives: no other client, no other kind of token, not the public", async () => {
    const change = { developmentSecret: "saml-sso-secret", grants: ["token_exchange"], scopes: ["openid", "email"] };
    const w = await world({ tenant: (file) => changeClient(file, "saml-sso", change) });
    const { answer, cookie } = await follow(w, await ask(w, authnRequest()));
    const { sessionIndex = "" } = await verified(w, (await posted(answer)).response, "response");
    const trade = (client: string, text = sessionIndex) => exchange(w, client, { subject_token: text, subject_token_type: TOKEN_TYPE.saml2_session, token_format: "jwt" });
    const given = await trade("saml-sso");
    expect(given.status, JSON.stringify([given.body, w.lines.at(-1)])).toBe(200);
    const token = String(given.body.access_token);
    expect(payloadOf(token)).toMatchObject({ aud: "saml-sso", sub: "dona.moore@example.com", scope: "openid" });
    const refused = { status: 400, body: { error: "invalid_request" } };
    expect(await trade("web-app")).toMatchObject(refused);
    expect(await trade("mobile-app")).toMatchObject(refused);
    expect(await trade("saml-sso", token)).toMatchObject(refused);
    expect(await trade("saml-sso", changed(sessionIndex))).toMatchObject(refused);
    await logOut(w, cookie);
    expect(await trade("saml-sso")).toMatchObject(refused);
  });

  it.each([
    ["an application that is not registered", authnRequest({}, "https://elsewhere.example.com/metadata")],
    ["another consumer service", authnRequest({ AssertionConsumerServiceURL: "https://evil.example.com/acs" })],
    ["SAM-36 another destination", authnRequest({ Destination: "https://elsewhere.example.com/sso" })],
    ["a request of an hour ago", authnRequest({ IssueInstant: "2020-01-01T00:00:00Z" })],
    ["no request", "<saml:Assertion xmlns:saml='urn:oasis:names:tc:SAML:2.0:assertion'></saml:Assertion>"],
    ["SAM-11 a DOCTYPE", `<!DOCTYPE a>${authnRequest()}`],
    ["SAM-41 a deflate bomb", " ".repeat(2_000_000)],
  ])("refuses %s on a page of its own, and sends the browser nowhere", async (_name, xml) => {
    const w = await world();
    const answer = await ask(w, xml);
    expect([answer.status, answer.headers.get("location")]).toEqual([400, null]);
    expect(w.lines.at(-1)).toContain("saml_request_refused");
  });

  it("refuses a code in a browser that holds another session, and a state that is not ours", async () => {
    const w = await world();
    let answer = await ask(w, authnRequest());
    const cookie = cookiesOf(answer);
    answer = await w.fetch(w.idp.login(answer.headers.get("location") ?? "", "dona.moore"), { headers: { cookie } });
    const back = answer.headers.get("location") ?? "";
    expect(back).toMatch(SSO);
    const stranger = await follow(w, await ask(w, authnRequest()), "julie.armstrong");
    expect((await w.fetch(back, { headers: { cookie: stranger.cookie } })).status).toBe(400);
    expect((await w.fetch(back)).status).toBe(400);
    expect((await w.fetch(back, { headers: { cookie: cookiesOf(answer) } })).status).toBe(200);
    expect((await w.fetch(`${SSO}?state=made-up&code=x`)).status).toBe(400);
  });
});
