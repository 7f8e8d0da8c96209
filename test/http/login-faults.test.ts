import { reset } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Rejection } from "../../src/protocol/rejection.ts";
import type { Service } from "../../src/service.ts";
import { answersLost, familiesDown } from "../faults.ts";
import { cookiesOf, introspect, login, type World, world } from "../world.ts";
import { authorize, begin, comeBack, fieldsOf, lastReason, sentTo } from "./login-steps.ts";

beforeEach(reset);
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const down = () => Promise.reject(new Rejection("unavailable", { note: "test" }));

/** A world in which one store fails from the moment that `fail` is called. */
async function failing(part: "users" | "singleUse"): Promise<World & { fail(broken: boolean): void }> {
  let broken = false;
  const guard = <Store extends object>(store: Store): Store => {
    const methods = Object.entries(store) as [string, (...values: unknown[]) => unknown][];
    return Object.fromEntries(methods.map(([name, method]) => [name, (...values: unknown[]) => (broken ? down() : method(...values))])) as Store;
  };
  const w = await world({ service: (service): Service => ({ ...service, [part]: guard(service[part]) }) });
  return { ...w, fail: (now) => (broken = now) };
}

/** A page that says when to try again: neither the application nor the browser's session is given up. */
function expectTryAgain(answer: Response): void {
  expect([answer.status, answer.headers.get("retry-after"), answer.headers.get("location")]).toEqual([503, "2", null]);
  expect(answer.headers.getSetCookie().filter((cookie) => cookie.startsWith("cambio_session"))).toEqual([]);
}

describe("while nobody can tell", () => {
  it("a session is neither taken for ended nor for live: prompt=none is told to try again, not to log in", async () => {
    const w = await world();
    const { cookie } = await login(w, "web-app");
    const up = familiesDown();
    expectTryAgain(await authorize(w, "web-app", { prompt: "none" }, cookie));
    expectTryAgain(await authorize(w, "web-app", {}, cookie));
    up();
    expect(sentTo(await authorize(w, "web-app", { prompt: "none" }, cookie)).get("code")).toMatch(/^cambio_code_/);
  });

  it("a logout is not said to be done: 503, and the cookie stays", async () => {
    const w = await world();
    const { cookie, id_token, access_token } = await login(w, "web-app");
    const { confirm = "" } = fieldsOf(await (await w.fetch("/oauth2/logout", { headers: { cookie } })).text());
    const up = familiesDown();
    const answers = [await w.fetch(`/oauth2/logout?id_token_hint=${id_token}`, { headers: { cookie } }), await w.post("/oauth2/logout", { confirm }, undefined, { cookie })];
    up();
    for (const answer of answers) {
      expect([answer.status, answer.headers.get("retry-after"), answer.headers.get("location"), answer.headers.getSetCookie()]).toEqual([503, "2", null, []]);
    }
    expect(await introspect(w, "web-app", access_token)).toMatchObject({ active: true });
    await w.fetch(`/oauth2/logout?id_token_hint=${id_token}`, { headers: { cookie } });
    expect(await introspect(w, "web-app", access_token)).toEqual({ active: false });
  });

  it("a logout whose answer is lost has been done, and the next one says so", async () => {
    const w = await world();
    const { cookie, id_token, access_token } = await login(w, "web-app");
    const found = answersLost();
    expect((await w.fetch(`/oauth2/logout?id_token_hint=${id_token}`, { headers: { cookie } })).status).toBe(503);
    found();
    expect(await introspect(w, "web-app", access_token)).toEqual({ active: false });
    expect((await w.fetch(`/oauth2/logout?id_token_hint=${id_token}`, { headers: { cookie } })).status).toBe(303);
  });

  it("a user who comes back from the IdP is not let in", async () => {
    const w = await world();
    const begun = await begin(w);
    const up = familiesDown();
    expectTryAgain(await comeBack(w, begun));
    up();
    expect(sentTo(await comeBack(w, await begin(w))).get("code")).toMatch(/^cambio_code_/);
  });

  it("a family whose opening was not answered gives no code and no cookie", async () => {
    const w = await world();
    const begun = await begin(w);
    const found = answersLost();
    expectTryAgain(await comeBack(w, begun));
    found();
  });

  it("whether the user is cut off, nobody is let in", async () => {
    const w = await failing("users");
    const begun = await begin(w);
    w.fail(true);
    expectTryAgain(await comeBack(w, begun));
    w.fail(false);
    expect(sentTo(await comeBack(w, await begin(w))).get("code")).toMatch(/^cambio_code_/);
  });

  it("whether a login's state was used, it is not used: a page says when to try again, the IdP's code is not redeemed, and the same callback works later", async () => {
    const w = await failing("singleUse");
    const begun = await begin(w);
    const callback = w.idp.login(begun.url, "dona.moore");
    w.fail(true);
    const answer = await w.fetch(callback, { headers: { cookie: begun.cookie } });
    expect([answer.status, answer.headers.get("retry-after"), cookiesOf(answer)]).toEqual([503, "2", ""]);
    expect(lastReason(w)).toBe("unavailable");
    expect(w.idp.requests.filter((request) => request.startsWith("POST"))).toEqual([]);
    w.fail(false);
    expect(sentTo(await w.fetch(callback, { headers: { cookie: begun.cookie } })).get("code")).toMatch(/^cambio_code_/);
  });

  it("whether the former session has ended, the new login waits", async () => {
    const w = await world();
    const old = await login(w, "web-app");
    const begun = await begin(w, "web-app", { prompt: "login" }, old.cookie);
    const up = familiesDown();
    expectTryAgain(await comeBack(w, begun, { cookie: `${begun.cookie}; ${old.cookie}` }));
    up();
    expect(sentTo(await authorize(w, "web-app", { prompt: "none" }, old.cookie)).get("code")).toMatch(/^cambio_code_/);
  });
});

describe("a user who is revoked", () => {
  it("has no session any more, at no application, and may log in again afterwards", async () => {
    const w = await world();
    const { cookie, access_token } = await login(w, "web-app");
    const { sub } = (await introspect(w, "web-app", access_token)) as { sub: string };
    await w.service.users.revoke({ tenant: "http://localhost:8787", jurisdiction: undefined, sub });
    expect(sentTo(await authorize(w, "web-app", { prompt: "none" }, cookie)).get("error")).toBe("login_required");
    expect((await authorize(w, "mobile-app", {}, cookie)).headers.get("location")).toMatch(/^http:\/\/localhost:8788\/auth/);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2000 });
    expect(sentTo(await comeBack(w, await begin(w))).get("code")).toMatch(/^cambio_code_/);
  });

  it("is not let in by a login that is not younger than the revocation", async () => {
    const w = await world();
    const { access_token } = await login(w, "web-app");
    const { sub } = (await introspect(w, "web-app", access_token)) as { sub: string };
    const begun = await begin(w);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    await w.service.users.revoke({ tenant: "http://localhost:8787", jurisdiction: undefined, sub });
    expect(sentTo(await comeBack(w, begun)).get("error")).toBe("access_denied");
    expect(lastReason(w)).toBe("user_cut_off");
  });
});
