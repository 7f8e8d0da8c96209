import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { login, type TenantFileInput, type World, world } from "../world.ts";

beforeEach(reset);

// SAP's web application, which may get tokens for itself too.
const withCredentials = (file: TenantFileInput) => void file.clients["web-app"].grants.push("client_credentials");

async function ownToken(w: World, client = "web-app", extra: Record<string, string> = {}): Promise<string> {
  const answer = await w.post("/oauth2/token", { grant_type: "client_credentials", ...extra }, [client, `${client}-secret`]);
  return ((await answer.json()) as { access_token: string }).access_token;
}

const as = (token: string) => ({ authorization: `Bearer ${token}` });

describe("a client's own access token in place of its credentials", () => {
  it.each(["jwt", "opaque"])("introspects, revokes and lists where the dialect has it (%s)", async (token_format) => {
    const w = await world({ tenant: withCredentials });
    const bearer = as(await ownToken(w, "web-app", { token_format }));
    const { access_token: token } = await login(w, "web-app");
    const seen = await w.post("/oauth2/introspect", { token }, undefined, bearer);
    expect(await seen.json()).toMatchObject({ active: true, client_id: "web-app" });
    expect(await (await w.post("/oauth2/token/list", { token }, undefined, bearer)).json()).toHaveLength(1);
    expect((await w.post("/oauth2/revoke", { token }, undefined, bearer)).status).toBe(200);
    expect(await (await w.post("/oauth2/introspect", { token }, undefined, bearer)).json()).toEqual({ active: false });
  });

  it("is nothing at the token endpoint", async () => {
    const w = await world({ tenant: withCredentials });
    const answer = await w.post("/oauth2/token", { grant_type: "client_credentials" }, undefined, as(await ownToken(w)));
    expect(answer.status).toBe(401);
  });

  it("is refused when it is a user's, another dialect's, revoked, for another audience, or beside other credentials", async () => {
    const w = await world({ tenant: withCredentials });
    const { access_token: users } = await login(w, "web-app");
    const revoked = await ownToken(w);
    await w.post("/oauth2/revoke", { token: revoked }, ["web-app", "web-app-secret"]);
    const tokens = [users, revoked, await ownToken(w, "billing-worker"), await ownToken(w, "billing-worker", { audience: "orders-api" }), "junk"];
    for (const token of tokens) expect((await w.post("/oauth2/introspect", { token: users }, undefined, as(token))).status).toBe(401);
    const own = await ownToken(w);
    expect((await w.post("/oauth2/introspect", { token: users, client_id: "web-app", client_secret: "web-app-secret" }, undefined, as(own))).status).toBe(400);
    expect((await w.post("/oauth2/introspect", { token: users, client_id: "orders-api" }, undefined, as(own))).status).toBe(400);
    expect((await w.post("/oauth2/introspect", { token: users, client_id: "web-app" }, undefined, as(own))).status).toBe(200);
  });
});
