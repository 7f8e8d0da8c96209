import { constants, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { TLSSocket } from "node:tls";
import { rfc2253 } from "../client-certificate.ts";
import { type Ca, type CertificateFiles, plainSerial, revokedSerials } from "./mtls-ca.ts";

// Says to the Worker's wrapper (mtls-worker.ts) that a request comes from this proxy.
const SECRET_HEADER = "cambio-mtls-proxy";

/** Where the proxy listens, whom it believes, and where it takes requests to. */
export interface MtlsProxyOptions {
  readonly port: number;
  readonly server: CertificateFiles;
  readonly ca: Ca;
  /** Where the Worker listens, by its issuer: requests arrive there as if they had been sent to it. */
  readonly issuer: string;
  /** Known to the Worker's wrapper and to nobody else. */
  readonly secret: string;
}

/** The proxy, listening. */
export interface MtlsProxy {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Ends TLS in front of wrangler dev, asks for a client certificate, and hands what it found to the Worker in the shape that
 * the platform has in production: `request.cf.tlsClientAuth`, through miniflare's MF-CF-Blob header. A request without a
 * certificate, or with a bad one, is let through and says so, as in production: to refuse it is the Worker's part.
 */
export async function startMtlsProxy(options: MtlsProxyOptions): Promise<MtlsProxy> {
  const { port, server: files, ca } = options;
  const server = createServer(
    {
      cert: readFileSync(files.cert),
      key: readFileSync(files.key),
      ca: readFileSync(ca.cert),
      requestCert: true,
      rejectUnauthorized: false,
      // No resumption: every connection shows its certificate anew.
      secureOptions: constants.SSL_OP_NO_TICKET,
    },
    (request, response) => forward(options, request, response),
  );
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen({ port, host: "127.0.0.1" }, resolve);
  });
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `https://localhost:${port}`, stop };
}

function forward({ issuer, secret, ca }: MtlsProxyOptions, request: IncomingMessage, response: ServerResponse): void {
  const { host, port } = new URL(issuer);
  const cf = { clientAcceptEncoding: request.headers["accept-encoding"] ?? "", tlsClientAuth: tlsClientAuth(request.socket as TLSSocket, ca) };
  const headers: OutgoingHttpHeaders = { ...withoutClaims(request.headers), host, [SECRET_HEADER]: secret, "mf-cf-blob": JSON.stringify(cf) };
  const onward = httpRequest({ host: "127.0.0.1", port, method: request.method, path: request.url, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    answer.pipe(response);
  });
  onward.once("error", () => (response.headersSent ? response.destroy() : response.writeHead(502).end("the Worker does not answer\n")));
  response.once("close", () => onward.destroy());
  request.pipe(onward);
}

// What the connection is, the proxy alone says: nothing that names a certificate, an address or another host gets through.
const CLAIMS = /^(mf-|cf-|x-|cambio-)|cert|ssl|tls|forwarded|client-(dn|ip|verify)|^(via|host|connection|keep-alive|te|trailer|upgrade|expect|proxy-connection)$/;

function withoutClaims(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !CLAIMS.test(name)));
}

// The words of `IncomingRequestCfPropertiesTLSClientAuth`, as far as the connection can tell them.
function tlsClientAuth(socket: TLSSocket, ca: Ca): Readonly<Record<string, string>> {
  const raw = socket.getPeerCertificate().raw as Buffer | undefined;
  if (raw === undefined) return { certPresented: "0", certVerified: "NONE", certRevoked: "0" };
  const certificate = new X509Certificate(raw);
  const isOurs = socket.authorized && certificate.verify(new X509Certificate(readFileSync(ca.cert)).publicKey);
  return {
    certPresented: "1",
    certVerified: isOurs ? "SUCCESS" : `FAILED:${reasonOf(socket)}`,
    // As in production, where a revoked certificate is verified with success.
    certRevoked: isOurs && revokedSerials(ca).has(plainSerial(certificate.serialNumber)) ? "1" : "0",
    certSubjectDNRFC2253: rfc2253(certificate.subject),
    certIssuerDNRFC2253: rfc2253(certificate.issuer),
    certIssuerSKI: isOurs ? ca.keyId.toUpperCase() : "",
    certSerial: certificate.serialNumber,
    certFingerprintSHA256: certificate.fingerprint256.replaceAll(":", "").toLowerCase(),
    certRFC9440: `:${raw.toString("base64")}:`,
    certNotBefore: certificate.validFrom,
    certNotAfter: certificate.validTo,
  };
}

function reasonOf(socket: TLSSocket): string {
  const reason = String(socket.authorizationError ?? "not of this CA");
  return reason === "DEPTH_ZERO_SELF_SIGNED_CERT" ? "self signed certificate" : reason;
}
