import * as z from "zod/mini";
import { ClientId } from "./primitives.ts";

/** Revokes everything of a user: the body of `POST /api/v1/users/{id}/revoke`. With `client`, that client's grants; with `session`, what ends with that session. */
export const UserRevocation = z
  .strictObject({
    client: z.optional(ClientId),
    /** The `sid` of the user's tokens. */
    session: z.optional(z.string().check(z.minLength(1), z.maxLength(512))),
  })
  .check(z.refine(({ client, session }) => client === undefined || session === undefined, "client and session exclude each other"));
