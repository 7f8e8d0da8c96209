import { reset } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { stopClock } from "../faults.ts";
import { login, payloadOf, world } from "../world.ts";
import { handOut, tokenRequests } from "./corporate-idp-steps.ts";

beforeEach(reset);
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("FED-05 the answer", () => {
  it("is the IdP's access token with what is left of its lifetime, never the refresh token, and nobody may keep it", async () => {
    const clock = stopClock();
    const w = await world();
    const { access_token } = await login(w, "web-app");
    const asked = tokenRequests(w);
    clock.forward(31);
    const { status, body, response } = await handOut(w, access_token);
    expect(status, w.lines.at(-1)).toBe(200);
    expect(body).toEqual({ access_token: "idp-at", token_type: "Bearer", expires_in: 3569, scope: "openid profile email groups" });
    expect([response.headers.get("cache-control"), response.headers.get("pragma")]).toEqual(["no-store", "no-cache"]);
    expect(tokenRequests(w)).toBe(asked);
    expect(payloadOf(access_token).iss).toBe("http://localhost:8787");
  });
});
