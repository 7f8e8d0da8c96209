import { Rejection } from "../protocol/rejection.ts";
import { callObject } from "./call.ts";
import type { UserObject } from "./user-object.ts";
import { type ProviderSessionKey, type UserKey, type Users, USER_CALL_VERSION as V } from "./users.ts";

/** The users, and the sessions at IdPs, as Durable Objects. */
export function durableUsers(namespace: DurableObjectNamespace<UserObject>): Users {
  const stubOf = (key: UserKey | ProviderSessionKey) => () => {
    const { jurisdiction } = key;
    const place = jurisdiction === undefined ? namespace : namespace.jurisdiction(jurisdiction as DurableObjectJurisdiction);
    return place.getByName(nameOf(key));
  };
  return {
    register: (user, family) => callObject(stubOf(user), async (stub) => await stub.register(V, family)),
    registerSession: (session, login) => callObject(stubOf(session), async (stub) => await stub.registerSession(V, login)),
    revoke: async (user) => (await callObject(stubOf(user), async (stub) => finished(await stub.revoke(V)))).participants,
    revokeClient: async (user, client) => void (await callObject(stubOf(user), async (stub) => finished(await stub.revokeClient(V, client)))),
    endSessions: async (of, logout) => {
      const { isFirst, participants } = await callObject(stubOf(of), async (stub) => finished(await stub.endSessions(V, logout)));
      return { isFirst, participants };
    },
  };
}

/** The name of an object: no user's is that of a session. */
function nameOf(key: UserKey | ProviderSessionKey): string {
  return JSON.stringify("sub" in key ? [key.tenant, key.sub] : [key.tenant, key.idp, "sid", key.sid]);
}

function finished<Answer extends { readonly ok: boolean }>(answer: Answer): Answer {
  if ("all" in answer && answer.all !== true) throw new Rejection("unavailable", { note: "revocation goes on" });
  return answer;
}
