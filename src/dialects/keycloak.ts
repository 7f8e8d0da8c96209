import { SCOPE, TOKEN_TYPE } from "../protocol/names.ts";
import { userClaims } from "../tokens/claims.ts";
import type { Dialect } from "./dialect.ts";
import { requestedOf, standardTargets } from "./exchange.ts";
import { rolesClaim, tokenResponse } from "./response.ts";

const REQUESTABLE = [TOKEN_TYPE.access_token, TOKEN_TYPE.refresh_token, TOKEN_TYPE.id_token, TOKEN_TYPE.saml2, TOKEN_TYPE.id_jag];

/** Keycloak, as CERN's single sign-on runs it. */
export const keycloak: Dialect = {
  tokenPolicy: {},
  acceptsQuery: false,
  acceptsTokenEndpointAudience: false,
  acceptsBearerAuthentication: false,
  introspectsIdTokens: false,
  namesSession: true,
  revokesSession: false,
  subjectTokenTypes: [TOKEN_TYPE.access_token, TOKEN_TYPE.id_token, TOKEN_TYPE.jwt, TOKEN_TYPE.saml2],
  assertionGives: "access_token",
  idTokenIsJwt: false,
  accessTokenFormat: () => "jwt",
  targets: standardTargets,
  // CERN's page leaves `subject_token_type` out, and a refresh token is what comes back unless something else is asked for.
  exchange: (form) => {
    const requestedIssuer = form.get("requested_issuer");
    const asked = { ...standardTargets(form), ...requestedOf(form, form.get("actor_token") === undefined ? "refresh_token" : "access_token", REQUESTABLE) };
    return {
      ...asked,
      withIdToken: asked.requested !== "saml2" && asked.scope?.includes(SCOPE.openid) === true,
      subjectTokenType: form.get("subject_token_type") ?? TOKEN_TYPE.access_token,
      ...(requestedIssuer === undefined ? {} : { requestedIssuer }),
    };
  },
  accessTokenClaims: (view) => ({
    azp: view.clientId,
    sid: view.sid,
    ...(view.principal === undefined ? {} : userClaims(view.principal, view.scope)),
    roles: rolesClaim(view),
    resource_access: Object.keys(view.roles).length === 0 ? undefined : Object.fromEntries(Object.entries(view.roles).map(([owner, roles]) => [owner, { roles }])),
  }),
  userAttributes: () => ({}),
  tokenResponse: (tokens) => ({
    ...tokenResponse(tokens),
    refresh_expires_in: tokens.refreshExpiresIn ?? 0,
    "not-before-policy": 0,
    session_state: tokens.sessionState,
  }),
};
