/** One SubjectConfirmation (SAML core §2.4.1.1). Times in seconds. */
export interface Confirmation {
  readonly method: string;
  readonly recipient?: string;
  readonly notBefore?: number;
  readonly notOnOrAfter?: number;
  readonly inResponseTo?: string;
}

/** What stands in the signed bytes of an assertion, and nothing else. Times in seconds. */
export interface VerifiedAssertion {
  readonly id: string;
  readonly issuer: string;
  readonly issued: number;
  readonly nameId: string;
  readonly nameIdFormat?: string;
  readonly nameQualifier?: string;
  readonly spNameQualifier?: string;
  /** Whom the IdP gave this name of the user to: among others it may name somebody else. */
  readonly nameIdFor?: string;
  readonly notBefore?: number;
  readonly notOnOrAfter?: number;
  /** Each restriction must hold; one holds by any of its audiences. */
  readonly audiences: readonly (readonly string[])[];
  readonly confirmations: readonly Confirmation[];
  readonly authnInstant?: number;
  readonly sessionIndex?: string;
  readonly sessionNotOnOrAfter?: number;
  /** By name, as they stand: no name is known here. */
  readonly attributes: readonly (readonly [name: string, values: readonly string[]])[];
}

/** What a Response says around its assertion; not signed in itself, so it only ever refuses. */
export interface ResponseFacts {
  readonly destination?: string;
  readonly inResponseTo?: string;
}

/** Why a document is refused; for the audit log. */
export type DocumentFault = "gate" | "malformed" | "shape" | "algorithm" | "signature" | "content" | "conditions";

/** What an assertion must fulfil to be good here, now. */
export interface Expected {
  /** Who it is for: an audience of every restriction. */
  readonly audience: string;
  /** Where it is presented. */
  readonly recipient: string;
  /** Seconds. */
  readonly now: number;
  /** The id of the AuthnRequest that it answers; left out where it answers none. */
  readonly inResponseTo?: string;
}

/** A refusal travels as a value: error classes do not survive the call. `note` never holds anything of the document. */
export interface Unverified {
  readonly ok: false;
  readonly fault: DocumentFault;
  readonly note: string;
}

export interface Verified {
  readonly ok: true;
  readonly assertion: VerifiedAssertion;
  /** Until when it may be presented (seconds), where conditions were asked for. */
  readonly until?: number;
  readonly response?: ResponseFacts;
}

/** What a document is expected to be. */
export type DocumentKind = "assertion" | "response";

/** What an application asks for (SAML core §3.4.1). Signed or not, what it names is checked against the application's record. */
export interface AuthnRequest {
  readonly id: string;
  readonly issuer: string;
  /** Seconds. */
  readonly issued: number;
  readonly destination?: string;
  /** Where the answer is to go. */
  readonly acs?: string;
  readonly forceAuthn: boolean;
  readonly isPassive: boolean;
}

/** What an application or a corporate IdP says when a user signs out there (SAML core §3.7.1). */
export interface LogoutRequest {
  readonly id: string;
  readonly issuer: string;
  /** Seconds. */
  readonly issued: number;
  readonly notOnOrAfter?: number;
  readonly destination?: string;
  readonly nameId: string;
  /** Which of the user's sessions; empty: it does not say. */
  readonly sessionIndexes: readonly string[];
}

/** A request as it came: by the redirect binding deflated and signed beside itself, by POST signed within. */
export interface ReceivedRequest {
  readonly message: Uint8Array<ArrayBuffer>;
  /** Left out: it came by POST. */
  readonly redirect?: {
    /** What of the query is signed, octet by octet (SAML bindings §3.4.4.1). */
    readonly signed: string;
    readonly algorithm: string;
    /** Base64; empty where there is none. */
    readonly signature: string;
  };
}

/** A reading of a request; with `certificates` (base64 DER) only if one of them signed it, and then of what was signed. */
export type RequestReader<Request> = (received: ReceivedRequest, certificates?: readonly string[]) => Promise<{ readonly ok: true; readonly request: Request } | Unverified>;

/** What our metadata says: who we are, where, and which certificates may have signed what is ours (base64 DER). */
export interface OurMetadata {
  readonly issuer: string;
  readonly sso: string;
  readonly slo: string;
  /** Ours as a service provider: consumer of assertions, and single logout. */
  readonly acs: string;
  readonly spSlo: string;
  readonly certificates: readonly string[];
}

/**
 * Reads and verifies foreign SAML where no key of ours is: the second Worker, bound as a service. `document`: the bytes of
 * the XML. Nothing is fetched, nothing kept.
 */
export interface SamlVerifier {
  /** Whose key to verify with, by the document's own word: nothing is known to be true of it yet. */
  issuerOf(document: Uint8Array<ArrayBuffer>, kind: DocumentKind): Promise<{ readonly ok: true; readonly issuer: string } | Unverified>;
  readonly authnRequest: RequestReader<AuthnRequest>;
  readonly logoutRequest: RequestReader<LogoutRequest>;
  /** Verifies with one of these certificates (base64 DER) and answers what was signed; `expected`: if it is good here, now. */
  verify(document: Uint8Array<ArrayBuffer>, kind: DocumentKind, certificates: readonly string[], expected?: Expected): Promise<Verified | Unverified>;
  /** Writes our metadata (SAML metadata §2.4): nothing in it is secret. */
  metadata(ours: OurMetadata): Promise<string>;
}
