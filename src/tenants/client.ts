import * as z from "zod/mini";
import { CERTIFICATES_LIMIT } from "./defaults.ts";
import { Alias, ClientId, Cutoff, HttpsUrl, Origin, OutboundUrl, RedirectUri, SamlCertificate, SamlLogoutService, ScopeToken, Seconds } from "./primitives.ts";
import { Role } from "./role.ts";
import { Consistency, TokenPolicy } from "./token-policy.ts";

/** What the clients of one product write differently on the wire. */
export const DialectName = z.enum(["rfc8693", "sap", "keycloak", "idaas"]);
export type DialectName = z.output<typeof DialectName>;

/** Grants by the short names that a tenant file uses. */
export const GrantName = z.enum(["authorization_code", "refresh_token", "client_credentials", "token_exchange", "jwt_bearer", "saml2_bearer"]);
export type GrantName = z.output<typeof GrantName>;

/** The ways a client may prove who it is (RFC 7591 `token_endpoint_auth_method`). */
export const AuthenticationMethodName = z.enum(["client_secret_basic", "client_secret_post", "private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth", "none"]);
export type AuthenticationMethodName = z.output<typeof AuthenticationMethodName>;

/** A client secret as it is kept: the SHA-256 of 256 random bits, two valid at once while rotating. */
export const ClientSecret = z.strictObject({
  hash: z.string().check(z.regex(/^[A-Za-z0-9_-]{43}$/, "base64url of a SHA-256")),
  notBefore: z.optional(Seconds),
  expires: z.optional(Seconds),
});

const Attribute = z.string().check(z.minLength(1), z.maxLength(255));
const Text = z.optional(z.string().check(z.maxLength(2048)));

/** A public key as it stands in a key set (RFC 7517). Private and symmetric material has no member here, and is refused. */
const PublicJwk = z.strictObject({ kty: z.enum(["EC", "RSA", "OKP"]), kid: Text, alg: Text, use: Text, crv: Text, x: Text, y: Text, n: Text, e: Text });

/** Trust in another issuer's assertions: who issues them, whom they name, and for whom they are (RFC 7523 §3). */
export const AssertionTrust = z.strictObject({
  issuer: HttpsUrl,
  /** Left out: found by the issuer's discovery document. */
  jwksUri: z.optional(HttpsUrl),
  /** The foreign id that stands for this client. */
  subject: z.string().check(z.minLength(1), z.maxLength(255)),
  /** Left out: our issuer. */
  audience: z.optional(z.string().check(z.minLength(1), z.maxLength(499))),
});
export type AssertionTrust = z.output<typeof AssertionTrust>;

const issuerKeyId = z.string().check(z.regex(/^[0-9a-f]{8,128}$/, "lower-case hexadecimal"));

/** A certificate of a CA: the subject as RFC 2253 writes it, or an alternative name of it; and the key identifier of the CA that issued it, in hexadecimal. */
export const TlsCertificate = z.union([
  z.strictObject({ subjectDn: z.string().check(z.minLength(1), z.maxLength(1024)), issuerKeyId }),
  z.strictObject({ subjectAltName: z.string().check(z.regex(/^(dns|uri|email|ip):[\x21-\x7e]{1,1024}$/, "dns:, uri:, email: or ip: and the name")), issuerKeyId }),
]);
export type TlsCertificate = z.output<typeof TlsCertificate>;

/** The SHA-256 thumbprint of a certificate (RFC 8705 §3.1). */
export const Thumbprint = z.string().check(z.regex(/^[A-Za-z0-9_-]{43}$/, "base64url of a SHA-256"));

/** What stands in `sub` of tokens for an application: our id, or an attribute of the user. */
export const SubjectNameIdentifier = z.enum(["userUuid", "mail", "loginName", "displayName"]);
export type SubjectNameIdentifier = z.output<typeof SubjectNameIdentifier>;

/** What stands in the attributes of an assertion: of the user, or the roles that the application gives them. */
export const SamlAttributeSource = z.enum(["userUuid", "loginName", "email", "name", "givenName", "familyName", "idp", "groups", "roles"]);
export type SamlAttributeSource = z.output<typeof SamlAttributeSource>;

/** What makes a client a SAML 2.0 application (a service provider). Its NameID is its subject name identifier. */
export const SamlApplication = z.strictObject({
  /** Its entity id: the audience of its assertions. */
  entityId: z.string().check(z.regex(/^[\x21-\x7e]{1,1024}$/, "1 to 1024 visible ASCII characters")),
  /** Where its assertions are consumed; the first stands as recipient in what an exchange gives. */
  acs: z.array(HttpsUrl).check(z.minLength(1), z.maxLength(20)),
  /** The format of the NameID. Left out: persistent, emailAddress or unspecified, as the subject name identifier is. */
  nameIdFormat: z.optional(z.enum(["persistent", "emailAddress", "unspecified"])),
  /** The attributes of its assertions: by their name there, what stands in them. */
  attributes: z._default(z.record(z.string().check(z.regex(/^[\x21-\x7e]{1,256}$/, "1 to 256 visible ASCII characters")), SamlAttributeSource), {}),
  signature: z._default(z.enum(["RSA-SHA256", "RSA-SHA512"]), "RSA-SHA256"),
  /** What `saml2-header` gives: a signed Response, or the assertion alone. */
  header: z._default(z.enum(["response", "assertion"]), "response"),
  /** What its requests are verified with. Two during a rotation. */
  certificates: z.optional(z.array(SamlCertificate).check(z.minLength(1), z.maxLength(4))),
  /** Its AuthnRequests are taken only signed. Its LogoutRequests always are. */
  requestsSigned: z.optional(z.boolean()),
  /** Its single logout service, by the redirect binding: who signs out there is signed out here. */
  slo: z.optional(SamlLogoutService),
  /** A logout elsewhere passes by its single logout service. */
  logout: z.optional(z.boolean()),
});
export type SamlApplication = z.output<typeof SamlApplication>;

/** An authorization server of another domain, and what may be asked for there: the permission of this client for it. */
export const AuthorizationServer = z.strictObject({
  /** Its issuer identifier: the audience of the assertion, and of the request. */
  issuer: HttpsUrl,
  /** The id of this client there. Left out: the same. */
  clientId: z.optional(ClientId),
  /** Which assertions: ID-JAG, or a plain JWT authorization grant (identity chaining). */
  grants: z._default(z.array(z.enum(["id_jag", "jwt"])).check(z.minLength(1)), ["id_jag"]),
  /** The scopes and the resources there that may stand in an assertion. */
  scopes: z._default(z.array(ScopeToken).check(z.maxLength(100)), []),
  resources: z._default(z.array(HttpsUrl).check(z.maxLength(20)), []),
  /** What names the user there. */
  subjectNameIdentifier: z._default(SubjectNameIdentifier, "userUuid"),
  /** Attributes of the user that an assertion carries. */
  attributes: z._default(z.array(z.enum(["email", "profile", "groups"])), []),
  /** Seconds. */
  lifetime: z._default(z.int().check(z.gte(10), z.lte(600)), 300),
});
export type AuthorizationServer = z.output<typeof AuthorizationServer>;

/** Attributes of the user by our names for them, as an application has them for users without. */
export const AttributeDefaults = z.strictObject({
  email: z.optional(Attribute),
  name: z.optional(Attribute),
  givenName: z.optional(Attribute),
  familyName: z.optional(Attribute),
  groups: z.optional(z.array(Attribute).check(z.maxLength(100))),
});
export type AttributeDefaults = z.output<typeof AttributeDefaults>;

/** An application: a consumer that holds permissions, a provider that owns APIs and roles or takes SAML assertions, or both. */
export const Client = z.strictObject({
  displayName: z.optional(z.string().check(z.minLength(1), z.maxLength(80))),
  dialect: z._default(DialectName, "rfc8693"),
  /** A public client keeps no secret; it proves itself by PKCE alone. */
  public: z._default(z.boolean(), false),
  authenticationMethods: z.optional(z.array(AuthenticationMethodName).check(z.minLength(1))),
  secrets: z._default(z.array(ClientSecret).check(z.maxLength(20)), []),
  /** Only where the issuer's host is localhost; any length. */
  developmentSecret: z.optional(z.string().check(z.minLength(1))),
  /** The client's own keys for `private_key_jwt`: in the file, or at up to 20 URLs. */
  jwks: z.optional(z.strictObject({ keys: z.array(PublicJwk).check(z.minLength(1), z.maxLength(20)) })),
  jwksUri: z.optional(z.union([HttpsUrl, z.array(HttpsUrl).check(z.minLength(1), z.maxLength(20))])),
  /** Issuers whose assertions stand for this client; the request then names it as `client_id`. */
  assertionTrusts: z._default(z.array(AssertionTrust).check(z.maxLength(20)), []),
  /** For `tls_client_auth`. */
  tlsCertificates: z._default(z.array(TlsCertificate).check(z.maxLength(CERTIFICATES_LIMIT)), []),
  /** For `self_signed_tls_client_auth`: SHA-256 thumbprints of the certificates, base64url. */
  tlsThumbprints: z._default(z.array(Thumbprint).check(z.maxLength(CERTIFICATES_LIMIT)), []),
  redirectUris: z._default(z.array(RedirectUri).check(z.maxLength(20)), []),
  postLogoutRedirectUris: z._default(z.array(HttpsUrl).check(z.maxLength(20)), []),
  /** Where a logout token is sent when a session ends that its users were logged in by (OpenID Connect Back-Channel Logout). */
  backchannelLogoutUri: z.optional(OutboundUrl),
  /** Whether that token must name the session (RFC 7591 metadata of the same name); it always does. */
  backchannelLogoutSessionRequired: z._default(z.boolean(), false),
  /** What a browser loads in a frame when it signs out (OpenID Connect Front-Channel Logout). */
  frontchannelLogoutUri: z.optional(HttpsUrl),
  /** Whether that frame is told issuer and session. */
  frontchannelLogoutSessionRequired: z._default(z.boolean(), false),
  corsOrigins: z._default(z.array(Origin).check(z.maxLength(20)), []),
  grants: z._default(z.array(GrantName), []),
  /** The scopes that it may ask for at a login. */
  scopes: z._default(z.array(ScopeToken), []),
  /** The scopes that it owns as a provider. */
  ownScopes: z._default(z.array(ScopeToken), []),
  /** The resource URLs that it is reached at (RFC 8707). */
  resources: z._default(z.array(HttpsUrl).check(z.maxLength(20)), []),
  /** Left out: it takes no assertions. */
  saml: z.optional(SamlApplication),
  roles: z._default(z.record(z.string().check(z.regex(/^[A-Za-z0-9._:-]{1,64}$/)), Role), {}),
  /** Clients that may look at this client's opaque access tokens and SSO tokens with their own credentials. */
  trustedForHandoff: z._default(z.array(ClientId).check(z.maxLength(20)), []),
  /** A public client exchanges only tokens of its own, and only where this says so. */
  publicExchange: z._default(z.boolean(), false),
  /** What stands in `sub` of tokens for this application. */
  subjectNameIdentifier: z._default(SubjectNameIdentifier, "userUuid"),
  /** Attributes of the user that tokens for this application carry whatever their scope. */
  attributes: z._default(z.array(z.enum(["email", "profile", "groups"])), []),
  /** The client that may become the actor of this client's tokens; they then carry `may_act`. */
  mayAct: z.optional(ClientId),
  /** The subscriber tenant that this application serves: `app_tid` of its tokens and requests (SAP). */
  appTid: z.optional(z.string().check(z.regex(/^[A-Za-z0-9._-]{1,128}$/, "1 to 128 of A-Z a-z 0-9 . _ -"))),
  /** Where the application begins; an SSO token may be redeemed to it. */
  homeUrl: z.optional(HttpsUrl),
  /** Whether its requests for tokens must prove a key (RFC 9449), and with a nonce of ours. A proof that is there always binds. */
  dpop: z._default(z.enum(["optional", "required", "nonce"]), "optional"),
  introspection: z._default(z.boolean(), true),
  consistency: z._default(Consistency, "strong"),
  /** The IdPs whose users it takes; left out for all. */
  identityProviders: z.optional(z.array(z.string()).check(z.minLength(1))),
  /** The IdPs whose tokens it may present as subject tokens and assertions; each must take that (`subjectTokens`). */
  subjectIssuers: z.optional(z.array(z.string()).check(z.maxLength(20))),
  /** The authorization servers of other domains that it may ask assertions for. */
  authorizationServers: z.optional(z.array(AuthorizationServer).check(z.maxLength(20))),
  /** The IdPs that a user chooses among on a page of ours; left out: the tenant's. Of none, the default is taken. */
  offeredIdentityProviders: z.optional(z.array(Alias).check(z.maxLength(20))),
  /** What its tokens say of users for whom the IdP says nothing of it. */
  attributeDefaults: z.optional(AttributeDefaults),
  /**
   * Lets it have the IdP's own tokens of its users' logins. `scopes`: what the access token may be good for there; left
   * out, what the record of the IdP asks for.
   */
  identityProviderTokens: z.optional(z.strictObject({ scopes: z.optional(z.array(ScopeToken).check(z.minLength(1))) })),
  tokenPolicy: z._default(TokenPolicy, {}),
  disabled: z._default(z.boolean(), false),
  cutoff: z.optional(Cutoff),
});
export type Client = z.output<typeof Client>;
