import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { newPrivateJwk, newTokenKey, publicJwk, randomText } from "../jwk.ts";
import { type OperatorKey, readOperatorKey } from "../operator-key.ts";
import { ROOT } from "../root.ts";

/** Where the local server of one port keeps what outlives it. Ports share nothing. */
export interface LocalState {
  readonly directory: string;
  /** What wrangler reads as the Worker's variables and secrets. */
  readonly varsFile: string;
  /** What wrangler persists KV and Durable Objects to. */
  readonly storage: string;
  readonly operatorKeyFile: string;
  readonly workerLog: string;
}

/** The files of one port; touches none of them. */
export function localState(port: number): LocalState {
  const directory = join(ROOT, ".cambio", String(port));
  return {
    directory,
    varsFile: join(directory, "vars.env"),
    storage: join(directory, "state"),
    operatorKeyFile: join(directory, "operator.jwk.json"),
    workerLog: join(directory, "worker.log"),
  };
}

/** Forgets everything that this port has kept, its keys included. */
export function forget(state: LocalState): void {
  rmSync(state.directory, { recursive: true, force: true });
}

/**
 * Makes the keys and secrets of one port, each once: what exists is kept, what is missing is made.
 * `more` are variables of this start alone. Returns the secrets that Cambio and the demo IdPs share.
 */
export function prepare(state: LocalState, issuer: string, more: Readonly<Record<string, string>> = {}): { readonly corp: string; readonly partner: string } {
  mkdirSync(state.directory, { recursive: true, mode: 0o700 });
  const kept = existsSync(state.varsFile) ? parseEnv(readFileSync(state.varsFile, "utf8")) : {};
  const vars = { ...more, ...localVars(issuer, kept), OPERATOR_KEYS: JSON.stringify({ keys: [publicJwk(keepOperatorKey(state.operatorKeyFile))] }) };
  // Single quotes: wrangler's reader leaves what stands between them alone, and JSON of ours has none inside.
  const lines = Object.entries(vars)
    .map(([name, value]) => `${name}='${value}'\n`)
    .sort();
  writePrivate(state.varsFile, lines.join(""));
  return { corp: vars.CORP_CLIENT_SECRET, partner: vars.PARTNER_CLIENT_SECRET };
}

/** The Worker's variables and secrets on this machine: what is kept already, and new ones for the rest. */
export function localVars(issuer: string, kept: Readonly<Record<string, string | undefined>>) {
  // Keys of later rotations, and secrets of further IdPs.
  const further = Object.fromEntries(Object.entries(kept).filter(([name]) => /^((SIGNING|TOKEN)_KEY_[1-9][0-9]*|[A-Z][A-Z0-9_]*_CLIENT_SECRET)$/.test(name)));
  return {
    ...further,
    ISSUERS: issuer,
    OPERATOR_KEYS: '{"keys":[]}',
    SIGNING_KEY_1: kept.SIGNING_KEY_1 ?? JSON.stringify(newPrivateJwk("ES256")),
    SIGNING_KEY_2: kept.SIGNING_KEY_2 ?? JSON.stringify(newPrivateJwk("RS256")),
    ...samlKey(further),
    TOKEN_KEY_1: kept.TOKEN_KEY_1 ?? JSON.stringify(newTokenKey()),
    CORP_CLIENT_SECRET: kept.CORP_CLIENT_SECRET ?? randomText(),
    PARTNER_CLIENT_SECRET: kept.PARTNER_CLIENT_SECRET ?? randomText(),
  };
}

// One that a rotation has made since has another number.
function samlKey(kept: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  if (Object.values(kept).some((text) => text?.includes('"x5c"'))) return {};
  const number = Math.max(2, ...Object.keys(kept).map((name) => Number(/^SIGNING_KEY_(.+)$/.exec(name)?.[1] ?? 0))) + 1;
  return { [`SIGNING_KEY_${number}`]: JSON.stringify(newPrivateJwk("SAML")) };
}

function keepOperatorKey(file: string): OperatorKey {
  if (existsSync(file)) return readOperatorKey(file);
  const key = { ...newPrivateJwk("ES256"), kid: "local" };
  writePrivate(file, `${JSON.stringify(key, null, 2)}\n`);
  return key;
}

// The mode of writeFileSync counts only where the file is new.
function writePrivate(file: string, text: string): void {
  writeFileSync(file, text, { mode: 0o600 });
  chmodSync(file, 0o600);
}
