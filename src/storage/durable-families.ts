import { Rejection } from "../protocol/rejection.ts";
import { callObject } from "./call.ts";
import { type Families, type Refused, FAMILY_CALL_VERSION as V } from "./families.ts";
import type { FamilyObject } from "./family-object.ts";
import { fromTold, type Json, type Told, toJson } from "./json.ts";
import type { FamilyId } from "./lineage.ts";

type Stub = DurableObjectStub<FamilyObject>;

/** The token families as Durable Objects. */
export function durableFamilies(namespace: DurableObjectNamespace<FamilyObject>): Families {
  const call = <T extends object>(family: FamilyId, ask: (stub: Stub) => PromiseLike<T>) => callObject(() => namespace.get(namespace.idFromString(family)), ask);
  const tell = <Ask, T extends object>(family: FamilyId, ask: Ask, send: (stub: Stub, ask: Json<Ask>) => PromiseLike<Told<T>>) => {
    const text = toJson(ask);
    return call(family, async (stub) => fromTold(await send(stub, text)));
  };
  return {
    create: (jurisdiction) => namespace.newUniqueId(jurisdiction === undefined ? undefined : { jurisdiction: jurisdiction as DurableObjectJurisdiction }).toString(),
    named: (jurisdiction, name) => {
      const place = jurisdiction === undefined ? namespace : namespace.jurisdiction(jurisdiction as DurableObjectJurisdiction);
      return place.idFromName(name).toString();
    },
    open: (family, ask) => call(family, async (stub) => await stub.open(V, ask)),
    signOn: (family, ask) => call(family, async (stub) => await stub.signOn(V, ask)),
    redeem: (family, ask) => call(family, async (stub) => await stub.redeem(V, ask)),
    refresh: (family, ask) => tell(family, ask, (stub, text) => stub.refresh(V, text)),
    extend: (family, ask) => tell(family, ask, (stub, text) => stub.extend(V, text)),
    record: async (family, asks) => (await tell(family, asks, (stub, text) => stub.record(V, text))).ok,
    status: async (family, query) => {
      const status = await tell(family, query, (stub, text) => stub.status(V, text));
      if (isRefused(status)) throw new Rejection(status.reason);
      return status;
    },
    revoke: async (family, ask) => {
      const done = await call(family, async (stub) => await stub.revoke(V, ask));
      if (isRefused(done)) throw new Rejection(done.reason);
      return done;
    },
    trace: async (family) => (isId(namespace, family) ? await call(family, async (stub) => await stub.tree(V)) : { ok: false, reason: "family_unknown" }),
    noteRefusal: async (family, refusal) => void (await call(family, async (stub) => await stub.noteRefusal(V, refusal))),
    redeemSso: (family, ask) => call(family, async (stub) => await stub.redeemSso(V, ask)),
    providerTokens: async (family, query) => {
      const answer = await call(family, async (stub) => await stub.providerTokens(V, query));
      if (isRefused(answer)) throw new Rejection(answer.reason);
      return answer;
    },
    beginProviderRefresh: (family, ask) => call(family, async (stub) => await stub.beginProviderRefresh(V, ask)),
    endProviderRefresh: (family, ask) => call(family, async (stub) => await stub.endProviderRefresh(V, ask)),
    endSession: (family, session, by) => call(family, async (stub) => await stub.endSession(V, session, by)),
    endSessions: async (family) => {
      const ended = await call(family, async (stub) => await stub.endSessions(V));
      if (isRefused(ended)) throw new Rejection(ended.reason);
      return ended;
    },
  };
}

function isRefused(answer: object): answer is Refused {
  return "ok" in answer && answer.ok === false && "reason" in answer;
}

// Whoever looks at a family may name any; the id of an object of another kind is none of ours.
function isId(namespace: DurableObjectNamespace<FamilyObject>, family: FamilyId): boolean {
  try {
    namespace.idFromString(family);
    return true;
  } catch {
    return false;
  }
}
