import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { vi } from "vitest";

/** What a scripted IdP answers at one of its endpoints; undefined lets the default stand. */
export type Script = (request: Request) => Response | Promise<Response> | undefined;

/** A corporate IdP under the test's control, reached through the Worker's own `fetch`. */
export interface CorporateIdp {
  readonly issuer: string;
  /** Every request that left the Worker, to whichever IdP, as method and URL. */
  readonly requests: string[];
  /** The users by login name, as claims. */
  readonly users: Record<string, Record<string, unknown>>;
  /** Replaces the answer of an endpoint: "discovery", "keys", "token" or "userinfo". */
  readonly scripts: Partial<Record<"discovery" | "keys" | "token" | "userinfo", Script>>;
  /** Changes the claims and header of the next ID tokens. */
  claims: Record<string, unknown>;
  /** Seconds that the next access tokens live. */
  expiresIn: number;
  /** Follows our authorization request as a user would, and answers the callback URL. */
  login(authorizationUrl: string, user: string, parameters?: Record<string, string>): string;
  /** Signs an ID token by hand. */
  sign(claims: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>;
}

/** One login at a scripted IdP: what its code, and then its refresh tokens, stand for. */
interface Login {
  readonly user: string;
  readonly nonce?: string;
  readonly authTime: number;
}

interface Place {
  readonly issuer: string;
  /** What its access and refresh tokens begin with. */
  readonly prefix: string;
  readonly keys: ReturnType<typeof generateKeyPair>;
  readonly users: Record<string, Record<string, unknown>>;
}

const person = (login: string, name: string, groups: readonly string[], domain = "example.com") => {
  const [given_name = "", family_name = ""] = name.split(" ");
  return { email: `${login}@${domain}`, email_verified: true, name, given_name, family_name, groups };
};

const CORP: Place = {
  issuer: "http://localhost:8788",
  prefix: "idp",
  keys: generateKeyPair("RS256", { extractable: true }),
  users: {
    "dona.moore": person("dona.moore", "Dona Moore", ["employees", "travel-bookers"]),
    "julie.armstrong": person("julie.armstrong", "Julie Armstrong", ["employees", "managers"]),
  },
};

// Same login name, same `sub` and same key id as at the other IdP: none of them may ever be enough to tell who somebody is.
const PARTNER: Place = {
  issuer: "http://localhost:8798",
  prefix: "partner",
  keys: generateKeyPair("RS256", { extractable: true }),
  users: {
    "chris.lee": person("chris.lee", "Chris Lee", ["suppliers"], "partner.example"),
    "dona.moore": person("dona.moore", "Dona Moore", ["suppliers", "employees"], "partner.example"),
  },
};

/** Makes both IdPs and lets them answer everything that the Worker fetches. Anything else is refused as unreachable. */
export async function corporateIdps(): Promise<{ readonly corp: CorporateIdp; readonly partner: CorporateIdp }> {
  const requests: string[] = [];
  const [corp, partner] = await Promise.all([scriptedIdp(CORP, requests), scriptedIdp(PARTNER, requests)]);
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const request = new Request(input as RequestInfo, init as RequestInit);
    requests.push(`${request.method} ${request.url}`);
    const asked = [corp, partner].find(({ idp }) => request.url.startsWith(`${idp.issuer}/`));
    if (asked === undefined) throw new TypeError("connection refused");
    return await asked.answer(request);
  });
  return { corp: corp.idp, partner: partner.idp };
}

async function scriptedIdp({ issuer, prefix, keys, users }: Place, requests: string[]): Promise<{ readonly idp: CorporateIdp; answer(request: Request): Promise<Response> }> {
  const { publicKey, privateKey } = await keys;
  const codes = new Map<string, Login>();
  const refreshTokens = new Map<string, Login>();
  const now = () => Math.floor(Date.now() / 1000);
  const idp: CorporateIdp = {
    issuer,
    requests,
    users: structuredClone(users),
    scripts: {},
    claims: {},
    expiresIn: 3600,
    login: (authorizationUrl, user, parameters = {}) => {
      const asked = new URL(authorizationUrl).searchParams;
      const code = crypto.randomUUID();
      codes.set(code, { user, nonce: asked.get("nonce") ?? "", authTime: now() });
      return `${asked.get("redirect_uri")}?${new URLSearchParams({ code, state: asked.get("state") ?? "", iss: issuer, ...parameters })}`;
    },
    sign: (claims, header = {}) => new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: "idp-1", ...header }).sign(privateKey),
  };
  const keySet = { keys: [{ ...(await exportJWK(publicKey)), kid: "idp-1", alg: "RS256", use: "sig" }] };
  const documents = {
    issuer,
    authorization_endpoint: `${issuer}/auth`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    userinfo_endpoint: `${issuer}/me`,
    end_session_endpoint: `${issuer}/session/end`,
    authorization_response_iss_parameter_supported: true,
  };
  let issued = 0;
  // A code and a refresh token are good once; the first tokens of all end in no number, the next in -2, -3 and so on.
  const token = async (request: Request): Promise<Response> => {
    const form = new URLSearchParams(await request.text());
    const [known, presented] = form.get("grant_type") === "refresh_token" ? [refreshTokens, form.get("refresh_token") ?? ""] : [codes, form.get("code") ?? ""];
    const login = known.get(presented);
    known.delete(presented);
    if (login === undefined) return Response.json({ error: "invalid_grant", error_description: `${prefix} does not know ${presented}` }, { status: 400 });
    const { nonce, user, authTime } = login;
    issued += 1;
    const suffix = issued === 1 ? "" : `-${issued}`;
    refreshTokens.set(`${prefix}-rt${suffix}`, { user, authTime });
    const about = {
      iss: issuer,
      sub: `sub-${user}`,
      aud: "cambio",
      auth_time: authTime,
      sid: `${prefix}-${user}`,
      preferred_username: user,
      ...(nonce === undefined ? {} : { nonce }),
    };
    return Response.json({
      access_token: `${prefix}-at${suffix}`,
      token_type: "Bearer",
      expires_in: idp.expiresIn,
      refresh_token: `${prefix}-rt${suffix}`,
      id_token: await idp.sign({ ...about, exp: now() + idp.expiresIn, iat: now(), ...idp.users[user], ...idp.claims }),
    });
  };
  const answer = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    if (pathname === "/.well-known/openid-configuration") return (await idp.scripts.discovery?.(request)) ?? Response.json(documents);
    if (pathname === "/jwks") return (await idp.scripts.keys?.(request)) ?? Response.json(keySet);
    if (pathname === "/token") return (await idp.scripts.token?.(request)) ?? (await token(request));
    if (pathname === "/me") return (await idp.scripts.userinfo?.(request)) ?? Response.json({ error: "invalid_token" }, { status: 401 });
    return new Response("not found", { status: 404 });
  };
  return { idp, answer };
}
