import { relative } from "node:path";
import { readArguments, readPort, runMain, terminal } from "./command.ts";
import { DEMO_PORTS } from "./local/demo-tenant.ts";
import { listenForInterrupt, untilTheEnd } from "./local/foreground.ts";
import { startMtls } from "./local/mtls.ts";
import { mtlsNextSteps } from "./local/mtls-next-steps.ts";
import { START_OPTIONS, startOptions } from "./local/start-options.ts";

const MTLS_PORT = 8743;

const HELP = `npm run start:mtls -- [--port PORT] [--mtls-port PORT] [--idp-port PORT] [--partner-port PORT] [--fresh] [--verbose]

As npm start, and beside it a port that speaks TLS and asks for client certificates. A certificate authority is made with
openssl and kept in .cambio/PORT/mtls: ca.pem, the server's certificate, and gateway.pem, which the demo client "gateway" is
known by. A certificate that the authority has revoked (openssl ca -revoke) is refused from the next request on.

The issuer stays http://localhost:PORT, in discovery and in every token: the TLS port hands requests on as if they had been
sent there. The plain port stays open beside it, for browsers and for clients without certificates, and believes nobody's
word about a certificate but that of the TLS port.

  --port PORT          where Cambio listens (${DEMO_PORTS.port}); what it keeps is apart for each port, in .cambio/PORT
  --mtls-port PORT     where it listens with TLS (${MTLS_PORT})
  --idp-port PORT      where the demo identity provider listens (${DEMO_PORTS.idpPort})
  --partner-port PORT  where that of the partners listens (${DEMO_PORTS.partnerPort})
  --fresh              forget what an earlier start on this port has kept, keys and certificates included
  --verbose            show the Worker's output here as well as in .cambio/PORT/worker.log
  --help               this text`;

const OPTIONS = { ...START_OPTIONS, "mtls-port": { type: "string", default: String(MTLS_PORT) } } as const;

async function main(args: readonly string[]): Promise<number> {
  const { values } = readArguments(args, OPTIONS);
  if (values.help) {
    terminal.out(HELP);
    return 0;
  }
  const interrupt = listenForInterrupt();
  const running = await startMtls({
    ...startOptions(values, interrupt),
    mtlsPort: readPort(values["mtls-port"], "--mtls-port"),
  }).catch((error: unknown) => {
    if (!interrupt.aborted) throw error;
  });
  if (running === undefined) return 0;
  terminal.note(`demo tenant, version ${running.applied.version}; certificates in ${relative("", running.ca.directory)}; the Worker's log is ${relative("", running.workerLog)}`);
  terminal.out(mtlsNextSteps(running));
  return await untilTheEnd(running, interrupt);
}

await runMain(main);
