import { reset } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { bytesOf, toBase64url } from "../../src/protocol/bytes.ts";
import { GRANT_TYPE, TOKEN_TYPE } from "../../src/protocol/names.ts";
import { type AssertionFacts, signedAssertion } from "../../src/saml/assertion.ts";
import { stopClock } from "../faults.ts";
import { genuine, resigned, responseOf, SAML_IDP, samlFacts, samlKey } from "../saml/idp.ts";
import { exchange, ISSUER, introspect, payloadOf, type TenantFileInput, type World, world } from "../world.ts";
import { changeClient } from "./saml-steps.ts";

beforeEach(async () => {
  await reset();
  stopClock();
});
afterEach(() => void vi.useRealTimers());

const OTHER_IDP = "https://other-idp.example.com/metadata";

/** The demo tenant with two SAML IdPs of different keys, and a web app that may take their assertions. */
async function federated(change: (file: TenantFileInput) => void = () => {}): Promise<World> {
  const [own, other] = [await samlKey(), await samlKey("other")];
  return await world({
    tenant: (file) => {
      Object.assign(file, {
        samlIdentityProviders: {
          "corp-saml": { entityId: SAML_IDP, certificates: [own.certificate], attributes: { loginName: "login", groups: "groups", email: "mail" } },
          other: { entityId: OTHER_IDP, certificates: [other.certificate] },
        },
      });
      changeClient(file, "web-app", { grants: ["authorization_code", "refresh_token", "token_exchange", "saml2_bearer"], subjectIssuers: ["corp-saml", "other"] });
      change(file);
    },
  });
}

const present = async (w: World, xml: string, form: Record<string, string> = {}) => {
  const answer = await w.post("/oauth2/token", { grant_type: GRANT_TYPE.saml2_bearer, assertion: toBase64url(bytesOf(xml)), ...form }, ["web-app", "web-app-secret"]);
  return { status: answer.status, body: (await answer.json()) as Record<string, string> };
};
const REFUSED = { status: 400, body: { error: "invalid_grant" } };

describe("the SAML bearer grant with a corporate IdP's assertion", () => {
  it("gives a token set for the user that the assertion names, with a refresh token", async () => {
    const w = await federated();
    const facts = { nameId: "u-1", attributes: { login: ["jo.doe"], mail: ["jo@example.com"], groups: ["employees", "admins"] } };
    const { status, body } = await present(w, await genuine(facts), { scope: "openid email profile groups", token_format: "jwt" });
    expect(status, w.lines.at(-1)).toBe(200);
    expect(body).toMatchObject({ token_type: "Bearer", refresh_token: expect.stringMatching(/^cambio_rt_/), id_token: expect.any(String), scope: "openid email profile groups" });
    const claims = payloadOf(body.access_token ?? "");
    expect(claims).toMatchObject({ aud: "web-app", preferred_username: "jo.doe", email: "jo@example.com", groups: ["employees", "admins"], idp: "corp-saml" });
    const again = await present(w, await genuine(facts), { token_format: "jwt" });
    expect(payloadOf(again.body.access_token ?? "").sub).toBe(claims.sub);
    const renewed = await w.post("/oauth2/token", { grant_type: "refresh_token", refresh_token: body.refresh_token ?? "" }, ["web-app", "web-app-secret"]);
    expect(renewed.status, w.lines.at(-1)).toBe(200);
  });

  it("SAM-37 takes each assertion once, also where twenty ask at the same moment", async () => {
    const w = await federated();
    const xml = await genuine();
    const answers = await Promise.all(Array.from({ length: 20 }, () => present(w, xml)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(await present(w, xml)).toMatchObject(REFUSED);
    const subject = { subject_token: toBase64url(bytesOf(xml)), subject_token_type: TOKEN_TYPE.saml2 };
    expect(await exchange(w, "web-app", subject)).toMatchObject({ status: 400, body: { error: "invalid_request" } });
  });

  it("SAM-37 takes an assertion's id for its own IdP's: that of another IdP's assertion may be the same", async () => {
    const w = await federated();
    const id = "_the-same";
    const theirs = async () => await signedAssertion(samlFacts({ id, issuer: OTHER_IDP }), await samlKey("other"));
    expect((await present(w, await theirs())).status, w.lines.at(-1)).toBe(200);
    expect((await present(w, await genuine({ id }))).status, w.lines.at(-1)).toBe(200);
    for (const again of [await theirs(), await genuine({ id })]) expect(await present(w, again)).toMatchObject(REFUSED);
  });

  const now = () => Math.floor(Date.now() / 1000);
  const cases: readonly (readonly [string, () => Partial<AssertionFacts>])[] = [
    ["SAM-33 is for another audience", () => ({ audience: "https://elsewhere.example.com" })],
    ["SAM-33 is for our token endpoint, which is no audience", () => ({ audience: `${ISSUER}/oauth2/token` })],
    ["SAM-36 is to be presented elsewhere", () => ({ recipient: `${ISSUER}/oauth2/tokens` })],
    ["SAM-36 is to be presented nowhere", () => ({ recipient: "" })],
    ["has expired", () => ({ expires: now() - 11 })],
    ["is not good yet", () => ({ now: now() + 311, expires: now() + 600 })],
    ["may be presented for hours", () => ({ expires: now() + 7200 })],
    ["answers a request that we did not make", () => ({ inResponseTo: "_request" })],
    ["SAM-27 has an issuer with a space behind it", () => ({ issuer: `${SAML_IDP} ` })],
    ["SAM-27 has an issuer in capitals", () => ({ issuer: SAML_IDP.toUpperCase() })],
    ["SAM-27 has the issuer of another IdP", () => ({ issuer: OTHER_IDP })],
    ["has our own issuer", () => ({ issuer: ISSUER })],
    ["names nobody", () => ({ nameId: "" })],
    ["has a name that is another each time", () => ({ nameIdFormat: "urn:oasis:names:tc:SAML:2.0:nameid-format:transient" })],
  ];
  it.each(cases)("refuses one that %s", async (_name, changes) => {
    const w = await federated();
    expect(await present(w, await genuine(changes()))).toMatchObject(REFUSED);
  });

  it.each([
    ["SAM-33 no audience", /<saml:AudienceRestriction>.*<\/saml:AudienceRestriction>/, ""],
    [
      "SAM-33 a second restriction to another",
      "</saml:AudienceRestriction>",
      "</saml:AudienceRestriction><saml:AudienceRestriction><saml:Audience>x:y</saml:Audience></saml:AudienceRestriction>",
    ],
    ["SAM-34 no confirmation", /<saml:SubjectConfirmation .*<\/saml:SubjectConfirmation>/, ""],
    ["SAM-34 a holder-of-key confirmation", "cm:bearer", "cm:holder-of-key"],
    ["SAM-34 a sender-vouches confirmation", "cm:bearer", "cm:sender-vouches"],
    ["no conditions", /<saml:Conditions .*<\/saml:Conditions>/, ""],
    ["a confirmation without an end", /(<saml:SubjectConfirmationData) NotOnOrAfter="[^"]*"/, "$1"],
    ["a confirmation that begins later", "<saml:SubjectConfirmationData ", '<saml:SubjectConfirmationData NotBefore="2020-01-01T00:00:00Z" '],
    ["another version", 'Version="2.0"', 'Version="2.1"'],
  ] as const)("refuses one with %s, though it is well signed", async (_name, from, to) => {
    const w = await federated();
    expect(await present(w, await resigned((xml) => xml.replace(from, to)))).toMatchObject(REFUSED);
  });

  it("SAM-33 takes one for us among others, and SAM-45 reads the attributes that the record names alone, each once", async () => {
    const w = await federated();
    const among = await resigned((xml) => xml.replace("<saml:Audience>", "<saml:Audience>urn:other</saml:Audience><saml:Audience>"));
    expect((await present(w, among)).status, w.lines.at(-1)).toBe(200);
    const attributes = {
      sub: ["root"],
      roles: ["root"],
      constructor: ["root"],
      login: ["a", "b"],
      mail: ["jo@example.com"],
      groups: Array.from({ length: 600 }, (_, index) => `g${index}`),
    };
    const { body } = await present(w, await genuine({ nameId: "u-2", attributes }), { scope: "openid email profile groups", token_format: "jwt" });
    const claims = payloadOf(body.access_token ?? "");
    expect(claims).toMatchObject({ preferred_username: "u-2", email: "jo@example.com" });
    expect(claims.sub).not.toBe("root");
    expect(claims.groups).toHaveLength(500);
    expect(JSON.stringify(claims)).not.toContain("root");
  });

  it("SAM-26 SAM-27 SAM-28 refuses another IdP's key, a Response, and a client that may not", async () => {
    const w = await federated();
    expect(await present(w, await signedAssertion(samlFacts(), await samlKey("other")))).toMatchObject(REFUSED);
    expect(await present(w, responseOf(await genuine()))).toMatchObject(REFUSED);
    expect((await present(w, await signedAssertion(samlFacts({ issuer: OTHER_IDP }), await samlKey("other")))).status).toBe(200);
    const other = await w.post("/oauth2/token", { grant_type: GRANT_TYPE.saml2_bearer, assertion: toBase64url(bytesOf(await genuine())) }, ["orders-api", "orders-api-secret"]);
    expect(((await other.json()) as { error: string }).error).toBe("unauthorized_client");
  });
});

describe("a corporate IdP's assertion as a subject token", () => {
  it("becomes a token of the client's own, which dies with the IdP", async () => {
    const w = await federated();
    const subject = { subject_token: toBase64url(bytesOf(await genuine())), subject_token_type: TOKEN_TYPE.saml2 };
    const { status, body } = await exchange(w, "web-app", { ...subject, requested_token_type: TOKEN_TYPE.access_token });
    expect(status, JSON.stringify([body, w.lines.at(-1)])).toBe(200);
    expect(await introspect(w, "web-app", String(body.access_token))).toMatchObject({ active: true, client_id: "web-app" });
    const file = (await (await w.fetch("/.well-known/openid-configuration")).json()) as { grant_types_supported: string[] };
    expect(file.grant_types_supported).toContain(GRANT_TYPE.saml2_bearer);
  });

  it("is not taken from a public client, and not by a dialect that knows none", async () => {
    const w = await federated();
    const subject = { subject_token: toBase64url(bytesOf(await genuine())), subject_token_type: TOKEN_TYPE.saml2 };
    expect(await exchange(w, "mobile-app", subject)).toMatchObject({ status: 400, body: { error: "invalid_request" } });
    expect(await exchange(w, "travel-agent", subject)).toMatchObject({ status: 400, body: { error: "invalid_request" } });
  });

  it("SAM-40 is refused where the IdP is disabled, and what it gave is dead", async () => {
    const w = await federated();
    const { body } = await present(w, await genuine());
    expect(await introspect(w, "web-app", body.access_token ?? "")).toMatchObject({ active: true });
    const disabled = await federated((file) => {
      const { samlIdentityProviders } = file as unknown as { samlIdentityProviders: Record<string, object> };
      Object.assign(samlIdentityProviders["corp-saml"] ?? {}, { disabled: true });
    });
    expect(await present(disabled, await genuine())).toMatchObject(REFUSED);
    expect(await introspect(disabled, "web-app", body.access_token ?? "")).toEqual({ active: false });
  });
});
