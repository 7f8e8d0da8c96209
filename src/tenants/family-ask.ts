import * as z from "zod/mini";

/** Asks which family a token belongs to: the body of `POST /api/v1/families/lookup`. The token stands in no URL and no log. */
export const FamilyLookup = z.strictObject({ token: z.string().check(z.minLength(1), z.maxLength(16_384)) });

/** Revokes a node with everything below it; without a node, the whole family. */
export const FamilyRevocation = z.strictObject({
  node: z.optional(z.string().check(z.regex(/^[A-Za-z0-9_-]{22}$/, "the id of a node or a token, as the family's trace names it"))),
});
