import type { ClientRequest } from "../service.ts";
import type { Refused } from "../storage/families.ts";
import { extend } from "../storage/family/exchange.ts";
import type { Extended } from "../storage/family/exchange-ask.ts";
import { memoryRows } from "../storage/family/memory-rows.ts";
import type { StatusQuery } from "../storage/family/status-ask.ts";
import { pathQuestion } from "../tokens/question.ts";
import type { PlannedExchange } from "./exchange.ts";

/**
 * The question that `edge` would be decided by; undefined where the family must be asked: a refresh, opaque or SSO output,
 * a budget that someone has set, an actor, or a stronger setting of anyone involved.
 */
export function edgeQueryOf(request: ClientRequest, { subject, targets, ask, prepared, chain, actor }: PlannedExchange): StatusQuery | undefined {
  const { tenant, client } = request;
  const settings = [tenant.settings.consistency, client.consistency, ...targets.map((target) => target.client.consistency)];
  const isOpaque = subject.format === "opaque" || prepared.accessToken.leaf.hash !== undefined;
  if (isOpaque || chain !== undefined || actor !== undefined || ask.sso !== undefined || hasBudget(request) || settings.includes("strong")) return undefined;
  return subject.lineage.branches.length > 0 ? undefined : pathQuestion(subject.lineage);
}

/** Whether somebody has set a budget for this client: then each exchange counts. */
export function hasBudget({ tenant, client }: ClientRequest): boolean {
  return client.tokenPolicy.exchangeBudget !== undefined || tenant.settings.tokenPolicy.exchangeBudget !== undefined;
}

/**
 * Decides an exchange of a JWT into a JWT by an answer of its family that is a few seconds old at most, by the very rule
 * that the family runs; the family is told after the response. Undefined when there is no such answer, and when the budget
 * is used up as far as is known here.
 */
export function extendAtEdge({ service, tenant, after, audit }: ClientRequest, { family, ask }: PlannedExchange, query: StatusQuery): Extended | Refused | undefined {
  const remembered = service.statuses.recall(family, query);
  const root = remembered?.status.root;
  if (remembered === undefined || root === undefined || ask.subject.kind !== "jwt") return undefined;
  const { principal } = remembered.status;
  const rows = memoryRows();
  rows.putFamily({ op: "", tenant: tenant.issuer, kind: root.kind, root: root.time, closes: Number.MAX_SAFE_INTEGER, ...(principal === undefined ? {} : { principal }) });
  // The session was alive when the family answered, and that answer is what counts here.
  const { sid } = ask.subject;
  if (sid !== undefined) rows.putSession({ id: sid, hash: "", created: 0, expires: Number.MAX_SAFE_INTEGER, authTime: 0, idp: "" });
  const extended = extend(rows, service.now(), ask);
  if (extended.ok) {
    // Whether the budget is used up is the family's to say.
    const { exchanges = ask.budget } = remembered;
    if (exchanges >= ask.budget) return undefined;
    remembered.exchanges = exchanges + 1;
    service.edgeRecords.tell(family, ask, after);
  }
  audit.note({ consistency: "edge" });
  return extended;
}
