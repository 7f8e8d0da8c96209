import { type KeyObject, randomBytes, sign } from "node:crypto";

const YEARS = 10;
const DER = { integer: 0x02, bits: 0x03, null: 0x05, oid: 0x06, text: 0x0c, utcTime: 0x17, generalizedTime: 0x18, sequence: 0x30, set: 0x31, version: 0xa0 } as const;
// sha256WithRSAEncryption (RFC 4055 §5) and id-at-commonName (RFC 5280 appendix A), without their tags.
const SHA256_RSA = Buffer.from("2a864886f70d01010b", "hex");
const COMMON_NAME = Buffer.from("550403", "hex");

/** A certificate of an RSA key, signed by itself: version 3, SHA-256, ten years from now (RFC 5280). DER. */
export function selfSigned(privateKey: KeyObject, publicKey: KeyObject, commonName: string, now: Date = new Date()): Buffer {
  const algorithm = der(DER.sequence, der(DER.oid, SHA256_RSA), der(DER.null));
  const name = der(DER.sequence, der(DER.set, der(DER.sequence, der(DER.oid, COMMON_NAME), der(DER.text, Buffer.from(commonName)))));
  const end = new Date(now);
  end.setUTCFullYear(end.getUTCFullYear() + YEARS);
  const toBeSigned = der(
    DER.sequence,
    der(DER.version, der(DER.integer, Buffer.of(2))),
    // A leading byte keeps it positive, and minimal.
    der(DER.integer, Buffer.concat([Buffer.of(0x40), randomBytes(15)])),
    algorithm,
    name,
    der(DER.sequence, time(now), time(end)),
    name,
    publicKey.export({ format: "der", type: "spki" }),
  );
  return der(DER.sequence, toBeSigned, algorithm, der(DER.bits, Buffer.of(0), sign("sha256", toBeSigned, privateKey)));
}

/** A certificate in PEM, from its base64. */
export function pem(base64: string): string {
  return ["-----BEGIN CERTIFICATE-----", ...(base64.match(/.{1,64}/g) ?? []), "-----END CERTIFICATE-----"].join("\n");
}

function time(date: Date): Buffer {
  // UTCTime until 2049 (RFC 5280 §4.1.2.5).
  const text = date.toISOString().replace(/[-:T]|\.\d+/g, "");
  return date.getUTCFullYear() < 2050 ? der(DER.utcTime, Buffer.from(text.slice(2))) : der(DER.generalizedTime, Buffer.from(text));
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const header = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.of(tag, ...header), content]);
}
