import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { ROOT } from "../root.ts";

/** The script to run wrangler with, by the Node of this process: wrangler's own launcher may find an older one. */
export const WRANGLER: string = join(ROOT, "node_modules", "wrangler", "bin", "wrangler.js");

/** The environment that keeps wrangler quiet and offline: what the committed .env says, and no log files in the home directory. */
export function quietWrangler(): Readonly<Record<string, string>> {
  return { ...(parseEnv(readFileSync(join(ROOT, ".env"), "utf8")) as Record<string, string>), WRANGLER_WRITE_LOGS: "false" };
}
