import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { exchange, login, payloadOf, type TenantFileInput, type World, world } from "../world.ts";

beforeEach(reset);

const AT = TOKEN_TYPE.access_token;

/** A service whose name looks like a URI, and one whose scopes hold a bar. */
function services(file: TenantFileInput): void {
  Object.assign(file.clients, { "urn:cloud:idaas:pam": { ...file.clients["hr-service"], developmentSecret: "pam", ownScopes: ["cloud_account_role:obtain", "a|b"] } });
  file.permissions.push({ consumer: "travel-agent", provider: "urn:cloud:idaas:pam", name: "pam", scopes: ["cloud_account_role:obtain", "a|b"] });
  file.clients["travel-agent"].grants.push("client_credentials");
}

const ask = (w: World, subject_token: string, form: Record<string, string>) => exchange(w, "travel-agent", { subject_token, subject_token_type: AT, ...form });

describe("scopes that name their audience (IDaaS)", () => {
  it.each([
    ["hr-service|level:read", "hr-service", "level:read"],
    ["hr-service|level:read hr-service|budget:read", "hr-service", "level:read budget:read"],
    ["hr-service|.all", "hr-service", "level:read budget:read"],
    ["hr-service|.all hr-service|level:read", "hr-service", "level:read budget:read"],
    ["urn:cloud:idaas:pam|.all", "urn:cloud:idaas:pam", "cloud_account_role:obtain a|b"],
    ["urn:cloud:idaas:pam|a|b", "urn:cloud:idaas:pam", "a|b"],
  ])("%s is for %s, and stands in the token as %s", async (scope, audience, granted) => {
    const w = await world({ tenant: services });
    const { access_token } = await login(w, "travel-agent");
    for (const form of [{ scope }, { scope, audience }] as Record<string, string>[]) {
      const { status, body } = await ask(w, access_token, form);
      expect([status, body.scope]).toEqual([200, granted]);
      expect(payloadOf(String(body.access_token))).toMatchObject({ aud: audience, scope: granted });
      // Impersonation: who asked is not in the token as an actor.
      expect(payloadOf(String(body.access_token))).not.toHaveProperty("act");
    }
  });

  it("are all of one audience, the one that is named beside them, and well-formed", async () => {
    const w = await world({ tenant: services });
    const { access_token } = await login(w, "travel-agent");
    const refused = [
      [{ scope: "hr-service|level:read urn:cloud:idaas:pam|a|b" }, "invalid_target"],
      [{ scope: "hr-service|level:read", audience: "urn:cloud:idaas:pam" }, "invalid_target"],
      [{ scope: "hr-service|level:read", resource: "https://orders.example.com" }, "invalid_target"],
      [{ scope: "nobody|level:read" }, "invalid_target"],
      [{ scope: "orders-api|.all" }, "invalid_target"],
      [{ scope: "hr-service|level:read openid" }, "invalid_scope"],
      [{ scope: "|level:read" }, "invalid_scope"],
      [{ scope: "hr-service|" }, "invalid_scope"],
      [{ scope: "|" }, "invalid_scope"],
      [{ scope: "hr-service|salary:read" }, "invalid_scope"],
      [{ scope: "hr-service|.ALL" }, "invalid_scope"],
    ] as const;
    for (const [form, error] of refused) expect([form, (await ask(w, access_token, form as Record<string, string>)).body.error]).toEqual([form, error]);
    expect((await ask(w, access_token, { audience: "hr-service", scope: "level:read" })).body.scope).toBe("level:read");
  });

  it("are the same for a client's own token", async () => {
    const w = await world({ tenant: services });
    const own = async (scope: string) =>
      (await (await w.post("/oauth2/token", { grant_type: "client_credentials", scope }, ["travel-agent", "travel-agent-secret"])).json()) as Record<string, unknown>;
    expect(await own("hr-service|.all")).toMatchObject({ scope: "level:read budget:read", token_type: "Bearer", expires_in: 3600, expires_at: expect.any(Number) });
    expect(await own("hr-service|salary:read")).toMatchObject({ error: "invalid_scope" });
    expect(await own("hr-service|level:read urn:cloud:idaas:pam|a|b")).toMatchObject({ error: "invalid_target" });
  });
});
