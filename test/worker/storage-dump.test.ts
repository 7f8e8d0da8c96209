import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { sha256 } from "../../src/protocol/bytes.ts";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { consistently, stopClock } from "../faults.ts";
import { watch } from "../http/canaries.ts";
import { handOut } from "../http/corporate-idp-steps.ts";
import { exchange, introspect, login, refresh, type TenantFileInput, type Tokens, type World, world } from "../world.ts";
import { copiesInKv, dump } from "./inside.ts";

beforeEach(reset);
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Gives the clients that are used here hashes of their secrets, as every file has that is not for localhost. */
async function hashed(): Promise<(file: TenantFileInput) => void> {
  const hashes = new Map(await Promise.all(["web-app", "front-end-app"].map(async (id) => [id, await sha256(`${id}-secret`)] as const)));
  return (file) => {
    consistently("eventual")(file);
    for (const [id, hash] of hashes) {
      const { developmentSecret: _clear, ...client } = file.clients[id as "web-app"];
      Object.assign(file.clients, { [id]: { ...client, secrets: [{ hash }] } });
    }
  };
}

/** A login, a refresh, an exchange, an introspection, and the IdP's tokens: as they came, refreshed, and narrowed. Answers every secret. */
async function journey(w: World, forward: (seconds: number) => void): Promise<readonly string[]> {
  w.idp.expiresIn = 60;
  const web = await login(w, "web-app");
  const opaque = (await (await refresh(w, "web-app", web.refresh_token)).json()) as Tokens;
  await introspect(w, "web-app", opaque.access_token);
  const page = await login(w, "front-end-app");
  const { body } = await exchange(w, "front-end-app", { subject_token: page.access_token, subject_token_type: TOKEN_TYPE.access_token, audience: "back-end-api" });
  const given: Record<string, unknown>[] = [];
  for (const form of [{ response_type: "token id_token" }, { scope: "openid profile", response_type: "token id_token" }])
    given.push((await handOut(w, web.access_token, form)).body);
  forward(60);
  given.push((await handOut(w, web.access_token, { response_type: "token id_token" })).body);
  const issued = [web, opaque, page].flatMap(({ access_token, refresh_token, id_token }) => [access_token, refresh_token, id_token]);
  const fromIdp = given.flatMap(({ access_token, id_token }) => [access_token, id_token]);
  return [...issued, body.access_token, body.refresh_token, ...fromIdp].map(String);
}

describe("FED-07 a dump of all storage", () => {
  it("has no token of an IdP, no refresh token, no other token and no client secret in the clear; IdP tokens are sealed in the family of their login", async () => {
    const clock = stopClock();
    const w = await world({ tenant: await hashed() });
    const { secret, foundIn } = watch(w);
    const secrets = await journey(w, clock.forward);
    // Sealed for the family of this login, which is one user's at one IdP (design 4.2): the case has a key for each client, too.
    expect(secrets.filter((text) => text === "undefined" || text === "")).toEqual([]);
    for (const text of [...secrets, "idp-at", "idp-rt", "corp-client-secret", "web-app-secret", "front-end-app-secret"]) secret(text);
    const objects = await Promise.all([dump(env.FAMILIES), dump(env.USERS), dump(env.SINGLE_USE), dump(env.TENANTS), dump(env.ATTEMPTS)]);
    const copies = await copiesInKv();
    expect([objects[0]?.includes("idpTokens"), copies.length > 0]).toEqual([true, true]);
    expect([...objects, ...copies].flatMap((text) => foundIn(text))).toEqual([]);
  });
});
