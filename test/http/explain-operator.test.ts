import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { ISSUER, login, operatorToken, world } from "../world.ts";

beforeEach(reset);

describe("an operator who asks why", () => {
  const path = "/oauth2/exchange/explain";

  it("is told the precise reason of a client's refusal, where the client is told less", async () => {
    const w = await world();
    const { access_token } = await login(w, "travel-agent");
    const form = new URLSearchParams({ client_id: "travel-agent", subject_token: access_token, subject_token_type: TOKEN_TYPE.access_token, audience: "orders-api" }).toString();
    const asOperator = await w.post(path, form, undefined, { authorization: `Bearer ${await operatorToken(ISSUER, "POST", path, form)}` });
    expect(await asOperator.json()).toMatchObject({ permitted: false, reason: "target_forbidden", note: "no permission" });
    const asClient = await w.post(path, form, ["travel-agent", "travel-agent-secret"]);
    expect(await asClient.json()).toMatchObject({ permitted: false, reason: "target_not_permitted" });
  });

  it("must be one: a client's access token is none, and another body is not what was signed", async () => {
    const w = await world();
    const { access_token } = await login(w, "travel-agent");
    const form = new URLSearchParams({ client_id: "travel-agent", subject_token: access_token, subject_token_type: TOKEN_TYPE.access_token }).toString();
    expect((await w.post(path, form, undefined, { authorization: `Bearer ${access_token}` })).status).toBe(401);
    expect((await w.post(path, `${form}&audience=hr-service`, undefined, { authorization: `Bearer ${await operatorToken(ISSUER, "POST", path, form)}` })).status).toBe(401);
    const known = await w.post(path, form, undefined, { authorization: `Bearer ${await operatorToken(ISSUER, "POST", path, form)}` });
    expect(await known.json()).toMatchObject({ permitted: true });
  });
});
