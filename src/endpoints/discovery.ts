import { DPOP_ALGORITHMS } from "../clients/dpop-proof.ts";
import { authenticationMethodNames } from "../clients/index.ts";
import { ASSERTION_ALGORITHMS } from "../clients/private-key-jwt.ts";
import { grantTypes } from "../grants/index.ts";
import { SCOPE, TOKEN_TYPE } from "../protocol/names.ts";
import type { Exchange } from "../service.ts";
import { publicJson } from "./response.ts";

const MAX_AGE_SECONDS = 300;

/** Both discovery documents (OpenID Connect Discovery, RFC 8414), read off the tables: nothing is promised that is not done. */
export async function discovery({ tenant, ring, service }: Exchange): Promise<Response> {
  const origin = new URL(tenant.issuer).origin;
  // RFC 8705 §5: where a client that shows a certificate goes instead.
  const alias = service.config.mtlsAliases.get(tenant.issuer);
  const secretMethods = authenticationMethodNames().filter((name) => name !== "none");
  const document = {
    issuer: tenant.issuer,
    authorization_endpoint: `${origin}/oauth2/authorize`,
    ...clientEndpoints(origin),
    jwks_uri: `${origin}/oauth2/certs`,
    end_session_endpoint: `${origin}/oauth2/logout`,
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
    frontchannel_logout_supported: true,
    frontchannel_logout_session_supported: true,
    response_types_supported: ["code"],
    response_modes_supported: ["query", "form_post"],
    grant_types_supported: grantTypes(),
    authorization_grant_profiles_supported: ["urn:ietf:params:oauth:grant-profile:id-jag"],
    identity_chaining_requested_token_types_supported: [TOKEN_TYPE.jwt, TOKEN_TYPE.id_jag],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ring.algorithms(),
    introspection_signing_alg_values_supported: ring.algorithms(),
    scopes_supported: Object.values(SCOPE),
    token_endpoint_auth_methods_supported: authenticationMethodNames(),
    token_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
    introspection_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
    revocation_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
    introspection_endpoint_auth_methods_supported: secretMethods,
    revocation_endpoint_auth_methods_supported: authenticationMethodNames(),
    dpop_signing_alg_values_supported: DPOP_ALGORITHMS,
    tls_client_certificate_bound_access_tokens: true,
    ...(alias === undefined ? {} : { mtls_endpoint_aliases: clientEndpoints(alias) }),
    code_challenge_methods_supported: ["S256"],
    prompt_values_supported: ["none", "login", "select_account"],
    claims_supported: [
      "iss",
      "sub",
      "aud",
      "exp",
      "iat",
      "auth_time",
      "nonce",
      "azp",
      "sid",
      "email",
      "email_verified",
      "name",
      "given_name",
      "family_name",
      "preferred_username",
      "groups",
    ],
    claims_parameter_supported: false,
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
    authorization_response_iss_parameter_supported: true,
  };
  return publicJson(document, MAX_AGE_SECONDS);
}

// What a client asks, with a certificate or without.
function clientEndpoints(origin: string) {
  return {
    token_endpoint: `${origin}/oauth2/token`,
    userinfo_endpoint: `${origin}/oauth2/userinfo`,
    introspection_endpoint: `${origin}/oauth2/introspect`,
    revocation_endpoint: `${origin}/oauth2/revoke`,
  };
}
