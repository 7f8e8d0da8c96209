import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { GRANT_TYPE, TOKEN_TYPE } from "../../src/protocol/names.ts";
import { arrive, exchange, login, refresh, type TenantFileInput, type Tokens, type World, world } from "../world.ts";
import { lastReason } from "./login-steps.ts";

beforeEach(reset);

const { access_token: AT, refresh_token: RT, id_token: ID, jwt: JWT, saml2: SAML } = TOKEN_TYPE;
const DECLARED = [AT, RT, ID, JWT];

/** Every kind of token that an exchange could be shown. */
const KINDS = ["jwt access token", "opaque access token", "refresh token", "ID token", "SSO token", "code", "session"] as const;
type Kind = (typeof KINDS)[number];

// The kinds that a dialect takes under each declared type; the rest of the matrix is refused.
const BOTH: readonly Kind[] = ["jwt access token", "opaque access token"];
const STRICT: Readonly<Record<string, readonly Kind[]>> = { [AT]: BOTH, [RT]: ["refresh token"], [ID]: ["ID token"], [JWT]: ["jwt access token"] };
const MATRIX: Readonly<Record<string, Readonly<Record<string, readonly Kind[]>>>> = {
  rfc8693: STRICT,
  sap: { ...STRICT, [JWT]: ["jwt access token", "ID token"] },
  keycloak: { ...STRICT, [RT]: [] },
  idaas: { [AT]: BOTH, [RT]: [], [ID]: [], [JWT]: [] },
};

const speaking =
  (dialect: string) =>
  (file: TenantFileInput): void =>
    void Object.assign(file.clients["web-app"], { dialect });

/** One of each kind, of one login of the web application, made while it spoke SAP's dialect. */
async function collection(w: World): Promise<Readonly<Record<Kind, string>>> {
  const tokens = await login(w, "web-app");
  const opaque = (await (await refresh(w, "web-app", tokens.refresh_token, { token_format: "opaque" })).json()) as Tokens;
  const sso = await exchange(w, "web-app", { subject_token: tokens.access_token, subject_token_type: AT, resource: "urn:sap:identity:sso" });
  const arrived = await arrive(w, "web-app");
  return {
    "jwt access token": tokens.access_token,
    "opaque access token": opaque.access_token,
    "refresh token": opaque.refresh_token,
    "ID token": tokens.id_token,
    "SSO token": String(sso.body.access_token),
    code: arrived.code,
    session: arrived.cookie.slice(arrived.cookie.indexOf("=") + 1),
  };
}

async function worldSpeaking(dialect: string): Promise<{ readonly w: World; readonly tokens: Readonly<Record<Kind, string>> }> {
  const files: TenantFileInput[] = [];
  const w = await world({ tenant: (made) => void files.push(made) });
  const tokens = await collection(w);
  for (const file of files) {
    speaking(dialect)(file);
    await w.apply(file);
  }
  w.service.directory.forget("http://localhost:8787");
  return { w, tokens };
}

describe.each(Object.keys(MATRIX))("regression 2, in the dialect %s", (dialect) => {
  it("TX-04, TX-27 each kind of token is a subject under its own type only", async () => {
    const { w, tokens } = await worldSpeaking(dialect);
    const taken: Record<string, readonly string[]> = {};
    for (const declared of DECLARED) {
      const found: string[] = [];
      for (const kind of KINDS) {
        const { status, body } = await exchange(w, "web-app", { subject_token: tokens[kind], subject_token_type: declared, requested_token_type: AT });
        if (status === 200) found.push(kind);
        else expect([status, body.error]).toEqual([400, "invalid_request"]);
      }
      taken[declared] = found;
    }
    expect(taken).toEqual(MATRIX[dialect]);
  });

  it("each kind is an actor token under its own type only, and a refresh token is none", async () => {
    const { w, tokens } = await worldSpeaking(dialect);
    const subject = (await login(w, "web-app", { user: "julie.armstrong" })).access_token;
    const actors: Readonly<Record<string, readonly Kind[]>> = {
      [AT]: BOTH,
      [RT]: [],
      [ID]: ["ID token"],
      [JWT]: MATRIX[dialect]?.[ID]?.length === 0 ? ["jwt access token"] : (MATRIX[dialect]?.[JWT] ?? []),
    };
    for (const declared of DECLARED) {
      const found: string[] = [];
      for (const kind of KINDS) {
        const form = { subject_token: subject, subject_token_type: AT, requested_token_type: AT, actor_token: tokens[kind], actor_token_type: declared };
        const { status, body } = await exchange(w, "web-app", form);
        if (status === 200) found.push(kind);
        else expect([status, body.error]).toEqual([400, "invalid_request"]);
      }
      expect([declared, found]).toEqual([declared, actors[declared]]);
    }
  });

  it("TX-05 and each asks for what its product knows, and for nothing else", async () => {
    const { w, tokens } = await worldSpeaking(dialect);
    const asked: Readonly<Record<string, readonly string[]>> = {
      rfc8693: [AT, RT, ID, JWT],
      sap: [AT, ID],
      keycloak: [AT, RT, ID],
      idaas: [AT],
    };
    const found: string[] = [];
    for (const requested of DECLARED) {
      const form = { subject_token: tokens["jwt access token"], subject_token_type: AT, requested_token_type: requested };
      const { status, body } = await exchange(w, "web-app", form);
      if (status === 200) found.push(requested);
      if (status === 200) expect(body.issued_token_type).toBe(requested);
    }
    expect(found).toEqual(asked[dialect]);
  });
});

describe("jwt-bearer", () => {
  it("regression 2, TX-57 takes our ID tokens and JWT access tokens, of its own or for itself, and nothing else", async () => {
    const w = await world({
      tenant: (file) => {
        file.clients["web-app"].grants.push("jwt_bearer");
        file.clients.stranger.grants.push("jwt_bearer");
      },
    });
    const tokens = await collection(w);
    const found: string[] = [];
    for (const kind of KINDS) {
      const answer = await w.post("/oauth2/token", { grant_type: GRANT_TYPE.jwt_bearer, assertion: tokens[kind] }, ["web-app", "web-app-secret"]);
      if (answer.status === 200) found.push(kind);
      else expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([400, "invalid_grant"]);
    }
    expect(found).toEqual(["jwt access token", "ID token"]);
    const stolen = await w.post("/oauth2/token", { grant_type: GRANT_TYPE.jwt_bearer, assertion: tokens["ID token"] }, ["stranger", "stranger-secret"]);
    expect([stolen.status, lastReason(w)]).toEqual([400, "assertion_refused"]);
  });
});

describe("an ID token", () => {
  it("stands for openid and no other scope, whatever it says of the user", async () => {
    const w = await world();
    const { id_token } = await login(w, "front-end-app");
    const ask = (form: Record<string, string>) => exchange(w, "front-end-app", { subject_token: id_token, subject_token_type: ID, requested_token_type: AT, ...form });
    expect((await ask({})).body.scope).toBe("openid");
    expect((await ask({ scope: "openid email" })).body.error).toBe("invalid_scope");
    expect((await ask({ scope: "offline_access" })).body.error).toBe("invalid_scope");
  });

  it("is not given where nobody asked for openid, and cannot be got by way of another token", async () => {
    const w = await world();
    const { access_token } = await login(w, "front-end-app", { scope: "profile email" });
    const ask = (token: string, type: string) => exchange(w, "front-end-app", { subject_token: token, subject_token_type: AT, requested_token_type: type });
    for (const token of [access_token, String((await ask(access_token, AT)).body.access_token)]) {
      const { status, body } = await ask(token, ID);
      expect([status, body.error]).toEqual([400, "invalid_scope"]);
    }
    const withOpenid = await login(w, "front-end-app", { scope: "openid" });
    expect((await ask(withOpenid.access_token, ID)).body.issued_token_type).toBe(ID);
  });
});

it("a SAML assertion's type takes none of the others", async () => {
  const w = await world();
  const { access_token, id_token } = await login(w, "web-app");
  for (const token of [access_token, id_token]) {
    const { status, body } = await exchange(w, "web-app", { subject_token: token, subject_token_type: SAML });
    expect([status, body.error]).toEqual([400, "invalid_request"]);
  }
});
