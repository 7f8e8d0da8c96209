import * as z from "zod/mini";
import { UserRevocation } from "../../../tenants/user-ask.ts";
import type { Operation } from "./operation.ts";

/** What was revoked of a user. */
export const RevokedUserAnswer = z.object({ user: z.string(), revoked: z.enum(["everything", "client", "session"]) });
export type RevokedUserAnswer = z.output<typeof RevokedUserAnswer>;

/** Users, whom the corporate identity providers name. */
export const USER_OPERATIONS: readonly Operation[] = [
  {
    method: "post",
    path: "/api/v1/users/{id}/revoke",
    id: "revokeUser",
    summary: "Kills everything of a user, in every family; or one client's grants, or one session. The user may log in again: disabling is the identity provider's.",
    who: ["operator"],
    parameters: [{ name: "id", in: "path", description: "The id of the user: sub of the tokens", schema: z.string().check(z.regex(/^[A-Za-z0-9_-]{22}$/)) }],
    body: { name: "UserRevocation", schema: UserRevocation },
    answer: { name: "RevokedUser", schema: RevokedUserAnswer },
    refusals: [404],
  },
];
