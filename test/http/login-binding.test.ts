import { reset } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { editTenant, stopClock } from "../faults.ts";
import { cookiesOf, type World, world } from "../world.ts";
import { begin, comeBack, lastReason, sentTo, setCookie } from "./login-steps.ts";

beforeEach(reset);
afterEach(() => {
  vi.useRealTimers();
});

/** A page of ours, no session, and nothing asked of the IdP's token endpoint. */
async function expectLost(w: World, answer: Response, status = 400): Promise<void> {
  expect(answer.status).toBe(status);
  expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(answer.headers.get("location")).toBeNull();
  expect(setCookie(answer, "cambio_session")).toBeUndefined();
  expect(w.idp.requests.filter((request) => request.startsWith("POST"))).toEqual([]);
}

describe("a callback", () => {
  it("continues the login that began in this browser", async () => {
    const w = await world();
    const answer = await comeBack(w, await begin(w));
    expect(answer.headers.get("location")).toMatch(/^http:\/\/localhost:8789\/callback\?code=cambio_code_/);
    expect(setCookie(answer, "cambio_session_8787")?.value).toMatch(/^cambio_session_/);
  });

  it.each([
    ["no state", ""],
    ["an unknown state", "state=unknown"],
    ["an empty state", "state="],
    ["a state of 10 KB", `state=${"s".repeat(10_000)}`],
    ["a state like one of ours that was never drawn", "state=AAAAAAAAAAAAAAAAAAAAAA"],
  ])("AZ-24 with %s gets a page and no session", async (_name, query) => {
    const w = await world();
    const begun = await begin(w);
    await expectLost(w, await w.fetch(`/oauth2/callback/corp?code=x&iss=http://localhost:8788&${query}`, { headers: { cookie: begun.cookie } }));
  });

  it("AZ-24 continues after 9 minutes and 59 seconds, and not after 10 minutes", async () => {
    const clock = stopClock();
    const w = await world();
    const [slow, late] = [await begin(w), await begin(w)];
    clock.forward(599);
    expect((await comeBack(w, slow)).status).toBe(303);
    const asked = w.idp.requests.length;
    clock.forward(1);
    const answer = await comeBack(w, late);
    expect(answer.status).toBe(400);
    expect(lastReason(w)).toBe("login_state_expired");
    expect(w.idp.requests).toHaveLength(asked);
    expect(setCookie(answer, "cambio_session")).toBeUndefined();
  });

  it("AZ-24 with a used state gets a page, with the old code and with a new one", async () => {
    const w = await world();
    const begun = await begin(w);
    const first = w.idp.login(begun.url, "dona.moore");
    expect((await w.fetch(first, { headers: { cookie: begun.cookie } })).status).toBe(303);
    w.idp.requests.length = 0;
    await expectLost(w, await w.fetch(first, { headers: { cookie: begun.cookie } }));
    expect(lastReason(w)).toBe("login_state_used");
    await expectLost(w, await comeBack(w, begun, { user: "julie.armstrong" }));
  });

  it("AZ-24 uses a state up even when the IdP refuses", async () => {
    const w = await world();
    const begun = await begin(w);
    const denied = await comeBack(w, begun, { parameters: { error: "access_denied" } });
    expect(sentTo(denied).get("error")).toBe("access_denied");
    await expectLost(w, await comeBack(w, begun));
  });

  it("of fifty that come at once with one state, one continues", async () => {
    const w = await world();
    const begun = await begin(w);
    const answers = await Promise.all(Array.from({ length: 50 }, () => comeBack(w, begun)));
    expect(answers.filter(({ status }) => status === 303)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(49);
    expect(w.idp.requests.filter((request) => request.startsWith("POST"))).toHaveLength(1);
  });

  it("deletes the state from the browser", async () => {
    const w = await world();
    const begun = await begin(w);
    const name = setCookie(begun.response, "cambio_login_")?.name ?? "";
    expect(setCookie(await comeBack(w, begun), name)).toMatchObject({ value: "", attributes: expect.arrayContaining(["Max-Age=0"]) });
  });

  it("by POST is refused: our request at the IdP asks for a query", async () => {
    const w = await world();
    const begun = await begin(w);
    expect((await w.fetch(w.idp.login(begun.url, "dona.moore"), { method: "POST", headers: { cookie: begun.cookie } })).status).toBe(405);
  });
});

describe("AZ-25 a login is bound to the browser that began it", () => {
  it("and lost in one without its cookie", async () => {
    const w = await world();
    await expectLost(w, await comeBack(w, await begin(w), { cookie: "" }));
    expect(lastReason(w)).toBe("login_state_unknown");
  });

  it("and lost in one with a login of its own", async () => {
    const w = await world();
    const [attacker, victim] = [await begin(w), await begin(w)];
    await expectLost(w, await comeBack(w, attacker, { cookie: victim.cookie }));
    expect((await comeBack(w, victim)).status).toBe(303);
    expect((await comeBack(w, attacker)).status).toBe(303);
  });

  it("whatever name the other login's cookie is given", async () => {
    const w = await world();
    const [attacker, victim] = [await begin(w), await begin(w)];
    const [name] = attacker.cookie.split("=");
    const [, value = ""] = victim.cookie.split("=");
    await expectLost(w, await comeBack(w, attacker, { cookie: `${name}=${value}` }));
  });

  it("and to one tenant: another issuer's cookie is none of ours", async () => {
    const w = await world();
    const begun = await begin(w);
    const { onHttps } = await import("./login-steps.ts");
    const other = await world(onHttps("https://other.example.com"));
    const value = begun.cookie.slice(begun.cookie.indexOf("=") + 1);
    const name = begun.cookie
      .slice(0, begun.cookie.indexOf("="))
      .replace(/^cambio_/, "__Host-cambio_")
      .replace(/_8787$/, "");
    const callback = new URL(w.idp.login(begun.url, "dona.moore"));
    const answer = await other.fetch(`/oauth2/callback/corp${callback.search}`, { headers: { cookie: `${name}=${value}` } });
    expect(answer.status).toBe(400);
    expect(lastReason(other)).toBe("login_state_unknown");
  });

  it("in two tabs goes on in both, each with its own answer", async () => {
    const w = await world();
    const [left, right] = [await begin(w, "web-app", { state: "left" }), await begin(w, "web-app", { state: "right" })];
    const cookie = `${left.cookie}; ${right.cookie}`;
    expect(sentTo(await comeBack(w, right, { cookie })).get("state")).toBe("right");
    expect(sentTo(await comeBack(w, left, { cookie })).get("state")).toBe("left");
  });

  it("has a cookie that nobody can read or change", async () => {
    const w = await world();
    const begun = await begin(w, "web-app", { state: "the-state", nonce: "the-nonce" });
    const [name, value = ""] = begun.cookie.split("=");
    const bytes = atob(value.replaceAll("-", "+").replaceAll("_", "/"));
    for (const secret of ["the-state", "the-nonce", "web-app", begun.asked.get("state") ?? "", begun.asked.get("nonce") ?? ""]) expect(bytes).not.toContain(secret);
    for (const at of [0, 3, 20, value.length - 2]) {
      const changed = `${value.slice(0, at)}${value[at] === "A" ? "B" : "A"}${value.slice(at + 1)}`;
      expect((await comeBack(w, begun, { cookie: `${name}=${changed}` })).status).toBe(400);
    }
    expect((await comeBack(w, begun, { cookie: `${name}=` })).status).toBe(400);
    expect((await comeBack(w, begun)).status).toBe(303);
  });
});

describe("while a login is at the IdP", () => {
  it("an application that is disabled gets no code", async () => {
    const clock = stopClock();
    const w = await world();
    const begun = await begin(w);
    await editTenant(w, (file) => Object.assign(file.clients["web-app"] ?? {}, { disabled: true }));
    clock.forward(11);
    await expectLost(w, await comeBack(w, begun));
  });

  it("a redirect URI that is withdrawn gets neither code nor error", async () => {
    const clock = stopClock();
    const w = await world();
    const [denied, begun] = [await begin(w), await begin(w)];
    await editTenant(w, (file) => Object.assign(file.clients["web-app"] ?? {}, { redirectUris: ["https://new.example/cb"] }));
    clock.forward(11);
    await expectLost(w, await comeBack(w, denied, { parameters: { error: "access_denied" } }));
    await expectLost(w, await comeBack(w, begun));
  });

  it.each([
    ["disabled", { disabled: true }],
    ["gone", undefined],
  ])("an IdP that is %s logs nobody in", async (_name, change) => {
    const clock = stopClock();
    const w = await world();
    const begun = await begin(w);
    await editTenant(w, (file) => {
      if (change !== undefined) Object.assign(file.identityProviders.corp ?? {}, change);
      else file.identityProviders.new = { ...file.identityProviders.corp } as never;
      if (change === undefined) delete file.identityProviders.corp;
      if (change === undefined) file.defaultIdentityProvider = "new";
    });
    if (change === undefined) {
      const { file } = await w.service.tenants.export("http://localhost:8787");
      await w.apply(file ?? {}, "?prune=true");
      delete file?.identityProviders.corp;
      await w.apply(file ?? {}, "?prune=true");
    }
    clock.forward(11);
    const answer = await comeBack(w, begun);
    expect(sentTo(answer).get("error")).toBe("access_denied");
    expect(cookiesOf(answer)).toBe("");
    expect(w.idp.requests.filter((request) => request.startsWith("POST"))).toEqual([]);
  });
});
