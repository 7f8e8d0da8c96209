import { reset } from "cloudflare:test";
import { decodeJwt } from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import { login, payloadOf, type World, world } from "../world.ts";
import { outcomeOf, presentClaims } from "./federation-steps.ts";
import { begin, comeBack } from "./login-steps.ts";

beforeEach(reset);

function asked(w: World): number {
  return w.idp.requests.filter((request) => request.endsWith("/me")).length;
}

/** What the ID token of a login with these claims of the IdP says of the user. */
async function seen(w: World, claims: Record<string, unknown>): Promise<Record<string, unknown>> {
  w.idp.claims = claims;
  const { id_token } = await login(w, "web-app");
  return payloadOf(id_token);
}

describe("the userinfo of the IdP", () => {
  it.each(["email", "name", "preferred_username", "groups"])("is asked for where the ID token lacks %s, with the access token in a header", async (claim) => {
    const w = await world();
    const { [claim]: value = "dona.moore" } = w.idp.users["dona.moore"] ?? {};
    w.idp.scripts.userinfo = (request) => {
      expect(request.headers.get("authorization")).toBe("Bearer idp-at");
      return Response.json({ sub: "sub-dona.moore", [claim]: value });
    };
    expect(await seen(w, { [claim]: undefined })).toHaveProperty(claim, value);
    expect(asked(w)).toBe(1);
  });

  it("is not asked for where the ID token has everything that is mapped", async () => {
    const w = await world();
    await login(w, "web-app");
    expect(asked(w)).toBe(0);
  });

  it("is not asked for a claim whose scope is not asked for", async () => {
    const w = await world({ tenant: (file) => Object.assign(file.identityProviders.corp, { scopes: ["openid"] }) });
    await seen(w, { email: undefined, name: undefined, groups: undefined });
    expect(asked(w)).toBe(0);
  });

  it.each([
    ["another subject", { sub: "sub-julie.armstrong" }],
    ["no subject", {}],
    ["a subject that is a list", { sub: ["sub-dona.moore"] }],
    ["the subject in other letters", { sub: "SUB-dona.moore" }],
  ])("AZ-32 of %s logs nobody in", async (_name, answer) => {
    const w = await world();
    w.idp.scripts.userinfo = () => Response.json({ email: "dona.moore@example.com", ...answer });
    expect(await presentClaims(w, { email: undefined })).toMatchObject({ accepted: false, reason: "idp_subject_differs", error: "server_error" });
  });

  it("never outranks the ID token", async () => {
    const w = await world();
    w.idp.scripts.userinfo = () =>
      Response.json({ sub: "sub-dona.moore", email: "new@example.com", preferred_username: "julie.armstrong", groups: ["managers"], auth_time: 1, sid: "x" });
    expect(await seen(w, { email: undefined })).toMatchObject({ email: "new@example.com", preferred_username: "dona.moore", groups: ["employees", "travel-bookers"] });
  });

  it("that refuses, in an IdP that has one, logs nobody in: a user is not let in with half of what is known", async () => {
    const w = await world();
    expect(await presentClaims(w, { email: undefined })).toMatchObject({ accepted: false, error: "server_error" });
  });
});

describe("the claims of the IdP", () => {
  it("come in by name and by type, and nothing else does", async () => {
    const w = await world();
    const claims = await seen(w, {
      email: 7,
      email_verified: "true",
      name: { first: "Dona" },
      given_name: "",
      groups: ["employees", 7, null, { admin: true }, "x".repeat(256), ["managers"]],
      roles: ["administrator"],
      act: { sub: "evil" },
      may_act: { sub: "evil" },
      client_id: "evil",
      cnf: { jkt: "evil" },
      scope: "salary:read",
      lin: "evil",
      user_uuid: "evil",
      azp: "cambio",
      ["__proto__"]: { admin: true },
    });
    for (const name of ["email", "email_verified", "name", "given_name", "roles", "act", "may_act", "client_id", "cnf", "scope", "admin"])
      expect([name, claims[name]]).toEqual([name, undefined]);
    expect(claims.groups).toEqual(["employees"]);
    expect(claims.lin).not.toBe("evil");
    expect(claims.user_uuid).toBe(claims.sub);
    expect(claims.azp).toBe("web-app");
  });

  it("are mapped as the IdP's record says, from names that objects have of themselves too", async () => {
    const map = { loginName: "upn", email: "mail", name: "toString", groups: "memberOf" };
    const w = await world({ tenant: (file) => Object.assign(file.identityProviders.corp, { claims: map }) });
    w.idp.scripts.userinfo = () => Response.json({ sub: "sub-dona.moore" });
    const claims = await seen(w, { upn: "dona@corp", mail: "d@example.com", memberOf: ["a", "b"] });
    expect(claims).toMatchObject({ preferred_username: "dona@corp", email: "d@example.com", groups: ["a", "b"] });
    expect(claims.name).toBeUndefined();
  });

  it("give a user without a login name the IdP's subject for one", async () => {
    const w = await world({ tenant: (file) => Object.assign(file.identityProviders.corp, { claims: { loginName: "nothing" } }) });
    w.idp.scripts.userinfo = () => Response.json({ sub: "sub-dona.moore" });
    expect(await seen(w, {})).toMatchObject({ preferred_username: "sub-dona.moore" });
  });

  it.each([
    ["too many", Array.from({ length: 600 }, (_, index) => `g${index}`), 500],
    ["too long together", Array.from({ length: 120 }, (_, index) => `${index}${"g".repeat(200)}`), 75],
    ["long in bytes, not in characters", Array.from({ length: 120 }, (_, index) => `${index}${"\u{1f511}".repeat(50)}`), 75],
  ])("with groups that are %s keep the first ones, and the tokens can be read", async (_name, groups, least) => {
    const w = await world();
    w.idp.claims = { groups };
    const tokens = await login(w, "front-end-app");
    const kept = decodeJwt(tokens.access_token).groups as string[];
    expect(kept).toEqual(groups.slice(0, kept.length));
    expect(kept.length).toBeGreaterThanOrEqual(least);
    expect(kept.length).toBeLessThanOrEqual(least === 500 ? 500 : 82);
    const answer = await w.fetch("/oauth2/userinfo", { headers: { authorization: `Bearer ${tokens.access_token}` } });
    expect(answer.status).toBe(200);
  });

  it("are those of this login: a second login brings what has changed", async () => {
    const w = await world();
    const first = await seen(w, { groups: ["old"] });
    const second = await seen(w, { groups: ["new"] });
    expect([first.groups, second.groups]).toEqual([["old"], ["new"]]);
    expect(second.sub).toBe(first.sub);
  });

  it("never become our subject: that is ours, and the same at every application", async () => {
    const w = await world();
    const [web, front] = [payloadOf((await login(w, "web-app")).id_token), payloadOf((await login(w, "front-end-app")).id_token)];
    expect(web.sub).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(front.sub).toBe(web.sub);
    expect(payloadOf((await login(w, "web-app", { user: "julie.armstrong" })).id_token).sub).not.toBe(web.sub);
  });
});

describe("FED-25 the IdP's own words", () => {
  const WORDS = "user-is-locked-out-since-tuesday";

  it("in an error do not reach the application", async () => {
    const w = await world();
    const back = { error: "access_denied", error_description: WORDS, error_uri: `https://idp.example.com/${WORDS}` };
    const outcome = outcomeOf(w, await comeBack(w, await begin(w), { parameters: back }));
    expect(outcome).toMatchObject({ accepted: false, error: "access_denied" });
    expect(outcome.response.headers.get("location")).not.toContain(WORDS);
    expect(w.lines.join("\n")).not.toContain(WORDS);
  });

  it("of the token endpoint do not reach the application or the log", async () => {
    const w = await world();
    const begun = await begin(w);
    w.idp.scripts.token = () => Response.json({ error: "invalid_grant", error_description: WORDS }, { status: 400 });
    const outcome = outcomeOf(w, await comeBack(w, begun));
    expect(outcome).toMatchObject({ accepted: false, reason: "idp_token_refused", error: "server_error" });
    expect(decodeURIComponent(outcome.response.headers.get("location") ?? "")).not.toContain(WORDS);
    expect(w.lines.join("\n")).not.toContain(WORDS);
  });

  it("are never a code of the application's: an error with a code beside it is an error", async () => {
    const w = await world();
    const begun = await begin(w);
    const outcome = outcomeOf(w, await comeBack(w, begun, { parameters: { error: "temporarily_unavailable" } }));
    expect(outcome.accepted).toBe(false);
    expect(w.idp.requests.filter((request) => request.startsWith("POST"))).toEqual([]);
  });
});

describe("the claims that an IdP's record requires", () => {
  it("are those of a login too: who lacks one is told so, and no session begins; azp is our own there", async () => {
    const requiredClaims = { hd: ["example.com"], "tenant.id": ["t1", "t2"], azp: ["another-app"] };
    const w = await world({ tenant: (file) => Object.assign(file.identityProviders.corp, { subjectTokens: { audiences: ["cambio"], requiredClaims } }) });
    for (const changes of [{}, { hd: "example.com" }, { hd: "gmail.com", tenant: { id: "t1" } }, { hd: ["example.com"], tenant: { id: "t1" } }]) {
      const { response, ...outcome } = await presentClaims(w, changes);
      expect(outcome).toEqual({ accepted: false, reason: "login_not_admitted", error: "access_denied" });
      expect(response.headers.getSetCookie().join()).not.toContain("cambio_session");
    }
    expect(await presentClaims(w, { hd: "example.com", tenant: { id: "t2" }, azp: "cambio" })).toMatchObject({ accepted: true });
  });
});
