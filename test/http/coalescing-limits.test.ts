import { describe, expect, it } from "vitest";
import { GRANT_TYPE, TOKEN_TYPE } from "../../src/protocol/names.ts";
import { type SharedAnswer, sharedAnswers } from "../../src/tokens/shared-answers.ts";
import { demoTenant } from "../demo-tenant.ts";
import { stoppedClock } from "../faults.ts";
import { exchange, ISSUER, login, refresh, type World, world } from "../world.ts";
import { lineOf, sharing, trade } from "./coalescing-steps.ts";
import { partnerToken, present } from "./external-steps.ts";

stoppedClock();

const AT = TOKEN_TYPE.access_token;

describe("what is never shared", () => {
  const never = async (w: World, ask: () => Promise<{ readonly status: number }>, status = 200) => {
    for (let turn = 0; turn < 2; turn++) expect((await ask()).status, w.lines.at(-1)).toBe(status);
    expect(w.lines.filter((line) => line.includes('"coalesced"'))).toEqual([]);
  };

  it("refresh tokens, what comes of them, and SSO tokens", async () => {
    const w = await sharing((file) => Object.assign(file.clients["web-app"], { tokenPolicy: { independentOfSession: false } }));
    const web = await login(w, "web-app");
    await never(w, () => trade(w, web.access_token, {}, "web-app"));
    expect(lineOf(w).issued).toContain("refresh_token");
    await never(w, () => trade(w, web.refresh_token, { subject_token_type: TOKEN_TYPE.refresh_token, requested_token_type: AT }, "web-app"));
    await never(w, () => trade(w, web.access_token, { resource: "urn:sap:identity:sso" }, "web-app"));
    let { refresh_token } = await login(w, "travel-agent");
    await never(w, async () => {
      const answer = await refresh(w, "travel-agent", refresh_token);
      refresh_token = ((await answer.json()) as { readonly refresh_token: string }).refresh_token;
      return answer;
    });
  });

  it("assertions, what comes of an opaque token without its session, and of tokens of another issuer", async () => {
    const elsewhere = "https://another-domain.example.com";
    const w = await sharing((file) => Object.assign(file.clients["web-app"], { authorizationServers: [{ issuer: elsewhere }] }));
    const web = await login(w, "web-app");
    const jag = { subject_token_type: TOKEN_TYPE.id_token, requested_token_type: TOKEN_TYPE.id_jag, audience: elsewhere };
    await never(w, () => trade(w, web.id_token, jag, "web-app"));
    await never(w, () => trade(w, web.access_token, { resource: "http://localhost:8790/", requested_token_type: TOKEN_TYPE.saml2 }, "web-app"));
    const { token } = await trade(w, web.access_token, { requested_token_type: AT }, "web-app");
    expect(token).toMatch(/^cambio_at_/);
    await never(w, () => trade(w, token, { requested_token_type: AT }, "web-app"));
    const foreign = await partnerToken(w);
    await never(w, () => present(w, foreign));
  });

  it("what counts against a budget that somebody has set", async () => {
    const w = await sharing((file) => Object.assign(file.clients["travel-agent"], { tokenPolicy: { exchangeBudget: 2 } }));
    const { access_token } = await login(w, "travel-agent");
    await never(w, () => trade(w, access_token));
    expect(await trade(w, access_token)).toMatchObject({ status: 400, error: "invalid_request" });
  });

  it("a refusal, and an explanation", async () => {
    const w = await sharing();
    const { access_token } = await login(w, "travel-agent");
    await never(w, () => trade(w, access_token, { audience: "nobody" }), 400);
    const form = { grant_type: GRANT_TYPE.token_exchange, subject_token: access_token, subject_token_type: AT };
    await never(w, () => w.post("/oauth2/exchange/explain", form, ["travel-agent", "travel-agent-secret"]));
    expect((await exchange(w, "travel-agent", form)).status).toBe(200);
  });
});

describe("the policy", () => {
  it.each([-1, 6, 1.5, "2"])("is refused in a tenant file with %s seconds", async (coalesceSeconds) => {
    const w = await world();
    const answer = await w.apply({ ...demoTenant(ISSUER), tokenPolicy: { coalesceSeconds } });
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining("tokenPolicy.coalesceSeconds")]);
  });
});

describe("the answers that are kept", () => {
  const answer = (until = 5, accessToken = "a", idToken?: string) => ({ until, tokens: { accessToken, idToken } }) as unknown as SharedAnswer;
  const recalled = (answers: ReturnType<typeof sharedAnswers>, keys: readonly string[]) => keys.map((key) => answers.recall(key) !== undefined);

  it("are so many and no more: the oldest goes first", () => {
    const answers = sharedAnswers(() => 0, 2);
    for (const key of ["a", "b", "c"]) answers.keep(key, answer());
    expect(recalled(answers, ["a", "b", "c"])).toEqual([false, true, true]);
  });

  it("are none where that is said, none that is very long, and none that is over", () => {
    const [none, some] = [sharedAnswers(() => 0, 0), sharedAnswers(() => 5, 9)];
    none.keep("a", answer());
    some.keep("long", answer(6, "a".repeat(8000), "a".repeat(193)));
    some.keep("shorter", answer(6, "a".repeat(8000), "a".repeat(192)));
    some.keep("over", answer(5));
    expect([...recalled(none, ["a"]), ...recalled(some, ["long", "shorter", "over"])]).toEqual([false, false, true, false]);
  });
});
