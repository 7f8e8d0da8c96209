import { reset } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { type Clock, editTenant, stopClock } from "../faults.ts";
import { exchange, login, refresh, type Tokens, type World, world } from "../world.ts";
import { lastReason } from "./login-steps.ts";

let clock: Clock;
beforeEach(async () => {
  await reset();
  clock = stopClock();
});
afterEach(() => void vi.useRealTimers());

const IDENTITY = ["openid", "profile", "email", "groups"];
const SCOPES = ["level:read", "budget:read"];

/** A travel agent that may refresh what it was given for the HR service, and such a refresh token. */
async function begun(scopes: readonly string[] = SCOPES): Promise<{ readonly w: World; readonly token: string }> {
  const w = await world({
    tenant: (file) => {
      const permission = file.permissions.find(({ consumer, provider }) => consumer === "travel-agent" && provider === "hr-service");
      Object.assign(file.clients["travel-agent"], { dialect: "rfc8693" });
      Object.assign(permission ?? {}, { scopes, tokenTypes: ["access_token", "refresh_token"] });
    },
  });
  const { access_token } = await login(w, "travel-agent");
  const asked = { subject_token: access_token, subject_token_type: TOKEN_TYPE.access_token, requested_token_type: TOKEN_TYPE.refresh_token, audience: "hr-service" };
  const { status, body } = await exchange(w, "travel-agent", asked);
  expect([status, body.scope], w.lines.at(-1)).toEqual([200, (scopes.length === 0 ? IDENTITY : scopes).join(" ")]);
  return { w, token: String(body.refresh_token) };
}

/** What a refresh gives once the tenant has been changed. */
async function scopeAfter(change: Parameters<typeof editTenant>[1], before?: readonly string[]): Promise<unknown> {
  const { w, token } = await begun(before);
  await editTenant(w, change);
  clock.forward(11);
  const answer = await refresh(w, "travel-agent", token);
  return answer.status === 200 ? ((await answer.json()) as Tokens).scope : lastReason(w);
}

const permitting =
  (scopes: readonly string[]): Parameters<typeof editTenant>[1] =>
  (file) => {
    for (const permission of file.permissions) if (permission.consumer === "travel-agent" && permission.provider === "hr-service") permission.scopes = [...scopes];
  };

describe("a refresh of what was exchanged for another", () => {
  it("gives what the permission lists today: no scope that its owner took out of it, or has no more", async () => {
    expect(await scopeAfter(() => undefined)).toBe(SCOPES.join(" "));
    await reset();
    expect(await scopeAfter(permitting(["level:read"]))).toBe("level:read");
    await reset();
    const ended = await scopeAfter((file) => {
      permitting(["level:read"])(file);
      Object.assign(file.clients["hr-service"] ?? {}, { ownScopes: ["level:read"] });
    });
    expect(ended).toBe("level:read");
  });

  it("gives who the user is while the permission names no scope, and not once it names some", async () => {
    expect(await scopeAfter(() => undefined, [])).toBe(IDENTITY.join(" "));
    await reset();
    expect(await scopeAfter(permitting(["level:read"]), [])).toBe("scope_empty");
  });
});
