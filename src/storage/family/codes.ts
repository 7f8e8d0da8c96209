import { equalInConstantTime } from "../../protocol/bytes.ts";
import { SCOPE } from "../../protocol/names.ts";
import { intersect } from "../../protocol/scope.ts";
import { subjectIdentifierOf } from "../../tenants/principal.ts";
import type { Refused } from "../families.ts";
import { deathOf, familyDeath, isLive } from "./liveness.ts";
import type { Redeem } from "./login-ask.ts";
import { keepUntil, recordLeaves } from "./opening.ts";
import type { Granted, TokenRecord } from "./record.ts";
import { type CodeRow, type FamilyRow, type FamilyRows, type NodeRow, ROOT, rootOf, type SessionRow } from "./rows.ts";

/**
 * Redeems a code once. Presented by the wrong client, with the wrong redirect URI or verifier, it is refused and nothing
 * changes. Presented rightly a second time, it is refused and the first grant is revoked (RFC 6749 §4.1.2).
 */
export function redeem(rows: FamilyRows, now: number, ask: Redeem): Granted | Refused {
  const family = rows.family();
  const code = rows.code(ask.code);
  if (family === undefined || code === undefined || !equalInConstantTime(code.hash, ask.hash)) return { ok: false, reason: "code_unknown" };
  if (code.client !== ask.client) return { ok: false, reason: "code_client_differs" };
  if (code.redirectUri !== ask.redirectUri) return { ok: false, reason: "code_redirect_differs" };
  if (!equalInConstantTime(code.challenge, ask.challenge)) return { ok: false, reason: "code_verifier_wrong" };
  if (code.jkt !== undefined && code.jkt !== ask.proven?.jkt) return { ok: false, reason: "code_verifier_wrong", note: "dpop_jkt" };
  if (code.grant === ask.grant) return repeated(rows, family, code, ask.grant);
  if (code.grant !== undefined) {
    rows.revoke(code.grant, now);
    return { ok: false, reason: "code_replayed" };
  }
  if (now >= code.expires) return { ok: false, reason: "code_expired" };
  const session = rows.session(code.session);
  if (familyDeath(family, now) !== undefined || session === undefined || !isLive(session, now)) return { ok: false, reason: "code_family_dead" };
  if (deathOf(rows, now, { nodes: session.limits?.path ?? [] }) !== undefined) return { ok: false, reason: "code_family_dead" };
  const subject = family.principal === undefined ? undefined : subjectIdentifierOf(family.principal, ask.identifier);
  if (subject === undefined) return { ok: false, reason: "subject_identifier" };
  return grant(rows, now, { family, code, session, ask, subject: ask.identifier === "userUuid" ? undefined : subject });
}

interface Redemption {
  readonly family: FamilyRow;
  readonly code: CodeRow;
  readonly session: SessionRow;
  readonly ask: Redeem;
  readonly subject: string | undefined;
}

function grant(rows: FamilyRows, now: number, { family, code, session, ask, subject }: Redemption): Granted | Refused {
  const { limits } = session;
  const deadline = Math.min(session.authTime + ask.exchangePeriod, limits?.deadline ?? Number.POSITIVE_INFINITY);
  const above = limits?.path ?? [];
  const scope = limits === undefined ? code.scope : intersect(code.scope, limits.scope);
  // What an SSO token does not allow does not take its session's place either.
  const coupled = code.coupled || (limits !== undefined && !scope.includes(SCOPE.offlineAccess));
  const latest = coupled ? Math.min(deadline, session.expires) : deadline;
  // Nothing could be issued that is not dead at its birth; the code is left for a request that asks for more.
  if (latest <= now) return { ok: false, reason: "code_deadline" };
  const record: TokenRecord = {
    client: code.client,
    audience: [code.client],
    scope,
    path: [...above, ask.grant],
    hops: limits?.hops ?? 0,
    deadline,
    authTime: session.authTime,
    ...(coupled ? { sid: session.id } : {}),
    ...(subject === undefined ? {} : { subject }),
    ...(ask.mayAct === undefined ? {} : { mayAct: ask.mayAct }),
    ...(ask.proven === undefined ? {} : { cnf: ask.proven }),
    ...(ask.format === undefined ? {} : { format: ask.format }),
  };
  const leaves = recordLeaves(ask.leaves, now, latest);
  const chain = ask.chain === undefined ? undefined : { generation: 0, hash: ask.chain.hash, keyNumber: ask.chain.keyNumber, expires: Math.min(now + ask.chain.lifetime, latest) };
  const expires = Math.max(now, chain?.expires ?? 0, ...leaves.map((leaf) => leaf.expires));
  if (chain !== undefined) makeRoom(rows, now, code, ask.parallel);
  const row: NodeRow = { parent: above.at(-1) ?? ROOT, id: ask.grant, client: code.client, issued: now, expires, record, leaves, ...(chain === undefined ? {} : { chain }) };
  rows.putNode(row);
  rows.addLeaves(leaves);
  rows.putCode({ ...code, grant: ask.grant });
  keepUntil(rows, expires);
  return granted(family, code, row);
}

// SAP's "maximum sessions per user": the oldest grants of this client in this session leave.
function makeRoom(rows: FamilyRows, now: number, code: CodeRow, parallel = Number.POSITIVE_INFINITY): void {
  if (parallel === Number.POSITIVE_INFINITY) return;
  const others = rows.nodesOf(code.client).filter((row) => row.parent === ROOT && row.chain !== undefined && row.chain.expires > now && !rows.anyRevoked([row.id]));
  for (const row of others.slice(0, Math.max(0, others.length - parallel + 1))) rows.revoke(row.id, now);
}

// The answer was lost after the commit and the caller asks again: it gets what it would have got.
function repeated(rows: FamilyRows, family: FamilyRow, code: CodeRow, id: string): Granted | Refused {
  const row = rows.node(rows.session(code.session)?.limits?.path.at(-1) ?? ROOT, id);
  return row === undefined ? { ok: false, reason: "code_unknown" } : granted(family, code, row);
}

function granted(family: FamilyRow, code: CodeRow, row: NodeRow): Granted {
  return {
    ok: true,
    now: row.issued,
    root: rootOf(family),
    record: row.record,
    leaves: row.leaves,
    ...(family.principal === undefined ? {} : { principal: family.principal }),
    ...(row.chain === undefined ? {} : { chain: row.chain }),
    ...(code.nonce === undefined ? {} : { nonce: code.nonce }),
  };
}
