import * as z from "zod/mini";

/** How long a rotated refresh token may be presented again: strict 0 s, grace 10 s, online 5 min, mobile the refresh lifetime. */
export const RetryWindow = z.enum(["strict", "grace", "online", "mobile"]);

/** What decides whether a token is alive: one object call, an answer at most a few seconds old, or the KV copy alone. */
export const Consistency = z.enum(["strong", "edge", "eventual"]);
export type Consistency = z.output<typeof Consistency>;

/** The signature algorithms that tokens may be issued with. */
export const SigningAlgorithm = z.enum(["ES256", "RS256", "EdDSA"]);
export type SigningAlgorithm = z.output<typeof SigningAlgorithm>;

/** What a signing key is for: tokens of one algorithm, or SAML, where it has a certificate. No key does both. */
export const KeyAlgorithm = z.enum([...SigningAlgorithm.options, "SAML"]);
export type KeyAlgorithm = z.output<typeof KeyAlgorithm>;

/** The deepest chain that the path of a token can hold: sixteen ancestors, two for each exchange and one for the root grant. */
export const HOPS_LIMIT = 7;

/** Lifetimes and limits of the tokens of one client, or the tenant's defaults. Every member may be left out; seconds throughout. */
export const TokenPolicy = z.strictObject({
  accessTokenLifetime: z.optional(z.int().check(z.gte(30), z.lte(43_200))),
  opaqueTokenLifetime: z.optional(z.int().check(z.gte(30), z.lte(43_200))),
  idTokenLifetime: z.optional(z.int().check(z.gte(30), z.lte(43_200))),
  refreshTokenLifetime: z.optional(z.int().check(z.gte(0), z.lte(15_552_000))),
  sessionLifetime: z.optional(z.int().check(z.gte(300), z.lte(2_592_000))),
  ssoTokenLifetime: z.optional(z.int().check(z.gte(30), z.lte(300))),
  /** Of a SAML assertion, from now to its NotOnOrAfter. */
  samlLifetime: z.optional(z.int().check(z.gte(30), z.lte(900))),
  codeLifetime: z.optional(z.int().check(z.gte(10), z.lte(120))),
  accessTokenFormat: z.optional(z.enum(["grant", "jwt", "opaque"])),
  refreshRetry: z.optional(RetryWindow),
  refreshParallel: z.optional(z.int().check(z.gte(1), z.lte(10))),
  maxExchangePeriod: z.optional(z.int().check(z.gte(3600), z.lte(15_552_000))),
  maxHops: z.optional(z.int().check(z.gte(0), z.lte(HOPS_LIMIT))),
  exchangeBudget: z.optional(z.int().check(z.gte(1), z.lte(10_000))),
  /** How long identical exchanges may share one answer: 0, the default, for never. */
  coalesceSeconds: z.optional(z.int().check(z.gte(0), z.lte(5))),
  /** Whether what is exchanged outlives the login session. */
  independentOfSession: z.optional(z.boolean()),
  signingAlgorithm: z.optional(SigningAlgorithm),
});
export type TokenPolicy = z.output<typeof TokenPolicy>;
