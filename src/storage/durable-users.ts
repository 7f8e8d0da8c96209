import { Rejection } from "../protocol/rejection.ts";
import { callObject } from "./call.ts";
import type { UserObject } from "./user-object.ts";
import { type UserKey, type Users, USER_CALL_VERSION as V } from "./users.ts";

/** The users as Durable Objects. */
export function durableUsers(namespace: DurableObjectNamespace<UserObject>): Users {
  const stubOf =
    ({ tenant, jurisdiction, sub }: UserKey) =>
    () => {
      const place = jurisdiction === undefined ? namespace : namespace.jurisdiction(jurisdiction as DurableObjectJurisdiction);
      return place.getByName(JSON.stringify([tenant, sub]));
    };
  return {
    register: (user, family) => callObject(stubOf(user), async (stub) => await stub.register(V, family)),
    revoke: async (user) => {
      const { all } = await callObject(stubOf(user), async (stub) => await stub.revoke(V));
      if (!all) throw new Rejection("unavailable", { note: "user revocation goes on" });
    },
  };
}
