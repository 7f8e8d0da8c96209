import type { Command } from "../command.ts";
import { openapi } from "./openapi.ts";
import { tenantApply } from "./tenant-apply.ts";
import { tenantCheck } from "./tenant-check.ts";
import { tenantSchema } from "./tenant-schema.ts";

/** Every command of the command line. */
export const COMMANDS: readonly Command[] = [tenantCheck, tenantApply, tenantSchema, openapi];
