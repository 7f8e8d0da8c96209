import { defined, userClaims } from "../tokens/claims.ts";
import type { Dialect } from "./dialect.ts";
import { tokenResponse } from "./rfc8693.ts";

/** Keycloak, as CERN's single sign-on runs it. */
export const keycloak: Dialect = {
  tokenPolicy: {},
  acceptsQuery: false,
  introspectsIdTokens: false,
  revokesSession: false,
  accessTokenFormat: () => "jwt",
  options: () => ({}),
  accessTokenClaims: ({ audience, clientId, principal, roles, scope, sid }) =>
    defined({
      azp: clientId,
      sid,
      ...(principal === undefined ? {} : userClaims(principal, scope)),
      ...(roles.length === 0 ? {} : { roles, resource_access: Object.fromEntries(audience.map((owner) => [owner, { roles }])) }),
    }),
  userAttributes: () => ({}),
  tokenResponse: (tokens) =>
    defined({
      ...tokenResponse(tokens),
      refresh_expires_in: tokens.refreshExpiresIn ?? 0,
      "not-before-policy": 0,
      session_state: tokens.sessionState,
    }),
};
