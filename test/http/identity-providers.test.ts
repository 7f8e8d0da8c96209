import { reset } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { demoTenant } from "../demo-tenant.ts";
import { stopClock } from "../faults.ts";
import { changed, introspect, login, payloadOf, type TenantFileInput, type World, world } from "../world.ts";
import { outcomeOf } from "./federation-steps.ts";
import { authorize, fieldsOf, lastReason, sentTo } from "./login-steps.ts";

beforeEach(reset);
afterEach(() => {
  vi.useRealTimers();
});

const TWO = ["corp", "partner"];
const client = (file: TenantFileInput, settings: object) => Object.assign(file.clients["web-app"], settings);
const host = (response: Response) => new URL(response.headers.get("location") ?? "http://nowhere").host;
const [CORP, PARTNER] = ["localhost:8788", "localhost:8798"];

describe("where a login goes", () => {
  it.each<[string, (file: TenantFileInput) => void, Record<string, string>, string]>([
    ["to the tenant's default", () => undefined, {}, CORP],
    ["to the IdP that the request names", () => undefined, { idp: "partner" }, PARTNER],
    ["to the only IdP of the application", (file) => client(file, { identityProviders: ["partner"] }), {}, PARTNER],
    ["to the tenant's default where the application takes it too", (file) => client(file, { identityProviders: ["partner", "corp"] }), {}, CORP],
    ["to the only IdP that is offered", (file) => client(file, { offeredIdentityProviders: ["partner"] }), {}, PARTNER],
    [
      "to the other where one that is offered is switched off",
      (file) => {
        client(file, { offeredIdentityProviders: TWO });
        Object.assign(file.identityProviders.corp, { disabled: true });
      },
      {},
      PARTNER,
    ],
    ["past the choice where the request names one", (file) => client(file, { offeredIdentityProviders: TWO }), { idp: "corp" }, CORP],
  ])("%s", async (_name, tenant, parameters, expected) => {
    const w = await world({ tenant });
    expect(host(await authorize(w, "web-app", parameters))).toBe(expected);
  });

  it("is refused for an IdP that the application takes no users of, or that nobody knows", async () => {
    const w = await world({ tenant: (file) => client(file, { identityProviders: ["corp"] }) });
    for (const idp of ["partner", "none", "CORP"]) expect(sentTo(await authorize(w, "web-app", { idp })).get("error")).toBe("invalid_request");
  });
});

describe("the domain of an address in login_hint", () => {
  const domains = (file: TenantFileInput) => {
    Object.assign(file.identityProviders.corp, { emailDomains: ["example.com"] });
    Object.assign(file.identityProviders.partner ?? {}, { emailDomains: ["partner.example", "partner.test"] });
    client(file, { identityProviders: TWO });
  };

  it.each([
    ["chris.lee@partner.example", PARTNER],
    ["Chris.Lee@PARTNER.Test", PARTNER],
    ["dona.moore@example.com", CORP],
    ["someone@elsewhere.example", CORP],
    ["partner.example", CORP],
    ["@partner.example", CORP],
    ["chris@partner.example@elsewhere.example", CORP],
    ["chris@sub.partner.example", CORP],
  ])("decides which IdP it is: %s", async (login_hint, expected) => {
    const w = await world({ tenant: domains });
    const answer = await authorize(w, "web-app", { login_hint });
    expect(host(answer)).toBe(expected);
    expect(sentTo(answer).get("login_hint")).toBe(login_hint);
  });

  it("leads past the choice, but not to an IdP that the application does not take, and not against the request's own word", async () => {
    const w = await world({
      tenant: (file) => {
        domains(file);
        Object.assign(file, { offeredIdentityProviders: TWO });
        Object.assign(file.clients["front-end-app"], { identityProviders: ["corp"] });
      },
    });
    const login_hint = "chris.lee@partner.example";
    expect(host(await authorize(w, "web-app", { login_hint }))).toBe(PARTNER);
    expect(host(await authorize(w, "front-end-app", { login_hint }))).toBe(CORP);
    expect(host(await authorize(w, "web-app", { login_hint, idp: "corp" }))).toBe(CORP);
  });
});

describe("the page on which a user chooses", () => {
  const offering = () => world({ tenant: (file) => Object.assign(file, { offeredIdentityProviders: TWO }) });
  const choose = (w: World, fields: Record<string, string>, idp: string) => w.post("/oauth2/authorize", { ...fields, idp });

  it("names each IdP on a button of its own, runs no script, and is kept by nobody", async () => {
    const w = await offering();
    const answer = await authorize(w, "web-app");
    const page = await answer.text();
    expect([answer.status, answer.headers.get("cache-control")]).toEqual([200, "no-store"]);
    expect([...page.matchAll(/<button name="idp" value="([^"]*)">([^<]*)</g)].map(([, alias, name]) => [alias, name])).toEqual([
      ["corp", "Example Corporation"],
      ["partner", "Example Partners"],
    ]);
    expect(page).toContain('aria-labelledby="question"');
    expect(page).not.toContain("<script");
    expect(page).not.toContain("<p><img");
    expect(w.idp.requests).toEqual([]);
  });

  it("leads on to the IdP that was chosen, and back into the application", async () => {
    const w = await offering();
    const fields = fieldsOf(await (await authorize(w, "web-app", { nonce: "n-1" })).text());
    const chosen = await choose(w, fields, "partner");
    expect(host(chosen)).toBe(PARTNER);
    const cookie = chosen.headers
      .getSetCookie()
      .map((one) => one.split(";")[0])
      .join("; ");
    const answer = await w.fetch(w.partner.login(chosen.headers.get("location") ?? "", "chris.lee"), { headers: { cookie } });
    expect(outcomeOf(w, answer)).toMatchObject({ accepted: true });
    expect(sentTo(answer).get("state")).toBe("s-1");
  });

  it("is not shown to a user who is signed in, and not where nothing may be shown", async () => {
    const w = await offering();
    const fields = fieldsOf(await (await authorize(w, "web-app")).text());
    const chosen = await choose(w, fields, "corp");
    const cookie = chosen.headers
      .getSetCookie()
      .map((one) => one.split(";")[0])
      .join("; ");
    const back = await w.fetch(w.idp.login(chosen.headers.get("location") ?? "", "dona.moore"), { headers: { cookie } });
    const session = back.headers
      .getSetCookie()
      .map((one) => one.split(";")[0])
      .join("; ");
    expect(sentTo(await authorize(w, "web-app", {}, session)).get("code")).not.toBeNull();
    expect(sentTo(await authorize(w, "web-app", { prompt: "none" })).get("error")).toBe("login_required");
  });

  it("takes no choice that was not on it, none that is spoilt, and none after ten minutes", async () => {
    const clock = stopClock();
    const w = await world({
      tenant: (file) => Object.assign(file, { offeredIdentityProviders: TWO, identityProviders: { ...file.identityProviders, third: file.identityProviders.corp } }),
    });
    const fields = fieldsOf(await (await authorize(w, "web-app")).text());
    expect([(await choose(w, fields, "third")).status, lastReason(w)]).toEqual([400, "login_idp_differs"]);
    expect([(await choose(w, { choice: changed(fields.choice ?? "") }, "corp")).status, lastReason(w)]).toEqual([400, "login_state_unknown"]);
    clock.forward(600);
    expect([(await choose(w, fields, "corp")).status, lastReason(w)]).toEqual([400, "login_state_expired"]);
    expect(w.idp.requests).toEqual([]);
  });

  it("escapes what an IdP is called", async () => {
    const w = await world({
      tenant: (file) => {
        Object.assign(file, { offeredIdentityProviders: TWO });
        Object.assign(file.identityProviders.corp, { displayName: "<img src=x>" });
      },
    });
    expect(await (await authorize(w, "web-app")).text()).toContain("&lt;img src=x&gt;");
  });

  it("offers no IdP that the file does not have, or the application does not take", async () => {
    const w = await world();
    const file = demoTenant();
    Object.assign(file, { offeredIdentityProviders: ["none"] });
    client(file, { identityProviders: ["corp"], offeredIdentityProviders: ["partner"] });
    const { problems } = (await (await w.apply(file, "?dry_run=true")).json()) as { problems?: { path: string }[] };
    expect(problems?.map(({ path }) => path)).toEqual(["offeredIdentityProviders.0", "clients.web-app.offeredIdentityProviders.0"]);
  });
});

describe("attributes of the user", () => {
  const mapped = (claims: object) => (file: TenantFileInput) => void Object.assign(file.identityProviders.corp, { claims });
  const seen = async (w: World) => payloadOf((await login(w, "web-app")).id_token);

  it.each<[string, object, Record<string, unknown>, Record<string, unknown>]>([
    ["a nested claim", { groups: "realm_access.roles" }, { realm_access: { roles: ["a", "b"] } }, { groups: ["a", "b"] }],
    ["a claim nested deep", { name: "x.y.z" }, { x: { y: { z: "Dona" } } }, { name: "Dona" }],
    ["a claim with dots in its name", { groups: "https://example.com/groups" }, { "https://example.com/groups": ["a"] }, { groups: ["a"] }],
    ["a nested claim with dots in its name", { groups: "https://example\\.com/claims.groups" }, { "https://example.com/claims": { groups: ["a"] } }, { groups: ["a"] }],
    ["the exact name before the nested one", { name: "a.b" }, { "a.b": "exact", a: { b: "nested" } }, { name: "exact" }],
    ["nothing of a text", { name: "preferred_username.length" }, {}, { name: undefined }],
    ["nothing of what all objects have", { name: "a.constructor.name" }, { a: {} }, { name: undefined }],
    ["one of a list", { name: "names.1.display" }, { names: [{}, { display: "Dona" }] }, { name: "Dona" }],
  ])("come from %s", async (_what, mapping, claims, expected) => {
    const w = await world({ tenant: mapped(mapping) });
    w.idp.claims = claims;
    w.idp.scripts.userinfo = () => Response.json({ sub: "sub-dona.moore" });
    const { name, groups } = await seen(w);
    expect({ name, groups }).toMatchObject(expected);
  });

  it("that the IdP does not give are those that the application declares; what the IdP gives stands", async () => {
    const w = await world({ tenant: (file) => client(file, { attributeDefaults: { name: "Guest", email: "guest@example.com", groups: ["guests"] } }) });
    w.idp.claims = { name: undefined, groups: [] };
    w.idp.scripts.userinfo = () => Response.json({ sub: "sub-dona.moore" });
    const web = await login(w, "web-app");
    const expected = { name: "Guest", email: "dona.moore@example.com", groups: ["guests"] };
    expect(payloadOf(web.id_token)).toMatchObject(expected);
    expect(await introspect(w, "web-app", web.access_token)).toMatchObject(expected);
    const userinfo = await w.fetch("/oauth2/userinfo", { headers: { authorization: `Bearer ${web.access_token}` } });
    expect(await userinfo.json()).toMatchObject(expected);
    // They are that application's own.
    const front = await login(w, "front-end-app");
    expect(payloadOf(front.id_token)).toMatchObject({ groups: [] });
    expect(payloadOf(front.id_token)).not.toHaveProperty("name");
  });

  it("give roles by the groups of the IdP, and a default gives none", async () => {
    const w = await world({
      tenant: (file) => {
        Object.assign(file.clients["front-end-app"], {
          roles: { booker: { groups: ["travel-bookers"] }, guest: { groups: ["guests"] } },
          attributeDefaults: { groups: ["guests"] },
        });
      },
    });
    const rolesOf = async () =>
      (payloadOf((await login(w, "front-end-app")).access_token).resource_access as Record<string, { roles: string[] }> | undefined)?.["front-end-app"]?.roles;
    expect(await rolesOf()).toEqual(["booker"]);
    w.idp.claims = { groups: [] };
    expect(await rolesOf()).toBeUndefined();
  });
});
