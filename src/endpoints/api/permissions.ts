import { isClientId } from "../../clients/index.ts";
import { readQuery } from "../../protocol/form.ts";
import { Rejection } from "../../protocol/rejection.ts";
import type { Exchange } from "../../service.ts";
import type { Party, PermissionAct } from "../../storage/tenant-store.ts";
import type { AskName, Asks } from "../../tenants/asks.ts";
import { PERMISSION_STATUSES, type PermissionStatus } from "../../tenants/permission-status.ts";
import type { Read } from "../../tenants/schema-reader.ts";
import { json } from "../response.ts";
import { problemsAnswer, readJson } from "./body.ts";
import { partyRequest } from "./party.ts";

/** What the owner of a target, or an operator, decides about a permission. */
export type Decision = Exclude<PermissionAct["action"], "request">;

/** `GET /api/v1/permissions`: by consumer, provider and status; to a client, those that it is a party of. */
export async function listPermissions(exchange: Exchange): Promise<Response> {
  const { by } = await partyRequest(exchange);
  const query = readQuery(exchange.request.url);
  const [consumer, provider, status] = ["consumer", "provider", "status"].map((name) => query.get(name));
  if (status !== undefined && !isStatus(status)) throw new Rejection("invalid_parameter", { parameter: "status" });
  const list = await exchange.service.tenants.permissions(exchange.tenant.issuer, {
    by,
    ...(consumer === undefined ? {} : { consumer }),
    ...(provider === undefined ? {} : { provider }),
    ...(status === undefined ? {} : { status }),
  });
  exchange.audit.write({ status: 200, issued: "list" });
  return json(list);
}

/** `POST /api/v1/permissions`: a consumer asks for a permission, or an operator does so in its name. */
export async function requestPermission(exchange: Exchange): Promise<Response> {
  const { by, body } = await partyRequest(exchange);
  const asked = await readJson(exchange, body, "permissionRequest");
  if (!asked.ok) return problemsAnswer(exchange.audit, asked.problems);
  const { consumer, provider, name, ...contents } = asked.value;
  return await change(exchange, by, { consumer, provider }, { action: "request", name, contents });
}

/** `POST /api/v1/permissions/{consumer}/{provider}/{grant|deny|withdraw}`: the provider's owner or an operator decides. */
export async function decidePermission(exchange: Exchange, decision: Decision, parameters: Readonly<Record<string, string>>): Promise<Response> {
  const { by, body } = await partyRequest(exchange);
  const { consumer = "", provider = "" } = parameters;
  if (!isClientId(consumer) || !isClientId(provider)) throw new Rejection("permission_unknown");
  const act = await ACTS[decision](exchange, body);
  if (!act.ok) return problemsAnswer(exchange.audit, act.problems);
  return await change(exchange, by, { consumer, provider }, act.value);
}

const ACTS: Readonly<Record<Decision, (exchange: Exchange, body: Uint8Array) => Promise<Read<PermissionAct>>>> = {
  grant: reader("permissionGrant", (contents) => ({ action: "grant", contents })),
  deny: reader("permissionDenial", () => ({ action: "deny" })),
  withdraw: reader("permissionWithdrawal", ({ cut_off }) => ({ action: "withdraw", cutOff: cut_off })),
};

function reader<Name extends AskName>(name: Name, actOf: (value: Asks[Name]) => PermissionAct) {
  return async (exchange: Exchange, body: Uint8Array): Promise<Read<PermissionAct>> => {
    const read = await readJson(exchange, body, name);
    return read.ok ? { ok: true, value: actOf(read.value) } : read;
  };
}

function isStatus(text: string): text is PermissionStatus {
  return PERMISSION_STATUSES.some((status) => status === text);
}

async function change(
  { service, tenant, audit }: Exchange,
  by: Party,
  { consumer, provider }: { readonly consumer: string; readonly provider: string },
  act: PermissionAct,
): Promise<Response> {
  audit.note({ permission: `${consumer} ${provider}` });
  const changed = await service.tenants.changePermission(tenant.issuer, { by, consumer, provider, act });
  if (changed.ok) {
    service.directory.forget(tenant.issuer);
    audit.write({ status: 200, issued: changed.permission.status });
    return json(changed.permission);
  }
  if ("problems" in changed) return problemsAnswer(audit, changed.problems);
  throw new Rejection(changed.reason);
}
