import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { vi } from "vitest";

/** What a scripted IdP answers at one of its endpoints; undefined lets the default stand. */
export type Script = (request: Request) => Response | Promise<Response> | undefined;

/** A corporate IdP under the test's control, reached through the Worker's own `fetch`. */
export interface CorporateIdp {
  readonly issuer: string;
  /** Every request that left the Worker, as method and URL. */
  readonly requests: string[];
  /** The users by login name, as claims. */
  readonly users: Record<string, Record<string, unknown>>;
  /** Replaces the answer of an endpoint: "discovery", "keys", "token" or "userinfo". */
  readonly scripts: Partial<Record<"discovery" | "keys" | "token" | "userinfo", Script>>;
  /** Changes the claims and header of the next ID tokens. */
  claims: Record<string, unknown>;
  /** Follows our authorization request as a user would, and answers the callback URL. */
  login(authorizationUrl: string, user: string, parameters?: Record<string, string>): string;
  /** Signs an ID token by hand. */
  sign(claims: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>;
}

const ISSUER = "http://localhost:8788";
const KEYS = generateKeyPair("RS256", { extractable: true });

const USERS = {
  "dona.moore": { email: "dona.moore@example.com", email_verified: true, name: "Dona Moore", given_name: "Dona", family_name: "Moore", groups: ["employees", "travel-bookers"] },
  "julie.armstrong": {
    email: "julie.armstrong@example.com",
    email_verified: true,
    name: "Julie Armstrong",
    given_name: "Julie",
    family_name: "Armstrong",
    groups: ["employees", "managers"],
  },
};

/** Makes an IdP and lets it answer everything that the Worker fetches. Anything else is refused as unreachable. */
export async function corporateIdp(): Promise<CorporateIdp> {
  const { publicKey, privateKey } = await KEYS;
  const codes = new Map<string, { readonly user: string; readonly nonce: string; readonly authTime: number }>();
  const now = () => Math.floor(Date.now() / 1000);
  const idp: CorporateIdp = {
    issuer: ISSUER,
    requests: [],
    users: structuredClone(USERS) as Record<string, Record<string, unknown>>,
    scripts: {},
    claims: {},
    login: (authorizationUrl, user, parameters = {}) => {
      const asked = new URL(authorizationUrl).searchParams;
      const code = crypto.randomUUID();
      codes.set(code, { user, nonce: asked.get("nonce") ?? "", authTime: now() });
      return `${asked.get("redirect_uri")}?${new URLSearchParams({ code, state: asked.get("state") ?? "", iss: ISSUER, ...parameters })}`;
    },
    sign: (claims, header = {}) => new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: "idp-1", ...header }).sign(privateKey),
  };
  const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: "idp-1", alg: "RS256", use: "sig" }] };
  const documents = {
    issuer: ISSUER,
    authorization_endpoint: `${ISSUER}/auth`,
    token_endpoint: `${ISSUER}/token`,
    jwks_uri: `${ISSUER}/jwks`,
    userinfo_endpoint: `${ISSUER}/me`,
    end_session_endpoint: `${ISSUER}/session/end`,
    authorization_response_iss_parameter_supported: true,
  };
  const token = async (request: Request): Promise<Response> => {
    const form = new URLSearchParams(await request.text());
    const code = codes.get(form.get("code") ?? "");
    codes.delete(form.get("code") ?? "");
    if (code === undefined) return Response.json({ error: "invalid_grant" }, { status: 400 });
    const claims = {
      iss: ISSUER,
      sub: `sub-${code.user}`,
      aud: "cambio",
      exp: now() + 3600,
      iat: now(),
      auth_time: code.authTime,
      nonce: code.nonce,
      sid: `idp-${code.user}`,
      preferred_username: code.user,
    };
    return Response.json({
      access_token: "idp-at",
      token_type: "Bearer",
      expires_in: 3600,
      refresh_token: "idp-rt",
      id_token: await idp.sign({ ...claims, ...idp.users[code.user], ...idp.claims }),
    });
  };
  const answer = async (request: Request): Promise<Response> => {
    idp.requests.push(`${request.method} ${request.url}`);
    const { pathname } = new URL(request.url);
    if (!request.url.startsWith(`${ISSUER}/`)) throw new TypeError("connection refused");
    if (pathname === "/.well-known/openid-configuration") return (await idp.scripts.discovery?.(request)) ?? Response.json(documents);
    if (pathname === "/jwks") return (await idp.scripts.keys?.(request)) ?? Response.json(keys);
    if (pathname === "/token") return (await idp.scripts.token?.(request)) ?? (await token(request));
    if (pathname === "/me") return (await idp.scripts.userinfo?.(request)) ?? Response.json({ error: "invalid_token" }, { status: 401 });
    return new Response("not found", { status: 404 });
  };
  vi.spyOn(globalThis, "fetch").mockImplementation((input, init) => answer(new Request(input as RequestInfo, init as RequestInit)));
  return idp;
}
