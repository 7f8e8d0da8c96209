import type { Families } from "./families.ts";
import type { Extend } from "./family/exchange-ask.ts";
import type { FamilyId } from "./lineage.ts";
import type { StatusMemory } from "./status-memory.ts";

// Long enough that a token which is exchanged again and again costs one call for many rows.
const BATCH_MILLISECONDS = 100;

/** What was issued in `edge`, on its way to its family. */
export interface EdgeRecords {
  /** Tells the family, together with whatever else this isolate issues in it within a moment, after the response. */
  tell(family: FamilyId, ask: Extend, after: (work: Promise<unknown>) => void): void;
}

/** Batches per family. Requests leave values here; none waits for another's work. A family that refuses one is asked strongly again. */
export function edgeRecords(families: Families, statuses: StatusMemory, alert: (family: FamilyId) => void): EdgeRecords {
  const pending = new Map<FamilyId, Extend[]>();
  const send = async (family: FamilyId) => {
    await new Promise((resolve) => setTimeout(resolve, BATCH_MILLISECONDS));
    const batch = pending.get(family) ?? [];
    pending.delete(family);
    try {
      if (!(await families.record(family, batch))) statuses.forget(family);
    } catch {
      // The tokens carry their lineage themselves; what is lost is their line in the family's list.
      alert(family);
    }
  };
  return {
    tell: (family, ask, after) => {
      const known = pending.get(family);
      if (known !== undefined) known.push(ask);
      else {
        pending.set(family, [ask]);
        after(send(family));
      }
    },
  };
}
