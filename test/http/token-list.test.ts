import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { exchange, login, refresh, type World, world } from "../world.ts";

beforeEach(reset);

type Listed = Readonly<Record<string, unknown>>;

async function list(w: World, client: string, token: string): Promise<readonly Listed[]> {
  const answer = await w.post("/oauth2/token/list", { token }, [client, `${client}-secret`]);
  expect(answer.status, w.lines.at(-1)).toBe(200);
  return await answer.json();
}

const back = { audience: "back-end-api", requested_token_type: TOKEN_TYPE.access_token };

describe("the list of a login's tokens (SAP)", () => {
  it("has the fields of SAP's page, one object for each live grant, and the value of the token that was presented alone", async () => {
    const w = await world();
    const { access_token, refresh_token, id_token } = await login(w, "front-end-app");
    const { body } = await exchange(w, "front-end-app", { subject_token: access_token, subject_token_type: TOKEN_TYPE.access_token, ...back });
    for (const token of [access_token, refresh_token, id_token]) {
      const [first, second, third] = await list(w, "front-end-app", token);
      expect(first).toMatchObject({
        iss: "http://localhost:8787",
        client_id: "front-end-app",
        sp_name: "front-end-app",
        uid: "dona.moore",
        grant_type: "AUTHORIZATION_CODE",
        scope: "openid profile email groups",
        value: token,
        ...{ sub: expect.any(String), iat: expect.any(Number), exp: expect.any(Number), jti: expect.any(String) },
      });
      expect(Number(first?.exp) - Number(first?.iat)).toBe(43_200);
      expect(second).toMatchObject({ grant_type: "TOKEN_EXCHANGE", aud: ["back-end-api"] });
      expect([second?.value, third]).toEqual([undefined, undefined]);
    }
    const [, exchanged] = await list(w, "front-end-app", String(body.access_token));
    expect(exchanged).toMatchObject({ grant_type: "TOKEN_EXCHANGE", value: body.access_token });
  });

  it("never has the value of another client's token, and loses what has ended", async () => {
    const w = await world();
    const first = await login(w, "front-end-app");
    const { body } = await exchange(w, "front-end-app", { subject_token: first.access_token, subject_token_type: TOKEN_TYPE.access_token, ...back });
    const further = await exchange(w, "back-end-api", {
      subject_token: String(body.access_token),
      subject_token_type: TOKEN_TYPE.access_token,
      requested_token_type: TOKEN_TYPE.access_token,
    });
    const seen = await list(w, "back-end-api", String(further.body.access_token));
    expect(seen.map(({ client_id, value }) => [client_id, value])).toEqual([
      ["front-end-app", undefined],
      ["front-end-app", undefined],
      ["back-end-api", further.body.access_token],
    ]);
    expect(JSON.stringify(seen)).not.toContain(String(body.access_token));
    await w.post("/oauth2/revoke", { token: String(body.access_token) }, ["front-end-app", "front-end-app-secret"]);
    expect(await list(w, "front-end-app", first.access_token)).toHaveLength(1);
  });

  it("regression 15: another client's, a revoked and a foreign token have an empty one; without client authentication there is none", async () => {
    const w = await world();
    const { access_token, refresh_token } = await login(w, "front-end-app");
    for (const token of [access_token, refresh_token, "junk"]) expect(await list(w, "stranger", token)).toEqual([]);
    expect((await w.post("/oauth2/token/list", { token: access_token })).status).toBe(401);
    expect((await w.post("/oauth2/token/list", { token: access_token, client_id: "front-end-app" })).status).toBe(401);
    expect((await refresh(w, "front-end-app", refresh_token)).status).toBe(200);
    await w.post("/oauth2/revoke", { token: access_token }, ["front-end-app", "front-end-app-secret"]);
    expect(await list(w, "front-end-app", access_token)).toEqual([]);
  });

  it("of a client's own token, which stands on no record, is the token itself; and then what was exchanged from it", async () => {
    const w = await world();
    const answer = await w.post("/oauth2/token", { grant_type: "client_credentials", audience: "orders-api" }, ["billing-worker", "billing-worker-secret"]);
    const { access_token } = (await answer.json()) as { access_token: string };
    expect(await list(w, "billing-worker", access_token)).toMatchObject([
      { client_id: "billing-worker", grant_type: "CLIENT_CREDENTIALS", aud: ["orders-api"], value: access_token },
    ]);
    await exchange(w, "orders-api", { subject_token: access_token, subject_token_type: TOKEN_TYPE.access_token });
    const seen = await list(w, "billing-worker", access_token);
    expect(seen.map(({ client_id, grant_type, value }) => [client_id, grant_type, value])).toEqual([
      ["billing-worker", "CLIENT_CREDENTIALS", access_token],
      ["orders-api", "TOKEN_EXCHANGE", undefined],
    ]);
  });
});
