import type { Command } from "../command.ts";
import { familyRevoke } from "./family-revoke.ts";
import { familyTrace } from "./family-trace.ts";
import { openapi } from "./openapi.ts";
import { permissionDeny } from "./permission-deny.ts";
import { permissionGrant } from "./permission-grant.ts";
import { permissionList } from "./permission-list.ts";
import { permissionRequest } from "./permission-request.ts";
import { permissionWithdraw } from "./permission-withdraw.ts";
import { tenantApply } from "./tenant-apply.ts";
import { tenantCheck } from "./tenant-check.ts";
import { tenantSchema } from "./tenant-schema.ts";

/** Every command of the command line. */
export const COMMANDS: readonly Command[] = [
  tenantCheck,
  tenantApply,
  tenantSchema,
  permissionList,
  permissionRequest,
  permissionGrant,
  permissionDeny,
  permissionWithdraw,
  familyTrace,
  familyRevoke,
  openapi,
];
