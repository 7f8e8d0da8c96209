import { relative } from "node:path";
import { type Command, readArguments, UsageError } from "../command.ts";
import { environmentFiles, issuerOfEnvironment } from "../environment.ts";
import { initialise } from "../environment-init.ts";
import { DEMO_PORTS } from "../local/demo-tenant.ts";
import { localState, prepare } from "../local/state.ts";
import { wranglerSecrets } from "../secret-store.ts";

const OPTIONS = { env: { type: "string" }, local: { type: "boolean", default: false }, operator: { type: "string" }, json: { type: "boolean", default: false } } as const;

/** `init`: every key and secret that a Worker needs to start. */
export const init: Command = {
  words: "init",
  summary: "make the first keys and the operator's key of an environment, or of the local server",
  help: `init --env NAME [--operator NAME] [--json]
init --local

Makes what a Worker needs to start: SIGNING_KEY_1 (ES256), SIGNING_KEY_2 (RS256), SIGNING_KEY_3 (SAML) and TOKEN_KEY_1, which go to wrangler
secret put by standard input and are kept nowhere else, and an operator's key in .cambio/env-NAME/operator.jwk.json,
whose public half it prints for OPERATOR_KEYS in wrangler.toml. What is there already is never replaced.

  --env NAME       an environment of wrangler.toml; wrangler must be logged in
  --local          the local server of port ${DEMO_PORTS.port} (npm start does the same)
  --operator NAME  the name in the operator's key, which stands in every audit line (operator)
  --json           print what was made as JSON on standard output`,
  async run(args, terminal) {
    const { values } = readArguments(args, OPTIONS);
    if ((values.env === undefined) === !values.local) throw new UsageError("either --env NAME or --local");
    if (values.env === undefined) {
      const state = localState(DEMO_PORTS.port);
      prepare(state, `http://localhost:${DEMO_PORTS.port}`);
      return terminal.out(
        values.json ? JSON.stringify({ vars: state.varsFile, operatorKeyFile: state.operatorKeyFile }) : `keys and secrets are in ${relative("", state.directory)}`,
      );
    }
    const operator = values.operator ?? "operator";
    if (!/^[A-Za-z0-9._@-]{1,64}$/.test(operator)) throw new UsageError("--operator takes 1 to 64 of A-Z a-z 0-9 . _ @ -");
    const issuer = issuerOfEnvironment(values.env);
    const made = await initialise(terminal, wranglerSecrets(values.env), environmentFiles(values.env).operatorKeyFile, operator);
    if (values.json) return terminal.out(JSON.stringify(made));
    terminal.note(`made ${made.made.join(", ") || "nothing"}; kept ${made.kept.join(", ") || "nothing"}; the operator's key is ${relative("", made.operatorKeyFile)}`);
    terminal.note(`put this line into [env.${values.env}] vars of wrangler.toml, deploy, and apply a tenant file for ${issuer}:`);
    terminal.out(`OPERATOR_KEYS = '${made.operatorKeys}'`);
  },
};
