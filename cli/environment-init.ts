import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Terminal } from "./command.ts";
import { newPrivateJwk, newTokenKey, publicJwk } from "./jwk.ts";
import { readOperatorKey } from "./operator-key.ts";
import type { SecretStore } from "./secret-store.ts";

/** What a Worker needs before it can start, by the name of its secret. Made only where it is missing. */
const FIRST_SECRETS: Readonly<Record<string, () => object>> = {
  SIGNING_KEY_1: () => newPrivateJwk("ES256"),
  SIGNING_KEY_2: () => newPrivateJwk("RS256"),
  SIGNING_KEY_3: () => newPrivateJwk("SAML"),
  TOKEN_KEY_1: newTokenKey,
};

/** What was made, what was there, and the variable that lets the operator in. */
export interface Initialised {
  readonly made: readonly string[];
  readonly kept: readonly string[];
  readonly operatorKeyFile: string;
  readonly operatorKeys: string;
}

/** Makes every key of an environment that is missing, each once; what is there is never replaced. */
export async function initialise(terminal: Terminal, secrets: SecretStore, operatorKeyFile: string, operator: string): Promise<Initialised> {
  const present = await secrets.names();
  const names = Object.keys(FIRST_SECRETS);
  // One key of a kind is enough: rotation has replaced the first ones since.
  const isThere = (name: string) => present.includes(name) || (!/^SIGNING_KEY_[23]$/.test(name) && present.some((one) => one.startsWith(name.slice(0, -1))));
  const missing = names.filter((name) => !isThere(name));
  for (const name of missing) {
    terminal.note(`storing ${name}`);
    await secrets.put(name, JSON.stringify(FIRST_SECRETS[name]?.()));
  }
  if (!existsSync(operatorKeyFile)) {
    mkdirSync(dirname(operatorKeyFile), { recursive: true, mode: 0o700 });
    writeFileSync(operatorKeyFile, `${JSON.stringify({ ...newPrivateJwk("ES256"), kid: operator }, null, 2)}\n`, { mode: 0o600 });
    chmodSync(operatorKeyFile, 0o600);
  }
  const operatorKeys = JSON.stringify({ keys: [publicJwk(readOperatorKey(operatorKeyFile))] });
  return { made: missing, kept: names.filter(isThere), operatorKeyFile, operatorKeys };
}
