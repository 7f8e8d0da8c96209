import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { login, WEB_CALLBACK, type World, world } from "../world.ts";
import { authorize, authorizeQuery, fieldsOf, sentTo, setCookie } from "./login-steps.ts";

beforeEach(reset);

/** An SSO token of a user's mobile app, for itself and the web app. */
async function ssoToken(w: World, user: string): Promise<string> {
  const { refresh_token } = await login(w, "mobile-app", { user });
  const form = {
    grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
    client_id: "mobile-app",
    subject_token: refresh_token,
    subject_token_type: TOKEN_TYPE.refresh_token,
  };
  const answer = await w.post("/oauth2/token", { ...form, resource: "urn:sap:identity:sso" });
  return ((await answer.json()) as { access_token: string }).access_token;
}

function enter(w: World, token: string, cookie: string): Promise<Response> {
  return w.fetch(`/saml2/idp/sso?${new URLSearchParams({ sso_token: token, redirect_uri: WEB_CALLBACK })}`, { headers: { cookie } });
}

async function isSignedOn(w: World, cookie: string): Promise<boolean> {
  return sentTo(await authorize(w, "web-app", { prompt: "none", scope: "openid" }, cookie)).get("code") !== null;
}

describe("an SSO token never replaces another user's session without a click in that browser", () => {
  it("asks, and after the click replaces it", async () => {
    const w = await world();
    const julie = await login(w, "web-app", { user: "julie.armstrong" });
    const page = await enter(w, await ssoToken(w, "dona.moore"), julie.cookie);
    expect([page.status, page.headers.getSetCookie()]).toEqual([200, []]);
    const { confirm = "" } = fieldsOf(await page.text());
    const answer = await w.post("/saml2/idp/sso", { confirm }, undefined, { cookie: julie.cookie });
    expect([answer.status, answer.headers.get("location")]).toEqual([303, WEB_CALLBACK]);
    expect(setCookie(answer, "cambio_session_8787")?.value).toMatch(/^cambio_session_/);
    expect(await isSignedOn(w, julie.cookie)).toBe(false);
  });

  it("takes no click that was asked for in another browser: one posted from another site brings no cookie", async () => {
    const w = await world();
    const [attackers, victim] = [await login(w, "web-app", { user: "julie.armstrong" }), await login(w, "web-app", { user: "julie.armstrong" })];
    const { confirm = "" } = fieldsOf(await (await enter(w, await ssoToken(w, "dona.moore"), attackers.cookie)).text());
    for (const cookie of ["", victim.cookie]) {
      const answer = await w.post("/saml2/idp/sso", { confirm }, undefined, { cookie });
      expect([answer.status, answer.headers.getSetCookie()]).toEqual([400, []]);
    }
    expect(await isSignedOn(w, victim.cookie)).toBe(true);
  });

  it("is not taken by a POST to authorize, which may come from another site without the browser's cookie", async () => {
    const w = await world();
    const token = await ssoToken(w, "dona.moore");
    const { query } = await authorizeQuery("web-app", { scope: "openid" });
    const answer = await w.post("/oauth2/authorize", `${query}&sso_token=${token}`);
    expect([sentTo(answer).get("error"), answer.headers.getSetCookie()]).toEqual(["invalid_request", []]);
    const byGet = await w.fetch(`/oauth2/authorize?${query}&sso_token=${token}`);
    expect(sentTo(byGet).get("code")).toMatch(/^cambio_code_/);
  });

  it("is told to an application that could not ask: a token of another user is interaction_required at authorize", async () => {
    const w = await world();
    const julie = await login(w, "web-app", { user: "julie.armstrong" });
    const { query } = await authorizeQuery("web-app", { scope: "openid" });
    const answer = await w.fetch(`/oauth2/authorize?${query}&sso_token=${await ssoToken(w, "dona.moore")}`, { headers: { cookie: julie.cookie } });
    expect([sentTo(answer).get("error"), answer.headers.getSetCookie()]).toEqual(["interaction_required", []]);
    expect(await isSignedOn(w, julie.cookie)).toBe(true);
  });
});
