import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { subjectAltNames } from "../src/clients/subject-alt-names.ts";
import type { KnownCertificate } from "../src/tenants/client-access.ts";
import { CommandFailed } from "./command.ts";

// The extension subjectKeyIdentifier (RFC 5280 §4.2.1.2) in DER, not critical: its OID, and an octet string in an octet string.
const SUBJECT_KEY_IDENTIFIER = /0603551d0e04(..)04(..)/;

/**
 * What a client certificate is registered by: with the certificate of its CA its subject and that CA's key identifier, else
 * its own thumbprint. In place of the subject an alternative name, which must be in it. Refuses one that has expired, and one
 * that the CA has not signed.
 */
export function knownCertificate(file: string, caFile: string | undefined, subjectAltName?: string): KnownCertificate {
  const certificate = readCertificate(file);
  if (Date.parse(certificate.validTo) <= Date.now()) throw new CommandFailed(`${nameOfFile(file)} has expired (${certificate.validTo})`);
  if (caFile === undefined) return { thumbprint: Buffer.from(certificate.fingerprint256.replaceAll(":", ""), "hex").toString("base64url") };
  const ca = readCertificate(caFile);
  if (!certificate.verify(ca.publicKey)) throw new CommandFailed(`${nameOfFile(file)} was not signed by the CA of ${caFile}`);
  const issuerKeyId = keyIdentifierOf(ca, caFile);
  if (subjectAltName === undefined) return { subjectDn: rfc2253(certificate.subject), issuerKeyId };
  const names = subjectAltNames(certificate.raw);
  if (!names.includes(subjectAltName)) throw new CommandFailed(`${nameOfFile(file)} has no alternative name ${subjectAltName}; it has: ${names.join(", ") || "none"}`);
  return { subjectAltName, issuerKeyId };
}

/** A name as Node writes it, one part a line with special characters escaped, as RFC 2253 has it: the last part first, other letters as bytes. */
export function rfc2253(name: string | undefined): string {
  const parts = (name ?? "").split("\n").reverse().join(",");
  return parts
    .replaceAll(" + ", "+")
    .replace(/[^\x20-\x7e]/gu, (letter) => [...Buffer.from(letter)].map((byte) => `\\${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(""));
}

function readCertificate(file: string): X509Certificate {
  try {
    return new X509Certificate(readFileSync(file === "-" ? 0 : file));
  } catch (error) {
    throw new CommandFailed(`${nameOfFile(file)} is no certificate in PEM or DER: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function keyIdentifierOf(ca: X509Certificate, file: string): string {
  const hex = ca.raw.toString("hex");
  const found = SUBJECT_KEY_IDENTIFIER.exec(hex);
  const length = Number.parseInt(found?.[2] ?? "", 16);
  if (found === null || Number.parseInt(found[1] ?? "", 16) !== length + 2)
    throw new CommandFailed(`the CA of ${file} has no key identifier: register its certificates by their thumbprint`);
  const start = found.index + found[0].length;
  return hex.slice(start, start + length * 2);
}

function nameOfFile(file: string): string {
  return file === "-" ? "standard input" : file;
}
