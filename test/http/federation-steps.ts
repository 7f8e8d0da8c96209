import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { vi } from "vitest";
import type { World } from "../world.ts";
import type { Material } from "./jwt-forms.ts";
import { begin, comeBack, lastReason, sentTo } from "./login-steps.ts";

/** The outcome of a login: "code", or why not, as the audit log has it, with what the application was told. */
export interface Outcome {
  readonly accepted: boolean;
  readonly reason: unknown;
  readonly error: string | null;
  readonly response: Response;
}

/** The claims that an ID token of the test IdP needs. */
export function goodClaims(w: World, nonce: string | null, changes: Record<string, unknown> = {}): Record<string, unknown> {
  const now = Math.floor(Date.now() / 1000);
  const user = { preferred_username: "dona.moore", ...w.idp.users["dona.moore"] };
  return { iss: w.idp.issuer, sub: "sub-dona.moore", aud: "cambio", exp: now + 300, iat: now, auth_time: now, nonce, ...user, ...changes };
}

/** Logs in with an ID token that the test makes itself. `answer` changes the token endpoint's answer. */
export async function presentIdToken(w: World, make: (claims: Record<string, unknown>) => string | Promise<string>, answer: Record<string, unknown> = {}): Promise<Outcome> {
  const begun = await begin(w);
  const claims = goodClaims(w, begun.asked.get("nonce"));
  w.idp.scripts.token = async () => Response.json({ access_token: "idp-at", token_type: "Bearer", id_token: await make(claims), ...answer });
  return outcomeOf(w, await comeBack(w, begun));
}

/** Logs in with an ID token of the IdP's own key whose claims and header are changed. */
export async function presentClaims(w: World, changes: Record<string, unknown>, header: Record<string, unknown> = {}): Promise<Outcome> {
  return await presentIdToken(w, (claims) => w.idp.sign({ ...claims, ...changes }, header));
}

/** Reads off an answer whether somebody was logged in. */
export function outcomeOf(w: World, response: Response): Outcome {
  const accepted = sentTo(response).get("code")?.startsWith("cambio_code_") === true;
  return { accepted, reason: accepted ? undefined : lastReason(w), error: sentTo(response).get("error"), response };
}

/** A key pair of an IdP, and what its key set says of it. */
export async function idpKey(kid: string, alg: string): Promise<{ readonly privateKey: CryptoKey; readonly jwk: JWK }> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: "sig" } };
}

/** Lets the IdP sign with an ES256 key of the test's, and gives what its ID tokens are made of. */
export async function idpMaterial(w: World): Promise<(claims: Record<string, unknown>) => Material> {
  const { privateKey, jwk } = await idpKey("ec-1", "ES256");
  w.idp.scripts.keys = () => Response.json({ keys: [jwk] });
  return (claims) => ({ claims, header: { alg: "ES256", kid: "ec-1", typ: "JWT" }, privateKey, publicJwk: jwk });
}

/** Another IdP, on the public web, beside the one of the world. */
export interface SecondIdp {
  readonly issuer: string;
  /** Replaces the answer of a path. */
  readonly scripts: Record<string, (request: Request) => Response | Promise<Response>>;
  /** Every request to it. */
  readonly requests: string[];
  /** Follows our authorization request, and answers the callback URL. */
  login(authorizationUrl: string, user: string, parameters?: Record<string, string>): string;
}

/** Lets a second IdP answer what the Worker fetches. Every other request goes to the first. */
export async function secondIdp(issuer = "https://idp.example.net", kid = "second-1"): Promise<SecondIdp> {
  const { privateKey, jwk } = await idpKey(kid, "ES256");
  const nonces = new Map<string, { readonly user: string; readonly nonce: string }>();
  const token = async (request: Request): Promise<Response> => {
    const { user, nonce } = nonces.get(new URLSearchParams(await request.text()).get("code") ?? "") ?? { user: "", nonce: "" };
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: issuer, sub: `sub-${user}`, aud: "cambio", exp: now + 300, iat: now, auth_time: now, nonce, preferred_username: user, email: "", name: "", groups: [] };
    return Response.json({ access_token: "second-at", id_token: await new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid }).sign(privateKey) });
  };
  const base = issuer.replace(/\/$/, "");
  const documents = {
    issuer,
    authorization_endpoint: `${base}/auth`,
    token_endpoint: `${base}/token`,
    jwks_uri: `${base}/jwks`,
    authorization_response_iss_parameter_supported: true,
  };
  const second: SecondIdp = {
    issuer,
    requests: [],
    scripts: {},
    login: (authorizationUrl, user, parameters = {}) => {
      const asked = new URL(authorizationUrl).searchParams;
      const code = crypto.randomUUID();
      nonces.set(code, { user, nonce: asked.get("nonce") ?? "" });
      return `${asked.get("redirect_uri")}?${new URLSearchParams({ code, state: asked.get("state") ?? "", iss: issuer, ...parameters })}`;
    },
  };
  const first = vi.mocked(globalThis.fetch).getMockImplementation();
  vi.mocked(globalThis.fetch).mockImplementation(async (input, init) => {
    const request = new Request(input as RequestInfo, init as RequestInit);
    if (new URL(request.url).host !== new URL(issuer).host) return (await first?.(input, init)) ?? Response.error();
    second.requests.push(`${request.method} ${request.url}`);
    const { pathname } = new URL(request.url);
    const scripted = second.scripts[pathname];
    if (scripted !== undefined) return await scripted(request);
    if (pathname.endsWith("/.well-known/openid-configuration")) return Response.json(documents);
    if (pathname.endsWith("/jwks")) return Response.json({ keys: [jwk] });
    if (pathname.endsWith("/token")) return await token(request);
    return new Response("not found", { status: 404 });
  });
  return second;
}
