import type { Dialect } from "./dialect.ts";
import { tokenResponse } from "./rfc8693.ts";

/** Alibaba Cloud IDaaS. */
export const idaas: Dialect = {
  tokenPolicy: { accessTokenLifetime: 3600 },
  acceptsQuery: false,
  introspectsIdTokens: false,
  revokesSession: false,
  accessTokenFormat: () => "jwt",
  options: () => ({}),
  accessTokenClaims: ({ roles }) => (roles.length === 0 ? {} : { roles }),
  userAttributes: () => ({}),
  tokenResponse: (tokens) => ({ ...tokenResponse(tokens), expires_at: tokens.issuedAt + tokens.expiresIn }),
};
