import { randomBytes } from "node:crypto";
import type { JWK } from "jose";
import { type Configuration, type Context, type Grant, Provider } from "oidc-provider";
import { logoutPage, messagePage } from "./idp-pages.ts";
import { claimsOf, type DemoOrganisation } from "./users.ts";

/** Who a demo identity provider is and which Cambio it serves. */
export interface IdpOptions {
  readonly organisation: DemoOrganisation;
  readonly issuer: string;
  /** Cambio's origin, where its only client is. */
  readonly cambio: string;
  readonly clientSecret: string;
  readonly keys: readonly JWK[];
}

const CLIENT_ID = "cambio";
const SCOPES = "openid profile email groups offline_access";
const HOUR = 3600;

/** A certified OpenID provider with the demo users, one client and no consent page. Keeps logins in memory. */
export function demoProvider(options: IdpOptions): Provider {
  return new Provider(options.issuer, configuration(options));
}

function configuration(options: IdpOptions): Configuration {
  const { organisation } = options;
  const names = Object.fromEntries(["session", "interaction", "resume"].map((cookie) => [cookie, `_${organisation.alias}_${cookie}`]));
  return {
    clients: [client(options)],
    jwks: { keys: options.keys },
    // Browsers do not tell ports apart, so two providers on one machine must not share the names of their cookies.
    cookies: { keys: [randomBytes(32).toString("base64url")], names },
    scopes: SCOPES.split(" "),
    claims: {
      openid: ["sub"],
      profile: ["name", "given_name", "family_name", "preferred_username"],
      email: ["email", "email_verified"],
      groups: ["groups"],
    },
    // Everything stands in the ID token, as most corporate providers have it.
    conformIdTokenClaims: false,
    responseTypes: ["code"],
    ttl: {
      AccessToken: HOUR,
      AuthorizationCode: 60,
      Grant: 14 * 24 * HOUR,
      IdToken: HOUR,
      Interaction: HOUR,
      RefreshToken: 14 * 24 * HOUR,
      Session: 14 * 24 * HOUR,
    },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (context: Context, form: string) => show(context, logoutPage(organisation, form)),
        postLogoutSuccessSource: (context: Context) => show(context, messagePage("Logged out", `You are logged out at ${organisation.name}.`)),
      },
    },
    // It asks nobody but Cambio, on this very machine, where the library's own guard lets no request go.
    fetch: (url, { dispatcher: _guard, ...init }) => (new URL(url).origin === options.cambio ? fetch(url, init) : Promise.reject(new Error("not Cambio"))),
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_, id) => {
      const user = organisation.users.find((one) => one.sub === id);
      return user && { accountId: user.sub, claims: () => claimsOf(user, organisation) };
    },
    // Its one client renews tokens for its applications while the user is logged in.
    issueRefreshToken: () => true,
    loadExistingGrant: grantEverything,
    renderError: (context, out) => show(context, messagePage("That did not work", Object.values(out).join(": "))),
  };
}

function client({ organisation, cambio, clientSecret }: IdpOptions): Readonly<Record<string, unknown>> {
  return {
    client_id: CLIENT_ID,
    client_secret: clientSecret,
    redirect_uris: [`${cambio}/oauth2/callback/${organisation.alias}`],
    post_logout_redirect_uris: [`${cambio}/oauth2/logout`],
    backchannel_logout_uri: `${cambio}/oauth2/backchannel-logout/${organisation.alias}`,
    backchannel_logout_session_required: true,
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    scope: SCOPES,
    // Cambio asks a user of a public client for a click where the IdP does not say when the login was.
    require_auth_time: true,
  };
}

// The organisation owns both the users and the client, so nobody is asked for consent.
async function grantEverything({ oidc }: Context): Promise<Grant | undefined> {
  const clientId = oidc.client?.clientId;
  const accountId = oidc.session?.accountId;
  if (clientId === undefined || accountId === undefined) return undefined;
  const grant = new oidc.provider.Grant({ clientId, accountId });
  grant.addOIDCScope(SCOPES);
  await grant.save();
  return grant;
}

function show(context: Context, html: string): void {
  context.type = "html";
  context.body = html;
}
