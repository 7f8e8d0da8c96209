import { sha256 } from "../protocol/bytes.ts";
import type { AttemptObject } from "./attempt-object.ts";
import { type Attempt, type Attempts, ATTEMPT_CALL_VERSION as V } from "./attempts.ts";
import { callObject } from "./call.ts";

const LOCKS_KEPT = 10_000;

/** Failed attempts in Durable Objects: one for each tenant and the first two characters of the address's hash. */
export function durableAttempts(namespace: DurableObjectNamespace<AttemptObject>, now: () => number): Attempts {
  const locks = new Map<string, number>();
  const keyOf = ({ tenant, clientId, address }: Attempt) => JSON.stringify([tenant, clientId, address]);
  return {
    lockedUntil: (attempt) => {
      const until = locks.size === 0 ? undefined : locks.get(keyOf(attempt));
      return until !== undefined && until > now() ? until : undefined;
    },
    fail: async (attempt, policy) => {
      const shard = (await sha256(attempt.address)).slice(0, 2);
      const id = await sha256(keyOf(attempt));
      const { until } = await callObject(
        () => namespace.getByName(JSON.stringify([attempt.tenant, shard])),
        async (stub) => await stub.fail(V, id, policy),
      );
      if (locks.size >= LOCKS_KEPT) locks.clear();
      if (until !== undefined) locks.set(keyOf(attempt), until);
      return until;
    },
  };
}
