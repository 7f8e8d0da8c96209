import { describe, expect, it } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { anotherIsolate, consistently, editTenant, stoppedClock } from "../faults.ts";
import { interceptedWorld } from "../worker/intercepted.ts";
import { ISSUER, introspect, payloadOf, type World, world } from "../world.ts";
import { fate, partnerToken, present } from "./external-steps.ts";

const clock = stoppedClock();

const DEAD = [400, "invalid_request", "subject_dead"];

describe("DEP-07 what another issuer writes about depth, family and ancestry", () => {
  it("is ignored, be it ours or made up: the same family, one hop, the same limit", async () => {
    const w = await world({ tenant: (file) => Object.assign(file, { tokenPolicy: { maxHops: 1 } }) });
    const plain = await present(w, await partnerToken(w));
    const { lin } = payloadOf(String(plain.body.access_token));
    expect(lin).toEqual(expect.any(String));
    const families = new Set<unknown>();
    for (const claims of [{}, { lin }, { lin: "junk" }, { hops: 0, family: "f", path: ["a", "b"] }, { hops: 99, depth: 99, deadline: 0 }]) {
      const { status, body } = await present(w, await partnerToken(w, { ...claims, jti: crypto.randomUUID() }));
      families.add(JSON.parse(w.lines.at(-1) ?? "").family);
      expect([status, payloadOf(String(body.access_token)).sub]).toEqual([200, payloadOf(String(plain.body.access_token)).sub]);
      const again = await fate(w, String(body.access_token), { subject_token_type: TOKEN_TYPE.access_token, audience: "" }, "orders-api");
      expect(again).toEqual([400, "invalid_request", "subject_depth"]);
    }
    expect(families.size).toBe(1);
  });
});

describe("a token of a corporate IdP at the edge", () => {
  const begun = () => interceptedWorld({ tenant: consistently("edge") });
  const childOf = async (w: World, token: string) => {
    const { status, body } = await present(w, token);
    return { status, token: String(body.access_token), consistency: JSON.parse(w.lines.at(-1) ?? "").consistency as unknown };
  };

  it("costs nothing within five seconds of the look at it, and each token is looked at by itself", async () => {
    const w = await begun();
    const [one, two] = [await partnerToken(w), await partnerToken(w, { jti: "another" })];
    await present(w, one);
    expect(await w.during(async () => expect((await childOf(w, one)).consistency).toBe("edge"))).toEqual(["family.record"]);
    expect((await w.during(() => present(w, two))).filter((call) => call.startsWith("family."))).toEqual(["family.extend"]);
    clock.forward(5);
    expect((await w.during(() => present(w, one))).filter((call) => call.startsWith("family."))).toEqual(["family.extend"]);
  });

  it("of a user who is revoked elsewhere is taken for less than five seconds more, and what came of it is dead", async () => {
    const w = await begun();
    const token = await partnerToken(w);
    const other = await anotherIsolate(w);
    const { sub } = payloadOf((await childOf(other, token)).token);
    await w.service.users.revoke({ tenant: ISSUER, jurisdiction: undefined, sub: String(sub) });
    clock.forward(4);
    const late = await childOf(other, token);
    expect([late.status, late.consistency]).toEqual([200, "edge"]);
    expect(await introspect(w, "orders-api", late.token)).toEqual({ active: false });
    clock.forward(1);
    expect(await fate(other, token)).toEqual(DEAD);
  });

  it("that is younger than its IdP's cutoff gives what lives, at the edge as before it; an older one gives nothing", async () => {
    const w = await begun();
    const old = await partnerToken(w);
    await present(w, old);
    clock.forward(1);
    await editTenant(w, (file) => void Object.assign(file.identityProviders.partner ?? {}, { cutoff: clock.now() }));
    expect(await fate(w, old)).toEqual(DEAD);
    clock.forward(30);
    const later = await partnerToken(w);
    for (const consistency of [undefined, "edge"]) {
      const child = await childOf(w, later);
      expect([child.status, child.consistency, await introspect(w, "orders-api", child.token)]).toEqual([200, consistency, expect.objectContaining({ active: true })]);
    }
  });
});
