import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { arrive, basic, login, payloadOf, redeem, refresh, type Tokens, WEB_CALLBACK, type World, world } from "../world.ts";
import { properForm } from "./jwt-forms.ts";
import { isActive, isHint, isOperator, opensUserinfo, operatorMaterial } from "./jwt-steps.ts";
import { authorize, begin, fieldsOf, sentTo } from "./login-steps.ts";

beforeEach(reset);

const APP = ["web-app", "web-app-secret"] as const;

/** One of each thing of ours that a stranger could hand in somewhere, and what belongs to it. */
async function everything(w: World) {
  const tokens = await login(w, "web-app");
  const { cookie } = tokens;
  const opaque = (await (await refresh(w, "web-app", tokens.refresh_token)).json()) as Tokens;
  const arrived = await arrive(w, "web-app", { cookie });
  const begun = await begin(w);
  const idpCallback = w.idp.login(begun.url, "dona.moore");
  const value = (pair: string) => pair.slice(pair.indexOf("=") + 1);
  const signed = await w.fetch("/oauth2/introspect", {
    method: "POST",
    body: new URLSearchParams({ token: tokens.access_token }).toString(),
    headers: { "content-type": "application/x-www-form-urlencoded", accept: "application/token-introspection+jwt", authorization: basic(...APP) },
  });
  const other = await login(w, "web-app", { user: "julie.armstrong" });
  const onward = await w.fetch(`/oauth2/logout?id_token_hint=${other.id_token}`, { headers: { cookie: other.cookie } });
  const sso = await w.post(
    "/oauth2/token",
    {
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      subject_token: opaque.access_token,
      subject_token_type: TOKEN_TYPE.access_token,
      resource: "urn:sap:identity:sso",
    },
    APP,
  );
  const kinds = {
    "a JWT access token": tokens.access_token,
    "an opaque access token": opaque.access_token,
    "a refresh token": opaque.refresh_token,
    "an ID token": tokens.id_token,
    "an SSO token": ((await sso.json()) as { access_token: string }).access_token,
    "a code": arrived.code,
    "a session cookie": value(cookie),
    "a reference to a session": String(payloadOf(tokens.id_token).sid),
    "a lineage": String(payloadOf(tokens.access_token).lin),
    "a login's sealed state": value(begun.cookie),
    "a login's state at the IdP": begun.asked.get("state") ?? "",
    "a click before a code": fieldsOf(await (await authorize(w, "mobile-app", {}, cookie)).text()).confirm ?? "",
    "a click before a logout": fieldsOf(await (await w.fetch("/oauth2/logout", { headers: { cookie } })).text()).confirm ?? "",
    "the way back from a logout": sentTo(onward).get("state") ?? "",
    "a signed introspection": await signed.text(),
    "an operator's token": await properForm(await operatorMaterial("http://localhost:8787")),
    "the IdP's ID token": await w.idp.sign({ ...payloadOf(tokens.id_token), iss: w.idp.issuer, aud: "cambio" }),
  };
  return { kinds, arrived, begun, cookie, idpCallback };
}

type Everything = Awaited<ReturnType<typeof everything>>;
type Kind = keyof Everything["kinds"];

interface Slot {
  /** What it is there for. */
  readonly takes: readonly Kind[];
  readonly accepts: (w: World, text: string, all: Everything) => Promise<boolean>;
}

const name = (cookie: string) => cookie.slice(0, cookie.indexOf("="));
const exchangedAs = (type: string) => async (w: World, text: string) => {
  const form = { grant_type: "urn:ietf:params:oauth:grant-type:token-exchange", subject_token: text, subject_token_type: type, requested_token_type: TOKEN_TYPE.access_token };
  return (await w.post("/oauth2/token", form, APP)).status === 200;
};
const posts = async (w: World, path: string, text: string, cookie: string) => (await w.post(path, { confirm: text }, undefined, { cookie })).status === 303;

const SLOTS: Readonly<Record<string, Slot>> = {
  "the access token at userinfo": { takes: ["a JWT access token", "an opaque access token"], accepts: (w, text) => opensUserinfo(w, text) },
  "the token at introspection": {
    // An ID token by clients of the sap dialect in its audience alone; an SSO token by the applications that it names: here the one that asked.
    takes: ["a JWT access token", "an opaque access token", "a refresh token", "an ID token", "an SSO token"],
    accepts: (w, text) => isActive(w, "web-app", text),
  },
  "the code at the token endpoint": { takes: ["a code"], accepts: async (w, text, { arrived }) => (await redeem(w, "web-app", { ...arrived, code: text })).status === 200 },
  "the refresh token at the token endpoint": { takes: ["a refresh token"], accepts: async (w, text) => (await refresh(w, "web-app", text)).status === 200 },
  "an access token as the subject of an exchange": { takes: ["a JWT access token", "an opaque access token"], accepts: exchangedAs(TOKEN_TYPE.access_token) },
  "a refresh token as the subject of an exchange": { takes: ["a refresh token"], accepts: exchangedAs(TOKEN_TYPE.refresh_token) },
  "an ID token as the subject of an exchange": { takes: ["an ID token"], accepts: exchangedAs(TOKEN_TYPE.id_token) },
  "the hint at logout": { takes: ["an ID token"], accepts: (w, text) => isHint(w, text) },
  "the state at logout": {
    takes: ["the way back from a logout"],
    // Of anything else it is the application's own state, and a session is asked about.
    accepts: async (w, text, { cookie }) =>
      (await (await w.fetch(`/oauth2/logout?state=${encodeURIComponent(text)}`, { headers: { cookie } })).text()).includes("You are signed out"),
  },
  "the click at authorize": { takes: ["a click before a code"], accepts: (w, text, { cookie }) => posts(w, "/oauth2/authorize", text, cookie) },
  "the click at logout": { takes: ["a click before a logout"], accepts: (w, text, { cookie }) => posts(w, "/oauth2/logout", text, cookie) },
  "the session cookie": {
    takes: ["a session cookie"],
    accepts: async (w, text, { cookie }) => sentTo(await authorize(w, "web-app", { prompt: "none" }, `${name(cookie)}=${text}`)).get("code") !== null,
  },
  "the login's cookie at the callback": {
    takes: ["a login's sealed state"],
    accepts: async (w, text, { begun, idpCallback }) => (await w.fetch(idpCallback, { headers: { cookie: `${name(begun.cookie)}=${text}` } })).status === 303,
  },
  "the state at the callback": {
    takes: ["a login's state at the IdP"],
    accepts: async (w, text, { begun, idpCallback }) => {
      const url = new URL(idpCallback);
      url.searchParams.set("state", text);
      return (await w.fetch(url.href, { headers: { cookie: begun.cookie } })).status === 303;
    },
  },
  "the operator's token": { takes: ["an operator's token"], accepts: (w, text) => isOperator(w, text) },
  "the client's secret": { takes: [], accepts: async (w, text) => (await w.post("/oauth2/introspect", { token: "x" }, ["web-app", text])).status === 200 },
};

describe("JWT-20 every slot takes the kind that it is there for, and no other", () => {
  it.each(Object.entries(SLOTS))("%s", async (_name, { takes, accepts }) => {
    const w = await world();
    const all = await everything(w);
    const kinds = Object.entries(all.kinds) as [Kind, string][];
    for (const [kind, text] of kinds) expect([kind, text.length > 15]).toEqual([kind, true]);
    // What is right comes last: it may be used up by being taken.
    for (const [kind, text] of kinds.filter(([kind]) => !takes.includes(kind))) expect([kind, await accepts(w, text, all)]).toEqual([kind, false]);
    for (const kind of takes) expect([kind, await accepts(w, all.kinds[kind], all)]).toEqual([kind, true]);
  });

  it("revocation leaves alone what is no access, ID or refresh token", async () => {
    const w = await world();
    const { kinds } = await everything(w);
    const { "a JWT access token": access, "an opaque access token": opaque, "a refresh token": renewing, "an ID token": id, "an SSO token": _sso, ...others } = kinds;
    for (const text of Object.values(others)) expect((await w.post("/oauth2/revoke", { token: text }, APP)).status).toBe(200);
    for (const [kind, text] of Object.entries({ access, opaque, renewing, id })) expect([kind, await isActive(w, "web-app", text)]).toEqual([kind, true]);
  });

  it("a prefix does not make a kind: each opaque thing under the prefix of another is none", async () => {
    const w = await world();
    const { kinds, cookie, arrived } = await everything(w);
    const prefixes = ["cambio_at_", "cambio_rt_", "cambio_code_", "cambio_sso_", "cambio_session_", "cambio_sid_"];
    const opaque = Object.values(kinds).filter((text) => text.startsWith("cambio_"));
    expect(opaque).toHaveLength(prefixes.length);
    for (const text of opaque) {
      for (const prefix of prefixes.filter((candidate) => !text.startsWith(candidate))) {
        const moved = text.replace(/^cambio_[a-z]+_/, prefix);
        expect(await opensUserinfo(w, moved)).toBe(false);
        expect(await isActive(w, "web-app", moved)).toBe(false);
        expect((await refresh(w, "web-app", moved)).status).toBe(400);
        expect((await redeem(w, "web-app", { ...arrived, code: moved })).status).toBe(400);
        expect(sentTo(await authorize(w, "web-app", { prompt: "none" }, `${name(cookie)}=${moved}`)).get("error")).toBe("login_required");
      }
    }
    expect((await redeem(w, "web-app", arrived)).status).toBe(200);
    expect(arrived.redirectUri).toBe(WEB_CALLBACK);
  });
});
