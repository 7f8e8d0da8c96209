import * as z from "zod/mini";

/** Drops a key. `force`: the last key of its kind as well. */
export const KeyDrop = z.strictObject({ force: z._default(z.boolean(), false) });
