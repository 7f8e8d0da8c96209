import * as z from "zod/mini";
import { isHttpsUrl, isOrigin, isOutboundUrl, isRedirectUri } from "../protocol/uri.ts";
import { sentenceOf } from "./sentences.ts";

z.config({ localeError: sentenceOf });

/** A client identifier: visible ASCII without the characters that separate things on the wire, 1 to 128 long. */
export const ClientId = z.string().check(z.regex(/^[A-Za-z0-9._:/@-]{1,128}$/, "a client id is 1 to 128 of A-Z a-z 0-9 . _ : / @ -"));

/** The alias of an identity provider; it stands in the path of our callback. */
export const Alias = z.string().check(z.regex(/^[a-z0-9-]{1,32}$/, "an alias is 1 to 32 of a-z 0-9 -"));

/** One scope token, RFC 6749 §3.3. */
export const ScopeToken = z.string().check(z.regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/, 'a scope is 1 to 128 visible ASCII characters without " and \\'));

/** A number of seconds. */
export const Seconds = z.int().check(z.gte(0));

/** The instant of a cutoff: seconds since 1970. Everything whose root is not younger is dead. */
export const Cutoff = z.int().check(z.gte(0));

/** An absolute https URL (http only for localhost) in visible ASCII, without fragment or user info. */
export const HttpsUrl = z.string().check(
  z.maxLength(499),
  z.refine((text: string) => isHttpsUrl(text), "must be an https URL (http only for localhost) without fragment or user info"),
);

/** An RSA certificate of 2048 bit or more, base64 without the lines of PEM. */
export const SamlCertificate = z.string().check(z.regex(/^MI[A-Za-z0-9+/]+={0,2}$/, "a certificate in base64, without BEGIN and END"), z.maxLength(8192));

/** A SAML single logout service, by the redirect binding. */
export const SamlLogoutService = z.strictObject({
  location: HttpsUrl,
  /** Where answers go. Left out: to `location`. */
  responseLocation: z.optional(HttpsUrl),
});
export type SamlLogoutService = z.output<typeof SamlLogoutService>;

/** An origin, `https://host[:port]` with nothing behind it. */
export const Origin = z.string().check(z.refine((text: string) => isOrigin(text), "must be an origin such as https://app.example.com"));

/** A URL that we may ask for something ourselves: see `isOutboundUrl`. */
export const OutboundUrl = HttpsUrl.check(z.refine((text: string) => isOutboundUrl(text), "must be at a public host name, on the port of https or one above 1023"));

/** A redirect URI: https, http on localhost or loopback, or a private-use scheme (RFC 8252 §7.1). No fragment, no wildcard. */
export const RedirectUri = z.string().check(
  z.maxLength(499),
  z.refine((text: string) => isRedirectUri(text), "must be https, http on localhost or loopback, or a scheme such as com.example.app; no fragment, user info or wildcard"),
);

/** Domains of e-mail addresses, in lower case. */
export const EmailDomains = z.array(z.string().check(z.regex(/^([a-z0-9-]+\.)+[a-z0-9-]+$/, "a domain in lower case"))).check(z.maxLength(100));
