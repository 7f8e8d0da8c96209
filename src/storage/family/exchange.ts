import { isRefusal, type Permit, permit, type Subject } from "../../policy.ts";
import { type Principal, subjectIdentifierOf } from "../../tenants/principal.ts";
import type { Refused } from "../families.ts";
import type { Origin } from "../lineage.ts";
import type { Extend, Extended } from "./exchange-ask.ts";
import { GRACE_SECONDS, keepUntil, recordLeaves } from "./opening.ts";
import type { Leaf, TokenRecord } from "./record.ts";
import { type Chain, type FamilyRows, type NodeRow, rootOf } from "./rows.ts";
import { type FoundSubject, findSubject } from "./subject.ts";

const BRANCHES_LIMIT = 4;

/**
 * One exchange in one turn: the subject is alive, policy permits, there is budget; then the child is recorded. An actor's
 * family is not asked here: no object ever waits for another inside its turn.
 */
export function extend(rows: FamilyRows, now: number, ask: Extend): Extended | Refused {
  const found = findSubject(rows, now, ask);
  if ("ok" in found) return found;
  const extended = decide(rows, now, found, ask);
  if (extended.ok) return extended;
  // What was permitted when it was asked for the first time may have expired or filled the budget since.
  const known = rows.node(found.node, ask.grant);
  return known === undefined ? extended : repeated(rows, known, found, ask);
}

function decide(rows: FamilyRows, now: number, found: FoundSubject, ask: Extend): Extended | Refused {
  const permitted = permit(ask.request, found.facts, now);
  if (isRefusal(permitted)) return { ok: false, reason: permitted.refused };
  if (rows.exchanges(found.node, ask.budget) >= ask.budget) return { ok: false, reason: "subject_budget" };
  const branches = [...found.branches, ...(ask.actor === undefined ? [] : [ask.actor])];
  if (branches.length > BRANCHES_LIMIT) return { ok: false, reason: "actor_too_many" };
  const principal = currentPrincipal(rows, ask);
  const subject = principal === undefined ? undefined : subjectIdentifierOf(principal, ask.identifier);
  if (principal !== undefined && subject === undefined) return { ok: false, reason: "subject_identifier" };
  openLazyRoot(rows, ask, found);
  return record(rows, now, { found, ask, permitted, branches, subject: ask.identifier === "userUuid" ? undefined : subject });
}

// Groups and attributes are those of the newest token that was presented: what the IdP has taken away is gone with it.
function currentPrincipal(rows: FamilyRows, { subject }: Extend): Principal | undefined {
  const family = rows.family();
  const says = subject.kind === "jwt" ? subject.says : undefined;
  if (family === undefined || says?.asOf === undefined || says.asOf <= (family.principal?.asOf ?? 0)) return family?.principal;
  rows.putFamily({ ...family, principal: says });
  return says;
}

function openLazyRoot(rows: FamilyRows, { grant, tenant, subject }: Extend, { facts }: FoundSubject): void {
  if (rows.family() !== undefined || subject.kind !== "jwt") return;
  rows.putFamily({ op: grant, tenant, kind: subject.root.kind, root: subject.root.time, closes: facts.expires + GRACE_SECONDS });
}

interface Recording {
  readonly found: FoundSubject;
  readonly ask: Extend;
  readonly permitted: Permit;
  readonly branches: readonly Origin[];
  readonly subject: string | undefined;
}

function record(rows: FamilyRows, now: number, { found, ask, permitted, branches, subject }: Recording): Extended | Refused {
  const { request, chain: newChain } = ask;
  const isIdTokenOnly = request.requested === "id_token";
  const leaves = recordLeaves([...(isIdTokenOnly ? [] : [ask.accessToken]), ...(permitted.givesIdToken ? [ask.idToken] : [])], now, permitted.latest);
  const chain: Chain | undefined =
    newChain === undefined || permitted.refreshExpires === undefined
      ? undefined
      : { generation: 0, hash: newChain.hash, keyNumber: newChain.keyNumber, expires: Math.min(permitted.refreshExpires, now + newChain.lifetime) };
  const tokenRecord: TokenRecord = {
    client: request.requester.id,
    audience: permitted.audience,
    scope: permitted.scope,
    path: [...found.path, found.node, ask.grant],
    hops: permitted.hops,
    deadline: permitted.deadline,
    authTime: found.facts.authTime,
    ...(permitted.isCoupled && found.sid !== undefined ? { sid: found.sid } : {}),
    ...(found.root === undefined ? {} : { root: found.root }),
    ...(subject === undefined ? {} : { subject }),
    ...(permitted.act === undefined ? {} : { act: permitted.act }),
    ...(request.proven === undefined ? {} : { cnf: request.proven }),
    ...(branches.length === 0 ? {} : { branches }),
    ...(ask.apis.length === 0 ? {} : { apis: ask.apis }),
    ...(ask.format === undefined ? {} : { format: ask.format }),
  };
  const expires = Math.max(chain?.expires ?? 0, ...leaves.map((leaf: Leaf) => leaf.expires));
  const row: NodeRow = {
    parent: found.node,
    id: ask.grant,
    client: request.requester.id,
    issued: now,
    expires,
    record: tokenRecord,
    leaves,
    ...(chain === undefined ? {} : { chain }),
    ...(ask.sso === undefined ? {} : { sso: ask.sso }),
  };
  const standing = rows.addNode(row);
  if (standing !== row) return repeated(rows, standing, found, ask);
  // A token of another issuer has no row of its own: what was revoked of it is kept while it could be presented again.
  keepUntil(rows, found.path.length === 0 && found.root !== undefined ? Math.max(expires, found.facts.expires) : expires);
  return answerOf(rows, row, permitted, { facts: found.facts, ask });
}

// The answer was lost after the commit and the caller asks again: it gets what it would have got, and is counted once.
function repeated(rows: FamilyRows, row: NodeRow, { facts }: FoundSubject, ask: Extend): Extended | Refused {
  const permitted = permit(ask.request, facts, row.issued);
  return isRefusal(permitted) ? { ok: false, reason: permitted.refused } : answerOf(rows, row, permitted, { facts, ask });
}

function answerOf(rows: FamilyRows, row: NodeRow, { givesIdToken, isCoupled }: Permit, { facts, ask }: { readonly facts: Subject; readonly ask: Extend }): Extended {
  const family = rows.family();
  if (family === undefined) throw new Error("an exchange was recorded in no family");
  return {
    ok: true,
    now: row.issued,
    root: rootOf(family, row.record),
    record: row.record,
    leaves: row.leaves,
    permit: { givesIdToken, isCoupled },
    subjectClient: facts.client,
    exchanges: rows.exchanges(row.parent, ask.budget),
    ...(family.principal === undefined ? {} : { principal: family.principal }),
    ...(row.chain === undefined ? {} : { chain: row.chain }),
  };
}
