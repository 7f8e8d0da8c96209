import { isRefusal, type Permit, permit, type Subject } from "../../policy.ts";
import { equalInConstantTime } from "../../protocol/bytes.ts";
import { mayRefreshWith } from "../../protocol/confirmation.ts";
import { type Principal, subjectIdentifierOf } from "../../tenants/principal.ts";
import type { Refused } from "../families.ts";
import type { NodeId, Origin } from "../lineage.ts";
import type { Extend, Extended } from "./exchange-ask.ts";
import { deathOf, recordDeath } from "./liveness.ts";
import { GRACE_SECONDS, keepUntil, recordLeaves } from "./opening.ts";
import type { Leaf, TokenRecord } from "./record.ts";
import { type Chain, type FamilyRow, type FamilyRows, type NodeRow, ROOT, rootOf } from "./rows.ts";

const BRANCHES_LIMIT = 4;

/** The subject as the family knows it: where it hangs, and what policy looks at. */
interface Found {
  readonly facts: Subject;
  readonly path: readonly NodeId[];
  readonly node: NodeId;
  readonly sid: NodeId | undefined;
  readonly branches: readonly Origin[];
  /** See TokenRecord. */
  readonly root: number | undefined;
}

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

function decide(rows: FamilyRows, now: number, found: Found, ask: Extend): Extended | Refused {
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

function findSubject(rows: FamilyRows, now: number, ask: Extend): Found | Refused {
  const { subject } = ask;
  if (subject.kind === "jwt") {
    const { facts, path, node, sid, branches, root } = subject;
    const death = deathOf(rows, now, { nodes: [...path, node], lazy: root.lazy, began: root.time, ...(sid === undefined ? {} : { sid }) });
    return death === undefined
      ? { facts: { ...facts, grantExpires: grantExpiry(rows, path, ask) ?? facts.expires }, path, node, sid, branches, root: root.kind === "external" ? root.time : undefined }
      : dead(death);
  }
  const family = rows.family();
  if (subject.kind === "session") return family === undefined ? dead("family_unknown") : sessionSubject(rows, now, family, subject.session, ask.request.requester.id);
  const row = rows.node(subject.parent, subject.node);
  if (family === undefined || row === undefined) return dead(family === undefined ? "family_unknown" : "record_unknown");
  return subject.kind === "opaque" ? opaqueSubject(rows, now, family, row, { ask, hash: subject.hash }) : refreshSubject(rows, now, family, row, ask);
}

function opaqueSubject(rows: FamilyRows, now: number, family: FamilyRow, row: NodeRow, { ask, hash }: { readonly ask: Extend; readonly hash: string }): Found | Refused {
  const leaf = row.leaves.find((candidate) => candidate.hash !== undefined && equalInConstantTime(candidate.hash, hash));
  if (leaf === undefined || row.sso !== undefined) return dead("record_unknown");
  const { record } = row;
  const death = recordDeath(rows, now, record, leaf.id);
  if (death !== undefined) return dead(death);
  const facts = factsOf(family, record, {
    kind: "access_token",
    expires: leaf.expires,
    grantExpires: grantExpiry(rows, record.path, ask) ?? leaf.expires,
    ancestors: record.path.length,
  });
  return { facts, path: record.path, node: leaf.id, sid: record.sid, branches: record.branches ?? [], root: record.root };
}

// The last assertion that the application was given in this session stands for the session, as long as that lives.
function sessionSubject(rows: FamilyRows, now: number, family: FamilyRow, id: NodeId, client: string): Found | Refused {
  const row = rows.nodesOf(client).findLast(({ record, leaves }) => record.sid === id && leaves.some(({ type }) => type === "saml2"));
  const session = rows.session(id);
  if (row === undefined || session === undefined) return dead("record_unknown");
  const { record } = row;
  const death = recordDeath(rows, now, record);
  if (death !== undefined) return dead(death);
  const path = record.path.slice(0, -1);
  const { expires } = session;
  return {
    facts: factsOf(family, record, { kind: "access_token", expires, grantExpires: expires, ancestors: path.length }),
    path,
    node: row.id,
    sid: id,
    branches: record.branches ?? [],
    root: row.record.root,
  };
}

// A refresh token of the current generation, or of the one before within the window, is accepted and not consumed.
function refreshSubject(rows: FamilyRows, now: number, family: FamilyRow, row: NodeRow, { subject, request }: Extend): Found | Refused {
  const { record, chain } = row;
  if (subject.kind !== "refresh" || chain === undefined || row.client !== request.requester.id || subject.generation > chain.generation) return dead("record_unknown");
  const death = recordDeath(rows, now, record);
  if (death !== undefined) return dead(death);
  // Whoever lacks the key changes nothing: neither the grant nor the window ends by them.
  const { requester, proven } = request;
  if (!mayRefreshWith(record.cnf, proven, requester.isPublic)) return { ok: false, reason: "subject_unproven" };
  const isCurrent = subject.generation === chain.generation;
  if (isCurrent && !equalInConstantTime(subject.hash, chain.hash)) return dead("record_unknown");
  const inWindow = chain.rotated !== undefined && now - chain.rotated < subject.window;
  if (!isCurrent && !(subject.generation === chain.generation - 1 && inWindow)) {
    rows.revoke(row.id, now);
    return dead("reused");
  }
  // Whoever uses the successor has got it: the window for its predecessor is over.
  if (isCurrent && inWindow) rows.renewNode({ ...row, chain: withoutWindow(chain) });
  const path = record.path.slice(0, -1);
  return {
    facts: factsOf(family, record, { kind: "refresh_token", expires: chain.expires, grantExpires: chain.expires, ancestors: path.length }),
    path,
    node: row.id,
    sid: record.sid,
    branches: record.branches ?? [],
    root: record.root,
  };
}

function factsOf(family: FamilyRow, record: TokenRecord, own: Pick<Subject, "kind" | "expires" | "grantExpires" | "ancestors">): Subject {
  return {
    ...own,
    client: record.client,
    audience: record.audience,
    scope: record.scope,
    principal: family.principal?.sub ?? record.client,
    isUser: family.principal !== undefined,
    hops: record.hops,
    deadline: record.deadline,
    authTime: record.authTime ?? family.root,
    ...(record.act === undefined ? {} : { act: record.act }),
    ...(record.mayAct === undefined ? {} : { mayAct: record.mayAct }),
    ...(record.cnf === undefined ? {} : { cnf: record.cnf }),
  };
}

// The absolute end of the grant that a leaf hangs under: of its refresh chain, or of what it gave. It bounds a refresh
// token alone, so it is looked up only for one.
function grantExpiry(rows: FamilyRows, path: readonly NodeId[], { chain }: Extend): number | undefined {
  const grant = chain === undefined ? undefined : path.at(-1);
  const row = grant === undefined ? undefined : rows.node(path.at(-2) ?? ROOT, grant);
  return row === undefined ? undefined : (row.chain?.expires ?? row.expires);
}

// Groups and attributes are those of the newest token that was presented: what the IdP has taken away is gone with it.
function currentPrincipal(rows: FamilyRows, { subject }: Extend): Principal | undefined {
  const family = rows.family();
  const says = subject.kind === "jwt" ? subject.says : undefined;
  if (family === undefined || says?.asOf === undefined || says.asOf <= (family.principal?.asOf ?? 0)) return family?.principal;
  rows.putFamily({ ...family, principal: says });
  return says;
}

function openLazyRoot(rows: FamilyRows, { grant, tenant, subject }: Extend, { facts }: Found): void {
  if (rows.family() !== undefined || subject.kind !== "jwt") return;
  rows.putFamily({ op: grant, tenant, kind: subject.root.kind, root: subject.root.time, closes: facts.expires + GRACE_SECONDS });
}

interface Recording {
  readonly found: Found;
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
function repeated(rows: FamilyRows, row: NodeRow, { facts }: Found, ask: Extend): Extended | Refused {
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

function withoutWindow({ rotated: _rotated, ...chain }: Chain): Chain {
  return chain;
}

function dead(note: string): Refused {
  return { ok: false, reason: "subject_dead", note };
}
