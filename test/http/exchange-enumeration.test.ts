import { describe, expect, it } from "vitest";
import { GRANT_TYPE, TOKEN_TYPE } from "../../src/protocol/names.ts";
import { stoppedClock } from "../faults.ts";
import { type InterceptedWorld, interceptedWorld } from "../worker/intercepted.ts";
import { changed, ISSUER, login, payloadOf, type TenantFileInput, type World } from "../world.ts";
import { lastReason } from "./login-steps.ts";
import { bytesOfAnswer } from "./wire.ts";

const clock = stoppedClock();

const AGENT = ["travel-agent", "travel-agent-secret"] as const;
const SUBJECT = { grant_type: GRANT_TYPE.token_exchange, subject_token_type: TOKEN_TYPE.access_token };

/** One target of each kind that an agent may not have: never told apart but in the audit log. */
function targets(file: TenantFileInput): void {
  Object.assign(file.clients["hr-service"], { disabled: true });
  file.permissions.push({ consumer: "travel-agent", provider: "back-end-api", name: "asked", status: "requested" } as never);
  file.permissions.push({ consumer: "travel-agent", provider: "scheduler", name: "gone", status: "withdrawn" } as never);
}
const BAD_TARGETS = {
  nobody: "target_unknown",
  "orders-api": "target_forbidden",
  "hr-service": "target_forbidden",
  "back-end-api": "target_forbidden",
  scheduler: "target_forbidden",
};

/** What a request is answered, byte by byte, and what the Worker asked of anything outside itself for it. */
async function costOf(w: InterceptedWorld, path: string, form: Record<string, string>, as: readonly [string, string] = AGENT) {
  let bytes = "";
  const calls = await w.during(async () => {
    bytes = await bytesOfAnswer(await w.post(path, form, as));
  });
  return { bytes, calls };
}

describe("what may not be told apart", () => {
  it("ENU-01, TIM-04 unknown, forbidden, disabled, requested and withdrawn targets: the same bytes for the same work, cold and warm", async () => {
    const w = await interceptedWorld({ tenant: targets });
    const { access_token } = await login(w, "travel-agent");
    const seen: { readonly bytes: string; readonly cold: readonly string[]; readonly warm: readonly string[] }[] = [];
    for (const [audience, reason] of Object.entries(BAD_TARGETS)) {
      const form = { ...SUBJECT, subject_token: access_token, audience };
      w.service.directory.forget(ISSUER);
      const cold = await costOf(w, "/oauth2/token", form);
      expect([audience, lastReason(w)]).toEqual([audience, reason]);
      const warm = await costOf(w, "/oauth2/token", form);
      expect(warm.bytes).toBe(cold.bytes);
      seen.push({ bytes: cold.bytes, cold: cold.calls, warm: warm.calls });
    }
    expect(seen[0]?.bytes).toContain("invalid_target");
    expect(seen[0]?.warm).toEqual([]);
    for (const one of seen) expect(one).toEqual(seen[0]);
  });

  it("ENU-01, TIM-04 the same for client credentials, jwt-bearer and API access", async () => {
    const w = await interceptedWorld({
      tenant: (file) => {
        targets(file);
        file.clients["travel-agent"].grants.push("client_credentials", "jwt_bearer");
      },
    });
    const { id_token } = await login(w, "travel-agent");
    const bearer = { grant_type: GRANT_TYPE.jwt_bearer, assertion: id_token };
    const own = { grant_type: GRANT_TYPE.client_credentials };
    const ways = [
      ["/oauth2/token", bearer],
      ["/oauth2/token", own],
      ["/realms/demo/api-access/token", own],
    ] as const;
    for (const [path, form] of ways) {
      const answers = [];
      for (const audience of Object.keys(BAD_TARGETS)) {
        await w.post(path, { ...form, audience }, AGENT);
        answers.push(await costOf(w, path, { ...form, audience }));
      }
      expect(answers[0]?.bytes).toContain("invalid_target");
      for (const answer of answers) expect(answer).toEqual(answers[0]);
    }
  });

  it("TIM-04, TX-58 a forged token of a user who is here and of one who is not: the same bytes, and nothing is asked of anybody", async () => {
    const w = await interceptedWorld();
    const { access_token } = await login(w, "travel-agent");
    const [header, , signature] = access_token.split(".");
    const forged = (sub: unknown) =>
      `${header}.${btoa(JSON.stringify({ ...payloadOf(access_token), sub, forged: true }))
        .replaceAll("+", "-")
        .replaceAll("/", "_")
        .replace(/=+$/, "")}.${signature}`;
    const answers = [];
    for (const subject_token of [forged(payloadOf(access_token).sub), forged("nobody"), changed(access_token), "junk"]) {
      answers.push(await costOf(w, "/oauth2/token", { ...SUBJECT, subject_token }));
    }
    expect(answers[0]).toMatchObject({ bytes: expect.stringContaining("invalid_request"), calls: [] });
    for (const answer of answers) expect(answer).toEqual(answers[0]);
  });
});

describe("what explain tells", () => {
  const explain = async (w: World, subject_token: string, as: readonly [string, string], form: Record<string, string> = {}) =>
    (await (await w.post("/oauth2/exchange/explain", { ...SUBJECT, subject_token, ...form }, as)).json()) as Record<string, unknown>;
  const STRANGER = ["stranger", "stranger-secret"] as const;

  it("ENU-01, TX-58 of another's token nothing: alive, revoked, expired and forged are explained in the same words", async () => {
    const w = await interceptedWorld();
    const first = await login(w, "travel-agent");
    const second = await login(w, "travel-agent");
    const alive = await explain(w, first.access_token, STRANGER);
    const forged = await explain(w, changed(first.access_token), STRANGER);
    await w.post("/oauth2/revoke", { token: first.access_token }, AGENT);
    const revoked = await explain(w, first.access_token, STRANGER);
    const owners = await explain(w, first.access_token, AGENT);
    clock.forward(3601);
    const expired = await explain(w, second.access_token, STRANGER);
    expect(alive).toMatchObject({ permitted: false, reason: "subject_not_accepted", error: "invalid_request" });
    for (const answer of [forged, revoked, expired]) expect(answer).toEqual(alive);
    // Its own client is told what became of it.
    expect(owners).toMatchObject({ permitted: false, reason: "subject_dead" });
  });

  it("ENU-01 of a target only that it is not permitted, for the same work; of the rest what it may do about it", async () => {
    const w = await interceptedWorld({ tenant: targets });
    const { access_token } = await login(w, "travel-agent");
    const answers = [];
    for (const audience of Object.keys(BAD_TARGETS)) {
      await explain(w, access_token, AGENT, { audience });
      answers.push(await costOf(w, "/oauth2/exchange/explain", { ...SUBJECT, subject_token: access_token, audience }));
    }
    expect(answers[0]).toMatchObject({ bytes: expect.stringContaining("target_not_permitted"), calls: [] });
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(await explain(w, access_token, AGENT, { scope: "salary:read" })).toMatchObject({ permitted: false, reason: "scope_exceeds", error: "invalid_scope" });
    expect(await explain(w, access_token, AGENT, { requested_token_type: TOKEN_TYPE.id_token })).toMatchObject({ permitted: false, reason: "requested_type_unsupported" });
  });
});
