import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { GRANT_TYPE, TOKEN_TYPE } from "../../src/protocol/names.ts";
import { editTenant } from "../faults.ts";
import { exchange, ISSUER, introspect, login, payloadOf, refresh, type TenantFileInput, type World, world } from "../world.ts";
import { lastReason } from "./login-steps.ts";

beforeEach(reset);

const PROVIDER = "urn:sap:identity:application:provider";
const TARGET = [400, "invalid_target"];
const CONSUMER = ["web-app", "web-app-secret"] as const;

/** SAP's application-to-application: the web app consumes APIs of two providers and of its own microservice. */
function providers(file: TenantFileInput): void {
  const provider = { dialect: "sap", developmentSecret: "secret", grants: ["token_exchange"] };
  Object.assign(file.clients, {
    "hr-api": { ...provider, subjectNameIdentifier: "loginName", attributes: ["email", "profile"], appTid: "tid-provider", tokenPolicy: { accessTokenLifetime: 60 } },
    "bank-api": { ...provider, developmentSecret: "bank-api-secret", tokenPolicy: { accessTokenFormat: "jwt" } },
    "asked-api": provider,
    "denied-api": provider,
    "off-api": { ...provider, disabled: true },
    "7d1e0c52-2f0b-4d5c-9a36-0f3c8b1d7a10": provider,
  });
  Object.assign(file.clients["web-app"], { appTid: "tid-consumer", tokenPolicy: { refreshTokenLifetime: 7200 } });
  file.clients["web-app"].grants.push("client_credentials", "jwt_bearer");
  const permission = { consumer: "web-app", tokenTypes: ["access_token", "refresh_token"] };
  file.permissions.push(
    { ...permission, provider: "hr-api", name: "hr", apis: ["read_salary", "read_level"] } as never,
    { ...permission, provider: "bank-api", name: "bank" },
    { ...permission, provider: "web-app", name: "weather", apis: ["weather_temperature_read"] } as never,
    { ...permission, provider: "asked-api", name: "asked", status: "requested" } as never,
    { ...permission, provider: "denied-api", name: "denied", status: "denied" } as never,
    { ...permission, provider: "off-api", name: "off" },
    { ...permission, provider: "7d1e0c52-2f0b-4d5c-9a36-0f3c8b1d7a10", name: "instance" },
  );
}

type Targets = readonly string[];
const resources = (targets: Targets) => targets.map((resource) => ["resource", resource] as const);

async function ask(w: World, subject: string, targets: Targets, extra: Record<string, string> = {}) {
  const form = { subject_token: subject, subject_token_type: TOKEN_TYPE.access_token, token_format: "jwt", ...extra };
  const { status, body } = await exchange(w, "web-app", [...Object.entries(form), ...resources(targets)]);
  return { status, error: body.error, body, claims: String(body.access_token).startsWith("ey") ? payloadOf(String(body.access_token)) : {} };
}

async function technical(w: World, targets: Targets, extra: Record<string, string> = {}): Promise<Record<string, unknown>> {
  const form = new URLSearchParams([["grant_type", "client_credentials"], ...resources(targets).map(([name, value]) => [name, value]), ...Object.entries(extra)]);
  return await (await w.post("/oauth2/token", form.toString(), CONSUMER)).json();
}

describe("a resource of application to application (SAP)", () => {
  it("leads to the provider by dependency, by client id, in its subscriber tenant by either spelling, by service instance, and as consumer", async () => {
    const w = await world({ tenant: providers });
    const { access_token, id_token } = await login(w, "web-app");
    for (const resource of [
      `${PROVIDER}:name:hr`,
      `${PROVIDER}:clientid:hr-api`,
      `${PROVIDER}:clientid:hr-api:apptid:tid-provider`,
      `${PROVIDER}:clientid:hr-api:tenantid:tid-provider`,
    ]) {
      const { status, claims, body } = await ask(w, access_token, [resource]);
      expect([resource, status, claims.aud, claims.azp, claims.ias_apis]).toEqual([resource, 200, "hr-api", "web-app", ["read_salary", "read_level"]]);
      expect(body.issued_token_type).toBe(TOKEN_TYPE.access_token);
    }
    const instance = await ask(w, access_token, ["urn:sap:identity:application:service:id:7d1e0c52-2f0b-4d5c-9a36-0f3c8b1d7a10"]);
    expect(instance.claims).toMatchObject({ aud: "7d1e0c52-2f0b-4d5c-9a36-0f3c8b1d7a10", ias_apis: ["principal-propagation"] });
    expect((await ask(w, access_token, ["urn:sap:identity:consumer:clientid:bank-api"])).claims.aud).toBe("bank-api");
    // Always an access token, whatever is asked for (TX-46).
    const asked = await ask(w, id_token, [`${PROVIDER}:name:hr`], { subject_token_type: TOKEN_TYPE.id_token, requested_token_type: TOKEN_TYPE.id_token });
    expect([asked.body.issued_token_type, asked.claims.client_id, asked.body.id_token]).toEqual([TOKEN_TYPE.access_token, "web-app", undefined]);
  });

  it("leads to the client's own microservice: for itself, with the APIs that it names, and no longer once the permission is withdrawn", async () => {
    const w = await world({ tenant: providers });
    const { access_token } = await login(w, "web-app");
    const own = "urn:sap:identity:api:name:weather";
    expect((await ask(w, access_token, [own])).claims).toMatchObject({ aud: "web-app", azp: "web-app", ias_apis: ["weather_temperature_read"] });
    expect(payloadOf(String((await technical(w, [own])).access_token))).toMatchObject({ aud: "web-app", sub: "web-app", ias_apis: ["weather_temperature_read"] });
    const other = await ask(w, access_token, ["urn:sap:identity:api:name:hr"]);
    expect([other.status, other.error]).toEqual(TARGET);
    await editTenant(w, (file) => {
      for (const permission of file.permissions) if (permission.name === "weather") Object.assign(permission, { status: "withdrawn" });
    });
    w.service.directory.forget(ISSUER);
    const withdrawn = await ask(w, access_token, [own]);
    expect([withdrawn.status, withdrawn.error]).toEqual(TARGET);
  });

  it("TX-55, TX-56 is refused in the same bytes when malformed, unknown, in another subscriber tenant, disabled, denied, or not yet consented to", async () => {
    const w = await world({ tenant: providers });
    const { access_token } = await login(w, "web-app");
    const bad = [
      ...[`${PROVIDER}:name:nothing`, `${PROVIDER}:clientid:nobody`, `${PROVIDER}:name:`, `${PROVIDER}:clientid:`, `${PROVIDER}:Name:hr`, `${PROVIDER}:name:hr:x`],
      ...[`${PROVIDER}:clientid:hr-api:apptid:tid-consumer`, `${PROVIDER}:clientid:hr-api:apptid:`, `${PROVIDER}:clientid:bank-api:apptid:tid-provider`],
      ...[`URN:sap:identity:application:provider:name:hr`, `${PROVIDER}:name:${"x".repeat(51)}`, "urn:sap:identity", "urn:sap:identity:sso:x", "hr"],
      ...[`${PROVIDER}:name:asked`, `${PROVIDER}:name:denied`, `${PROVIDER}:name:off`, `${PROVIDER}:clientid:stranger`],
      ...["urn:sap:identity:application:service:id:nobody", "urn:sap:identity:consumer:clientid:stranger", "urn:sap:identity:api:name:nothing"],
    ];
    const answers = [];
    for (const resource of bad) answers.push(JSON.stringify((({ status, body }) => [status, body])(await ask(w, access_token, [resource]))));
    expect(new Set(answers).size, answers.join("\n")).toBe(1);
    expect(answers[0]).toMatch(/^\[400,\{"error":"invalid_target"/);
    for (const app_tid of ["tid-provider", "", "tid-consumer"]) {
      const { status, error } = await ask(w, access_token, [`${PROVIDER}:name:bank`], { app_tid });
      expect([app_tid, status, error]).toEqual([app_tid, ...(app_tid === "tid-provider" ? TARGET : [200, undefined])]);
    }
  });

  it("TX-55 takes app_tid in no grant but for the client's own subscriber tenant", async () => {
    const w = await world({ tenant: providers });
    const tokens = await login(w, "web-app", { redeem: { app_tid: "tid-consumer" } });
    expect(payloadOf(tokens.id_token)).toMatchObject({ app_tid: "tid-consumer" });
    const bearer = { grant_type: GRANT_TYPE.jwt_bearer, assertion: tokens.id_token };
    for (const form of [{ grant_type: "client_credentials" }, bearer, { grant_type: "refresh_token", refresh_token: tokens.refresh_token }]) {
      const refused = await w.post("/oauth2/token", { ...form, app_tid: "tid-provider" }, CONSUMER);
      expect([refused.status, ((await refused.json()) as { error: string }).error]).toEqual(TARGET);
      expect((await w.post("/oauth2/token", { ...form, app_tid: "tid-consumer" }, CONSUMER)).status).toBe(200);
    }
    await expect(login(w, "web-app", { redeem: { app_tid: "tid-provider" } })).rejects.toThrow("invalid_target");
  });
});

describe("what follows the provider, and what the consumer", () => {
  it("subject name identifier, attributes, ias_apis and format are the provider's; lifetimes and grants the consumer's", async () => {
    const w = await world({ tenant: providers });
    const { access_token, id_token } = await login(w, "web-app");
    const { claims, body } = await ask(w, access_token, [`${PROVIDER}:name:hr`]);
    expect(claims).toMatchObject({
      sub: "dona.moore",
      mail: "dona.moore@example.com",
      first_name: "Dona",
      last_name: "Moore",
      app_tid: "tid-provider",
      azp_app_tid: "tid-consumer",
    });
    // As long as the consumer's own tokens, whatever the provider does with its own.
    expect(Number(claims.exp) - Number(claims.iat)).toBeGreaterThan(3500);
    const bank = await ask(w, access_token, [`${PROVIDER}:name:bank`], { token_format: "" });
    expect(payloadOf(String(bank.body.access_token))).toMatchObject({ aud: "bank-api", sub: payloadOf(access_token).sub, ias_apis: ["principal-propagation"] });
    expect(payloadOf(String(bank.body.access_token))).not.toHaveProperty("mail");
    // The consumer's refresh grant, lifetime and format for what is refreshed.
    const renewed = (await (await refresh(w, "web-app", String(body.refresh_token))).json()) as { access_token: string };
    expect(payloadOf(renewed.access_token)).toMatchObject({ aud: "hr-api", sub: "dona.moore", ias_apis: ["read_salary", "read_level"] });
    const propagated = await w.post("/oauth2/token", { grant_type: GRANT_TYPE.jwt_bearer, assertion: id_token, resource: `${PROVIDER}:name:bank` }, CONSUMER);
    expect(payloadOf(((await propagated.json()) as { access_token: string }).access_token)).toMatchObject({ aud: "bank-api", azp: "web-app" });
  });

  it("an opaque token says at introspection what a JWT would say", async () => {
    const w = await world({ tenant: providers });
    const { access_token } = await login(w, "web-app");
    const { body } = await ask(w, access_token, [`${PROVIDER}:name:hr`], { token_format: "opaque" });
    expect(await introspect(w, "web-app", String(body.access_token))).toMatchObject({
      active: true,
      aud: "hr-api",
      azp: "web-app",
      sub: "dona.moore",
      mail: "dona.moore@example.com",
      ias_apis: ["read_salary", "read_level"],
      app_tid: "tid-provider",
      azp_app_tid: "tid-consumer",
    });
  });

  it("a user who has no value for the provider's subject name identifier gets no token for it, and one for the others", async () => {
    const w = await world({
      tenant: (file) => {
        providers(file);
        Object.assign((file.clients as Record<string, object>)["hr-api"] ?? {}, { subjectNameIdentifier: "mail" });
      },
    });
    w.idp.claims = { email: undefined };
    w.idp.scripts.userinfo = () => Response.json({ sub: "sub-dona.moore" });
    const { access_token } = await login(w, "web-app", { scope: "openid" });
    const { status, error } = await ask(w, access_token, [`${PROVIDER}:name:hr`]);
    expect([status, error, lastReason(w)]).toEqual([400, "invalid_request", "subject_identifier"]);
    expect((await ask(w, access_token, [`${PROVIDER}:name:bank`])).status).toBe(200);
  });

  it("a technical token is the consumer's, for the provider", async () => {
    const w = await world({ tenant: providers });
    const { access_token } = await technical(w, [`${PROVIDER}:name:hr`]);
    const claims = payloadOf(String(access_token));
    expect(claims).toMatchObject({ sub: "web-app", azp: "web-app", aud: "hr-api", ias_apis: ["read_salary", "read_level"], sap_id_type: "app" });
    expect(claims).not.toHaveProperty("user_uuid");
    expect(await technical(w, [`${PROVIDER}:name:asked`])).toMatchObject({ error: "invalid_target" });
  });
});

describe("several resources", () => {
  it("regression 20: give one token for all of them, or none; eleven are too many, though they be one target", async () => {
    const w = await world({ tenant: providers });
    const { access_token } = await login(w, "web-app");
    const instance = "urn:sap:identity:application:service:id:7d1e0c52-2f0b-4d5c-9a36-0f3c8b1d7a10";
    const both = await ask(w, access_token, [`${PROVIDER}:name:bank`, instance]);
    expect(both.claims.aud).toEqual(["bank-api", "7d1e0c52-2f0b-4d5c-9a36-0f3c8b1d7a10"]);
    // Named differently at the two, the user could be taken for two.
    for (const targets of [
      [`${PROVIDER}:name:bank`, `${PROVIDER}:name:hr`],
      [`${PROVIDER}:name:bank`, `${PROVIDER}:name:asked`],
      ["urn:sap:identity:sso", instance],
    ]) {
      const { status, error } = await ask(w, access_token, targets);
      expect([status, error]).toEqual(TARGET);
    }
    expect((await ask(w, access_token, Array(10).fill(instance))).claims.aud).toBe("7d1e0c52-2f0b-4d5c-9a36-0f3c8b1d7a10");
    const eleven = await ask(w, access_token, Array(11).fill(instance));
    expect([eleven.status, eleven.error]).toEqual(TARGET);
  });
});
