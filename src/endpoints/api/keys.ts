import { deployedKeys } from "../../config.ts";
import { Rejection } from "../../protocol/rejection.ts";
import type { Exchange } from "../../service.ts";
import type { KeysNow } from "../../storage/tenant-store.ts";
import { type DeployedKeys, type KeyAct, type KeyKind, promotableFrom, retirableFrom } from "../../tenants/key-roles.ts";
import { json } from "../response.ts";
import { problemsAnswer, readJson } from "./body.ts";
import { operatorOnly } from "./operator-only.ts";

/** What an operator does with one key. */
export type KeyAction = Exclude<KeyAct["action"], "register">;

/** `GET /api/v1/keys`: the role of each key, since when, what may become of it when, and whether the version of the Worker that answers holds it. */
export async function listKeys(exchange: Exchange): Promise<Response> {
  await operatorOnly(exchange);
  const { service, tenant, audit } = exchange;
  const now = await service.tenants.keys(tenant.issuer);
  if (now === undefined) throw new Rejection("tenant_unknown");
  audit.write({ status: 200, issued: "list" });
  return json(listOf(now, deployedKeys(service.config, tenant.issuer)));
}

/** `POST /api/v1/keys/register`: keys that this version of the Worker holds and nobody knew are published from now on, as next. */
export async function registerKeys(exchange: Exchange): Promise<Response> {
  const { operator, body } = await operatorOnly(exchange);
  const read = await readJson(exchange, body, "nothing");
  return read.ok ? await change(exchange, operator, { action: "register" }) : problemsAnswer(exchange.audit, read.problems);
}

/** `POST /api/v1/keys/{signing|token}/{number}/{promote|retire|drop}`: the next step of one key, guarded by what still depends on it. */
export async function changeKey(exchange: Exchange, action: KeyAction, parameters: Readonly<Record<string, string>>): Promise<Response> {
  const { operator, body } = await operatorOnly(exchange);
  const { kind = "", number = "" } = parameters;
  if (!isKind(kind) || !/^[1-9][0-9]{0,4}$/.test(number)) throw new Rejection("key_unknown");
  const key = { kind, number: Number(number) };
  if (action !== "drop") {
    const read = await readJson(exchange, body, "nothing");
    return read.ok ? await change(exchange, operator, { action, ...key }) : problemsAnswer(exchange.audit, read.problems);
  }
  const read = await readJson(exchange, body, "keyDrop");
  return read.ok ? await change(exchange, operator, { action, ...key, force: read.value.force }) : problemsAnswer(exchange.audit, read.problems);
}

async function change({ service, tenant, audit }: Exchange, operator: string, act: KeyAct): Promise<Response> {
  const deployed = deployedKeys(service.config, tenant.issuer);
  audit.note({ key: act.action === "register" ? "register" : `${act.action} ${act.kind} ${act.number}` });
  const changed = await service.tenants.changeKeys(tenant.issuer, { operator, deployed, act });
  if (!changed.ok) throw new Rejection(changed.reason);
  service.directory.forget(tenant.issuer);
  audit.write({ status: 200, issued: `version ${changed.version}` });
  return json(listOf(changed, deployed));
}

/** What is said of the keys: nothing that is private, and the times of what may be done next. */
function listOf({ version, roles, lifetimes }: KeysNow, deployed: DeployedKeys) {
  const signing = roles.signing.map((key) => ({
    ...{ kind: "signing", number: key.number, keyId: key.keyId, algorithm: key.algorithm, role: key.role, since: key.since },
    ...{ promotableFrom: promotableFrom(key), retirableFrom: retirableFrom(key, lifetimes.signing) },
    deployed: deployed.signing.some(({ number, keyId }) => number === key.number && keyId === key.keyId),
  }));
  const token = roles.token.map((key) => ({
    ...{ kind: "token", number: key.number, role: key.role, since: key.since },
    ...{ promotableFrom: promotableFrom(key), retirableFrom: retirableFrom(key, lifetimes.token) },
    deployed: deployed.token.includes(key.number),
  }));
  const unregistered = [
    ...deployed.signing
      .filter(({ number }) => !roles.signing.some((key) => key.number === number))
      .map(({ number, keyId, algorithm }) => ({ kind: "signing", number, keyId, algorithm })),
    ...deployed.token.filter((number) => !roles.token.some((key) => key.number === number)).map((number) => ({ kind: "token", number })),
  ];
  return { version, keys: [...signing, ...token], unregistered };
}

function isKind(text: string): text is KeyKind {
  return text === "signing" || text === "token";
}
