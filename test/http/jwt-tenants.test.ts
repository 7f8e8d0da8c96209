import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { calculateJwkThumbprint, type JWK } from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import { arrive, login, redeem, refresh, type Tokens, type World, world } from "../world.ts";
import { compact, malleated, properForm } from "./jwt-forms.ts";
import { isActive, isHint, isOperator, opensUserinfo, operatorMaterial, ownMaterial } from "./jwt-steps.ts";
import { authorize, begin, comeBack, onHttps, sentTo } from "./login-steps.ts";

const HERE = "http://localhost:8787";
const OTHER = "https://other.example.com";
const THIRD = "https://id.example.com";

beforeEach(reset);

/** The cookie of a session under the name that another issuer gives it. */
function renamed(cookie: string, issuer: string): string {
  const value = cookie.slice(cookie.indexOf("=") + 1);
  return `${issuer.startsWith("https") ? "__Host-cambio_session" : "cambio_session_8787"}=${value}`;
}

async function kidOf(name: string): Promise<string> {
  const { kty, crv, x, y } = JSON.parse((env as unknown as Record<string, string>)[name] ?? "") as JWK;
  return await calculateJwkThumbprint({ kty, crv, x, y } as JWK);
}

/** A world at an issuer. Its IdP answers until the next world is made. */
async function at(issuer: string): Promise<World> {
  return await world(issuer.startsWith("https") ? onHttps(issuer) : { issuer });
}

async function published(w: World): Promise<readonly string[]> {
  const { keys } = (await (await w.fetch("/oauth2/certs")).json()) as { keys: { kid: string }[] };
  return keys.map(({ kid }) => kid);
}

describe("JWT-21 tenants of one deployment", () => {
  it.each([
    [HERE, OTHER],
    [OTHER, HERE],
    [THIRD, OTHER],
  ])("of %s nothing is taken at %s, although they share keys and have the same clients and users", async (mine, theirs) => {
    const a = await at(mine);
    const tokens = await login(a, "web-app");
    const opaque = (await (await refresh(a, "web-app", tokens.refresh_token)).json()) as Tokens;
    const arrived = await arrive(a, "web-app", { cookie: tokens.cookie });
    const b = await at(theirs);
    for (const text of [tokens.access_token, opaque.access_token]) {
      expect(await opensUserinfo(b, text)).toBe(false);
      expect(await isActive(b, "web-app", text)).toBe(false);
    }
    for (const text of [tokens.id_token, opaque.refresh_token]) expect(await isActive(b, "web-app", text)).toBe(false);
    expect(await isHint(b, tokens.id_token)).toBe(false);
    expect((await refresh(b, "web-app", opaque.refresh_token)).status).toBe(400);
    expect((await redeem(b, "web-app", arrived)).status).toBe(400);
    expect(sentTo(await authorize(b, "web-app", { prompt: "none" }, renamed(tokens.cookie, theirs))).get("error")).toBe("login_required");
    for (const token of [tokens.access_token, opaque.access_token, opaque.refresh_token]) {
      expect((await b.post("/oauth2/revoke", { token }, ["web-app", "web-app-secret"])).status).toBe(200);
    }
    // At home all of it is good.
    expect(await opensUserinfo(a, tokens.access_token)).toBe(true);
    expect(await opensUserinfo(a, opaque.access_token)).toBe(true);
    expect((await refresh(a, "web-app", opaque.refresh_token)).status).toBe(200);
    expect((await redeem(a, "web-app", arrived)).status).toBe(200);
  });

  it("a key of one tenant alone signs for no other, whatever is said in the token", async () => {
    const [other, w] = [await at(OTHER), await at(HERE)];
    const theirs = await kidOf("SIGNING_KEY_3");
    expect(await published(w)).not.toContain(theirs);
    expect(await published(other)).toContain(theirs);
    const tokens = await login(w, "web-app");
    for (const [kind, takes] of [
      ["access_token", opensUserinfo],
      ["id_token", isHint],
    ] as const) {
      const good = await ownMaterial(tokens[kind]);
      const { privateKey } = await ownMaterial(tokens[kind], "SIGNING_KEY_3");
      expect(await takes(w, await compact({ privateKey }, { ...good.header, kid: theirs }, good.claims))).toBe(false);
      expect(await takes(w, await compact({ privateKey }, good.header, good.claims))).toBe(false);
      expect(await takes(w, await properForm(good))).toBe(true);
    }
  });

  it("a key that all may use signs for the issuer that it names: the other tenant's claims under it are not ours", async () => {
    const [w, other] = [await at(HERE), await at(OTHER)];
    const tokens = await login(other, "web-app");
    const theirs = await ownMaterial(tokens.access_token);
    expect(await published(w)).toContain(theirs.header.kid);
    expect(await opensUserinfo(w, await compact(theirs, theirs.header, { ...theirs.claims, iss: HERE }))).toBe(false);
    expect(await opensUserinfo(other, await properForm(theirs))).toBe(true);
  });

  it("an operator's token is for one tenant", async () => {
    const [w, other] = [await at(HERE), await at(OTHER)];
    expect(await isOperator(other, await properForm(await operatorMaterial(HERE)))).toBe(false);
    expect(await isOperator(w, await properForm(await operatorMaterial(OTHER)))).toBe(false);
    expect(await isOperator(other, await properForm(await operatorMaterial(OTHER)))).toBe(true);
  });

  it("the same user of the same IdP is two subjects", async () => {
    const subject = async (issuer: string) => (await ownMaterial((await login(await at(issuer), "web-app")).id_token)).claims.sub;
    expect(await subject(HERE)).not.toBe(await subject(OTHER));
  });

  it("a login begun at one cannot be ended at the other", async () => {
    const [w, other] = [await at(HERE), await at(OTHER)];
    const begun = await begin(other);
    const moved = w.idp.login(begun.url, "dona.moore").replace(OTHER, HERE);
    const name = begun.cookie.slice(0, begun.cookie.indexOf("="));
    const cookie = begun.cookie.replace(name, name.replace("__Host-", "").concat("_8787"));
    expect((await w.fetch(moved, { headers: { cookie } })).status).toBe(400);
    expect((await comeBack(other, begun)).status).toBe(303);
  });
});

describe("JWT-25 the other signature that holds for the same token: (r, n − s)", () => {
  it("is the same token: good while that is, and revoked with it", async () => {
    const w = await world();
    const { access_token } = await login(w, "web-app");
    const twin = malleated(access_token);
    expect(twin).not.toBe(access_token);
    expect(await opensUserinfo(w, twin)).toBe(true);
    await w.post("/oauth2/revoke", { token: access_token }, ["web-app", "web-app-secret"]);
    expect(await opensUserinfo(w, twin)).toBe(false);
    expect(await isActive(w, "web-app", twin)).toBe(false);
  });

  it("revokes the token whose twin it is", async () => {
    const w = await world();
    const { access_token } = await login(w, "front-end-app");
    await w.post("/oauth2/revoke", { token: malleated(access_token) }, ["front-end-app", "front-end-app-secret"]);
    expect(await opensUserinfo(w, access_token)).toBe(false);
  });

  it("is no second use of what may be used once", async () => {
    const w = await world();
    const token = await properForm(await operatorMaterial(HERE));
    expect(await isOperator(w, token)).toBe(true);
    expect(await isOperator(w, malleated(token))).toBe(false);
    expect(await isOperator(w, token)).toBe(false);
  });
});
