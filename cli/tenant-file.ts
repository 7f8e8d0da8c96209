import { readFileSync } from "node:fs";
import { checkTenantFile } from "../src/tenants/check.ts";
import type { TenantFile } from "../src/tenants/tenant.ts";
import { CommandFailed } from "./command.ts";

/** A tenant file that is right: as it was written, and with every default filled in. */
export interface ReadTenantFile {
  readonly written: unknown;
  readonly file: TenantFile;
}

/** Reads and checks a tenant file; rejects with every problem at once. */
export function readTenantFile(name: string): ReadTenantFile {
  const written = parse(name, read(name));
  const checked = checkTenantFile(written);
  if (checked.ok) return { written, file: checked.file };
  const count = checked.problems.length;
  throw new CommandFailed(`${name}: ${count} problem${count === 1 ? "" : "s"}`, checked.problems);
}

function read(name: string): string {
  try {
    return readFileSync(name, "utf8");
  } catch (error) {
    throw new CommandFailed(`cannot read ${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function parse(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new CommandFailed(`${name}: not JSON`, [{ path: "", message }]);
  }
}
