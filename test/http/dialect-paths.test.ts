import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { GRANT_TYPE, TOKEN_TYPE } from "../../src/protocol/names.ts";
import { login, type World, world } from "../world.ts";
import { begin } from "./login-steps.ts";

beforeEach(reset);

const KEYCLOAK = ["/realms/demo", "/auth/realms/demo"].map((realm) => `${realm}/protocol/openid-connect`);
const keycloak = (name: string) => KEYCLOAK.map((path) => `${path}/${name}`);
const FRONT_END = ["front-end-app", "front-end-app-secret"] as const;

describe("a client written for another product changes only its host", () => {
  const EXCHANGE = ["/oauth2/token", "/oauth/token", "/api/v2/iauths_system/oauth2/token", ...keycloak("token")];

  it("exchanges, introspects and revokes at every path", async () => {
    const w = await world();
    const { access_token: subject_token } = await login(w, "front-end-app");
    const form = { grant_type: GRANT_TYPE.token_exchange, subject_token, subject_token_type: TOKEN_TYPE.access_token, audience: "back-end-api" };
    const issued: string[] = [];
    for (const path of EXCHANGE) {
      const answer = await w.post(path, form, FRONT_END);
      expect([path, answer.status]).toEqual([path, 200]);
      issued.push(((await answer.json()) as { access_token: string }).access_token);
    }
    const isActive = async (path: string, token: string) => ((await (await w.post(path, { token }, ["back-end-api", "back-end-api-secret"])).json()) as { active: boolean }).active;
    const introspection = ["/oauth2/introspect", ...keycloak("token/introspect")];
    const revocation = ["/oauth2/revoke", ...keycloak("revoke")];
    for (const [index, path] of revocation.entries()) {
      const token = issued[index] ?? "";
      for (const at of introspection) expect([at, await isActive(at, token)]).toEqual([at, true]);
      expect([path, (await w.post(path, { token }, FRONT_END)).status]).toEqual([path, 200]);
      for (const at of introspection) expect([at, await isActive(at, token)]).toEqual([at, false]);
    }
  });

  const same = async (w: World, paths: readonly string[], headers: Record<string, string> = {}): Promise<string> => {
    const bodies = new Set<string>();
    for (const path of paths) {
      const answer = await w.fetch(path, { headers });
      expect([path, answer.status]).toEqual([path, 200]);
      bodies.add(await answer.text());
    }
    expect(bodies.size).toBe(1);
    return [...bodies][0] ?? "";
  };

  it("finds the same keys, metadata and user at every path", async () => {
    const w = await world();
    const { access_token } = await login(w, "front-end-app");
    expect(await same(w, ["/oauth2/certs", "/api/v2/iauths_system/oauth2/jwks", ...keycloak("certs")])).toContain('"kid"');
    expect(await same(w, ["/oauth2/userinfo", ...keycloak("userinfo")], { authorization: `Bearer ${access_token}` })).toContain('"sub"');
    const wellKnown = ["", "/realms/demo", "/auth/realms/demo"].map((realm) => `${realm}/.well-known/openid-configuration`);
    expect(await same(w, wellKnown)).toContain('"issuer":"http://localhost:8787"');
  });

  it("logs in and out at every path", async () => {
    const w = await world();
    const { asked } = await begin(w, "front-end-app");
    const { id_token } = await login(w, "front-end-app");
    const query = new URLSearchParams({ response_type: "code", client_id: "front-end-app", redirect_uri: "http://localhost:8789/callback", scope: "openid", state: "s" });
    query.set("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    query.set("code_challenge_method", "S256");
    for (const path of ["/oauth2/authorize", ...keycloak("auth")]) {
      const answer = await w.fetch(`${path}?${query}`);
      const location = new URL(answer.headers.get("location") ?? "http://nowhere/");
      expect([path, location.origin, location.searchParams.get("redirect_uri")]).toEqual([path, w.idp.issuer, asked.get("redirect_uri")]);
    }
    for (const path of ["/oauth2/logout", ...keycloak("logout")]) {
      expect([path, (await w.fetch(`${path}?${new URLSearchParams({ id_token_hint: id_token })}`)).status < 400]).toEqual([path, true]);
    }
  });

  it("is nowhere in a realm that is not the tenant's", async () => {
    const w = await world();
    for (const path of [...keycloak("token"), "/realms/demo/api-access/token"]) {
      expect((await w.post(path.replace("/demo/", "/master/"), { grant_type: "client_credentials" }, FRONT_END)).status).toBe(404);
    }
  });
});
