import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningCambio, startCambio } from "../../cli/local/start-cambio.ts";
import { Browser } from "../../demo/browser.ts";
import { claimsOf } from "../../demo/exchange.ts";
import { APPLICATIONS, type LoginTokens, logInTo } from "../../demo/login.ts";
import type { Stage } from "../../demo/stage.ts";

const A = { port: 18_827, idpPort: 18_828, partnerPort: 18_928, fresh: true };
const B = { port: 18_829, idpPort: 18_830, partnerPort: 18_930, fresh: true };
const [ISSUER_A, ISSUER_B] = [A, B].map(({ port }) => `http://localhost:${port}`) as [string, string];
const RESOURCE = "https://orders.example.com";

const TOKEN_TYPE = "urn:ietf:params:oauth:token-type:";
const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";

interface TenantFile {
  readonly clients: Readonly<Record<string, object>>;
  readonly identityProviders: object;
}

/** Where users log in: `web-app` may ask for assertions for the other domain. */
function domainA(file: unknown): unknown {
  const { clients, ...rest } = file as TenantFile;
  const server = { issuer: ISSUER_B, clientId: "billing-worker", grants: ["id_jag", "jwt"], scopes: ["orders:read"], resources: [RESOURCE], attributes: ["email"] };
  return { ...rest, clients: { ...clients, "web-app": { ...clients["web-app"], dialect: "rfc8693", authorizationServers: [server] } } };
}

/** Where the orders are: the first domain is an identity provider, whose assertions two clients may present. */
function domainB(file: unknown): unknown {
  const { clients, identityProviders, ...rest } = file as TenantFile;
  const presenter = (id: string) => ({ ...clients[id], subjectIssuers: ["domain-a"], grants: ["jwt_bearer"] });
  const trusted = { issuer: ISSUER_A, clientId: "domain-b", clientSecretName: "PARTNER_CLIENT_SECRET", subjectTokens: { audiences: [ISSUER_B] } };
  return {
    ...rest,
    identityProviders: { ...identityProviders, "domain-a": trusted },
    clients: { ...clients, "billing-worker": presenter("billing-worker"), assistant: presenter("assistant") },
  };
}

// Two servers with their own keys, storage and users, that know of each other what their tenants' files say and what is published.
describe("two Cambios on two ports", () => {
  let a: RunningCambio;
  let b: RunningCambio;
  let tokens: LoginTokens;

  beforeAll(async () => {
    a = await startCambio({ ...A, tenant: domainA });
    b = await startCambio({ ...B, tenant: domainB });
    tokens = await logInTo({ issuer: ISSUER_A, browser: () => new Browser(), post: asApplication }, APPLICATIONS.webApp);
  }, 120_000);

  afterAll(async () => void (await Promise.all([a?.stop(), b?.stop()])));

  test("trade an ID-JAG: the user logs in at one, and the other gives an access token within what it allows, once", async () => {
    const { body: asserted } = await askIdJag();
    expect(asserted).toMatchObject({ issued_token_type: `${TOKEN_TYPE}id-jag`, token_type: "N_A" });
    const assertion = String(asserted.access_token);
    expect(claimsOf(assertion)).toMatchObject({ iss: ISSUER_A, aud: ISSUER_B, client_id: "billing-worker", resource: RESOURCE, scope: "orders:read" });

    const { status, body } = await bear(assertion);
    expect([status, body.token_type, body.refresh_token], JSON.stringify(body)).toEqual([200, "Bearer", undefined]);
    const claims = claimsOf(String(body.access_token));
    expect(claims).toMatchObject({ iss: ISSUER_B, client_id: "billing-worker", scope: "orders:read" });
    expect(claims.sub).not.toBe(claimsOf(assertion).sub);
    expect(await introspect(ISSUER_B, String(body.access_token))).toMatchObject({ active: true, iss: ISSUER_B, sub: claims.sub });

    expect(await bear(assertion)).toMatchObject({ status: 400, body: { error: "invalid_grant" } });
  });

  test("trade a JWT authorization grant for any token of the user, who is the same there as by an ID-JAG", async () => {
    const asked = { subject_token: tokens.access_token, subject_token_type: `${TOKEN_TYPE}access_token`, requested_token_type: `${TOKEN_TYPE}jwt` };
    const { body: asserted } = await ask(asked);
    expect(asserted).toMatchObject({ issued_token_type: `${TOKEN_TYPE}jwt`, token_type: "N_A" });
    const byGrant = await bear(String(asserted.access_token), { resource: RESOURCE });
    const byIdJag = await bear(await idJag());
    expect([byGrant.status, byIdJag.status], JSON.stringify([byGrant.body, byIdJag.body])).toEqual([200, 200]);
    expect(claimsOf(String(byGrant.body.access_token)).sub).toBe(claimsOf(String(byIdJag.body.access_token)).sub);
  });

  test("take nothing that is not meant so: an ID token, an assertion at home or of another client; a token of the first is none at the second", async () => {
    const assertion = await idJag();
    const refused = { status: 400, body: { error: "invalid_grant" } };
    expect(await bear(tokens.id_token)).toMatchObject(refused);
    expect(await bear(assertion, {}, ISSUER_A)).toMatchObject(refused);
    expect(await bear(assertion, {}, ISSUER_B, "assistant")).toMatchObject(refused);
    expect(await introspect(ISSUER_B, tokens.access_token)).toEqual({ active: false });
    expect(await bear(assertion)).toMatchObject({ status: 200 });
  });

  test("give no more once the login at the first has ended; CON-57 what it gave is taken while the first is down, by the keys that are kept", async () => {
    const assertion = await idJag();
    await post(ISSUER_A, "/oauth2/revoke", { token: tokens.refresh_token }, "web-app");
    expect(await askIdJag()).toMatchObject({ status: 400, body: { error: "invalid_request" } });
    await a.stop();
    expect(await bear(assertion)).toMatchObject({ status: 200 });
  });

  const askIdJag = async () => await ask({ subject_token: tokens.id_token, subject_token_type: `${TOKEN_TYPE}id_token`, requested_token_type: `${TOKEN_TYPE}id-jag` });

  const idJag = async () => String((await askIdJag()).body.access_token);

  const ask = async (form: Record<string, string>) =>
    await post(ISSUER_A, "/oauth2/token", { grant_type: EXCHANGE, audience: ISSUER_B, resource: RESOURCE, scope: "orders:read", ...form }, "web-app");

  const bear = async (assertion: string, form: Record<string, string> = {}, issuer = ISSUER_B, client = "billing-worker") =>
    await post(issuer, "/oauth2/token", { grant_type: JWT_BEARER, assertion, ...form }, client);

  const introspect = async (issuer: string, token: string) => (await post(issuer, "/oauth2/introspect", { token }, "orders-api")).body;
});

async function post(
  issuer: string,
  path: string,
  form: Readonly<Record<string, string>>,
  client: string,
): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
  const headers = { authorization: `Basic ${btoa(`${client}:${client}-secret`)}` };
  const answer = await fetch(`${issuer}${path}`, { method: "POST", body: new URLSearchParams(form), headers });
  const text = await answer.text();
  return { status: answer.status, body: text === "" ? {} : JSON.parse(text) };
}

const asApplication: Stage["post"] = async (path, form, client) => (await post(ISSUER_A, path, form, client?.id ?? "")).body;
