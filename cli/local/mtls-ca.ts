import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CommandFailed } from "../command.ts";

/** A certificate and its private key, as files in PEM. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority of this machine, kept in a directory as `openssl ca` keeps one. */
export interface Ca extends CertificateFiles {
  readonly directory: string;
  /** Its key identifier, in lower-case hexadecimal: what a client's record pins. */
  readonly keyId: string;
  /** What `openssl ca` has issued and revoked; a line that begins with R is a revoked one. */
  readonly index: string;
  readonly config: string;
}

/** What to certify: a subject as openssl writes it (`/O=…/CN=…`), for a server or a client, and for how long. */
export interface CertificateRequest {
  readonly subject: string;
  readonly use: "server" | "client";
  /** As openssl writes alternative names: `DNS:gateway.example.com`. For clients. */
  readonly subjectAltName?: string;
  /** As openssl writes times: `20200101000000Z`. Left out: from now on, ten years. */
  readonly validity?: { readonly from: string; readonly to: string };
}

const DAYS = "3650";

const configOf = (directory: string): string => `[req]
distinguished_name = empty
string_mask = utf8only
[empty]
[ca]
default_ca = local
[local]
dir = ${directory}
database = $dir/index.txt
rand_serial = yes
new_certs_dir = $dir
certificate = $dir/ca.pem
private_key = $dir/ca.key
default_md = sha256
default_days = ${DAYS}
unique_subject = no
policy = any
[any]
organizationName = optional
commonName = supplied
[authority]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1, IP:::1
authorityKeyIdentifier = keyid
[client]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
authorityKeyIdentifier = keyid
`;

/** Opens the CA in a directory, and makes it first where there is none. */
export function localCa(directory: string, name: string): Ca {
  const [cert, key, config, index] = ["ca.pem", "ca.key", "openssl.cnf", "index.txt"].map((file) => join(directory, file)) as [string, string, string, string];
  if (!existsSync(cert)) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(config, configOf(directory));
    writeFileSync(index, "");
    openssl(["req", "-x509", "-config", config, "-extensions", "authority", "-days", DAYS, ...newKey(key), "-subj", `/CN=${name}`, "-out", cert]);
  }
  return { directory, cert, key, config, index, keyId: keyIdentifier(cert) };
}

/** Certifies a new key as `NAME.pem` and `NAME.key` beside the CA; keeps what is there already. */
export function certify(ca: Ca, name: string, { subject, use, validity, subjectAltName }: CertificateRequest): CertificateFiles {
  const [cert, key, request, extensions] = ["pem", "key", "csr", "cnf"].map((ending) => join(ca.directory, `${name}.${ending}`)) as [string, string, string, string];
  if (existsSync(cert)) return { cert, key };
  openssl(["req", "-new", "-utf8", "-config", ca.config, ...newKey(key), "-subj", subject, "-out", request]);
  const times = validity === undefined ? [] : ["-startdate", validity.from, "-enddate", validity.to];
  if (subjectAltName !== undefined) writeFileSync(extensions, `${configOf(ca.directory)}subjectAltName = ${subjectAltName}\n`);
  const named = subjectAltName === undefined ? [] : ["-extfile", extensions];
  openssl(["ca", "-batch", "-notext", "-utf8", "-preserveDN", "-config", ca.config, ...named, "-extensions", use, ...times, "-in", request, "-out", cert]);
  return { cert, key };
}

/** The command line that revokes a certificate of a CA; it holds from the next request on. */
export function revocation(ca: Ca, cert: string): readonly string[] {
  return ["openssl", "ca", "-config", ca.config, "-revoke", cert];
}

/** The serial numbers that a CA has revoked, in hexadecimal without leading zeros. Read anew each time. */
export function revokedSerials({ index }: Ca): ReadonlySet<string> {
  const lines = readFileSync(index, "utf8").split("\n");
  return new Set(lines.filter((line) => line.startsWith("R")).map((line) => plainSerial(line.split("\t")[3] ?? "")));
}

/** A serial number as it is compared: upper case, no leading zeros. */
export function plainSerial(serial: string): string {
  return serial.toUpperCase().replace(/^0+/, "");
}

function newKey(file: string): readonly string[] {
  return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", file];
}

function keyIdentifier(cert: string): string {
  const text = openssl(["x509", "-in", cert, "-noout", "-ext", "subjectKeyIdentifier"]);
  const [identifier] = /[0-9A-F]{2}(:[0-9A-F]{2}){3,}/.exec(text) ?? [];
  if (identifier === undefined) throw new CommandFailed(`${cert} has no key identifier; delete its directory to have a new one made`);
  return identifier.replaceAll(":", "").toLowerCase();
}

/** Whether certificates can be made here at all. */
export function hasOpenssl(): boolean {
  return spawnSync("openssl", ["version"]).status === 0;
}

function openssl(args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync("openssl", args, { encoding: "utf8" });
  if ((error as NodeJS.ErrnoException | undefined)?.code === "ENOENT") {
    throw new CommandFailed("openssl is missing, and the certificates are made with it: install it (Debian: apt-get install openssl) and start again");
  }
  if (status !== 0) throw new CommandFailed(`openssl ${args[0]} failed:\n${stderr ?? error?.message ?? ""}`);
  return stdout;
}
