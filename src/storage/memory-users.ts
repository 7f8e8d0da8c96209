import { steadyClock } from "./clock.ts";
import type { Families } from "./families.ts";
import type { Participant } from "./family/ending-ask.ts";
import type { FamilyId } from "./lineage.ts";
import type { LoggedIn, ProviderSessionKey, UserKey, Users } from "./users.ts";

interface User {
  cutoff?: number;
  readonly families: Set<FamilyId>;
}

interface Sessions {
  readonly logins: Map<FamilyId, string>;
  readonly logouts: Map<string, string | undefined>;
}

/** The memory twin of the users. */
export function memoryUsers(families: Families, read: () => number = Date.now): Users {
  const users = new Map<string, User>();
  const sessions = new Map<string, Sessions>();
  const now = steadyClock(read);
  const userOf = ({ tenant, sub }: UserKey) => entry(users, [tenant, sub], (): User => ({ families: new Set() }));
  const sessionsOf = (key: UserKey | ProviderSessionKey) => entry(sessions, "sub" in key ? [key.tenant, key.sub] : [key.tenant, key.idp, key.sid], noSessions);
  const end = async (family: FamilyId) => loggedIn(family, (await families.endSessions(family)).participants);
  return {
    register: async (key, family) => {
      const user = userOf(key);
      user.families.add(family);
      return { ok: true, id: JSON.stringify([key.tenant, key.sub]), ...(user.cutoff === undefined ? {} : { cutoff: user.cutoff }) };
    },
    registerSession: async (key, { family, sub }) => {
      const { logins, logouts } = sessionsOf(key);
      logins.set(family, sub);
      return { ok: true, ended: [...logouts.values()].some((of) => of === undefined || of === sub) };
    },
    revoke: async (key) => {
      const user = userOf(key);
      user.cutoff = now();
      await Promise.all([...user.families].map((family) => families.revoke(family, { kind: "family" })));
      const ended = await Promise.all([...user.families].map(end));
      user.families.clear();
      return ended.flat();
    },
    revokeClient: async (key, client) => {
      await Promise.all([...userOf(key).families].map((family) => families.revoke(family, { kind: "client", client })));
    },
    endSessions: async (key, { id, sub }) => {
      const { logins, logouts } = sessionsOf(key);
      if (logouts.has(id)) return { isFirst: false, participants: [] };
      logouts.set(id, sub);
      const reached = "sub" in key ? [...userOf(key).families] : [...logins].filter(([, of]) => sub === undefined || sub === of).map(([family]) => family);
      return { isFirst: true, participants: (await Promise.all(reached.map(end))).flat() };
    },
  };
}

function noSessions(): Sessions {
  return { logins: new Map(), logouts: new Map() };
}

function entry<T>(map: Map<string, T>, key: readonly string[], make: () => T): T {
  const name = JSON.stringify(key);
  const known = map.get(name) ?? make();
  map.set(name, known);
  return known;
}

function loggedIn(family: FamilyId, participants: readonly Participant[]): readonly LoggedIn[] {
  return participants.map((participant) => ({ family, ...participant }));
}
