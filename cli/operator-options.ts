import { isLocalhost } from "../src/protocol/uri.ts";
import { UsageError } from "./command.ts";
import { environmentFiles, issuerOfEnvironment } from "./environment.ts";
import { localState } from "./local/state.ts";
import type { Operator } from "./operator-api.ts";
import { readOperatorKey } from "./operator-key.ts";

const LOCAL_ISSUER = "http://localhost:8787";

/** The options of every command that asks a running server as an operator. */
export const OPERATOR_OPTIONS = {
  url: { type: "string" },
  local: { type: "boolean", default: false },
  env: { type: "string" },
  key: { type: "string" },
  json: { type: "boolean", default: false },
} as const;

/** Values of those options. */
export interface OperatorValues {
  readonly url?: string | undefined;
  readonly local?: boolean | undefined;
  readonly env?: string | undefined;
  readonly key?: string | undefined;
}

/** What --help says of them. */
export const OPERATOR_HELP = `  --url URL    the issuer to ask (${LOCAL_ISSUER})
  --local      ask ${LOCAL_ISSUER}, whatever else would be asked
  --env NAME   ask the one issuer of this environment of wrangler.toml
  --key FILE   the operator's private key, a JWK whose kid is the operator's name (.cambio/PORT/operator.jwk.json,
               with --env .cambio/env-NAME/operator.jwk.json)
  --json       print the server's answer on standard output`;

/** Where to ask and as whom. `issuer`: where no option says otherwise. */
export function readOperator(values: OperatorValues, issuer = LOCAL_ISSUER): Operator {
  const url = readIssuer(values, issuer);
  return { issuer: url, key: readOperatorKey(values.key ?? (values.env === undefined ? localKeyFile(url) : environmentFiles(values.env).operatorKeyFile)) };
}

/** Which issuer is asked. */
export function readIssuer({ url, local, env }: OperatorValues, issuer = LOCAL_ISSUER): string {
  if (local === true && (url !== undefined || env !== undefined)) throw new UsageError("--local excludes --url and --env");
  if (local === true) return LOCAL_ISSUER;
  return readUrl(url ?? (env === undefined ? issuer : issuerOfEnvironment(env)));
}

function readUrl(text: string): string {
  if (!URL.canParse(text)) throw new UsageError(`--url takes an issuer such as https://id.example.com, not "${text}"`);
  return text.replace(/\/+$/, "");
}

function localKeyFile(issuer: string): string {
  const { protocol, hostname, port } = new URL(issuer);
  if (!isLocalhost(hostname)) throw new UsageError(`--key FILE is missing: ${issuer} is not a local server`);
  return localState(Number(port) || (protocol === "https:" ? 443 : 80)).operatorKeyFile;
}
