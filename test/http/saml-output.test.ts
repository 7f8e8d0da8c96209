import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { exchange, login, payloadOf, world } from "../world.ts";
import { changeClient, SAML_URN, samlApplication, samlUser, samlUserOf, verified, xmlOf } from "./saml-steps.ts";

beforeEach(reset);

const TARGET_REFUSED = { status: 400, body: { error: "invalid_target" } };

describe("an assertion as SAP's example asks for it", () => {
  it("SIS-07 SIS-04 is one signed assertion in base64url for the application behind the permission", async () => {
    const { ask, w, id_token } = await samlUser();
    const { status, body } = await ask();
    expect(status, JSON.stringify([body, w.lines.at(-1)])).toBe(200);
    expect(body).toEqual({ access_token: expect.stringMatching(/^[\w-]+$/), issued_token_type: TOKEN_TYPE.saml2, token_type: "Bearer", expires_in: 600 });
    const assertion = await verified(w, xmlOf(String(body.access_token)));
    const { exp, auth_time } = payloadOf(id_token) as { exp: number; auth_time: number };
    expect(assertion).toMatchObject({
      id: expect.stringMatching(/^cambio_saml_[\w-]{100,}$/),
      issuer: "http://localhost:8787",
      nameId: "dona.moore@example.com",
      nameIdFormat: "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
      audiences: [["http://localhost:8790/saml/metadata"]],
      confirmations: [{ method: "urn:oasis:names:tc:SAML:2.0:cm:bearer", recipient: "http://localhost:8790/saml/acs", notOnOrAfter: assertion.notOnOrAfter }],
      notBefore: Number(assertion.notOnOrAfter) - 900,
      authnInstant: auth_time,
    });
    expect(assertion.notOnOrAfter).toBeLessThanOrEqual(exp);
    expect(Object.fromEntries(assertion.attributes)).toEqual({
      first_name: ["Dona"],
      last_name: ["Moore"],
      mail: ["dona.moore@example.com"],
      user_uuid: [payloadOf(id_token).sub],
      groups: ["employees", "travel-bookers"],
    });
  });

  it("SIS-07 is a signed Response in base64 for a header, addressed to the URL of the application that is named besides", async () => {
    const { ask, w } = await samlUser();
    const header = [
      ["requested_token_type", TOKEN_TYPE.saml2_header],
      ["resource", SAML_URN],
    ] as const;
    const { status, body } = await ask([...header, ["resource", "http://localhost:8790/"]]);
    expect(status, JSON.stringify([body, w.lines.at(-1)])).toBe(200);
    expect(body).toMatchObject({ issued_token_type: TOKEN_TYPE.saml2_header, token_type: "Bearer" });
    const xml = atob(String(body.access_token));
    expect(xml).toMatch(/^<samlp:Response .*Destination="http:\/\/localhost:8790\/"/);
    expect((await verified(w, xml, "response")).confirmations[0]?.recipient).toBe("http://localhost:8790/");
    expect(await ask([...header, ["resource", "https://elsewhere.example.com/"]])).toMatchObject(TARGET_REFUSED);
  });

  it("is what the application's own record says: identifier, format, hash, wrapper and lifetime", async () => {
    const { ask, assertion, w, id_token } = await samlUser({
      tenant: (file) => {
        samlApplication(file, { signature: "RSA-SHA512", header: "assertion", attributes: { role: "roles" }, nameIdFormat: "unspecified" });
        changeClient(file, "saml-sso", { subjectNameIdentifier: "userUuid", roles: { buyer: { groups: ["employees"] } } });
        changeClient(file, "web-app", { tokenPolicy: { samlLifetime: 60 } });
      },
    });
    const xml = xmlOf(await assertion());
    expect(xml).toContain("xmldsig-more#rsa-sha512");
    const facts = await verified(w, xml);
    expect(facts).toMatchObject({ nameId: payloadOf(id_token).sub, nameIdFormat: "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified", attributes: [["role", ["buyer"]]] });
    expect(Number(facts.notOnOrAfter) - Number(facts.notBefore)).toBe(360);
    const { body } = await ask({ requested_token_type: TOKEN_TYPE.saml2_header });
    expect(atob(String(body.access_token))).toMatch(/^<saml:Assertion /);
  });

  it("is what SAP gives for a SAML application where no type is asked for", async () => {
    const { w, id_token, access_token } = await samlUser();
    const asked = { subject_token: access_token, subject_token_type: TOKEN_TYPE.access_token, resource: SAML_URN };
    const { status, body } = await exchange(w, "web-app", asked);
    expect([status, body.issued_token_type], w.lines.at(-1)).toEqual([200, TOKEN_TYPE.saml2]);
    expect(await exchange(w, "web-app", { ...asked, requested_token_type: TOKEN_TYPE.access_token })).toMatchObject(TARGET_REFUSED);
    // A client of its own is no SAML application.
    const own = await exchange(w, "web-app", { subject_token: id_token, subject_token_type: TOKEN_TYPE.id_token });
    expect(own.body.issued_token_type).toBe(TOKEN_TYPE.access_token);
  });

  it("has N_A as its token type for a client of the RFC's dialect", async () => {
    const { ask } = await samlUser({ tenant: (file) => changeClient(file, "web-app", { dialect: "rfc8693" }) });
    expect((await ask([["resource", "http://localhost:8790/"]])).body).toMatchObject({ token_type: "N_A", issued_token_type: TOKEN_TYPE.saml2 });
  });
});

describe("what an assertion must not become", () => {
  it("SIS-01 SIS-02 escapes what users are called, and leaves out what XML cannot hold", async () => {
    const w = await world();
    const hostile = `</saml:AttributeValue><saml:Attribute Name="x">&amp;]]><!-- "'\t\n\r`;
    Object.assign(w.idp.users["dona.moore"] ?? {}, { given_name: hostile, family_name: "a\u0001b\ufffec\u0007de" });
    const { assertion } = await samlUserOf(w, "dona.moore");
    const facts = await verified(w, xmlOf(await assertion()));
    expect(Object.fromEntries(facts.attributes)).toMatchObject({ first_name: [hostile], last_name: ["abcde"] });
    expect(facts.attributes).toHaveLength(5);
  });

  it("SIS-02 refuses a name identifier with what XML cannot hold, so that no two users become one", async () => {
    const w = await world();
    Object.assign(w.idp.users["dona.moore"] ?? {}, { email: "do\u0001na@example.com" });
    const { ask } = await samlUserOf(w, "dona.moore");
    expect(await ask()).toMatchObject({ status: 400, body: { error: "invalid_request" } });
  });

  it("SIS-05 SIS-11 has an id of its own and the right user, also where many are asked for at once", async () => {
    const { w, ...dona } = await samlUser();
    const julie = await samlUserOf(w, "julie.armstrong");
    const texts = await Promise.all([dona, julie, dona, julie, dona, julie].map(({ assertion }) => assertion()));
    const facts = await Promise.all(texts.map((text) => verified(w, xmlOf(text))));
    expect(facts.map(({ nameId }) => nameId)).toEqual(Array.from({ length: 6 }, (_, index) => (index % 2 === 0 ? "dona.moore@example.com" : "julie.armstrong@example.com")));
    expect(new Set(facts.map(({ id }) => id)).size).toBe(6);
    for (const { id } of facts) expect(id).toMatch(/^[A-Za-z_][\w.-]*$/);
  });
});

describe("who gets an assertion", () => {
  it("SIS-09 TX-43 nobody for an application that takes none, is disabled, or has not permitted it", async () => {
    const disabled = await samlUser({ tenant: (file) => changeClient(file, "saml-sso", { disabled: true }) });
    expect(await disabled.ask()).toMatchObject(TARGET_REFUSED);
    expect(await disabled.ask({ resource: "urn:sap:identity:application:provider:name:OTHER" })).toMatchObject(TARGET_REFUSED);
    const w = await world({
      tenant: (file) => {
        for (const permission of file.permissions) if (permission.name === "SAML2SSO") Object.assign(permission, { tokenTypes: ["access_token"] });
      },
    });
    const user = await samlUserOf(w, "dona.moore");
    expect(await user.ask()).toMatchObject(TARGET_REFUSED);
    const { access_token } = await login(w, "front-end-app");
    const asked = { subject_token: access_token, subject_token_type: TOKEN_TYPE.access_token, requested_token_type: TOKEN_TYPE.saml2 };
    expect(await exchange(w, "front-end-app", { ...asked, audience: "back-end-api" })).toMatchObject(TARGET_REFUSED);
    expect(await exchange(w, "front-end-app", asked)).toMatchObject(TARGET_REFUSED);
  });

  it("only a user is asserted, and never with an actor", async () => {
    const { w, ask } = await samlUser({ tenant: (file) => changeClient(file, "web-app", { grants: ["authorization_code", "token_exchange", "client_credentials"] }) });
    const own = await w.post("/oauth2/token", { grant_type: "client_credentials" }, ["web-app", "web-app-secret"]);
    const { access_token } = (await own.json()) as { access_token: string };
    expect(await ask({ subject_token: access_token, subject_token_type: TOKEN_TYPE.access_token })).toMatchObject({ status: 400, body: { error: "invalid_request" } });
    expect(await ask({ actor_token: access_token, actor_token_type: TOKEN_TYPE.access_token })).toMatchObject({ status: 400, body: { error: "invalid_request" } });
    expect(w.lines.at(-1)).toContain("actor_not_allowed");
  });
});
