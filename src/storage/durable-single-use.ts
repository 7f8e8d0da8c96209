import { randomId, sha256 } from "../protocol/bytes.ts";
import { callObject } from "./call.ts";
import type { SingleUse } from "./single-use.ts";
import type { SingleUseObject } from "./single-use-object.ts";

/** Things that may be used once, in Durable Objects: one per tenant, issuer, kind and the first character of the hash. */
export function durableSingleUse(namespace: DurableObjectNamespace<SingleUseObject>): SingleUse {
  return {
    use: async ({ tenant, issuer, kind }, id, expires) => {
      const hash = await sha256(id);
      const op = randomId();
      const name = JSON.stringify([tenant, kind, issuer, hash[0]]);
      return await callObject(
        () => namespace.getByName(name),
        (stub) => stub.use(hash, expires, op),
      );
    },
  };
}
