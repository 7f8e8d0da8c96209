import { reset } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { type Clock, editTenant, stopClock } from "../faults.ts";
import { exchange, login, refresh, type TenantFileInput, type Tokens, type World, world } from "../world.ts";
import { lastReason } from "./login-steps.ts";

let clock: Clock;
beforeEach(async () => {
  await reset();
  clock = stopClock();
});
afterEach(() => void vi.useRealTimers());

const APP = "front-end-app";
const USERS = { corp: "dona.moore", partner: "chris.lee" } as const;
const takesCorpOnly = (file: { clients: Record<string, object> }, target: string) => void Object.assign(file.clients[target] ?? {}, { identityProviders: ["corp"] });

const loggedIn = async (w: World, idp: keyof typeof USERS) => await login(w, APP, { user: USERS[idp], authorize: { idp } });

async function traded(w: World, subject: string, form: Record<string, string> = { audience: "back-end-api" }): Promise<readonly unknown[]> {
  const { status, body } = await exchange(w, APP, { subject_token: subject, subject_token_type: TOKEN_TYPE.access_token, ...form });
  return status === 200 ? [200] : [status, body.error, lastReason(w)];
}

const REFUSED = [400, "invalid_target", "target_forbidden"];

describe("a client that takes the users of one IdP", () => {
  it.each(["jwt", "opaque"] as const)("is given nothing for another IdP's, by no exchange: of a subject token that is %s", async (accessTokenFormat) => {
    const w = await world({
      tenant: (file: TenantFileInput) => {
        takesCorpOnly(file, "back-end-api");
        Object.assign(file.clients[APP], { tokenPolicy: { accessTokenFormat } });
      },
    });
    const [corp, partner] = [await loggedIn(w, "corp"), await loggedIn(w, "partner")];
    expect(await traded(w, corp.access_token)).toEqual([200]);
    expect(await traded(w, partner.access_token)).toEqual(REFUSED);
    expect(await traded(w, partner.access_token, { audience: "back-end-api", requested_token_type: TOKEN_TYPE.id_token })).toEqual(REFUSED);
    expect(await traded(w, partner.access_token, {})).toEqual([200]);
    const explained = async (token: string) => {
      const form = { subject_token: token, subject_token_type: TOKEN_TYPE.access_token, audience: "back-end-api" };
      return ((await (await w.post("/oauth2/exchange/explain", form, [APP, `${APP}-secret`])).json()) as { permitted: boolean }).permitted;
    };
    expect([await explained(corp.access_token), await explained(partner.access_token)]).toEqual([true, false]);
  });

  it("and was given something before it said so is given no more of it", async () => {
    const w = await world();
    const refreshTokens: string[] = [];
    for (const idp of ["corp", "partner"] as const) {
      const { access_token } = await loggedIn(w, idp);
      const { body } = await exchange(w, APP, { subject_token: access_token, subject_token_type: TOKEN_TYPE.access_token, audience: "back-end-api" });
      refreshTokens.push(String(body.refresh_token));
    }
    const renewed = async () => {
      const answers = [];
      for (const [index, token] of refreshTokens.entries()) {
        const answer = await refresh(w, APP, token);
        if (answer.ok) refreshTokens[index] = ((await answer.json()) as Tokens).refresh_token;
        answers.push(answer.status);
      }
      return answers;
    };
    expect(await renewed()).toEqual([200, 200]);
    await editTenant(w, (file) => takesCorpOnly(file, "back-end-api"));
    clock.forward(11);
    expect([await renewed(), lastReason(w)]).toEqual([[200, 400], "refresh_target"]);
  });
});
