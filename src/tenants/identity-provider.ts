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

/** Which tokens of the IdP are taken as subject tokens and assertions. Whatever is missing here is refused. */
export const SubjectTokens = z.strictObject({
  /** Each token names one of these in `aud`: our client id there, our issuer, or what was agreed upon. */
  audiences: z.array(z.string().check(z.minLength(1), z.maxLength(499))).check(z.minLength(1), z.maxLength(20)),
  /** Claims (as in `claims`) that have one of these values, such as `hd`, `tid` or `azp`; of logins too, but for `azp`, which is our own there. */
  requiredClaims: z._default(z.record(z.string().check(z.minLength(1)), z.array(z.string()).check(z.minLength(1), z.maxLength(20))), {}),
  /** The claim, as in `claims`, that names the user. Only `sub` names the one who logs in. */
  subject: z._default(z.string().check(z.minLength(1), z.maxLength(255)), "sub"),
  /** Seconds since its issue. */
  maxAge: z._default(z.int().check(z.gte(10), z.lte(86_400)), 3600),
  /** How access tokens are taken that are no JWTs: the IdP is asked each time. Userinfo cannot say whom a token is for. */
  opaque: z.optional(z.enum(["introspection", "userinfo"])),
});
export type SubjectTokens = z.output<typeof SubjectTokens>;

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
  /** Left out: none of its tokens is taken as a subject token or assertion. */
  subjectTokens: z.optional(SubjectTokens),
  /** Seconds for which what the IdP said of a user holds, groups and all: after it a refresh asks the IdP again, or ends. Left out: as long as the grant. */
  userMaxAge: z.optional(z.int().check(z.gte(300), z.lte(15_552_000))),
  /** Whether our logout continues at the IdP's `end_session_endpoint`. */
  logout: z._default(z.boolean(), false),
  disabled: z._default(z.boolean(), false),
  cutoff: z.optional(Cutoff),
});
export type IdentityProvider = z.output<typeof IdentityProvider>;
