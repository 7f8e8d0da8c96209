import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { payloadOf, world } from "../world.ts";
import { fate, partnerToken, present, withPartner } from "./external-steps.ts";
import { lastReason } from "./login-steps.ts";

beforeEach(reset);

const UNREADABLE = [400, "invalid_request", "subject_unreadable"];

describe("an access token of a corporate IdP that is no JWT", () => {
  const opaque = { subject_token_type: TOKEN_TYPE.access_token, subject_issuer: "partner" };

  it("is what userinfo says, asked each time; what it does not know is refused, and silence is 503", async () => {
    const w = await world(withPartner((partner) => Object.assign(partner.subjectTokens, { opaque: "userinfo" })));
    const good = () => Response.json({ sub: "sub-chris.lee", preferred_username: "chris.lee" });
    w.partner.scripts.userinfo = good;
    const { body } = await present(w, "partner-at", opaque);
    expect(payloadOf(String(body.access_token)).sub).toBe(payloadOf(String((await present(w, await partnerToken(w))).body.access_token)).sub);
    await present(w, "partner-at", opaque);
    expect(w.partner.requests.filter((request) => request === `GET ${w.partner.issuer}/me`)).toHaveLength(2);
    expect(await fate(w, "partner-at", { subject_token_type: TOKEN_TYPE.access_token })).toEqual(UNREADABLE);
    w.partner.scripts.userinfo = () => Response.json({ error: "invalid_token" }, { status: 401 });
    expect(await fate(w, "partner-at", opaque)).toEqual(UNREADABLE);
    w.partner.scripts.userinfo = () => new Response("down", { status: 503 });
    expect(await fate(w, "partner-at", opaque)).toEqual([503, "temporarily_unavailable", "idp_unreachable"]);
  });

  it("is what introspection says, asked with our credentials; whom it is for decides, and nothing is kept", async () => {
    const w = await world(withPartner((partner) => Object.assign(partner.subjectTokens, { opaque: "introspection" })));
    const { issuer } = w.partner;
    w.partner.scripts.discovery = () =>
      Response.json({
        issuer,
        authorization_endpoint: `${issuer}/auth`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        introspection_endpoint: `${issuer}/introspect`,
      });
    const good = () => ({ active: true, sub: "sub-chris.lee", aud: "cambio", exp: Math.floor(Date.now() / 1000) + 60, preferred_username: "chris.lee" });
    let said: Record<string, unknown> = good();
    const asked: string[] = [];
    const others = vi.mocked(globalThis.fetch).getMockImplementation();
    vi.mocked(globalThis.fetch).mockImplementation(async (input, init) => {
      const request = new Request(input as RequestInfo, init as RequestInit);
      if (request.url !== `${issuer}/introspect`) return (await others?.(input, init)) ?? Response.error();
      asked.push(`${request.method} ${request.headers.get("authorization")?.split(" ")[0]} ${await request.text()}`);
      return Response.json(said);
    });
    expect(await fate(w, "partner-at", opaque)).toBe("taken");
    expect(await fate(w, "partner-at", opaque)).toBe("taken");
    expect(asked).toEqual(Array(2).fill("POST Basic token=partner-at&token_type_hint=access_token"));
    const WRONG = [
      { active: false },
      { active: "true" },
      { aud: "other" },
      { aud: undefined, client_id: "other" },
      { aud: undefined },
      { iss: "https://evil.example.net" },
      { sub: undefined },
      { exp: 1000 },
      // What some IdPs say of a refresh token, or of an ID token.
      { token_type: "refresh_token" },
      { token_type: "Refresh" },
      { token_type: "id_token" },
      { token_type: 1 },
      { token_type: "Bearer", token_use: "refresh_token" },
    ];
    for (const changes of WRONG) {
      said = { ...good(), ...changes };
      expect([changes, await fate(w, "partner-at", opaque)]).toEqual([changes, UNREADABLE]);
    }
    for (const changes of [{ aud: undefined, client_id: "cambio" }, { token_type: "Bearer" }, { token_type: "bearer" }, { token_type: "access_token" }]) {
      said = { ...good(), ...changes };
      expect(await fate(w, "partner-at", opaque)).toBe("taken");
    }
    expect(w.lines.join()).not.toContain("partner-at");
  });

  it("is refused where the IdP's record does not say how it is asked about", async () => {
    const w = await world();
    expect(await fate(w, "partner-at", opaque)).toEqual(UNREADABLE);
    expect(lastReason(w)).toBe("subject_unreadable");
  });
});
