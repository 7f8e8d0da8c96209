import { reset } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { stopClock } from "../faults.ts";
import { arrive, changed, introspect, pkce, redeem, refresh, type Tokens, type World, world } from "../world.ts";
import { authorize, begin, comeBack, fieldsOf, lastReason } from "./login-steps.ts";

beforeEach(reset);
afterEach(() => {
  vi.useRealTimers();
});

async function expectGrantRefused(answer: Response): Promise<void> {
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ error: "invalid_grant" });
}

async function isActive(w: World, token: string): Promise<boolean> {
  return (await introspect(w, "web-app", token)).active === true;
}

describe("a code", () => {
  it.each([0, 1, 30, 59])("AZ-11 presented again after %i s is refused, and the tokens of the first use are dead", async (seconds) => {
    const clock = stopClock();
    const w = await world();
    const arrived = await arrive(w, "web-app");
    const first = (await (await redeem(w, "web-app", arrived)).json()) as Tokens;
    expect(await isActive(w, first.access_token)).toBe(true);
    clock.forward(seconds);
    await expectGrantRefused(await redeem(w, "web-app", arrived));
    expect(await isActive(w, first.access_token)).toBe(false);
    await expectGrantRefused(await refresh(w, "web-app", first.refresh_token));
    expect((await w.fetch("/oauth2/userinfo", { headers: { authorization: `Bearer ${first.access_token}` } })).status).toBe(401);
  });

  it("AZ-11 presented again after its minute still ends what the first use gave", async () => {
    const clock = stopClock();
    const w = await world();
    const arrived = await arrive(w, "web-app");
    const first = (await (await redeem(w, "web-app", arrived)).json()) as Tokens;
    clock.forward(90);
    await expectGrantRefused(await redeem(w, "web-app", arrived));
    expect(await isActive(w, first.access_token)).toBe(false);
  });

  it("AZ-13 lives a minute: good after 59 s, refused after 61 s", async () => {
    const clock = stopClock();
    const w = await world();
    const [young, old] = [await arrive(w, "web-app"), await arrive(w, "front-end-app")];
    clock.forward(59);
    expect((await redeem(w, "web-app", young)).status).toBe(200);
    clock.forward(2);
    await expectGrantRefused(await redeem(w, "front-end-app", old));
    expect(lastReason(w)).toBe("code_expired");
  });

  it("AZ-13 in the hands of another client is refused, and stays good for its own", async () => {
    const w = await world();
    const arrived = await arrive(w, "web-app");
    await expectGrantRefused(await redeem(w, "front-end-app", arrived));
    await expectGrantRefused(await redeem(w, "mobile-app", arrived));
    const tokens = (await (await redeem(w, "web-app", arrived)).json()) as Tokens;
    await expectGrantRefused(await redeem(w, "front-end-app", arrived));
    expect(await isActive(w, tokens.access_token)).toBe(true);
  });

  it.each([
    ["another redirect URI", { redirect_uri: "http://127.0.0.1:5000/callback" }],
    ["a redirect URI with a slash more", { redirect_uri: "http://localhost:8789/callback/" }],
    ["another verifier", { code_verifier: "v".repeat(43) }],
    ["a verifier of 42 characters", { code_verifier: "v".repeat(42) }],
    ["a verifier of 129 characters", { code_verifier: "v".repeat(129) }],
  ])("AZ-13 with %s is refused, and stays good", async (_name, changes) => {
    const w = await world();
    const arrived = await arrive(w, "web-app");
    await expectGrantRefused(await redeem(w, "web-app", arrived, changes));
    expect((await redeem(w, "web-app", arrived)).status).toBe(200);
  });

  it.each(["redirect_uri", "code_verifier", "code"])("is not redeemed without %s, and stays good", async (name) => {
    const w = await world();
    const arrived = await arrive(w, "web-app");
    const answer = await redeem(w, "web-app", arrived, { [name]: "" });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: "invalid_request" });
    expect((await redeem(w, "web-app", arrived)).status).toBe(200);
  });

  it("is not redeemed with the challenge in the verifier's place (PKCE downgrade)", async () => {
    const w = await world();
    const { challenge } = await pkce();
    const arrived = await arrive(w, "web-app", { authorize: { code_challenge: challenge } });
    await expectGrantRefused(await redeem(w, "web-app", { ...arrived, verifier: challenge }));
  });

  it("binds the port of a loopback redirect URI that the login began with", async () => {
    const w = await world();
    const arrived = await arrive(w, "mobile-app");
    await expectGrantRefused(await redeem(w, "mobile-app", arrived, { redirect_uri: "http://127.0.0.1:5001/callback" }));
    expect((await redeem(w, "mobile-app", arrived)).status).toBe(200);
  });

  it("AZ-15 is no other thing of ours, and no other thing of ours is a code", async () => {
    const w = await world();
    const arrived = await arrive(w, "web-app");
    const tokens = (await (await redeem(w, "web-app", arrived)).json()) as Tokens;
    const begun = await begin(w);
    const confirm = fieldsOf(await (await authorize(w, "mobile-app", {}, arrived.cookie)).text()).confirm ?? "";
    const cookieValue = (cookie: string) => cookie.slice(cookie.indexOf("=") + 1);
    const things = {
      "the IdP's state": begun.asked.get("state") ?? "",
      "the sealed login state": cookieValue(begun.cookie),
      "the session cookie": cookieValue(arrived.cookie),
      "the click's form": confirm,
      "a refresh token": tokens.refresh_token,
      "an access token": tokens.access_token,
      "an ID token": tokens.id_token,
      "a code with a refresh token's prefix": arrived.code.replace("cambio_code_", "cambio_rt_"),
      "a refresh token with a code's prefix": tokens.refresh_token.replace("cambio_rt_", "cambio_code_"),
      "a code with one bit changed": changed(arrived.code),
    };
    for (const [name, code] of Object.entries(things)) {
      const answer = await redeem(w, "web-app", { ...arrived, code });
      expect([name, answer.status, await answer.json()]).toEqual([name, 400, expect.objectContaining({ error: "invalid_grant" })]);
    }
    const other = await arrive(w, "front-end-app");
    for (const path of ["/oauth2/callback/corp?code=x&state=", "/oauth2/logout?state=", "/oauth2/logout?id_token_hint="]) {
      expect((await w.fetch(`${path}${other.code}`)).headers.get("location")).toBeNull();
    }
    expect((await redeem(w, "front-end-app", other)).status).toBe(200);
  });

  it("of a session that has ended since is refused", async () => {
    const w = await world();
    const arrived = await arrive(w, "web-app");
    const again = await comeBack(w, await begin(w, "web-app", { prompt: "login" }), { cookie: "" });
    expect(again.status).toBe(400);
    const page = await w.fetch("/oauth2/logout", { headers: { cookie: arrived.cookie } });
    const { confirm = "" } = fieldsOf(await page.text());
    await w.post("/oauth2/logout", { confirm }, undefined, { cookie: arrived.cookie });
    await expectGrantRefused(await redeem(w, "web-app", arrived));
    expect(lastReason(w)).toBe("code_family_dead");
  });

  it("redeemed fifty times at once gives one grant, and the replay ends it", async () => {
    const w = await world();
    const arrived = await arrive(w, "web-app");
    const answers = await Promise.all(Array.from({ length: 50 }, () => redeem(w, "web-app", arrived)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const answer of answers.filter(({ status }) => status !== 200)) await expectGrantRefused(answer);
    const tokens = (await answers.find(({ status }) => status === 200)?.json()) as Tokens;
    expect(await isActive(w, tokens.access_token)).toBe(false);
  });
});
