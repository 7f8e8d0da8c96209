import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import type { Service } from "../../src/service.ts";
import { ISSUER, introspect, payloadOf, type World, world } from "../world.ts";

beforeEach(reset);

const ALIAS = "https://mtls.id.example.com";
const FORM = { "content-type": "application/x-www-form-urlencoded" };
const cf = {
  tlsClientAuth: {
    ...{ certPresented: "1", certVerified: "SUCCESS", certRevoked: "0", certSubjectDNRFC2253: "CN=gateway,O=Example", certIssuerSKI: "0A1B2C3D" },
    ...{ certFingerprintSHA256: "ab".repeat(32), certNotBefore: "Jan  1 00:00:00 2020 GMT", certNotAfter: "Jan  1 00:00:00 2120 GMT" },
  },
};

const withAlias = (tenant?: (file: { clients: object }) => void): Promise<World> =>
  world({
    service: (s: Service) => ({ ...s, config: { ...s.config, mtlsAliases: new Map([[ISSUER, ALIAS]]) } }),
    tenant: (file) => {
      Object.assign(file.clients.gateway, { tlsCertificates: [{ subjectDn: "CN=gateway,O=Example", issuerKeyId: "0a1b2c3d" }] });
      tenant?.(file);
    },
  });

describe("the origin where clients show certificates", () => {
  it("is advertised, with the endpoints that clients ask, where there is one (RFC 8705 §5); else nothing is", async () => {
    const [w, plain] = [await withAlias(), await world()];
    const document = (await (await w.fetch("/.well-known/openid-configuration")).json()) as Record<string, unknown>;
    expect(document).toMatchObject({
      issuer: ISSUER,
      token_endpoint: `${ISSUER}/oauth2/token`,
      mtls_endpoint_aliases: {
        token_endpoint: `${ALIAS}/oauth2/token`,
        introspection_endpoint: `${ALIAS}/oauth2/introspect`,
        revocation_endpoint: `${ALIAS}/oauth2/revoke`,
        userinfo_endpoint: `${ALIAS}/oauth2/userinfo`,
      },
    });
    expect(await (await w.fetch(`${ALIAS}/.well-known/openid-configuration`)).json()).toEqual(document);
    expect(await (await plain.fetch("/.well-known/openid-configuration")).json()).not.toHaveProperty("mtls_endpoint_aliases");
    expect((await plain.fetch(`${ALIAS}/.well-known/openid-configuration`)).status).toBe(404);
  });

  it("stands for the issuer: tokens are its own, and as good at either", async () => {
    const w = await withAlias();
    const init = { method: "POST", headers: FORM, body: "grant_type=client_credentials&client_id=gateway&audience=orders-api", cf } as RequestInit;
    const answer = await w.fetch(`${ALIAS}/oauth2/token`, init);
    expect(answer.status, w.lines.at(-1)).toBe(200);
    const { access_token } = (await answer.json()) as { readonly access_token: string };
    expect(payloadOf(access_token)).toMatchObject({ iss: ISSUER, cnf: { "x5t#S256": expect.any(String) } });
    expect(await introspect(w, "orders-api", access_token)).toMatchObject({ active: true });
    const revoked = await w.fetch(`${ALIAS}/oauth2/revoke`, { ...init, body: `client_id=gateway&token=${access_token}` } as RequestInit);
    expect([revoked.status, (await introspect(w, "orders-api", access_token)).active]).toEqual([200, false]);
  });

  it("CA-49 has no page and no login, and a certificate is asked for there too", async () => {
    const w = await withAlias();
    for (const path of ["/", "/oauth2/authorize?client_id=web-app", "/oauth2/logout", "/oauth2/callback/corp?code=x&state=y", "/saml2/idp/sso"]) {
      expect([path, (await w.fetch(`${ALIAS}${path}`)).status]).toEqual([path, 404]);
    }
    const bare = { method: "POST", headers: FORM, body: "grant_type=client_credentials&client_id=gateway" };
    expect((await w.fetch(`${ALIAS}/oauth2/token`, bare)).status).toBe(401);
    expect((await w.fetch("https://mtls.other.example.com/oauth2/token", { ...bare, cf } as RequestInit)).status).toBe(404);
  });
});
