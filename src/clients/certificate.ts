import { toBase64url } from "../protocol/bytes.ts";
import type { Confirmation } from "../protocol/confirmation.ts";

/** A client certificate as the platform describes it, of this very connection. */
export interface ClientCertificate {
  /** SHA-256 of the DER form, base64url: what tokens are bound to (RFC 8705 §3.1). */
  readonly thumbprint: string;
  /** RFC 2253: the last part of the name first. */
  readonly subjectDn: string;
  /** In DER, as RFC 9440 carries it; empty where the platform left it out. */
  readonly encoded: string;
  /** Key identifier of the certificate that issued it, in hexadecimal. */
  readonly issuerKeyId: string;
  /** Whether the platform could follow it to a CA of the zone, and the CA has not revoked it. */
  readonly isVerified: boolean;
}

const SELF_SIGNED = "FAILED:self signed certificate";

/**
 * The certificate that this request came with: from `request.cf`, which the platform alone writes, and from no header, which
 * anyone can send. Undefined for none, for a revoked or expired one, and for one whose verification failed but for its being
 * self-signed.
 */
export function clientCertificate({ cf }: Request, now: number): ClientCertificate | undefined {
  const tls = (cf as IncomingRequestCfProperties | undefined)?.tlsClientAuth;
  // The platform says SUCCESS of a revoked certificate too; and the object is there without a certificate.
  if (tls?.certPresented !== "1" || tls.certRevoked !== "0") return undefined;
  const isVerified = tls.certVerified === "SUCCESS";
  if (!isVerified && tls.certVerified !== SELF_SIGNED) return undefined;
  if (!(Date.parse(tls.certNotBefore) / 1000 <= now && now < Date.parse(tls.certNotAfter) / 1000)) return undefined;
  const { certFingerprintSHA256: fingerprint, certSubjectDNRFC2253: subjectDn, certIssuerSKI: issuerKeyId, certRFC9440: encoded = "" } = tls;
  if (!/^[0-9a-f]{64}$/i.test(fingerprint)) return undefined;
  const bytes = Uint8Array.from(fingerprint.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  return { thumbprint: toBase64url(bytes), subjectDn, encoded, issuerKeyId: issuerKeyId.toLowerCase(), isVerified };
}

/** What a certificate confirms; nothing where there is none. */
export function certificateConfirmation(request: Request, now: number): Confirmation {
  const certificate = clientCertificate(request, now);
  return certificate === undefined ? {} : { "x5t#S256": certificate.thumbprint };
}
