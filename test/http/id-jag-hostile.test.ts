import { reset } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { stopClock } from "../faults.ts";
import { type World, world } from "../world.ts";
import { bear, partnerClaims } from "./external-steps.ts";
import { lastReason } from "./login-steps.ts";

beforeEach(reset);
afterEach(() => {
  vi.useRealTimers();
});

const HERE = "http://localhost:8787";
const TYP = "oauth-id-jag+jwt";
const now = () => Math.floor(Date.now() / 1000);

let count = 0;
const claimsOf = (w: World) => ({
  ...partnerClaims(w),
  aud: HERE,
  client_id: "billing-worker",
  jti: `jag-${now()}-${count++}`,
  resource: "https://orders.example.com",
  scope: "orders:read",
});

async function fateOf(w: World, changes: Record<string, unknown>, header: Record<string, unknown> = {}): Promise<unknown> {
  const { status, body } = await bear(w, await w.partner.sign({ ...claimsOf(w), ...changes }, { typ: TYP, ...header }));
  return status === 200 ? "taken" : [status, body.error, lastReason(w)];
}

const REFUSED = [400, "invalid_grant", "assertion_refused"];

describe("an ID-JAG of a trusted issuer", () => {
  const WRONG: Readonly<Record<string, Record<string, unknown>>> = {
    "for another server": { aud: "https://b.example.com" },
    "for the audience that other tokens of this issuer have": { aud: "cambio" },
    "for us and another": { aud: [HERE, "https://b.example.com"] },
    "for nobody": { aud: undefined },
    "for our token endpoint": { aud: `${HERE}/oauth2/token` },
    "for another client": { client_id: "assistant" },
    "for several clients": { client_id: ["billing-worker"] },
    "for no client": { client_id: undefined },
    "without a jti": { jti: undefined },
    "with an empty jti": { jti: "" },
    "with a number for a jti": { jti: 7 },
    expired: { exp: 1000 },
    "from the future": { iat: 4_000_000_000, exp: 4_000_000_100 },
    "without a subject": { sub: undefined },
    "bound to a key that is not proven": { cnf: { jkt: "x".repeat(43) } },
    "bound to something unknown": { cnf: { kid: "k" } },
    "with a scope in a list": { scope: ["orders:read"] },
    "with a resource that is no text": { resource: { url: "https://orders.example.com" } },
    "of another issuer": { iss: "http://localhost:8788" },
  };

  it("is taken as it should be, and refused with anything else", async () => {
    const w = await world();
    expect(await fateOf(w, {})).toBe("taken");
    expect(await fateOf(w, { aud: [HERE] })).toBe("taken");
    for (const [name, changes] of Object.entries(WRONG)) expect([name, await fateOf(w, changes)]).toEqual([name, REFUSED]);
    expect(await fateOf(w, {}, { jku: "http://localhost:8798/jwks" })).toEqual(REFUSED);
    expect(await fateOf(w, {}, { kid: "unknown" })).toEqual(REFUSED);
    // Whatever was refused has used nothing up.
    expect(await fateOf(w, {})).toBe("taken");
  });

  it("is no plain assertion: without its type it must have the audience of all others, and is not for us", async () => {
    const w = await world();
    expect(await fateOf(w, {}, { typ: "JWT" })).toEqual(REFUSED);
    expect(await fateOf(w, { aud: "cambio" }, { typ: "JWT" })).toBe("taken");
  });

  it("is used once as long as it could be presented, by its jti, whatever else is signed with it", async () => {
    const clock = stopClock();
    const w = await world();
    expect(await fateOf(w, { jti: "once" })).toBe("taken");
    expect(await fateOf(w, { jti: "once", scope: "orders:write" })).toEqual(REFUSED);
    clock.forward(299);
    expect(await fateOf(w, { jti: "once" })).toEqual(REFUSED);
    expect(await fateOf(w, { jti: "twice" })).toBe("taken");
  });
});
