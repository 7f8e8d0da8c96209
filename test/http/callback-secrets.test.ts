import { listDurableObjectIds, reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { introspect, redeem, refresh, type Tokens, WEB_CALLBACK, type World, world } from "../world.ts";
import { authorize, begin, comeBack, fieldsOf, sentTo } from "./login-steps.ts";

beforeEach(reset);

/** Everything secret that a login, its tokens and its logout have to do with, by name. */
interface Secrets {
  readonly [name: string]: string;
}

/** Walks the whole way of a login, and some wrong ways, and collects the secrets that were met. */
async function walk(w: World): Promise<Secrets> {
  let idToken = "";
  const sign = w.idp.sign;
  Object.assign(w.idp, {
    sign: async (...values: Parameters<typeof sign>) => {
      idToken = await sign(...values);
      return idToken;
    },
  });
  const begun = await begin(w, "web-app", { state: "application-state", nonce: "application-nonce" });
  const callback = w.idp.login(begun.url, "dona.moore");
  const answer = await w.fetch(callback, { headers: { cookie: begun.cookie } });
  const code = sentTo(answer).get("code") ?? "";
  const session = (answer.headers.getSetCookie().find((cookie) => cookie.startsWith("cambio_session")) ?? "").split(";")[0] ?? "";
  const arrived = { code, verifier: begun.verifier, redirectUri: WEB_CALLBACK, cookie: session, location: new URL("http://x") };
  const tokens = (await (await redeem(w, "web-app", arrived)).json()) as Tokens;
  const renewed = (await (await refresh(w, "web-app", tokens.refresh_token)).json()) as Tokens;
  await introspect(w, "web-app", renewed.access_token);
  await w.fetch("/oauth2/userinfo", { headers: { authorization: `Bearer ${tokens.access_token}` } });
  const confirm = fieldsOf(await (await authorize(w, "mobile-app", {}, session)).text()).confirm ?? "";
  await w.post("/oauth2/authorize", { confirm }, undefined, { cookie: session });
  // The wrong ways.
  await w.fetch(callback, { headers: { cookie: begun.cookie } });
  await w.fetch(callback);
  await w.fetch(`/oauth2/callback/${idToken.slice(0, 40)}?state=${begun.asked.get("state")}&code=${code}`, { headers: { cookie: begun.cookie } });
  await redeem(w, "web-app", arrived, { code_verifier: "v".repeat(43) });
  await redeem(w, "web-app", arrived);
  await refresh(w, "web-app", tokens.refresh_token.slice(0, -1));
  await w.fetch(`/oauth2/logout?id_token_hint=${idToken}&state=${renewed.access_token}`, { headers: { cookie: session } });
  await w.post("/oauth2/authorize", { confirm: `${confirm}x` }, undefined, { cookie: session });
  w.idp.claims = { nonce: "wrong" };
  await comeBack(w, await begin(w));
  await w.fetch(`/oauth2/logout?id_token_hint=${tokens.id_token}`, { headers: { cookie: session } });
  return {
    "the IdP's code": new URL(callback).searchParams.get("code") ?? "",
    "the IdP's access token": "idp-at",
    "the IdP's refresh token": "idp-rt",
    "the IdP's ID token": idToken,
    "our secret at the IdP": "corp-client-secret",
    "our state at the IdP": begun.asked.get("state") ?? "",
    "our nonce at the IdP": begun.asked.get("nonce") ?? "",
    "the application's state": "application-state",
    "the application's nonce": "application-nonce",
    "the application's secret": "web-app-secret",
    "the verifier": begun.verifier,
    "our code": code,
    "the session cookie": session.slice(session.indexOf("=") + 1),
    "the login's cookie": begun.cookie.slice(begun.cookie.indexOf("=") + 1),
    "the click": confirm,
    "an access token": tokens.access_token,
    "a refresh token": tokens.refresh_token,
    "its successor": renewed.refresh_token,
    "an opaque access token": renewed.access_token,
    "an ID token": tokens.id_token,
  };
}

/** Refuses a text that holds a secret, whole or a part of sixteen characters of its secret half. */
function expectNone(secrets: Secrets, text: string): void {
  for (const [name, secret] of Object.entries(secrets)) {
    expect(secret, name).not.toBe("");
    const parts = [secret, btoa(secret).replaceAll("=", ""), encodeURIComponent(secret), secret.slice(-16), secret.slice(-40, -20)].filter((part) => part.length >= 6);
    for (const part of parts) expect(text.includes(part), `${name}: ${part}`).toBe(false);
  }
}

describe("the secrets of a login", () => {
  it("LOG-01 LOG-07 stand in no audit line, whichever way it goes", async () => {
    const w = await world();
    const secrets = await walk(w);
    expect(w.lines.length).toBeGreaterThan(10);
    expectNone(secrets, w.lines.join("\n"));
    for (const line of w.lines) expect(line).not.toContain("?");
  });

  it("FED-07 of the IdP and of the browser are stored sealed or hashed, never as they are", async () => {
    const w = await world();
    const namespaces = [env.FAMILIES, env.USERS, env.SINGLE_USE] as unknown as DurableObjectNamespace[];
    // Objects of earlier tests are still listed, empty.
    const earlier = new Set((await Promise.all(namespaces.map((namespace) => listDurableObjectIds(namespace)))).flat().map(String));
    const secrets = await walk(w);
    const dump: string[] = [];
    for (const namespace of namespaces) {
      for (const id of (await listDurableObjectIds(namespace)).filter((one) => !earlier.has(String(one)))) {
        await runInDurableObject(namespace.get(id), (_object, state) => {
          const tables = state.storage.sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'").toArray();
          for (const { name } of tables) dump.push(JSON.stringify(state.storage.sql.exec(`SELECT * FROM "${name}"`).toArray()));
        });
      }
    }
    for (const { name } of (await env.TOKENS.list()).keys) dump.push(name, (await env.TOKENS.get(name)) ?? "");
    const stored = dump.join("\n");
    // The nonce of the application goes into its ID token, and the code's row keeps it until then: it is no secret of ours.
    const { "the application's nonce": _nonce, ...hidden } = secrets;
    expect(stored).toContain("dona.moore");
    expect(stored).toContain("idpTokens");
    expectNone(hidden, stored);
  });

  it("of the IdP stand in nothing that we send to the browser but the hint of a logout there", async () => {
    const w = await world();
    const begun = await begin(w);
    const answer = await comeBack(w, begun);
    const sent = `${[...answer.headers].join("\n")}\n${await answer.text()}`;
    for (const secret of ["idp-at", "idp-rt", begun.asked.get("nonce") ?? "", begun.asked.get("state") ?? "", "corp-client-secret"]) expect(sent).not.toContain(secret);
  });
});
