import { Rejection } from "../../protocol/rejection.ts";
import type { Exchange } from "../../service.ts";
import type { Trace } from "../../storage/family/status-ask.ts";
import type { FamilyId, Root } from "../../storage/lineage.ts";
import { configurationDeath, inspect, isDead } from "../../tokens/inspect.ts";
import { permissionDeath } from "../../tokens/permission-cutoff.ts";
import { isUnreadable, readToken } from "../../tokens/read.ts";
import type { VerifiedToken } from "../../tokens/token.ts";
import { json } from "../response.ts";
import { problemsAnswer, readJson } from "./body.ts";
import { operatorOnly } from "./operator-only.ts";

/** `GET /api/v1/families/{id}`: the tree of a family: who exchanged what for whom, when, at which depth, alive or why not. Operators only. */
export async function readFamily(exchange: Exchange, id: FamilyId): Promise<Response> {
  await operatorOnly(exchange);
  const trace = await traceOf(exchange, id);
  exchange.audit.write({ status: 200, issued: "trace" });
  return json(await familyOf(exchange, id, trace));
}

/** `POST /api/v1/families/lookup`: which family a token belongs to, also an expired one, and whether it is alive. Operators only. */
export async function lookUpFamily(exchange: Exchange): Promise<Response> {
  const { body } = await operatorOnly(exchange);
  const asked = await readJson(exchange, body, "familyLookup");
  if (!asked.ok) return problemsAnswer(exchange.audit, asked.problems);
  // As of 1970 nothing has expired: what is looked for is whose it is.
  const token = await readToken(exchange.ring, asked.value.token, 0);
  if (isUnreadable(token)) throw new Rejection("token_unknown", { note: token.reason });
  const family = token.format === "jwt" ? token.lineage.family : token.token.family;
  exchange.audit.note({ family });
  const trace = await exchange.service.families.trace(family);
  const tree = trace.ok ? { trace: await familyOf(exchange, family, trace) } : {};
  const found = { family, token: await placeOf(exchange, token, trace.ok ? trace : undefined), ...tree };
  exchange.audit.write({ status: 200, issued: "trace" });
  return json(found);
}

/** `POST /api/v1/families/{id}/revoke`: kills a node with all that was exchanged from it, or the whole family. Operators only. */
export async function revokeFamily(exchange: Exchange, id: FamilyId): Promise<Response> {
  const { service, tenant, audit } = exchange;
  const { body } = await operatorOnly(exchange);
  const asked = await readJson(exchange, body, "familyRevocation");
  if (!asked.ok) return problemsAnswer(audit, asked.problems);
  const { node } = asked.value;
  const trace = await traceOf(exchange, id);
  if (node !== undefined && !trace.nodes.some((grant) => grant.id === node || grant.leaves.some((leaf) => leaf.id === node))) throw new Rejection("node_unknown");
  // The family stays open as long as anything in it could live: there is nothing to keep it open for.
  await service.families.revoke(id, node === undefined ? { kind: "family" } : { kind: "node", node, tenant: tenant.issuer, expires: 0, lazy: false });
  service.statuses.forget(id);
  audit.write({ status: 200, issued: "revocation", ...(node === undefined ? {} : { node }) });
  return json(await familyOf(exchange, id, await traceOf(exchange, id)));
}

// Another tenant's family is none.
async function traceOf({ service, tenant, audit }: Exchange, id: FamilyId): Promise<Trace> {
  const trace = /^[0-9a-f]{64}$/.test(id) ? await service.families.trace(id) : undefined;
  if (trace === undefined || !trace.ok || trace.tenant !== tenant.issuer) throw new Rejection("family_unknown");
  audit.note({ family: id });
  return trace;
}

async function familyOf(exchange: Exchange, family: FamilyId, { ok: _ok, tenant: _tenant, principal, nodes, ...trace }: Trace) {
  const root: Root = { kind: trace.kind, time: trace.root, lazy: false, ...(principal === undefined ? {} : { idp: principal.idp }) };
  // Oldest first, and nothing before what it came from.
  const sorted = nodes.toSorted((a, b) => a.issued - b.issued || a.path.length - b.path.length);
  return {
    family,
    ...trace,
    ...(principal === undefined ? {} : { principal: { sub: principal.sub, idp: principal.idp, loginName: principal.loginName } }),
    nodes: await Promise.all(sorted.map((node) => withConfiguration(exchange, root, node))),
  };
}

// The family knows what became of it; what the configuration ended is known here.
async function withConfiguration(exchange: Exchange, root: Root, node: Trace["nodes"][number]) {
  const issue = async () => ({ audience: node.audience, issuedAt: node.issued });
  const dead = node.dead ?? (await configurationDeath(exchange, node.client, root)) ?? (await permissionDeath(exchange, node.client, root, issue));
  return dead === undefined ? node : { ...node, dead };
}

async function placeOf(exchange: Exchange, token: VerifiedToken, trace: Trace | undefined) {
  const isExpired = token.format === "jwt" && token.expires <= exchange.service.now();
  const facts = isExpired ? { kind: "dead" as const, reason: "expired" } : await inspect(exchange, token, { consistency: "strong" });
  const { format, kind } = token;
  const state = isDead(facts) ? { alive: false, dead: facts.reason } : { alive: true };
  if (token.format === "jwt") return { kind, format, client: token.client, grant: token.lineage.path.at(-1) ?? token.lineage.node, node: token.lineage.node, ...state };
  const { node, parent } = token.token;
  // What a refresh gave in opaque form stands below its grant, everything else in the row of its grant.
  const grant = trace?.nodes.find(({ id }) => id === node) ?? trace?.nodes.find(({ id }) => id === parent);
  const known = grant === undefined ? {} : { client: grant.client };
  return { kind, format, ...known, grant: grant?.id ?? node, ...(isDead(facts) || kind === "refresh_token" ? {} : { node: facts.lineage.node }), ...state };
}
