import type { Subject } from "../../policy.ts";
import { equalInConstantTime } from "../../protocol/bytes.ts";
import { mayRefreshWith } from "../../protocol/confirmation.ts";
import type { Refused } from "../families.ts";
import type { NodeId, Origin } from "../lineage.ts";
import type { Extend } from "./exchange-ask.ts";
import { deathOf, recordDeath } from "./liveness.ts";
import type { TokenRecord } from "./record.ts";
import { type Chain, type FamilyRow, type FamilyRows, type NodeRow, ROOT } from "./rows.ts";

/** The subject as the family knows it: where it hangs, and what policy looks at. */
export interface FoundSubject {
  readonly facts: Subject;
  readonly path: readonly NodeId[];
  readonly node: NodeId;
  readonly sid: NodeId | undefined;
  readonly branches: readonly Origin[];
  /** See TokenRecord. */
  readonly root: number | undefined;
}

/** Finds the subject of an exchange alive; refuses what is dead or not on record. */
export function findSubject(rows: FamilyRows, now: number, ask: Extend): FoundSubject | Refused {
  const { subject } = ask;
  if (subject.kind === "jwt") {
    const { facts, path, node, sid, branches, root } = subject;
    const death = deathOf(rows, now, { nodes: [...path, node], lazy: root.lazy, began: root.time, sid });
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

function opaqueSubject(rows: FamilyRows, now: number, family: FamilyRow, row: NodeRow, { ask, hash }: { readonly ask: Extend; readonly hash: string }): FoundSubject | Refused {
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
function sessionSubject(rows: FamilyRows, now: number, family: FamilyRow, id: NodeId, client: string): FoundSubject | Refused {
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
function refreshSubject(rows: FamilyRows, now: number, family: FamilyRow, row: NodeRow, { subject, request }: Extend): FoundSubject | Refused {
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

function withoutWindow({ rotated: _rotated, ...chain }: Chain): Chain {
  return chain;
}

function dead(note: string): Refused {
  return { ok: false, reason: "subject_dead", note };
}
