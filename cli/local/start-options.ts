import { readPort, terminal } from "../command.ts";
import { DEMO_PORTS } from "./demo-tenant.ts";
import type { StartOptions } from "./start-cambio.ts";

/** The options of every command that starts Cambio on this machine. */
export const START_OPTIONS = {
  port: { type: "string", default: String(DEMO_PORTS.port) },
  "idp-port": { type: "string", default: String(DEMO_PORTS.idpPort) },
  "partner-port": { type: "string", default: String(DEMO_PORTS.partnerPort) },
  fresh: { type: "boolean", default: false },
  verbose: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

type StartValues = { readonly [Name in keyof typeof START_OPTIONS]: (typeof START_OPTIONS)[Name]["type"] extends "boolean" ? boolean : string };

/** How to start, as the command line says it; what is done is noted on the terminal. */
export function startOptions(values: StartValues, signal: AbortSignal): StartOptions {
  return {
    port: readPort(values.port, "--port"),
    idpPort: readPort(values["idp-port"], "--idp-port"),
    partnerPort: readPort(values["partner-port"], "--partner-port"),
    fresh: values.fresh,
    signal,
    note: terminal.note,
    ...(values.verbose && { onWorkerOutput: (text: string) => process.stderr.write(text) }),
  };
}
