import * as z from "zod/mini";
import { ClientId, Cutoff, EmailDomains, OutboundUrl, ScopeToken } from "./primitives.ts";

/**
 * Which claim of the IdP becomes which attribute of the user. A claim of exactly this name; else dots lead into nested
 * objects and lists (`realm_access.roles`, `emails.0.value`), and `\.` is a dot of a name.
 */
export const ClaimMapping = z.strictObject({
  loginName: z._default(z.string(), "preferred_username"),
  email: z._default(z.string(), "email"),
  emailVerified: z._default(z.string(), "email_verified"),
  name: z._default(z.string(), "name"),
  givenName: z._default(z.string(), "given_name"),
  familyName: z._default(z.string(), "family_name"),
  groups: z._default(z.string(), "groups"),
});

/** A corporate OpenID provider that users log in at. Configuration, not code. */
export const IdentityProvider = z.strictObject({
  displayName: z.optional(z.string().check(z.minLength(1), z.maxLength(80))),
  issuer: OutboundUrl,
  clientId: ClientId,
  /** The name of the Worker secret that holds our client secret at the IdP. */
  clientSecretName: z.string().check(z.regex(/^[A-Z][A-Z0-9_]{0,48}_CLIENT_SECRET$/, "the name of a Worker secret, ending in _CLIENT_SECRET")),
  /** The domains whose users are known here: an address in `login_hint` leads to this IdP. */
  emailDomains: z.optional(EmailDomains),
  scopes: z._default(z.array(ScopeToken), ["openid", "profile", "email"]),
  claims: z._default(ClaimMapping, ClaimMapping.parse({})),
  signingAlgorithms: z._default(z.array(z.enum(["RS256", "PS256", "ES256", "ES384", "EdDSA"])).check(z.minLength(1)), ["RS256", "ES256", "PS256", "EdDSA"]),
  /** Whether our logout continues at the IdP's `end_session_endpoint`. */
  logout: z._default(z.boolean(), false),
  disabled: z._default(z.boolean(), false),
  cutoff: z.optional(Cutoff),
});
export type IdentityProvider = z.output<typeof IdentityProvider>;
