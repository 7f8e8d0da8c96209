import { setTimeout as sleep } from "node:timers/promises";
import { CommandFailed, type Terminal } from "./command.ts";
import { type LocalAlgorithm, newPrivateJwk, newTokenKey } from "./jwk.ts";
import { changeKey, type KeyKind, type KeysAnswer, type ListedKey, nameOf, registerKeys } from "./keys-api.ts";
import type { Operator } from "./operator-api.ts";
import type { SecretStore } from "./secret-store.ts";
import { instant } from "./table.ts";

/** One rotation: of which keys, where new ones are put, and whether to wait between the steps. */
export interface Rotation {
  readonly operator: Operator;
  readonly terminal: Terminal;
  readonly secrets: SecretStore;
  readonly kind: KeyKind;
  /** Undefined for token keys. */
  readonly algorithm: LocalAlgorithm | undefined;
  readonly wait: boolean;
  /** The number of a new key; left out: the next one that is free. */
  readonly number?: number | undefined;
  /** Seconds; the tests have another. */
  readonly patience?: number;
}

/** How far a rotation came. */
export interface Rotated {
  readonly step: "stored" | "published" | "promoted";
  readonly key: string;
  readonly from?: number;
  readonly keys: KeysAnswer;
}

const PATIENCE_SECONDS = 20;

/**
 * The next step of a rotation, and with `wait` all of them: a new key is made and stored, registered once it is deployed,
 * promoted once it has been published long enough. Called again after an interruption it goes on where it stopped.
 */
export async function rotate(rotation: Rotation): Promise<Rotated> {
  const keys = await registerKeys(rotation.operator);
  const waiting = nextKey(keys, rotation);
  if (waiting !== undefined) return await promote(rotation, keys, waiting);
  const number = rotation.number ?? (await freeNumber(keys, rotation));
  const name = nameOf({ kind: rotation.kind, number });
  const key = rotation.algorithm === undefined ? newTokenKey() : newPrivateJwk(rotation.algorithm);
  rotation.terminal.note(`storing a new ${rotation.algorithm ?? "token"} key as ${name}`);
  await rotation.secrets.put(name, JSON.stringify(key));
  return await deployed(rotation, number);
}

// Asks until the Worker that answers holds the new key.
async function deployed(rotation: Rotation, number: number): Promise<Rotated> {
  const { operator, terminal, secrets, patience = PATIENCE_SECONDS } = rotation;
  const name = nameOf({ kind: rotation.kind, number });
  const deadline = Date.now() + patience * 1000;
  for (let keys = await registerKeys(operator); ; keys = await registerKeys(operator)) {
    const key = nextKey(keys, rotation);
    if (key?.number === number) return await promote(rotation, keys, key);
    if (Date.now() >= deadline) {
      terminal.note(`${name} is stored, and the Worker that answers does not hold it yet: ${secrets.afterwards}, then call this again`);
      return { step: "stored", key: name, keys };
    }
    terminal.note(`waiting until the Worker holds ${name}`);
    await sleep(2000);
  }
}

async function promote({ operator, terminal, wait, kind }: Rotation, keys: KeysAnswer, key: ListedKey): Promise<Rotated> {
  const name = nameOf({ kind, number: key.number });
  const from = key.promotableFrom ?? 0;
  if (Date.now() / 1000 < from && !wait) {
    terminal.note(`${name} is published; call this again after ${instant(from)}, or with --wait`);
    return { step: "published", key: name, from, keys };
  }
  for (let left = from - Date.now() / 1000; left > 0; left = from - Date.now() / 1000) {
    terminal.note(`${name} is published; verifiers know it in ${Math.ceil(left)} s`);
    await sleep(Math.min(left, 15) * 1000 + 50);
  }
  return { step: "promoted", key: name, keys: await changeKey(operator, kind, key.number, "promote") };
}

function nextKey({ keys }: KeysAnswer, { kind, algorithm }: Rotation): ListedKey | undefined {
  const able = keys.filter((key) => key.kind === kind && key.algorithm === algorithm && key.role === "next" && key.deployed);
  return able.toSorted((a, b) => a.number - b.number).at(-1);
}

// A number is used once; the store may know of more than are deployed, and one that waits there is not made again.
async function freeNumber({ keys, unregistered }: KeysAnswer, { kind, secrets }: Rotation): Promise<number> {
  const used = [...keys, ...unregistered].filter((key) => key.kind === kind).map(({ number }) => number);
  const prefix = nameOf({ kind, number: 0 }).slice(0, -1);
  const stored = (await secrets.names()).filter((name) => name.startsWith(prefix)).map((name) => Number(name.slice(prefix.length)));
  const undeployed = stored.filter((number) => !used.includes(number));
  if (undeployed.length > 0) {
    const name = nameOf({ kind, number: undeployed[0] ?? 0 });
    throw new CommandFailed(`${name} is stored and not deployed yet: ${secrets.afterwards}, then call this again. If it is another tenant's, name a free --number`);
  }
  return Math.max(0, ...used) + 1;
}
