import { readFileSync } from "node:fs";
import { type Command, CommandFailed, readArguments } from "../command.ts";
import { drawFamily } from "../family-tree.ts";
import { lookUpToken, type Operator, readFamily } from "../operator-api.ts";
import { OPERATOR_HELP, OPERATOR_OPTIONS, readOperator } from "../operator-options.ts";

const OPTIONS = { ...OPERATOR_OPTIONS, file: { type: "string" }, tokens: { type: "boolean", default: false } } as const;
const STANDARD_INPUT = 0;

/** `family trace TOKEN`: the tree that a token stands in. */
export const familyTrace: Command = {
  words: "family trace",
  summary: "draw the tree of a token: who exchanged what for whom, alive or why not",
  help: `family trace FAMILY-ID | - | --file FILE | TOKEN [--tokens] [--url URL] [--key FILE] [--json]

Draws everything that came of one login: each grant with its consumer and target, scope, depth, time, state, actors and
refreshes, the ids that family revoke takes, and the last refusals. A token is found whatever its age. Give it on
standard input (-) or in a file: an argument stays in the shell's history and is seen by every process.

  --file FILE  read the token from a file
  --tokens     also name every single token of a grant
${OPERATOR_HELP}`,
  async run(args, terminal) {
    const isFile = args.some((arg) => arg === "--file" || arg.startsWith("--file="));
    const { values, positionals } = readArguments(args, OPTIONS, isFile ? [] : ["FAMILY-ID, - or TOKEN"]);
    const text = values.file === undefined && positionals[0] !== "-" ? (positionals[0] ?? "") : read(values.file ?? STANDARD_INPUT);
    const operator = readOperator(values);
    const isFamily = /^[0-9a-f]{64}$/.test(text);
    if (!isFamily && text === positionals[0]) terminal.note("a token in an argument stays in the shell's history: give it on standard input (-) or with --file");
    const { answer, lines } = isFamily ? await ofFamily(operator, text, values.tokens) : await ofToken(operator, text, values.tokens);
    terminal.out(values.json ? JSON.stringify(answer) : lines.join("\n"));
  },
};

async function ofFamily(operator: Operator, id: string, tokens: boolean) {
  const answer = await readFamily(operator, id);
  return { answer, lines: drawFamily(answer, { now: now(), tokens }) };
}

async function ofToken(operator: Operator, token: string, tokens: boolean) {
  const answer = await lookUpToken(operator, token);
  const { kind, format, client, grant, node, alive, dead } = answer.token;
  const about = `${format} ${kind}${client === undefined ? "" : ` of ${client}`}, ${alive ? "alive" : `dead: ${dead}`}${node === undefined ? "" : ` [${node}]`}`;
  const tree = answer.trace === undefined ? [`family ${answer.family}`, "nothing of this family is on record"] : drawFamily(answer.trace, { now: now(), grant, tokens });
  return { answer, lines: [about, "", ...tree] };
}

function read(source: string | number): string {
  try {
    return readFileSync(source, "utf8").trim();
  } catch (error) {
    throw new CommandFailed(`cannot read the token: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}
