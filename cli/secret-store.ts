import { spawn } from "node:child_process";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { isLocalhost } from "../src/protocol/uri.ts";
import { CommandFailed, UsageError } from "./command.ts";
import { localState } from "./local/state.ts";
import { quietWrangler, WRANGLER } from "./local/wrangler.ts";
import { type OperatorValues, readIssuer } from "./operator-options.ts";
import { ROOT } from "./root.ts";

/** Where the secrets of a Worker are put. They are written once and never read back. */
export interface SecretStore {
  /** Who has to do what before the Worker holds what was put. */
  readonly afterwards: string;
  names(): Promise<readonly string[]>;
  put(name: string, value: string): Promise<void>;
}

/** The store of whatever the options name: an environment's, by wrangler, or the local server's file of variables. */
export function secretStore(values: OperatorValues): SecretStore {
  if (values.env !== undefined) return wranglerSecrets(values.env);
  const { protocol, hostname, port } = new URL(readIssuer(values));
  if (!isLocalhost(hostname)) throw new UsageError("--env NAME is missing: wrangler puts the secret there");
  return localSecrets(localState(Number(port) || (protocol === "https:" ? 443 : 80)).varsFile);
}

/** The file that npm start gives to the Worker. */
export function localSecrets(file: string): SecretStore {
  const vars = () => (existsSync(file) ? parseEnv(readFileSync(file, "utf8")) : {});
  return {
    afterwards: "restart npm start, which reads it",
    names: async () => Object.keys(vars()),
    put: async (name, value) => {
      if (!existsSync(file)) throw new CommandFailed(`there is no ${file}: npm start makes it`);
      if (name in vars()) throw new CommandFailed(`${name} is there already: a secret is written once`);
      writeFileSync(file, `${readFileSync(file, "utf8")}${name}='${value}'\n`, { mode: 0o600 });
      chmodSync(file, 0o600);
    },
  };
}

/** The secrets of a deployed environment. A value goes to wrangler by standard input: no argument list and no history ever holds it. */
export function wranglerSecrets(env: string, script: string = WRANGLER): SecretStore {
  return {
    afterwards: "wait until every location has the new version (seconds), or finish the gradual deployment",
    names: async () => {
      const text = await wrangler(script, ["secret", "list", "--env", env, "--format", "json"]);
      const listed: unknown = JSON.parse(text.slice(text.indexOf("[")));
      return Array.isArray(listed) ? listed.map((one) => String(Object(one).name)) : [];
    },
    put: async (name, value) => void (await wrangler(script, ["secret", "put", name, "--env", env], value)),
  };
}

function wrangler(script: string, args: readonly string[], input = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...args], { cwd: ROOT, env: { ...process.env, ...quietWrangler() }, stdio: ["pipe", "pipe", "pipe"] });
    const [out, err]: [string[], string[]] = [[], []];
    child.stdout.on("data", (data: Buffer) => out.push(data.toString()));
    child.stderr.on("data", (data: Buffer) => err.push(data.toString()));
    child.once("error", (error) => reject(new CommandFailed(`wrangler did not start: ${error.message}`)));
    child.once("close", (code) => {
      if (code === 0) resolve(out.join(""));
      else reject(new CommandFailed(`wrangler ${args.slice(0, 2).join(" ")} failed (exit ${code}):\n${`${out.join("")}${err.join("")}`.trim().slice(-1500)}`));
    });
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}
