import { equalInConstantTime } from "../../protocol/bytes.ts";
import type { Refused } from "../families.ts";
import { FAMILY_LIFE_SECONDS } from "../users.ts";
import { deathOf, familyDeath, isLive } from "./liveness.ts";
import type { NewCode, NewGrant, NewSession, Opened, OpenFamily, SignedOn, SignOn } from "./login-ask.ts";
import type { Leaf, NewLeaf } from "./record.ts";
import { type FamilyRows, ROOT, rootOf } from "./rows.ts";

/** How long after the last expiry a family is kept, so that a late clock never meets an empty object. */
export const GRACE_SECONDS = 120;

/** Opens the family with its session, code or grant. The same operation again answers as the first time. */
export function open(rows: FamilyRows, now: number, ask: OpenFamily): Opened | Refused {
  const known = rows.family();
  // What has expired to the last is as if it had never been; what was revoked is remembered until then.
  const isOver = known !== undefined && ask.until !== undefined && known.kind === ask.kind && familyDeath(known, now, ask.since) === "family_closed";
  const { revoked, closes = now } = known === undefined || now >= known.closes ? {} : known;
  if (known !== undefined && !isOver) {
    if (known.op === ask.op) return { ok: true, now: known.root };
    return { ok: false, reason: known.revoked === undefined ? "unavailable" : "user_cut_off" };
  }
  const leaves = ask.grant === undefined ? [] : recordLeaves(ask.grant.leaves, now);
  const latest = Math.max(now, ...leaves.map((leaf) => leaf.expires), now + (ask.session?.lifetime ?? 0), ask.until ?? now);
  rows.putFamily({
    op: ask.op,
    tenant: ask.tenant,
    kind: ask.kind,
    root: now,
    closes: Math.max(closes, latest + GRACE_SECONDS),
    ...(revoked === undefined ? {} : { revoked }),
    ...(ask.user === undefined ? {} : { user: ask.user }),
    ...(ask.principal === undefined ? {} : { principal: ask.principal }),
  });
  if (ask.session !== undefined) {
    putSession(rows, now, ask.session);
    if (ask.code !== undefined) putCode(rows, now, ask.session.id, ask.code);
  }
  if (ask.grant !== undefined) putGrant(rows, now, ask.grant, leaves);
  return { ok: true, now };
}

/** Lets a browser's session stand for a login, and records a code for it when one is asked for. */
export function signOn(rows: FamilyRows, now: number, ask: SignOn): SignedOn | Refused {
  const family = rows.family();
  const session = rows.session(ask.session);
  const refused: Refused = { ok: false, reason: "login_required" };
  if (family?.principal === undefined || familyDeath(family, now) !== undefined) return refused;
  if (session === undefined || !isLive(session, now) || !equalInConstantTime(session.hash, ask.hash)) return refused;
  if (ask.maxAge !== undefined && now - session.authTime > ask.maxAge) return refused;
  if (ask.idps !== undefined && !ask.idps.includes(session.idp)) return refused;
  if (ask.client !== undefined && session.limits !== undefined && !session.limits.applications.includes(ask.client)) return refused;
  if (deathOf(rows, now, { nodes: session.limits?.path ?? [] }) !== undefined) return refused;
  if (ask.code !== undefined && rows.code(ask.code.id) === undefined) putCode(rows, now, session.id, ask.code);
  return { ok: true, now, root: rootOf(family), principal: family.principal, authTime: session.authTime };
}

/** The leaves of a grant as they are kept: lifetimes become expiries by the object's clock. */
export function recordLeaves(leaves: readonly NewLeaf[], now: number, latest = Number.POSITIVE_INFINITY): readonly Leaf[] {
  return leaves.map(({ id, type, lifetime, hash }) => ({ id, type, issued: now, expires: Math.min(now + lifetime, latest), ...(hash === undefined ? {} : { hash }) }));
}

/** Keeps the family at least until `expires` and the grace after it. */
export function keepUntil(rows: FamilyRows, expires: number): void {
  const family = rows.family();
  if (family === undefined) return;
  // A family that new tokens come to for ever ends before the user's object would forget it, and is opened anew.
  const latest = family.kind === "external" ? family.root + FAMILY_LIFE_SECONDS : Number.POSITIVE_INFINITY;
  const closes = Math.min(expires + GRACE_SECONDS, latest);
  if (family.closes < closes) rows.putFamily({ ...family, closes });
}

function putSession(rows: FamilyRows, now: number, { lifetime, authTime, ...session }: NewSession): void {
  rows.putSession({ ...session, created: now, expires: now + lifetime, authTime: Math.min(authTime, now) });
}

function putCode(rows: FamilyRows, now: number, session: string, { lifetime, ...code }: NewCode): void {
  rows.putCode({ ...code, session, expires: now + lifetime });
}

function putGrant(rows: FamilyRows, now: number, grant: NewGrant, leaves: readonly Leaf[]): void {
  const expires = Math.max(now, ...leaves.map((leaf) => leaf.expires));
  const record = { ...grant.record, path: [grant.id], deadline: expires };
  rows.putNode({ parent: ROOT, id: grant.id, client: record.client, issued: now, expires, record, leaves });
}
