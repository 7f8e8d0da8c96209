import type { Form } from "../protocol/form.ts";
import { SCOPE, TOKEN_TYPE } from "../protocol/names.ts";
import { Rejection } from "../protocol/rejection.ts";
import { type Claims, defined, userClaims } from "../tokens/claims.ts";
import type { AccessTokenView, Dialect, ExchangeAsk, TokenOptions } from "./dialect.ts";
import { requestedOf } from "./exchange.ts";
import { rolesClaim, tokenResponse } from "./response.ts";
import { SSO_RESOURCE, sapTargets } from "./sap-targets.ts";

const LEAST_EXCHANGE_PERIOD_SECONDS = 3600;
const REQUESTABLE = [TOKEN_TYPE.access_token, TOKEN_TYPE.id_token, TOKEN_TYPE.saml2, TOKEN_TYPE.saml2_header, TOKEN_TYPE.id_jag];
const JWT_GRANTS: ReadonlySet<string> = new Set(["authorization_code", "client_credentials"]);

/** SAP Cloud Identity Services. */
export const sap: Dialect = {
  tokenPolicy: { accessTokenLifetime: 3600, refreshParallel: 1, independentOfSession: true },
  acceptsQuery: true,
  acceptsTokenEndpointAudience: true,
  acceptsBearerAuthentication: true,
  introspectsIdTokens: true,
  namesSession: true,
  revokesSession: true,
  // "Grant-type dependent": a code and client credentials give a JWT, everything else an opaque token.
  accessTokenFormat: (grant) => (JWT_GRANTS.has(grant) ? "jwt" : "opaque"),
  subjectTokenTypes: [TOKEN_TYPE.access_token, TOKEN_TYPE.refresh_token, TOKEN_TYPE.id_token, TOKEN_TYPE.jwt, TOKEN_TYPE.saml2, TOKEN_TYPE.saml2_session],
  assertionGives: "token_set",
  idTokenIsJwt: true,
  options,
  targets: sapTargets,
  exchange,
  accessTokenClaims: (view) => claimsOf(view),
  userAttributes: (principal, scope) =>
    defined({
      user_uuid: principal.sub,
      scim_id: principal.sub,
      ...(scope.includes(SCOPE.email) ? { mail: principal.email } : {}),
      ...(scope.includes(SCOPE.profile) ? { first_name: principal.givenName, last_name: principal.familyName } : {}),
    }),
  // A client of this product expects Bearer, whatever the type of the token.
  tokenResponse: (tokens) => ({ ...tokenResponse(tokens), token_type: tokens.tokenType === "N_A" && tokens.issuedTokenType !== TOKEN_TYPE.id_jag ? "Bearer" : tokens.tokenType }),
};

function claimsOf(view: AccessTokenView): Claims {
  const { clientId, principal, scope, sid, apis, appTid, azpAppTid } = view;
  return {
    azp: clientId,
    sid,
    sap_id_type: principal === undefined ? "app" : "user",
    ias_apis: apis.length === 0 ? undefined : apis,
    app_tid: appTid,
    azp_app_tid: azpAppTid,
    roles: rolesClaim(view),
    ...(principal === undefined ? {} : { ...userClaims(principal, scope), ...sap.userAttributes(principal, scope) }),
  };
}

// Asked for nothing in particular, SAP gives the whole set; with a resource that is an API, always an access token.
function exchange(form: Form): ExchangeAsk {
  const asked = sapTargets(form);
  const subjectTokenType = form.require("subject_token_type");
  // SAP's own example of an SSO token misspells the requested type: the resource decides alone.
  if (form.all("resource").includes(SSO_RESOURCE)) {
    if (asked.targets.length > 0) throw new Rejection("target_conflict");
    return { ...asked, subjectTokenType, requested: "sso_token", isExplicit: true };
  }
  const requested = requestedOf(form, "token_set", REQUESTABLE);
  const isApi = form.all("resource").length > 0 && requested.requested === "id_token";
  return { ...asked, subjectTokenType, ...requested, ...(isApi ? { requested: "access_token" as const } : {}) };
}

function options(form: Form): TokenOptions {
  const format = form.get("token_format");
  if (format !== undefined && format !== "jwt" && format !== "opaque") throw new Rejection("invalid_parameter", { parameter: "token_format" });
  const expiry = seconds(form, "refresh_expiry");
  const period = seconds(form, "max_exchange_period");
  const appTid = form.get("app_tid");
  if (period !== undefined && period < LEAST_EXCHANGE_PERIOD_SECONDS) throw new Rejection("invalid_parameter", { parameter: "max_exchange_period" });
  return {
    ...(format === undefined ? {} : { format }),
    ...(expiry === undefined ? {} : { refreshExpiry: Math.max(0, expiry) }),
    ...(period === undefined ? {} : { maxExchangePeriod: period }),
    ...(appTid === undefined ? {} : { appTid }),
  };
}

function seconds(form: Form, parameter: string): number | undefined {
  const text = form.get(parameter);
  if (text === undefined) return undefined;
  if (!/^-?[0-9]{1,15}$/.test(text)) throw new Rejection("invalid_parameter", { parameter });
  return Number(text);
}
