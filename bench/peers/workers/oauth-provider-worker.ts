// The peer: @cloudflare/workers-oauth-provider as its documentation sets it up, with token exchange allowed.
// `/authorize` logs everyone in without asking and `POST /seed` makes a client; neither is measured.
import { OAuthProvider } from "@cloudflare/workers-oauth-provider";

interface Helpers {
  createClient(client: object): Promise<{ readonly clientId: string; readonly clientSecret?: string }>;
  parseAuthRequest(request: Request): Promise<{ readonly scope: string[] }>;
  completeAuthorization(options: object): Promise<{ readonly redirectTo: string }>;
}
// Put in when it is built.
declare const ORIGIN: string;

interface Bindings {
  readonly OAUTH_PROVIDER: Helpers;
}

const api: ExportedHandler<Bindings> = { fetch: () => Response.json({ active: true }) };

const pages: ExportedHandler<Bindings> = {
  fetch: async (request, { OAUTH_PROVIDER: oauth }) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/seed") return Response.json(await oauth.createClient({ redirectUris: ["http://localhost:8789/callback"], tokenEndpointAuthMethod: "client_secret_basic" }));
    if (pathname !== "/authorize") return new Response("ok");
    const asked = await oauth.parseAuthRequest(request);
    const userId = crypto.randomUUID();
    return Response.json(
      await oauth.completeAuthorization({ request: asked, userId, metadata: {}, scope: asked.scope, props: { userId, name: "Dona Moore", email: "dona.moore@example.com" } }),
    );
  },
};

export default new OAuthProvider({
  apiRoute: "/api/",
  apiHandler: api,
  defaultHandler: pages,
  authorizeEndpoint: "/authorize",
  tokenEndpoint: "/token",
  resourceMetadata: { resource: `${ORIGIN}/api/` },
  scopesSupported: ["profile"],
  accessTokenTTL: 3600,
  allowTokenExchangeGrant: true,
} as ConstructorParameters<typeof OAuthProvider>[0]);
