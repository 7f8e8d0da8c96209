import { type Command, type Terminal, UsageError } from "./command.ts";
import { COMMANDS } from "./commands/index.ts";

/** The operator's command line. Answers the exit code. */
export async function main(args: readonly string[], terminal: Terminal): Promise<number> {
  const words = args.filter((arg) => !arg.startsWith("-"));
  const wantsHelp = args.includes("--help") || args.includes("-h");
  const command = COMMANDS.find((one) => words.slice(0, one.words.split(" ").length).join(" ") === one.words);
  if (command === undefined) return group(words, wantsHelp, terminal);
  if (wantsHelp) terminal.out(`npm run cambio -- ${command.help}`);
  else await command.run(withoutWords(args, command), terminal);
  return 0;
}

/** No command, or only the beginning of one: lists what there is. */
function group(words: readonly string[], wantsHelp: boolean, terminal: Terminal): number {
  const beginning = words.join(" ");
  const listed = COMMANDS.filter((one) => beginning === "" || one.words.startsWith(`${beginning} `));
  if (listed.length === 0) throw new UsageError(`no such command: ${beginning}`);
  if (!wantsHelp && words.length > 0) throw new UsageError(`${beginning}: which one?\n${list(listed)}`);
  terminal.out(`npm run cambio -- COMMAND [--help]\n\n${list(listed)}\n\nExit codes: 0 done, 1 it failed, 2 called wrongly.`);
  return wantsHelp ? 0 : 2;
}

function list(commands: readonly Command[]): string {
  const width = Math.max(...commands.map((one) => one.words.length));
  return commands.map((one) => `  ${one.words.padEnd(width)}  ${one.summary}`).join("\n");
}

function withoutWords(args: readonly string[], command: Command): readonly string[] {
  let left = command.words.split(" ").length;
  return args.filter((arg) => arg.startsWith("-") || left-- <= 0);
}
