import { equalInConstantTime } from "../../protocol/bytes.ts";
import type { Refused } from "../families.ts";
import { recordDeath } from "./liveness.ts";
import type { RedeemedSso, RedeemSso } from "./login-ask.ts";
import { keepUntil } from "./opening.ts";
import { type FamilyRows, rootOf } from "./rows.ts";

const HOP = 1;

/**
 * Redeems an SSO token once, for a session that is no wider than the token: below its node, for its applications, with its
 * scope, deadline and one hop more. Another user's present session is not replaced without a click.
 */
export function redeemSso(rows: FamilyRows, now: number, ask: RedeemSso): RedeemedSso | Refused {
  const family = rows.family();
  const row = rows.node(ask.parent, ask.node);
  const leaf = row?.leaves.find((candidate) => candidate.hash !== undefined && equalInConstantTime(candidate.hash, ask.hash));
  if (family?.principal === undefined || row?.sso === undefined || leaf === undefined) return { ok: false, reason: "sso_dead", note: "record_unknown" };
  const { record, sso } = row;
  const death = recordDeath(rows, now, record, leaf.id);
  if (death !== undefined || now >= leaf.expires) return { ok: false, reason: "sso_dead", note: death ?? "expired" };
  if (!sso.redirectUris.includes(ask.redirectUri)) return { ok: false, reason: "sso_redirect_unknown" };
  if (record.hops + HOP > sso.maxHops) return { ok: false, reason: "subject_depth" };
  const answer = { ok: true, now, principal: family.principal, client: record.client, root: rootOf(family, record) } as const;
  if (row.redeemed !== undefined) return row.redeemed === ask.session.id ? { ...answer, needsClick: false } : { ok: false, reason: "sso_dead", note: "redeemed" };
  if (ask.present !== undefined && ask.present !== family.principal.sub && !ask.isConfirmed) return { ...answer, needsClick: true };
  const { path, hops, deadline, scope, sid } = record;
  const above = sid === undefined ? undefined : rows.session(sid);
  const expires = Math.min(now + ask.session.lifetime, deadline, above?.expires ?? Number.POSITIVE_INFINITY);
  rows.putNode({ ...row, redeemed: ask.session.id });
  rows.putSession({
    id: ask.session.id,
    hash: ask.session.hash,
    created: now,
    expires,
    authTime: record.authTime ?? family.root,
    idp: family.principal.idp,
    limits: { path: [...path, leaf.id], hops: hops + HOP, deadline, applications: sso.applications, scope, ...(sid === undefined ? {} : { sid }) },
  });
  keepUntil(rows, expires);
  return { ...answer, needsClick: false };
}
