import { join, relative } from "node:path";
import { type Command, readArguments, type Terminal, UsageError } from "../command.ts";
import { environmentFiles, issuerOfEnvironment } from "../environment.ts";
import { initialise } from "../environment-init.ts";
import { DEMO_PORTS } from "../local/demo-tenant.ts";
import { localState, prepare } from "../local/state.ts";
import { ROOT } from "../root.ts";
import { wranglerSecrets } from "../secret-store.ts";

const OPTIONS = {
  env: { type: "string" },
  local: { type: "boolean", default: false },
  print: { type: "boolean", default: false },
  operator: { type: "string" },
  key: { type: "string" },
  json: { type: "boolean", default: false },
} as const;

/** `init`: every key and secret that a Worker needs to start. */
export const init: Command = {
  words: "init",
  summary: "make the first keys and the operator's key of an environment, or of the local server",
  help: `init --env NAME [--operator NAME] [--key FILE] [--json]
init --print [--operator NAME] [--key FILE]
init --local

Makes what a Worker needs to start: SIGNING_KEY_1 (ES256), SIGNING_KEY_2 (RS256), SIGNING_KEY_3 (SAML) and TOKEN_KEY_1,
which go to wrangler secret put by standard input and are kept nowhere else, and an operator's key, whose public half it
prints for OPERATOR_KEYS in wrangler.toml. What is there already is never replaced.

  --env NAME       an environment of wrangler.toml; its Worker is deployed, and wrangler is logged in
  --local          the local server of port ${DEMO_PORTS.port} (npm start does the same)
  --print          store nothing and print every secret instead, as lines of a file of variables: for Deploy to Cloudflare,
                   whose page asks for them
  --operator NAME  the name in the operator's key, which stands in every audit line (operator)
  --key FILE       where the operator's private key is kept (.cambio/env-NAME/operator.jwk.json, with --print
                   .cambio/operator.jwk.json)
  --json           print what was made as JSON on standard output`,
  async run(args, terminal) {
    const { values } = readArguments(args, OPTIONS);
    if ([values.env !== undefined, values.local, values.print].filter(Boolean).length !== 1) throw new UsageError("either --env NAME, --local or --print");
    const operator = values.operator ?? "operator";
    if (!/^[A-Za-z0-9._@-]{1,64}$/.test(operator)) throw new UsageError("--operator takes 1 to 64 of A-Z a-z 0-9 . _ @ -");
    if (values.print) return await print(terminal, operator, values.key ?? join(ROOT, ".cambio", "operator.jwk.json"));
    if (values.env === undefined) {
      const state = localState(DEMO_PORTS.port);
      prepare(state, `http://localhost:${DEMO_PORTS.port}`);
      return terminal.out(
        values.json ? JSON.stringify({ vars: state.varsFile, operatorKeyFile: state.operatorKeyFile }) : `keys and secrets are in ${relative("", state.directory)}`,
      );
    }
    const issuer = issuerOfEnvironment(values.env);
    const made = await initialise(terminal, wranglerSecrets(values.env), values.key ?? environmentFiles(values.env).operatorKeyFile, operator);
    if (values.json) return terminal.out(JSON.stringify(made));
    terminal.note(`made ${made.made.join(", ") || "nothing"}; kept ${made.kept.join(", ") || "nothing"}; the operator's key is ${relative("", made.operatorKeyFile)}`);
    terminal.note(`put this line into [env.${values.env}] vars of wrangler.toml, deploy, and apply a tenant file for ${issuer}:`);
    terminal.out(`OPERATOR_KEYS = '${made.operatorKeys}'`);
  },
};

async function print(terminal: Terminal, operator: string, file: string): Promise<void> {
  const lines: string[] = [];
  const put = async (name: string, value: string) => void lines.push(`${name}='${value}'`);
  const { operatorKeys } = await initialise(terminal, { afterwards: "", names: async () => [], put }, file, operator);
  terminal.note(`the operator's key is ${relative("", file)}`);
  terminal.out([`OPERATOR_KEYS='${operatorKeys}'`, ...lines].join("\n"));
}
