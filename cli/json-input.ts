import { readFileSync } from "node:fs";
import { CommandFailed } from "./command.ts";

/** Reads JSON from a file, or from standard input where the name is a hyphen. */
export function readJsonInput(name: string): unknown {
  try {
    return JSON.parse(readFileSync(name === "-" ? 0 : name, "utf8"));
  } catch (error) {
    throw new CommandFailed(`cannot read ${name === "-" ? "standard input" : name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
