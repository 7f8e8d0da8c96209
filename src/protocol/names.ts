/** The words of the RFCs, spelled as they stand on the wire. */

/** Grant types: RFC 6749, RFC 7522 §2.1, RFC 7523 §8.1, RFC 8693 §2.1. */
export const GRANT_TYPE = {
  authorization_code: "authorization_code",
  refresh_token: "refresh_token",
  client_credentials: "client_credentials",
  jwt_bearer: "urn:ietf:params:oauth:grant-type:jwt-bearer",
  saml2_bearer: "urn:ietf:params:oauth:grant-type:saml2-bearer",
  token_exchange: "urn:ietf:params:oauth:grant-type:token-exchange",
} as const;

/** Token type identifiers, RFC 8693 §3. */
export const TOKEN_TYPE = {
  access_token: "urn:ietf:params:oauth:token-type:access_token",
  refresh_token: "urn:ietf:params:oauth:token-type:refresh_token",
  id_token: "urn:ietf:params:oauth:token-type:id_token",
  jwt: "urn:ietf:params:oauth:token-type:jwt",
  saml2: "urn:ietf:params:oauth:token-type:saml2",
  /** Identity Assertion JWT Authorization Grant. */
  id_jag: "urn:ietf:params:oauth:token-type:id-jag",
  /** SAP's: the SessionIndex of a live login at a SAML application. */
  saml2_session: "urn:sap:identity:oauth:token-type:saml2-session",
  /** SAP's: a signed Response in base64, for the header `Authorization: SAML2.0`. */
  saml2_header: "urn:sap:identity:oauth:token-type:saml2-header",
} as const;

/** The `typ` header of every kind of JWT that we sign (RFC 8725 §3.11). No two kinds share one. */
export const JWT_TYPE = {
  accessToken: "at+jwt",
  idToken: "JWT",
  introspection: "token-introspection+jwt",
  operator: "operator+jwt",
  /** An assertion for another domain's authorization server: ID-JAG, and a plain JWT authorization grant. */
  idJag: "oauth-id-jag+jwt",
  authorizationGrant: "authorization-grant+jwt",
  /** OpenID Connect Back-Channel Logout 1.0 §2.4. */
  logout: "logout+jwt",
} as const;

/** Scopes of OpenID Connect Core §5.4 and §11, and `groups` as SAP has it. */
export const SCOPE = { openid: "openid", email: "email", profile: "profile", groups: "groups", offlineAccess: "offline_access" } as const;
