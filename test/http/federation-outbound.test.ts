import { reset } from "cloudflare:test";
import { SignJWT } from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import { askIdentityProvider } from "../../src/federation/outbound.ts";
import { sha256 } from "../../src/protocol/bytes.ts";
import { demoTenant } from "../demo-tenant.ts";
import { payloadOf, redeem, type Tokens, WEB_CALLBACK, type World, world } from "../world.ts";
import { idpKey, outcomeOf, presentIdToken, secondIdp } from "./federation-steps.ts";
import { begin, comeBack, lastReason, sentTo } from "./login-steps.ts";

beforeEach(reset);

const SECOND = "https://idp.example.net";

function twoIdps(issuer = SECOND, change: object = {}): Promise<World> {
  return world({
    tenant: (file) => Object.assign(file.identityProviders, { second: { ...file.identityProviders.corp, issuer, clientSecretName: "OTHER_CLIENT_SECRET", ...change } }),
  });
}

/** Where no request of ours may ever go. */
const FORBIDDEN = [
  "http://idp.example.com",
  "https://10.0.0.1",
  "https://169.254.169.254",
  "https://93.184.216.34",
  "https://[::ffff:7f00:1]",
  "https://[fe80::1]",
  "https://metadata.google.internal",
  "https://printer.local",
  "https://app.localhost",
  "https://router.home.arpa",
  "https://intranet",
  "https://localhost.",
  "https://idp.example.com.",
  "https://user:pass@idp.example.com",
  "https://idp.example.com:22",
  "https://idp.example.com:25",
  "file:///etc/passwd",
  "data:application/json,{}",
  "ftp://idp.example.com",
  "https://idp.example.com/#x",
  "https://\uff11\uff12\uff17.0.0.1",
  "https://\u2488\u2488\u2488\u2488",
];

describe("FED-10 an IdP's address", () => {
  it.each(FORBIDDEN)("is refused in a tenant file: %s", async (issuer) => {
    const w = await world();
    const file = demoTenant();
    file.identityProviders.corp.issuer = issuer;
    const answer = await w.apply(file, "?dry_run=true");
    const { problems } = (await answer.json()) as { problems?: { path: string }[] };
    expect(problems?.map(({ path }) => path)).toContain("identityProviders.corp.issuer");
  });

  it("may be any name on the web, on another port too, or localhost", async () => {
    const w = await world();
    for (const issuer of [
      "https://login.microsoftonline.com/tenant/v2.0",
      "https://x.auth0.com/",
      "https://idp.example.com:8443/realms/corp",
      "https://xn--bcher-kva.example",
      "http://localhost:9000",
    ]) {
      const file = demoTenant();
      file.identityProviders.corp.issuer = issuer;
      expect([issuer, (await w.apply(file, "?dry_run=true")).status]).toEqual([issuer, 200]);
    }
  });

  const ENDPOINTS = ["token_endpoint", "jwks_uri", "authorization_endpoint", "userinfo_endpoint", "end_session_endpoint"];
  // What is localhost, in whatever spelling, is so for an IdP on localhost alone.
  const HERE = ["http://localhost:8788", "https://localhost:8788", "http://127.0.0.1", "http://[::1]", "https://127.1", "https://0x7f.1", "https://2130706433"];
  const PLACES = [...FORBIDDEN, ...HERE].map((place, index) => [place, ENDPOINTS[index % ENDPOINTS.length] ?? ""] as const);

  it.each([...PLACES, ...ENDPOINTS.map((endpoint) => ["http://127.0.0.1:8787/oauth2/token", endpoint] as const)])(
    "is refused in a discovery document, and nothing is sent there: %s as %s",
    async (place, endpoint) => {
      const w = await twoIdps();
      const second = await secondIdp();
      const good = { issuer: SECOND, authorization_endpoint: `${SECOND}/auth`, token_endpoint: `${SECOND}/token`, jwks_uri: `${SECOND}/jwks` };
      second.scripts["/.well-known/openid-configuration"] = () => Response.json({ ...good, [endpoint]: place });
      const begun = await begin(w, "web-app", { idp: "second" });
      expect(sentTo(begun.response).get("error")).toBe("server_error");
      expect([...second.requests, ...w.idp.requests]).toEqual([`GET ${SECOND}/.well-known/openid-configuration`]);
    },
  );

  it("is looked at once more by the request itself, whoever asks for it", async () => {
    const w = await world();
    for (const place of FORBIDDEN) expect([place, await askIdentityProvider(place)]).toEqual([place, { failure: "invalid" }]);
    expect(w.idp.requests).toEqual([]);
  });

  it("FED-29 of its keys may be another host of the web, as with the greatest of them", async () => {
    // The case would have that host allowlisted first: the document comes over TLS from the issuer, and its ID tokens must still name the issuer.
    const w = await twoIdps();
    const second = await secondIdp();
    second.scripts["/.well-known/openid-configuration"] = () =>
      Response.json({ issuer: SECOND, authorization_endpoint: `${SECOND}/auth`, token_endpoint: `${SECOND}/token`, jwks_uri: "https://keys.example.org/jwks" });
    const begun = await begin(w, "web-app", { idp: "second" });
    expect(begun.url).toMatch(/^https:\/\/idp\.example\.net\/auth\?/);
  });

  it("with a slash at its end is found, and stands with its slash in its ID tokens", async () => {
    const w = await twoIdps(`${SECOND}/`);
    const second = await secondIdp(`${SECOND}/`);
    const begun = await begin(w, "web-app", { idp: "second" });
    const answer = await w.fetch(second.login(begun.url, "dona.moore"), { headers: { cookie: begun.cookie } });
    expect(second.requests[0]).toBe(`GET ${SECOND}/.well-known/openid-configuration`);
    expect(outcomeOf(w, answer)).toMatchObject({ accepted: true });
  });
});

describe("FED-26 what we send to an IdP", () => {
  it("asks for a code with PKCE, state and nonce of its own for each login", async () => {
    const w = await world();
    const [one, two] = [await begin(w), await begin(w)];
    for (const { asked } of [one, two]) {
      expect(Object.fromEntries(asked)).toMatchObject({
        response_type: "code",
        client_id: "cambio",
        redirect_uri: "http://localhost:8787/oauth2/callback/corp",
        scope: "openid profile email groups",
        code_challenge_method: "S256",
      });
      for (const name of ["state", "nonce"]) expect(asked.get(name)).toMatch(/^[A-Za-z0-9_-]{22}$/);
      expect(asked.get("code_challenge")).toMatch(/^[A-Za-z0-9_-]{43}$/);
    }
    for (const name of ["state", "nonce", "code_challenge"]) expect(one.asked.get(name)).not.toBe(two.asked.get(name));
  });

  it("does not pass on what the application sent: state, nonce, challenge, redirect URI, scope", async () => {
    const w = await world();
    const begun = await begin(w, "web-app", { state: "app-state", nonce: "app-nonce", scope: "openid offline_access" });
    for (const secret of ["app-state", "app-nonce", "offline_access", "8789", "web-app"]) expect(begun.url).not.toContain(secret);
  });

  it("redeems the code with our secret in a header and the verifier in the body, and never anything of it in a URL", async () => {
    const w = await world();
    const seen: { readonly url: string; readonly headers: Record<string, string>; readonly body: string }[] = [];
    const note = async (request: Request) => {
      seen.push({ url: request.url, headers: Object.fromEntries(request.headers), body: await request.clone().text() });
      return undefined;
    };
    // Scripts that only look: the default answers stand.
    for (const endpoint of ["discovery", "keys", "token"] as const) w.idp.scripts[endpoint] = note as never;
    const begun = await begin(w, "web-app", {}, "tracking=1");
    const headers = {
      cookie: `${begun.cookie}; tracking=1`,
      authorization: "Bearer of-the-browser",
      "x-forwarded-for": "1.2.3.4",
      "user-agent": "browser",
      "accept-language": "de",
    };
    const answer = await w.fetch(w.idp.login(begun.url, "dona.moore"), { headers });
    expect(outcomeOf(w, answer).accepted).toBe(true);
    expect(seen.map(({ url }) => url).toSorted()).toEqual(["http://localhost:8788/.well-known/openid-configuration", "http://localhost:8788/jwks", "http://localhost:8788/token"]);
    for (const { headers: sent, url } of seen) {
      for (const name of ["cookie", "x-forwarded-for", "user-agent", "accept-language", "referer", "origin"]) expect([url, name, sent[name]]).toEqual([url, name, undefined]);
      if (!url.endsWith("/token")) expect([url, sent.authorization]).toEqual([url, undefined]);
    }
    const token = seen.find(({ url }) => url.endsWith("/token"));
    expect(token?.headers.authorization).toBe(`Basic ${btoa("cambio:corp-client-secret")}`);
    const form = new URLSearchParams(token?.body);
    expect([...form.keys()].toSorted()).toEqual(["code", "code_verifier", "grant_type", "redirect_uri"]);
    expect(await sha256(form.get("code_verifier") ?? "")).toBe(begun.asked.get("code_challenge"));
  });
});

describe("two IdPs", () => {
  async function at(w: World, second: Awaited<ReturnType<typeof secondIdp>>, user: string): Promise<Tokens> {
    const begun = await begin(w, "web-app", { idp: "second" });
    const answer = await w.fetch(second.login(begun.url, user), { headers: { cookie: begun.cookie } });
    const location = new URL(answer.headers.get("location") ?? "");
    const arrived = { code: location.searchParams.get("code") ?? "", verifier: begun.verifier, redirectUri: WEB_CALLBACK, cookie: "", location };
    return (await (await redeem(w, "web-app", arrived)).json()) as Tokens;
  }

  it("FED-22 with the same subject are two users", async () => {
    const w = await twoIdps();
    const second = await secondIdp();
    const begun = await begin(w);
    const location = new URL((await comeBack(w, begun)).headers.get("location") ?? "");
    const arrived = { code: location.searchParams.get("code") ?? "", verifier: begun.verifier, redirectUri: WEB_CALLBACK, cookie: "", location };
    const one = payloadOf(((await (await redeem(w, "web-app", arrived)).json()) as Tokens).id_token);
    const two = payloadOf((await at(w, second, "dona.moore")).id_token);
    expect([one.preferred_username, two.preferred_username]).toEqual(["dona.moore", "dona.moore"]);
    expect([one.idp, two.idp]).toEqual(["corp", "second"]);
    expect(one.sub).not.toBe(two.sub);
    expect(payloadOf((await at(w, second, "dona.moore")).id_token).sub).toBe(two.sub);
  });

  it("FED-19 with the same kid keep their own keys: one's signature is not the other's", async () => {
    const w = await twoIdps();
    const [mine, theirs] = [await idpKey("same", "ES256"), await idpKey("same", "ES256")];
    await secondIdp(SECOND, "same");
    w.idp.scripts.keys = () => Response.json({ keys: [mine.jwk] });
    const by = (key: CryptoKey) => presentIdToken(w, (claims) => new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid: "same" }).sign(key));
    expect(await by(theirs.privateKey)).toMatchObject({ accepted: false, reason: "idp_id_token_invalid" });
    expect(await by(mine.privateKey)).toMatchObject({ accepted: true });
  });

  it("AZ-26 are not mixed up: an answer of one to the login at the other goes nowhere", async () => {
    const w = await twoIdps();
    const second = await secondIdp();
    const tokenRequests = () => [...w.idp.requests, ...second.requests].filter((request) => request.startsWith("POST"));
    const atFirst = await begin(w);
    expect(outcomeOf(w, await comeBack(w, atFirst, { parameters: { iss: SECOND } }))).toMatchObject({ accepted: false, reason: "login_issuer_differs", error: "invalid_request" });
    const moved = await begin(w);
    const callback = w.idp.login(moved.url, "dona.moore").replace("/callback/corp", "/callback/second");
    expect((await w.fetch(callback, { headers: { cookie: moved.cookie } })).status).toBe(400);
    expect(lastReason(w)).toBe("login_idp_differs");
    const answered = await begin(w);
    const theirs = second.login(answered.url, "dona.moore");
    expect(outcomeOf(w, await w.fetch(theirs, { headers: { cookie: answered.cookie } }))).toMatchObject({ accepted: false, reason: "login_issuer_differs" });
    expect(tokenRequests()).toEqual([]);
  });

  it("AZ-27 that promise their name in an answer must give it, in errors too", async () => {
    const w = await world();
    const without = async (parameters: Record<string, string>) => {
      const begun = await begin(w);
      const url = new URL(w.idp.login(begun.url, "dona.moore", parameters));
      url.searchParams.delete("iss");
      return outcomeOf(w, await w.fetch(url.href, { headers: { cookie: begun.cookie } }));
    };
    expect(await without({})).toMatchObject({ accepted: false, reason: "login_issuer_differs" });
    expect(await without({ error: "access_denied" })).toMatchObject({ accepted: false, reason: "login_issuer_differs" });
    for (const iss of ["", "http://localhost:8788/", "HTTP://LOCALHOST:8788", "http://localhost:8788 "]) {
      expect(outcomeOf(w, await comeBack(w, await begin(w), { parameters: { iss } }))).toMatchObject({ accepted: false, reason: "login_issuer_differs" });
    }
    expect(w.idp.requests.filter((request) => request.startsWith("POST"))).toEqual([]);
  });

  it("AZ-27 that promise no name may leave it out, but not give another", async () => {
    const w = await world();
    const { issuer } = w.idp;
    w.idp.scripts.discovery = () => Response.json({ issuer, authorization_endpoint: `${issuer}/auth`, token_endpoint: `${issuer}/token`, jwks_uri: `${issuer}/jwks` });
    const begun = await begin(w);
    const url = new URL(w.idp.login(begun.url, "dona.moore"));
    url.searchParams.delete("iss");
    expect(outcomeOf(w, await w.fetch(url.href, { headers: { cookie: begun.cookie } })).accepted).toBe(true);
    expect(outcomeOf(w, await comeBack(w, await begin(w), { parameters: { iss: SECOND } })).accepted).toBe(false);
  });
});
