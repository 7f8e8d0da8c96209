import * as z from "zod/mini";
import { Cutoff, EmailDomains, HttpsUrl, SamlCertificate, SamlLogoutService } from "./primitives.ts";

const AttributeName = z.string().check(z.minLength(1), z.maxLength(256));

/** Which attribute of an assertion becomes which of the user. What is not named here is not read. */
export const SamlAttributeMapping = z.strictObject({
  loginName: z._default(AttributeName, "uid"),
  email: z._default(AttributeName, "mail"),
  name: z._default(AttributeName, "displayName"),
  givenName: z._default(AttributeName, "givenName"),
  familyName: z._default(AttributeName, "sn"),
  groups: z._default(AttributeName, "groups"),
});

/** A corporate SAML 2.0 identity provider: whose assertions are taken. Its users are known by their NameID. */
export const SamlIdentityProvider = z.strictObject({
  displayName: z.optional(z.string().check(z.minLength(1), z.maxLength(80))),
  /** Its entity id: the Issuer of its assertions, compared as it stands. */
  entityId: z.string().check(z.regex(/^[\x21-\x7e]{1,1024}$/, "1 to 1024 visible ASCII characters")),
  /** Where users log in, by the redirect binding. Left out: its assertions are taken, and nobody is sent there. */
  ssoUrl: z.optional(HttpsUrl),
  /** Its single logout service: who signs out there is signed out here. */
  slo: z.optional(SamlLogoutService),
  /** What its assertions and requests are verified with. Two during a rotation. */
  certificates: z.array(SamlCertificate).check(z.minLength(1), z.maxLength(4)),
  /** The domains whose users are known here: an address in `login_hint` leads to this IdP. */
  emailDomains: z.optional(EmailDomains),
  /** Whether our logout continues at its single logout service. */
  logout: z._default(z.boolean(), false),
  attributes: z._default(SamlAttributeMapping, SamlAttributeMapping.parse({})),
  disabled: z._default(z.boolean(), false),
  cutoff: z.optional(Cutoff),
});
export type SamlIdentityProvider = z.output<typeof SamlIdentityProvider>;
