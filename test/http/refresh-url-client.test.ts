import { reset } from "cloudflare:test";
import { beforeEach, expect, it } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { exchange, login, payloadOf, refresh, type World, world } from "../world.ts";

beforeEach(async () => {
  await reset();
});

const FRONT = "front-end-app";
const URL_ID = "https://api.partner.example.net";
const RESOURCE = "https://orders.example.com";

async function refreshed(w: World, target: Record<string, string>) {
  const { access_token } = await login(w, FRONT);
  const given = await exchange(w, FRONT, { subject_token: access_token, subject_token_type: TOKEN_TYPE.access_token, ...target });
  const answer = await refresh(w, FRONT, String(given.body.refresh_token));
  const body = (await answer.json()) as { readonly access_token: string };
  return { status: [given.status, answer.status], aud: payloadOf(body.access_token).aud };
}

it("a refresh finds its target again, whether a URL is a client's id or its resource", async () => {
  const w = await world({
    tenant: (file) => {
      const { "back-end-api": api, "orders-api": orders } = file.clients;
      Object.assign(file.clients, { [URL_ID]: { ...api, roles: {} } });
      const permission = { consumer: FRONT, tokenTypes: ["access_token", "refresh_token"] };
      file.permissions.push(
        { ...permission, provider: URL_ID, name: "by-url" } as never,
        { ...permission, provider: "orders-api", name: "orders", scopes: ["orders:read"] } as never,
      );
      expect(orders).toMatchObject({ resources: [RESOURCE] });
    },
  });
  expect(await refreshed(w, { audience: URL_ID })).toEqual({ status: [200, 200], aud: URL_ID });
  expect(await refreshed(w, { resource: RESOURCE })).toEqual({ status: [200, 200], aud: [RESOURCE, "orders-api"] });
});
