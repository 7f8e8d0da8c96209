import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { bytesOf, toBase64url } from "../../src/protocol/bytes.ts";
import { GRANT_TYPE, TOKEN_TYPE } from "../../src/protocol/names.ts";
import type { TenantFileInput } from "../world.ts";
import { changed, exchange, introspect, payloadOf } from "../world.ts";
import { changeClient, samlUser, xmlOf } from "./saml-steps.ts";

beforeEach(reset);

const REFUSED = { status: 400, body: { error: "invalid_request" } };

function receiver(file: TenantFileInput): void {
  changeClient(file, "saml-sso", { developmentSecret: "saml-sso-secret", grants: ["token_exchange", "saml2_bearer"] });
}

describe("an assertion of ours that comes back", () => {
  it("SIS-08 DEP-03 keeps the user, narrows the scope, counts the hop and dies with its origin", async () => {
    const { w, assertion, access_token } = await samlUser({ tenant: receiver });
    // An ID token has no scope to hand on, an access token has.
    const subject = {
      subject_token: await assertion({ subject_token: access_token, subject_token_type: TOKEN_TYPE.access_token }),
      subject_token_type: TOKEN_TYPE.saml2,
      token_format: "jwt",
    };
    const first = await exchange(w, "saml-sso", subject);
    expect(first.status, JSON.stringify([first.body, w.lines.at(-1)])).toBe(200);
    expect(payloadOf(String(first.body.access_token))).toMatchObject({ aud: "saml-sso", sub: "dona.moore@example.com", scope: "openid" });
    expect(await exchange(w, "saml-sso", { ...subject, scope: "openid profile" })).toMatchObject({ status: 400, body: { error: "invalid_scope" } });
    // By its own client as well; nobody else.
    expect((await exchange(w, "web-app", subject)).status).toBe(200);
    expect(await exchange(w, "travel-agent", { ...subject, subject_token_type: TOKEN_TYPE.saml2 })).toMatchObject({ status: 400 });
    expect((await w.post("/oauth2/revoke", { token: access_token }, ["web-app", "web-app-secret"])).status).toBe(200);
    expect(await exchange(w, "saml-sso", subject)).toMatchObject(REFUSED);
    expect(await introspect(w, "saml-sso", String(first.body.access_token))).toEqual({ active: false });
  });

  it("DEP-09 counts hops by each grant that takes it", async () => {
    const { w, assertion } = await samlUser({
      tenant: (file) => {
        receiver(file);
        changeClient(file, "saml-sso", { developmentSecret: "saml-sso-secret", grants: ["token_exchange", "saml2_bearer"], tokenPolicy: { maxHops: 1 } });
      },
    });
    const text = await assertion();
    expect(await exchange(w, "saml-sso", { subject_token: text, subject_token_type: TOKEN_TYPE.saml2 })).toMatchObject(REFUSED);
    expect(w.lines.at(-1)).toContain("subject_depth");
    const bearer = await w.post("/oauth2/token", { grant_type: GRANT_TYPE.saml2_bearer, assertion: text }, ["saml-sso", "saml-sso-secret"]);
    expect([bearer.status, ((await bearer.json()) as { error: string }).error]).toEqual([400, "invalid_grant"]);
  });

  it("is an assertion of the SAML bearer grant, for its application", async () => {
    const { w, assertion, access_token } = await samlUser({ tenant: receiver });
    const text = await assertion({ subject_token: access_token, subject_token_type: TOKEN_TYPE.access_token });
    const answer = await w.post("/oauth2/token", { grant_type: GRANT_TYPE.saml2_bearer, assertion: text }, ["saml-sso", "saml-sso-secret"]);
    expect(answer.status, w.lines.at(-1)).toBe(200);
    expect(await answer.json()).toMatchObject({ access_token: expect.any(String), id_token: expect.any(String), token_type: "Bearer" });
    const foreign = await w.post("/oauth2/token", { grant_type: GRANT_TYPE.saml2_bearer, assertion: text }, ["web-app", "web-app-secret"]);
    expect(((await foreign.json()) as { error: string }).error).toBe("unauthorized_client");
  });

  it("SIS-06 SAM-43 is refused when a byte differs, under another type, and when it is no assertion", async () => {
    const { w, assertion, access_token, id_token } = await samlUser({ tenant: receiver });
    const text = await assertion();
    const ask = (subject_token: string, subject_token_type: string = TOKEN_TYPE.saml2) => exchange(w, "saml-sso", { subject_token, subject_token_type });
    expect((await ask(text)).status).toBe(200);
    const xml = xmlOf(text);
    for (const [from, to] of [
      ["dona.moore@", "dona.moorf@"],
      ["<saml:Audience>http://localhost:8790", "<saml:Audience>http://localhost:8791"],
    ] as const) {
      expect(await ask(toBase64url(bytesOf(xml.replace(from, to))))).toMatchObject(REFUSED);
    }
    expect(await ask(changed(text))).toMatchObject(REFUSED);
    expect(await ask(text, TOKEN_TYPE.jwt)).toMatchObject(REFUSED);
    for (const other of [access_token, id_token, "", "PHg-"]) expect((await ask(other)).status).toBe(400);
  });
});
