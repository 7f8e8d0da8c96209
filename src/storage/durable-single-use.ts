import { randomId, sha256 } from "../protocol/bytes.ts";
import { callObject } from "./call.ts";
import { type SingleUse, SINGLE_USE_CALL_VERSION as V } from "./single-use.ts";
import type { SingleUseObject } from "./single-use-object.ts";

/** Things that may be used once, in Durable Objects: one per tenant, issuer, kind and the first character of the hash. */
export function durableSingleUse(namespace: DurableObjectNamespace<SingleUseObject>): SingleUse {
  return {
    use: async ({ tenant, issuer, kind }, id, expires) => {
      const hash = await sha256(id);
      const op = randomId();
      const name = JSON.stringify([tenant, kind, issuer, hash[0]]);
      const { first } = await callObject(
        () => namespace.getByName(name),
        async (stub) => await stub.use(V, hash, expires, op),
      );
      return first;
    },
  };
}
