import * as oauth from "oauth4webapi";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningCambio, startCambio } from "../../cli/local/start-cambio.ts";
import { Browser, logIn, logOut } from "../../demo/browser.ts";

const REDIRECT_URI = "http://localhost:8789/callback";
const POST_LOGOUT_URI = "http://localhost:8789/";
const INSECURE = { [oauth.allowInsecureRequests]: true } as const;

const CLIENT: oauth.Client = { client_id: "front-end-app" };
const AUTHENTICATION = oauth.ClientSecretPost("front-end-app-secret");

// One login from beginning to end; each test continues where the one before it stopped.
describe("oauth4webapi, a strict client library, unmodified", () => {
  const browser = new Browser();
  let cambio: RunningCambio;
  let server: oauth.AuthorizationServer;
  let tokens: oauth.TokenEndpointResponse;
  let subject: string;

  beforeAll(async () => {
    cambio = await startCambio({ port: 18_797, idpPort: 18_798, partnerPort: 18_998, fresh: true });
  }, 120_000);

  afterAll(() => cambio?.stop());

  test.each(["oidc", "oauth2"] as const)("discovers the issuer (%s)", async (algorithm) => {
    const issuer = new URL(cambio.issuer);
    server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm, ...INSECURE }));
    expect(server.authorization_response_iss_parameter_supported).toBe(true);
    expect(server.code_challenge_methods_supported).toEqual(["S256"]);
  });

  test("logs in at the corporate identity provider and redeems the code with PKCE", async () => {
    tokens = await authorize();
    const claims = oauth.getValidatedIdTokenClaims(tokens);
    expect(claims).toMatchObject({ iss: cambio.issuer, aud: "front-end-app", preferred_username: "julie.armstrong" });
    subject = claims?.sub ?? "";
  });

  test("refreshes, and the ID token's signature verifies with the published keys", async () => {
    const response = await oauth.refreshTokenGrantRequest(server, CLIENT, AUTHENTICATION, tokens.refresh_token ?? "", INSECURE);
    tokens = await oauth.processRefreshTokenResponse(server, CLIENT, response);
    expect(tokens.id_token).toEqual(expect.any(String));
    await expect(oauth.validateApplicationLevelSignature(server, response, INSECURE)).resolves.toBeUndefined();
  });

  test("introspects the new access token as active", async () => {
    const answer = await introspect();
    expect(answer).toMatchObject({ active: true, client_id: "front-end-app", sub: subject });
  });

  test("reads the user's claims", async () => {
    const response = await oauth.userInfoRequest(server, CLIENT, tokens.access_token, INSECURE);
    const claims = await oauth.processUserInfoResponse(server, CLIENT, subject, response);
    expect(claims).toMatchObject({ name: "Julie Armstrong", email: "julie.armstrong@example.com" });
  });

  test("revokes the refresh token, after which its access token is dead everywhere", async () => {
    const response = await oauth.revocationRequest(server, CLIENT, AUTHENTICATION, tokens.refresh_token ?? "", INSECURE);
    await oauth.processRevocationResponse(response);
    const userInfo = await oauth.userInfoRequest(server, CLIENT, tokens.access_token, INSECURE).catch((error: unknown) => error);
    expect(userInfo).toMatchObject({ status: 401 });
    expect(await introspect()).toEqual({ active: false });
    const refreshed = await oauth.refreshTokenGrantRequest(server, CLIENT, AUTHENTICATION, tokens.refresh_token ?? "", INSECURE);
    await expect(oauth.processRefreshTokenResponse(server, CLIENT, refreshed)).rejects.toMatchObject({ error: "invalid_grant" });
  });

  test("logs out and comes back to the application", async () => {
    const end = new URL(server.end_session_endpoint ?? "");
    end.search = new URLSearchParams({ id_token_hint: tokens.id_token ?? "", post_logout_redirect_uri: POST_LOGOUT_URI, state: "bye" }).toString();
    const back = await logOut(browser, end, POST_LOGOUT_URI);
    expect(back.searchParams.get("state")).toBe("bye");
  });

  async function introspect(): Promise<oauth.IntrospectionResponse> {
    const response = await oauth.introspectionRequest(server, CLIENT, AUTHENTICATION, tokens.access_token, INSECURE);
    return oauth.processIntrospectionResponse(server, CLIENT, response);
  }

  async function authorize(): Promise<oauth.TokenEndpointResponse> {
    const verifier = oauth.generateRandomCodeVerifier();
    const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
    const url = new URL(server.authorization_endpoint ?? "");
    url.search = new URLSearchParams({
      response_type: "code",
      client_id: CLIENT.client_id,
      redirect_uri: REDIRECT_URI,
      scope: "openid profile email groups",
      state,
      nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
    }).toString();
    const callback = await logIn(browser, url, "julie.armstrong", REDIRECT_URI);
    const answer = oauth.validateAuthResponse(server, CLIENT, callback, state);
    const response = await oauth.authorizationCodeGrantRequest(server, CLIENT, AUTHENTICATION, answer, REDIRECT_URI, verifier, INSECURE);
    return oauth.processAuthorizationCodeResponse(server, CLIENT, response, { expectedNonce: nonce, requireIdToken: true });
  }
});
