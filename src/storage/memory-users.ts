import { steadyClock } from "./clock.ts";
import type { Families } from "./families.ts";
import type { FamilyId } from "./lineage.ts";
import type { UserKey, Users } from "./users.ts";

/** The memory twin of the users. */
export function memoryUsers(families: Families, read: () => number = Date.now): Users {
  const users = new Map<string, { cutoff?: number; readonly families: Set<FamilyId> }>();
  const now = steadyClock(read);
  const userOf = ({ tenant, sub }: UserKey) => {
    const key = JSON.stringify([tenant, sub]);
    const known = users.get(key) ?? { families: new Set<FamilyId>() };
    users.set(key, known);
    return known;
  };
  return {
    register: async (key, family) => {
      const user = userOf(key);
      user.families.add(family);
      return { ok: true, id: JSON.stringify([key.tenant, key.sub]), ...(user.cutoff === undefined ? {} : { cutoff: user.cutoff }) };
    },
    revoke: async (key) => {
      const user = userOf(key);
      user.cutoff = now();
      await Promise.all([...user.families].map((family) => families.revoke(family, { kind: "family" })));
      user.families.clear();
    },
  };
}
