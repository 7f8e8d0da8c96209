import { type ParseArgsConfig, parseArgs } from "node:util";
import type { Problem } from "../src/tenants/check.ts";

/** The thing asked for failed: one sentence, and every problem that has a place. Exit code 1. */
export class CommandFailed extends Error {
  readonly problems: readonly Problem[];

  constructor(message: string, problems: readonly Problem[] = []) {
    super(message);
    this.name = "CommandFailed";
    this.problems = problems;
  }
}

/** The command was called wrongly. Exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** What every command may use of the outside world. */
export interface Terminal {
  /** The answer: standard output. */
  out(text: string): void;
  /** Progress and problems: standard error. */
  note(text: string): void;
}

/** One command of the operator's command line. */
export interface Command {
  /** The words that call it, such as `tenant check`. */
  readonly words: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What its own --help prints. */
  readonly help: string;
  /** Resolves when the thing asked for was done; else rejects with CommandFailed or UsageError. */
  run(args: readonly string[], terminal: Terminal): Promise<void>;
}

/** Reads a command's arguments strictly: an unknown option, and one positional too few or too many, are usage errors. */
export function readArguments<const T extends NonNullable<ParseArgsConfig["options"]>>(args: readonly string[], options: T, expected: readonly string[] = []) {
  const parsed = parseStrictly(args, options);
  const { length } = parsed.positionals;
  if (length === expected.length) return parsed;
  if (length < expected.length) throw new UsageError(`${expected.slice(length).join(" and ")} is missing`);
  throw new UsageError(`too many arguments: ${parsed.positionals.slice(expected.length).join(" ")}`);
}

function parseStrictly<const T extends NonNullable<ParseArgsConfig["options"]>>(args: readonly string[], options: T) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** Reads a port given as an option. */
export function readPort(text: string, option: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw new UsageError(`${option} takes a port, 1 to 65535, not "${text}"`);
  return port;
}

/** The real terminal. */
export const terminal: Terminal = {
  out: (text) => process.stdout.write(`${text}\n`),
  note: (text) => process.stderr.write(`${text}\n`),
};

/** What a program does with its arguments; answers its exit code. */
export type Main = (args: readonly string[], terminal: Terminal) => Promise<number>;

/** Runs a program on the real terminal. */
export async function runMain(main: Main, args: readonly string[] = process.argv.slice(2)): Promise<void> {
  process.exitCode = await exitCodeOf(main, args, terminal);
}

/** Turns the outcome of a program into an exit code: 0 done, 1 failed, 2 called wrongly; and says what went wrong. */
export async function exitCodeOf(main: Main, args: readonly string[], shown: Terminal): Promise<number> {
  try {
    return await main(args, shown);
  } catch (error) {
    shown.note(explain(error));
    return error instanceof UsageError ? 2 : 1;
  }
}

/** A failure as lines for a person: what happened, then every problem with its place. */
function explain(error: unknown): string {
  if (error instanceof UsageError) return `${error.message}\nTry --help.`;
  if (error instanceof CommandFailed) return [error.message, ...error.problems.map(({ path, message }) => `  ${path === "" ? "(the file)" : path}: ${message}`)].join("\n");
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
