import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { arrive, payloadOf, type TenantFileInput, type World, world } from "../world.ts";

beforeEach(reset);

const THUMBPRINT = "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s";

/** What the platform writes of a connection with a certificate, by the first byte of its fingerprint. */
const certificate = (byte: string) => ({
  tlsClientAuth: {
    ...{ certPresented: "1", certVerified: "FAILED:self signed certificate", certRevoked: "0", certFingerprintSHA256: byte.repeat(32), certSubjectDNRFC2253: "CN=web-app" },
    ...{ certIssuerSKI: "", certNotBefore: "Jan  1 00:00:00 2020 GMT", certNotAfter: "Jan  1 00:00:00 2120 GMT" },
  },
});
const [OWN, OTHER, NONE] = [certificate("ab"), certificate("cd"), undefined];

// SAP's web application with a certificate of its own, which may get tokens for itself too.
const withCertificate = (file: TenantFileInput) => {
  const { developmentSecret: _secret, ...web } = file.clients["web-app"];
  const methods = { authenticationMethods: ["self_signed_tls_client_auth"], tlsThumbprints: [THUMBPRINT] };
  Object.assign(file.clients, { "web-app": { ...web, ...methods, grants: [...web.grants, "client_credentials"] } });
};

async function send(w: World, path: string, cf: object | undefined, form: Record<string, string> | undefined, headers: Record<string, string> = {}) {
  const body = form === undefined ? {} : { method: "POST", body: new URLSearchParams(form).toString() };
  const type = form === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" };
  const answer = await w.fetch(path, { ...body, headers: { ...type, ...headers }, ...(cf === undefined ? {} : { cf }) } as RequestInit);
  const text = await answer.text();
  return { status: answer.status, body: text === "" ? {} : (JSON.parse(text) as Record<string, unknown>) };
}

/** A user's tokens and the client's own, all bound to its certificate. */
async function boundTokens(w: World) {
  const { code, redirectUri, verifier } = await arrive(w, "web-app");
  const redeemed = await send(w, "/oauth2/token", OWN, { grant_type: "authorization_code", client_id: "web-app", code, redirect_uri: redirectUri, code_verifier: verifier });
  expect(redeemed.status, w.lines.at(-1)).toBe(200);
  const own = await send(w, "/oauth2/token", OWN, { grant_type: "client_credentials", client_id: "web-app" });
  expect(own.status, w.lines.at(-1)).toBe(200);
  const { access_token, refresh_token } = redeemed.body as Record<string, string>;
  return { users: access_token ?? "", refresh: refresh_token ?? "", own: String(own.body.access_token) };
}

describe("POP-13 a token that is bound to a certificate", () => {
  it("opens userinfo over a connection with it, and over no other", async () => {
    const w = await world({ tenant: withCertificate });
    const { users } = await boundTokens(w);
    expect(payloadOf(users).cnf).toEqual({ "x5t#S256": THUMBPRINT });
    const open = async (cf: object | undefined) => await send(w, "/oauth2/userinfo", cf, undefined, { authorization: `Bearer ${users}` });
    expect((await open(OWN)).status).toBe(200);
    for (const cf of [OTHER, NONE]) expect(await open(cf)).toMatchObject({ status: 401, body: { error: "invalid_token" } });
  });

  it("stands for its client's credentials at introspection, revocation and the list with it, and not without", async () => {
    const w = await world({ tenant: withCertificate });
    const { users, own } = await boundTokens(w);
    for (const path of ["/oauth2/introspect", "/oauth2/token/list", "/oauth2/revoke"]) {
      const ask = async (cf: object | undefined) => (await send(w, path, cf, { token: users }, { authorization: `Bearer ${own}` })).status;
      expect([path, await ask(OTHER), await ask(NONE), await ask(OWN)]).toEqual([path, 401, 401, 200]);
    }
  });

  it("shows to those who may know what it is bound to, so that they can compare", async () => {
    const w = await world({ tenant: withCertificate });
    const { users, refresh } = await boundTokens(w);
    for (const token of [users, refresh]) {
      const { body } = await send(w, "/oauth2/introspect", OWN, { token, client_id: "web-app" });
      expect(body).toMatchObject({ active: true, cnf: { "x5t#S256": THUMBPRINT } });
    }
  });

  it("is exchanged, explained, asserted and refreshed with it, and not by who has another", async () => {
    const w = await world({ tenant: withCertificate });
    const { users, refresh } = await boundTokens(w);
    const subject = { subject_token: users, subject_token_type: TOKEN_TYPE.access_token, client_id: "web-app" };
    const forms: readonly (readonly [string, Record<string, string>])[] = [
      ["/oauth2/token", { grant_type: "urn:ietf:params:oauth:grant-type:token-exchange", ...subject }],
      ["/oauth2/exchange/explain", { grant_type: "urn:ietf:params:oauth:grant-type:token-exchange", ...subject }],
      ["/oauth2/exchange/corporateidp", { assertion: users, client_id: "web-app" }],
      ["/oauth2/token", { grant_type: "refresh_token", refresh_token: refresh, client_id: "web-app" }],
    ];
    for (const [path, form] of forms) {
      for (const cf of [OTHER, NONE]) expect((await send(w, path, cf, form)).status).toBe(401);
      const { status, body } = await send(w, path, OWN, form);
      expect([status, w.lines.at(-1)]).toEqual([200, expect.any(String)]);
      if (typeof body.access_token === "string" && body.access_token.includes(".")) expect(payloadOf(body.access_token).cnf).toEqual({ "x5t#S256": THUMBPRINT });
    }
  });

  it("is not taken from another client's hands, whatever certificate that has", async () => {
    const w = await world({ tenant: withCertificate });
    const { users } = await boundTokens(w);
    const answer = await w.post(
      "/oauth2/token",
      { grant_type: "urn:ietf:params:oauth:grant-type:token-exchange", subject_token: users, subject_token_type: TOKEN_TYPE.access_token },
      ["back-end-api", "back-end-api-secret"],
    );
    expect(answer.status).toBe(400);
  });
});
