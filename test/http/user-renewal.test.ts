import { describe, expect, it } from "vitest";
import { outcomeOf, stoppedClock, UNAVAILABLE } from "../faults.ts";
import { login, payloadOf, refresh, type Tokens, type World, world } from "../world.ts";
import { tokenRequests } from "./corporate-idp-steps.ts";
import { lastReason } from "./login-steps.ts";

const clock = stoppedClock();

/** How long what the IdP said of a user holds. Seconds. */
const AGE = 600;
const APP = "web-app";
const REQUIRED = { subjectTokens: { audiences: ["cambio"], requiredClaims: { hd: ["example.com"] } } };

/** A world and a login in it whose user is as old as may be. */
async function aged(record: object = {}) {
  const w = await world({ tenant: (file) => Object.assign(file.identityProviders.corp, { userMaxAge: AGE, ...record }) });
  w.idp.claims = { hd: "example.com" };
  const { refresh_token } = await login(w, APP);
  clock.forward(AGE);
  w.idp.requests.length = 0;
  return { w, token: refresh_token };
}

const renewed = async (w: World, token: string): Promise<Tokens> => {
  const answer = await refresh(w, APP, token);
  expect(answer.status, w.lines.at(-1)).toBe(200);
  return await answer.json();
};
const groupsOf = ({ id_token }: Tokens) => payloadOf(id_token).groups;
const answering = (w: World, answer: object, status = 200) => {
  w.idp.scripts.token = () => Response.json(answer, { status });
};

describe("what an IdP said of a user, once it is as old as the IdP's record allows", () => {
  it("is asked for again by a refresh: once, and it holds as long again for all of the login", async () => {
    const { w, token } = await aged();
    Object.assign(w.idp.users["dona.moore"] ?? {}, { groups: ["managers"] });
    const second = await renewed(w, token);
    expect([groupsOf(second), tokenRequests(w)]).toEqual([["managers"], 1]);
    clock.forward(AGE - 1);
    const third = await renewed(w, second.refresh_token);
    expect([groupsOf(third), tokenRequests(w)]).toEqual([["managers"], 1]);
    clock.forward(1);
    await renewed(w, third.refresh_token);
    expect(tokenRequests(w)).toBe(2);
  });

  it("is asked for at userinfo where no ID token comes with the refresh", async () => {
    const { w, token } = await aged();
    answering(w, { access_token: "at", token_type: "Bearer", expires_in: 60 });
    w.idp.scripts.userinfo = () => Response.json({ sub: "sub-dona.moore", preferred_username: "dona.moore", groups: ["managers"] });
    expect(groupsOf(await renewed(w, token))).toEqual(["managers"]);
  });

  it.each<[string, (w: World) => void, object?]>([
    ["the IdP refuses its refresh token", (w) => answering(w, { error: "invalid_grant" }, 400)],
    ["the user lacks a claim by now that the record requires", (w) => void Object.assign(w.idp, { claims: { hd: "gmail.com" } }), REQUIRED],
  ])("ends the refresh where %s; after a refusal it is not asked again, and the user logs in again", async (_what, change, record) => {
    const { w, token } = await aged(record);
    change(w);
    expect([(await outcomeOf(await refresh(w, APP, token))).error, lastReason(w)]).toEqual(["invalid_grant", "refresh_user_age"]);
    delete w.idp.scripts.token;
    if (record === undefined) expect([(await refresh(w, APP, token)).status, lastReason(w), tokenRequests(w)]).toEqual([400, "refresh_user_age", 1]);
    w.idp.claims = { hd: "example.com" };
    await renewed(w, (await login(w, APP)).refresh_token);
  });

  it("ends the refresh of what outlives the session, for which nobody can be asked", async () => {
    const w = await world({ tenant: (file) => Object.assign(file.identityProviders.corp, { userMaxAge: AGE }) });
    const { refresh_token } = await login(w, "front-end-app", { scope: "openid offline_access" });
    clock.forward(AGE);
    expect([(await outcomeOf(await refresh(w, "front-end-app", refresh_token))).error, lastReason(w)]).toEqual(["invalid_grant", "refresh_user_age"]);
  });

  it("leaves the refresh undecided while the IdP is down, and the client its token", async () => {
    const { w, token } = await aged();
    w.idp.scripts.token = () => new Response("{}", { status: 500 });
    expect([await outcomeOf(await refresh(w, APP, token)), lastReason(w)]).toEqual([UNAVAILABLE, "idp_unreachable"]);
    expect([await outcomeOf(await refresh(w, APP, token)), lastReason(w)]).toEqual([UNAVAILABLE, "idp_refresh_pending"]);
    delete w.idp.scripts.token;
    // Beyond the retry window, and the lease of who asked the IdP.
    clock.forward(20);
    await renewed(w, (await renewed(w, token)).refresh_token);
  });
});
