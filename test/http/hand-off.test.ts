import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { introspect, login, payloadOf, refresh, world } from "../world.ts";

beforeEach(reset);

describe("the hand-off from a mobile app to a web app", () => {
  it("carries a corporate login into an opaque token that the web app validates with its own credentials", async () => {
    const w = await world();
    const tokens = await login(w, "mobile-app");
    expect(payloadOf(tokens.access_token)).toMatchObject({ iss: "http://localhost:8787", aud: "mobile-app", client_id: "mobile-app" });
    const answer = await refresh(w, "mobile-app", tokens.refresh_token, { token_format: "opaque" });
    expect(answer.status).toBe(200);
    const renewed = (await answer.json()) as { access_token: string; expires_in: number };
    expect(renewed.access_token).toMatch(/^cambio_at_/);
    expect(renewed.expires_in).toBe(300);
    const seen = await introspect(w, "web-app", renewed.access_token);
    expect(seen).toMatchObject({
      active: true,
      client_id: "mobile-app",
      username: "dona.moore",
      mail: "dona.moore@example.com",
      name: "Dona Moore",
      groups: ["employees", "travel-bookers"],
      cambio_consistency: "strong",
    });
    const revoked = await w.post("/oauth2/revoke", { token: renewed.access_token, client_id: "mobile-app" });
    expect(revoked.status).toBe(200);
    expect(await introspect(w, "web-app", renewed.access_token)).toEqual({ active: false });
  });
});
