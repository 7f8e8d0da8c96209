import { KeysAnswer } from "../src/endpoints/api/contract/keys.ts";
import { call, type Operator } from "./operator-api.ts";
import { instant, table } from "./table.ts";

/** Keys sign, or they seal. */
export type KeyKind = "signing" | "token";
export type ListedKey = KeysAnswer["keys"][number];
export type { KeysAnswer };

/** The keys of a tenant and their roles. */
export async function listKeys(operator: Operator): Promise<KeysAnswer> {
  return KeysAnswer.parse(await call(operator, "GET", "/keys"));
}

/** Publishes the keys that the deployed Worker holds and nobody knew. */
export async function registerKeys(operator: Operator): Promise<KeysAnswer> {
  return KeysAnswer.parse(await call(operator, "POST", "/keys/register", "{}"));
}

/** Takes one step with one key. */
export async function changeKey(operator: Operator, kind: KeyKind, number: number, action: "promote" | "retire" | "drop", force = false): Promise<KeysAnswer> {
  return KeysAnswer.parse(await call(operator, "POST", `/keys/${kind}/${number}/${action}`, JSON.stringify(force ? { force } : {})));
}

/** The keys as lines: role, since when, what may become of each when. */
export function keyLines({ keys, unregistered }: KeysAnswer): readonly string[] {
  const rows = keys.map((key) => [nameOf(key), key.algorithm ?? "", key.role, instant(key.since), key.deployed ? "yes" : "no", nextStep(key), key.keyId ?? ""]);
  const fresh = unregistered.map((key) => [nameOf(key), key.algorithm ?? "", "unregistered", "", "yes", "keys rotate publishes it", key.keyId ?? ""]);
  return table([["KEY", "ALG", "ROLE", "SINCE", "DEPLOYED", "NEXT STEP", "KID"], ...rows, ...fresh]);
}

/** The name of a key's Worker secret. */
export function nameOf({ kind, number }: { readonly kind: KeyKind; readonly number: number }): string {
  return `${kind === "signing" ? "SIGNING" : "TOKEN"}_KEY_${number}`;
}

function nextStep({ role, promotableFrom, retirableFrom }: ListedKey): string {
  if (promotableFrom !== undefined) return `promote from ${instant(promotableFrom)}`;
  if (retirableFrom !== undefined) return `retire from ${instant(retirableFrom)}`;
  return role === "dropped" ? "delete the secret" : "";
}
