import { reset } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { exchange, login, payloadOf, type TenantFileInput, type World, world } from "../world.ts";
import { refusalOf, tokenRequests } from "./corporate-idp-steps.ts";

beforeEach(reset);
afterEach(() => {
  vi.restoreAllMocks();
});

const allowed = (file: TenantFileInput): void => void Object.assign(file.clients["front-end-app"], { identityProviderTokens: {} });

/** Asks for the IdP's token instead of one of ours, as Keycloak's clients do. */
const request = (w: World, token: string, form: Record<string, string> = {}) => exchange(w, "front-end-app", { subject_token: token, requested_issuer: "corp", ...form });

describe("requested_issuer", () => {
  it("gives the IdP's own token in a Keycloak client's exchange, and never the refresh token", async () => {
    const w = await world({ tenant: allowed });
    const { access_token, id_token } = await login(w, "front-end-app");
    const { status, body } = await request(w, access_token);
    expect(status, w.lines.at(-1)).toBe(200);
    expect(body).toMatchObject({ access_token: "idp-at", issued_token_type: TOKEN_TYPE.access_token, token_type: "Bearer", expires_in: expect.any(Number) });
    expect(JSON.stringify(body)).not.toContain("idp-rt");
    const asked = { subject_token_type: TOKEN_TYPE.id_token, requested_token_type: TOKEN_TYPE.id_token };
    const given = (await request(w, id_token, asked)).body;
    expect(given).toMatchObject({ issued_token_type: TOKEN_TYPE.id_token, token_type: "N_A" });
    expect(payloadOf(String(given.access_token))).toMatchObject({ iss: w.idp.issuer, sub: "sub-dona.moore" });
  });

  it("narrows by scope, at the IdP", async () => {
    const w = await world({ tenant: allowed });
    const { access_token } = await login(w, "front-end-app");
    const before = tokenRequests(w);
    expect((await request(w, access_token, { scope: "openid email" })).body.access_token).toBe("idp-at-2");
    expect(tokenRequests(w)).toBe(before + 1);
    expect(refusalOf(w, await request(w, access_token, { scope: "openid offline_access" }))).toEqual([400, "invalid_scope", "scope_exceeds"]);
  });

  it.each([
    ["another IdP, known or not", { requested_issuer: "partner" }, "invalid_request", "idp_session_differs"],
    ["an IdP that nobody knows", { requested_issuer: "nobody" }, "invalid_request", "idp_session_differs"],
    ["a refresh token", { requested_token_type: TOKEN_TYPE.refresh_token }, "invalid_request", "requested_type_unsupported"],
    ["a JWT", { requested_token_type: TOKEN_TYPE.jwt }, "invalid_request", "requested_type_unsupported"],
    ["a target besides", { audience: "back-end-api" }, "invalid_target", "target_conflict"],
    ["an actor besides", { actor_token: "x" }, "invalid_request", "invalid_parameter"],
    ["a token of another type than it says", { subject_token_type: TOKEN_TYPE.id_token }, "invalid_request", "subject_type_differs"],
  ] as const)("refuses %s", async (_what, form, error, reason) => {
    const w = await world({ tenant: allowed });
    const { access_token } = await login(w, "front-end-app");
    expect(refusalOf(w, await request(w, access_token, form))).toEqual([400, error, reason]);
  });

  it("is for those whose record says so", async () => {
    const w = await world();
    const { access_token } = await login(w, "front-end-app");
    expect(refusalOf(w, await request(w, access_token))).toEqual([400, "unauthorized_client", "idp_tokens_not_allowed"]);
  });

  it.each([["web-app"], ["travel-agent"], ["orders-api"]] as const)("is refused in every other dialect, and never answered with a token of ours: %s", async (client) => {
    const w = await world();
    const { access_token } = await login(w, "web-app");
    const answer = await exchange(w, client, { subject_token: access_token, subject_token_type: TOKEN_TYPE.access_token, requested_issuer: "corp" });
    expect(refusalOf(w, answer)).toEqual([400, "invalid_request", "invalid_parameter"]);
    expect(answer.body.error_description).toContain("requested_issuer");
  });

  it("has no explanation: nothing of ours would be issued", async () => {
    const w = await world({ tenant: allowed });
    const { access_token } = await login(w, "front-end-app");
    const form = { subject_token: access_token, requested_issuer: "corp" };
    expect(await (await w.post("/oauth2/exchange/explain", form, ["front-end-app", "front-end-app-secret"])).json()).toMatchObject({
      permitted: false,
      reason: "invalid_parameter",
    });
  });
});
