import * as z from "zod/mini";
import { isClientId } from "../../clients/index.ts";
import { readQuery } from "../../protocol/form.ts";
import { Rejection } from "../../protocol/rejection.ts";
import type { Exchange } from "../../service.ts";
import type { Party, PermissionAct } from "../../storage/tenant-store.ts";
import { PermissionDenial, PermissionGrant, PermissionRequest, PermissionStatus, PermissionWithdrawal } from "../../tenants/permission.ts";
import { json } from "../response.ts";
import { problemsAnswer, type ReadJson, readJson } from "./body.ts";
import { partyRequest } from "./party.ts";

/** What the owner of a target, or an operator, decides about a permission. */
export type Decision = Exclude<PermissionAct["action"], "request">;

/** `GET /api/v1/permissions`: by consumer, provider and status; to a client, those that it is a party of. */
export async function listPermissions(exchange: Exchange): Promise<Response> {
  const { by } = await partyRequest(exchange);
  const query = readQuery(exchange.request.url);
  const [consumer, provider, status] = ["consumer", "provider", "status"].map((name) => query.get(name));
  const asked = z.safeParse(z.optional(PermissionStatus), status);
  if (!asked.success) throw new Rejection("invalid_parameter", { parameter: "status" });
  const list = await exchange.service.tenants.permissions(exchange.tenant.issuer, {
    by,
    ...(consumer === undefined ? {} : { consumer }),
    ...(provider === undefined ? {} : { provider }),
    ...(asked.data === undefined ? {} : { status: asked.data }),
  });
  exchange.audit.write({ status: 200, issued: "list" });
  return json(list);
}

/** `POST /api/v1/permissions`: a consumer asks for a permission, or an operator does so in its name. */
export async function requestPermission(exchange: Exchange): Promise<Response> {
  const { by, body } = await partyRequest(exchange);
  const asked = readJson(exchange.request, body, PermissionRequest);
  if (!asked.ok) return problemsAnswer(exchange.audit, asked.problems);
  const { consumer, provider, name, ...contents } = asked.value;
  return await change(exchange, by, { consumer, provider }, { action: "request", name, contents });
}

/** `POST /api/v1/permissions/{consumer}/{provider}/{grant|deny|withdraw}`: the provider's owner or an operator decides. */
export async function decidePermission(exchange: Exchange, decision: Decision, parameters: Readonly<Record<string, string>>): Promise<Response> {
  const { by, body } = await partyRequest(exchange);
  const { consumer = "", provider = "" } = parameters;
  if (!isClientId(consumer) || !isClientId(provider)) throw new Rejection("permission_unknown");
  const act = ACTS[decision](exchange.request, body);
  if (!act.ok) return problemsAnswer(exchange.audit, act.problems);
  return await change(exchange, by, { consumer, provider }, act.value);
}

const ACTS: Readonly<Record<Decision, (request: Request, body: Uint8Array) => ReadJson<PermissionAct>>> = {
  grant: reader(PermissionGrant, (contents) => ({ action: "grant", contents })),
  deny: reader(PermissionDenial, () => ({ action: "deny" })),
  withdraw: reader(PermissionWithdrawal, ({ cut_off }) => ({ action: "withdraw", cutOff: cut_off })),
};

function reader<T extends z.ZodMiniType>(schema: T, actOf: (value: z.output<T>) => PermissionAct) {
  return (request: Request, body: Uint8Array): ReadJson<PermissionAct> => {
    const read = readJson(request, body, schema);
    return read.ok ? { ok: true, value: actOf(read.value) } : read;
  };
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
