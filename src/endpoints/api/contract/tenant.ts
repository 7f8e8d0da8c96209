import * as z from "zod/mini";
import { TenantFile } from "../../../tenants/tenant.ts";
import type { Operation } from "./operation.ts";

const Version = z.int();

/** What an application changed. */
export const AppliedAnswer = z.object({ version: Version, changes: z.array(z.object({ action: z.enum(["create", "change", "delete"]), record: z.string() })) });

const bound = (name: string, description: string) => ({ name, in: "query", description, schema: z.optional(z.string()) }) as const;
const flag = (name: string, description: string) => ({ name, in: "query", description, schema: z.optional(z.enum(["true", "false"])) }) as const;

/** The tenant's file. */
export const TENANT_OPERATIONS: readonly Operation[] = [
  {
    method: "get",
    path: "/api/v1/tenant",
    id: "readTenant",
    summary: "The tenant file that the current configuration stands for.",
    who: ["operator"],
    answer: { name: "Tenant", schema: z.object({ version: Version, tenant: TenantFile }), members: { tenant: "TenantFile" } },
    refusals: [404],
  },
  {
    method: "put",
    path: "/api/v1/tenant",
    id: "applyTenant",
    summary: "Makes the tenant what the file declares, also before it exists. Never touches permissions that were decided through this API.",
    who: ["operator"],
    parameters: [
      flag("prune", "Also deletes what the file does not declare"),
      bound("from", "Of a file in parts: prunes clients and permissions from this one on: the client's or consumer's id, a space, the provider's id"),
      bound("to", "Of a file in parts: prunes clients and permissions up to this one, without it"),
      flag("dry_run", "Changes nothing and says what would change"),
    ],
    body: { name: "TenantFile", schema: TenantFile },
    answer: { name: "Applied", schema: AppliedAnswer },
    refusals: [],
  },
];
