import * as z from "zod/mini";
import { Permission, PermissionContents, PermissionDenial, PermissionGrant, PermissionRequest, PermissionStatus, PermissionWithdrawal } from "../../../tenants/permission.ts";
import { ClientId, Cutoff, Seconds } from "../../../tenants/primitives.ts";
import type { Named, Operation, Parameter } from "./operation.ts";

/** Who acted: `operator/` or `client/` and the name. */
const ActedBy = z.string().check(z.regex(/^(operator|client)\/./));

/** A permission with what is kept of it: the answer to whatever is done with it. */
export const PermissionAnswer = z.extend(Permission, {
  /** Whether the tenant file or the API decided last. */
  origin: z.optional(z.enum(["file", "api"])),
  /** What the consumer asked for; what is granted is never more. */
  asked: z.optional(PermissionContents),
  requestedBy: z.optional(ActedBy),
  requestedAt: z.optional(Seconds),
  decidedBy: z.optional(ActedBy),
  decidedAt: z.optional(Seconds),
  /** What the consumer was issued for the provider up to then is dead. */
  cutoff: z.optional(Cutoff),
});
export type PermissionAnswer = z.output<typeof PermissionAnswer>;

/** The answer to a list. */
export const PermissionListAnswer = z.object({ permissions: z.array(PermissionAnswer), truncated: z.boolean() });
export type PermissionListAnswer = z.output<typeof PermissionListAnswer>;

const answer: Named = { name: "Permission", schema: PermissionAnswer };
const id = (name: "consumer" | "provider", description: string): Parameter => ({ name, in: "path", description: `${description}; percent-encoded`, schema: ClientId });
const filter = (name: string, description: string, schema: z.ZodMiniType): Parameter => ({ name, in: "query", description, schema: z.optional(schema) });

const decision = (name: "grant" | "deny" | "withdraw", summary: string, body: Named): Operation => ({
  method: "post",
  path: `/api/v1/permissions/{consumer}/{provider}/${name}`,
  id: `${name}Permission`,
  summary,
  who: ["operator", "client"],
  parameters: [id("consumer", "The client that holds the permission"), id("provider", "The client that it is for")],
  body,
  answer,
  refusals: [404, 409],
});

/** Permissions: a consumer asks, the provider's owner or an operator decides. */
export const PERMISSION_OPERATIONS: readonly Operation[] = [
  {
    method: "get",
    path: "/api/v1/permissions",
    id: "listPermissions",
    summary: "Permissions by consumer and provider; to a client, those that it is a party of.",
    who: ["operator", "client"],
    parameters: [
      filter("consumer", "Only those of this consumer", ClientId),
      filter("provider", "Only those for this provider", ClientId),
      filter("status", "Only those in this state", PermissionStatus),
    ],
    answer: { name: "PermissionList", schema: PermissionListAnswer },
    refusals: [],
  },
  {
    method: "post",
    path: "/api/v1/permissions",
    id: "requestPermission",
    summary: "Asks for a permission: a consumer for itself, an operator for anybody. Not while one waits or is granted.",
    who: ["operator", "client"],
    body: { name: "PermissionRequest", schema: PermissionRequest },
    answer,
    refusals: [404, 409],
  },
  decision("grant", "Grants what was asked for, or less of it. By the provider or an operator.", { name: "PermissionGrant", schema: PermissionGrant }),
  decision("deny", "Denies what was asked for. By the provider or an operator.", { name: "PermissionDenial", schema: PermissionDenial }),
  decision(
    "withdraw",
    "Withdraws a permission: no exchange and no refresh any more, everywhere within ten seconds. With `cut_off`, what was issued under it is dead too. By the provider or an operator.",
    {
      name: "PermissionWithdrawal",
      schema: PermissionWithdrawal,
    },
  ),
];
