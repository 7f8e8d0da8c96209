import * as z from "zod/mini";
import type { KeyRole } from "../../../tenants/key-roles.ts";
import { Seconds } from "../../../tenants/primitives.ts";
import { KeyAlgorithm } from "../../../tenants/token-policy.ts";
import type { Named, Operation, Parameter } from "./operation.ts";

const KeyKind = z.enum(["signing", "token"]);
const Role = z.enum(["next", "current", "previous", "dropped"] satisfies KeyRole[]);
const Key = { kind: KeyKind, number: z.int(), keyId: z.optional(z.string()), algorithm: z.optional(KeyAlgorithm) };

/** Every key that is known: its role, since when, and what may become of it when. No key itself. */
export const KeysAnswer = z.object({
  version: z.int(),
  keys: z.array(z.object({ ...Key, role: Role, since: Seconds, promotableFrom: z.optional(Seconds), retirableFrom: z.optional(Seconds), deployed: z.boolean() })),
  /** Keys that this version of the Worker holds and that have no role yet. */
  unregistered: z.array(z.object(Key)),
});
export type KeysAnswer = z.output<typeof KeysAnswer>;

const answer: Named = { name: "Keys", schema: KeysAnswer };
const NOTHING: Named = { name: "Nothing", schema: z.strictObject({}) };
const FORCE: Named = { name: "KeyDrop", schema: z.strictObject({ force: z._default(z.boolean(), false) }) };
const PARAMETERS: readonly Parameter[] = [
  { name: "kind", in: "path", description: "What the key is for", schema: KeyKind },
  { name: "number", in: "path", description: "The number in the name of its secret", schema: z.int().check(z.gte(1), z.lte(99_999)) },
];

const action = (name: "promote" | "retire" | "drop", summary: string, body: Named): Operation => ({
  method: "post",
  path: `/api/v1/keys/{kind}/{number}/${name}`,
  id: `${name}Key`,
  summary,
  who: ["operator"],
  parameters: PARAMETERS,
  body,
  answer,
  refusals: [404, 409],
});

/** The roles of keys. */
export const KEY_OPERATIONS: readonly Operation[] = [
  { method: "get", path: "/api/v1/keys", id: "listKeys", summary: "The role of each key, and when the next step may be taken.", who: ["operator"], answer, refusals: [404] },
  {
    method: "post",
    path: "/api/v1/keys/register",
    id: "registerKeys",
    summary: "Publishes the keys that this version of the Worker holds and nobody knew, as next.",
    who: ["operator"],
    body: NOTHING,
    answer,
    refusals: [404, 409],
  },
  action("promote", "Makes a key that has been published long enough the one that signs or seals.", NOTHING),
  action("retire", "Drops a key that nothing alive can need any more.", NOTHING),
  action("drop", "Drops a key at once: what was made with it is dead. With `force`, also the last one of its kind.", FORCE),
];
