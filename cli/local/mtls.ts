import { join } from "node:path";
import * as z from "zod/mini";
import { CommandFailed } from "../command.ts";
import { randomText } from "../jwk.ts";
import { ROOT } from "../root.ts";
import { type Ca, type CertificateFiles, certify, localCa } from "./mtls-ca.ts";
import { startMtlsProxy } from "./mtls-proxy.ts";
import { requireFreePorts } from "./ports.ts";
import { type RunningCambio, type StartOptions, startCambio } from "./start-cambio.ts";
import { forget, localState } from "./state.ts";

/** How to start Cambio with a TLS port in front of it. */
export interface MtlsOptions extends Omit<StartOptions, "worker"> {
  readonly mtlsPort: number;
}

/** Cambio, and a port that asks for client certificates. */
export interface RunningMtls extends RunningCambio {
  /** Where requests with a certificate go; the issuer stays what it is. */
  readonly mtlsUrl: string;
  readonly ca: Ca;
  /** The certificate that the demo client `gateway` is known by. */
  readonly gateway: CertificateFiles;
}

const GATEWAY = "/O=Example Corporation/CN=gateway";

/** As `startCambio`, and the TLS proxy; the demo tenant's `gateway` is pinned to the CA of this machine. */
export async function startMtls({ mtlsPort, tenant = (file) => file, ...options }: MtlsOptions): Promise<RunningMtls> {
  if ([options.port, options.idpPort, options.partnerPort].includes(mtlsPort)) throw new CommandFailed(`--mtls-port is ${mtlsPort} as another port is; they must differ`);
  await requireFreePorts([{ port: mtlsPort, purpose: "Cambio over TLS", option: "--mtls-port" }]);
  const state = localState(options.port);
  if (options.fresh) forget(state);
  const ca = localCa(join(state.directory, "mtls"), `Cambio on port ${options.port} of this machine`);
  const server = certify(ca, "server", { subject: "/CN=localhost", use: "server" });
  const gateway = certify(ca, "gateway", { subject: GATEWAY, use: "client" });
  const secret = randomText();
  const cambio = await startCambio({
    ...options,
    fresh: false,
    tenant: (file) => tenant(pinned(file, ca)),
    worker: { entry: join(ROOT, "cli", "local", "mtls-worker.ts"), vars: { MTLS_PROXY_SECRET: secret } },
  });
  try {
    const proxy = await startMtlsProxy({ port: mtlsPort, server, ca, issuer: cambio.issuer, secret });
    const stop = async () => void (await Promise.all([proxy.stop(), cambio.stop()]));
    return { ...cambio, stop, mtlsUrl: proxy.url, ca, gateway };
  } catch (error) {
    await cambio.stop();
    throw error;
  }
}

const WithCertificates = z.looseObject({
  clients: z.record(z.string(), z.looseObject({ tlsCertificates: z.optional(z.array(z.looseObject({ issuerKeyId: z.string() }))) })),
});

// The file cannot know a CA that is made here: wherever it names one, this is meant.
function pinned(file: unknown, { keyId }: Ca): unknown {
  const { clients, ...rest } = WithCertificates.parse(file);
  const changed = Object.entries(clients).map(([id, client]) => [
    id,
    client.tlsCertificates === undefined ? client : { ...client, tlsCertificates: client.tlsCertificates.map((known) => ({ ...known, issuerKeyId: keyId })) },
  ]);
  return { ...rest, clients: Object.fromEntries(changed) };
}
