import { Rejection } from "../protocol/rejection.ts";
import { steadyClock } from "./clock.ts";
import type { Families } from "./families.ts";
import { redeem } from "./family/codes.ts";
import { extend } from "./family/exchange.ts";
import { statusOf } from "./family/liveness.ts";
import { memoryRows } from "./family/memory-rows.ts";
import { open, signOn } from "./family/opening.ts";
import { beginProviderRefresh, endProviderRefresh, providerTokens } from "./family/provider-tokens.ts";
import { refresh } from "./family/refresh.ts";
import { endSession, endSessions, revoke } from "./family/revocation.ts";
import type { FamilyRows } from "./family/rows.ts";
import { redeemSso } from "./family/sso.ts";
import { noteRefusal, trace } from "./family/trace.ts";
import type { FamilyId } from "./lineage.ts";

/** The memory twin of the token families. `read` is the clock, in milliseconds. */
export function memoryFamilies(read: () => number = Date.now): Families {
  const families = new Map<FamilyId, FamilyRows>();
  const names = new Map<string, FamilyId>();
  const create = () => Array.from(crypto.getRandomValues(new Uint8Array(32)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const now = steadyClock(read);
  // An object that was only read keeps nothing; here an empty entry does no harm either.
  const rows = (family: FamilyId): FamilyRows => {
    const known = families.get(family) ?? memoryRows();
    families.set(family, known);
    return known;
  };
  return {
    create,
    named: (_jurisdiction, name) => {
      const family = names.get(name) ?? create();
      names.set(name, family);
      return family;
    },
    open: async (family, ask) => {
      const opened = open(rows(family), now(), ask);
      if (!opened.ok && opened.reason === "unavailable") throw new Rejection("unavailable", { note: "family" });
      return opened;
    },
    signOn: async (family, ask) => signOn(rows(family), now(), ask),
    redeem: async (family, ask) => redeem(rows(family), now(), ask),
    refresh: async (family, ask) => refresh(rows(family), now(), ask),
    extend: async (family, ask) => extend(rows(family), now(), ask),
    record: async (family, asks) => asks.map((ask) => extend(rows(family), now(), ask)).every(({ ok }) => ok),
    status: async (family, query) => statusOf(rows(family), now(), query),
    revoke: async (family, ask) => revoke(rows(family), now(), ask),
    trace: async (family) => trace(rows(family), now()),
    noteRefusal: async (family, refusal) => noteRefusal(rows(family), now(), refusal),
    redeemSso: async (family, ask) => redeemSso(rows(family), now(), ask),
    endSession: async (family, session, by) => endSession(rows(family), now(), session, by),
    endSessions: async (family) => endSessions(rows(family), now()),
    providerTokens: async (family, query) => providerTokens(rows(family), now(), query),
    beginProviderRefresh: async (family, ask) => beginProviderRefresh(rows(family), now(), ask),
    endProviderRefresh: async (family, ask) => endProviderRefresh(rows(family), now(), ask),
  };
}
