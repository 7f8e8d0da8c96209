import { readFileSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "./command.ts";
import { ROOT } from "./root.ts";

/** What this machine keeps of a deployed environment: the operator's private key, nothing else. */
export interface EnvironmentFiles {
  readonly directory: string;
  readonly operatorKeyFile: string;
}

/** The files of one environment; touches none of them. */
export function environmentFiles(name: string): EnvironmentFiles {
  if (!/^[a-z0-9-]{1,40}$/i.test(name)) throw new UsageError(`--env takes the name of an environment of wrangler.toml, not "${name}"`);
  const directory = join(ROOT, ".cambio", `env-${name}`);
  return { directory, operatorKeyFile: join(directory, "operator.jwk.json") };
}

/** The names of the environments in wrangler.toml. */
export function environments(toml: string = wranglerToml()): readonly string[] {
  return [...new Set([...toml.matchAll(/^\[env\.([A-Za-z0-9_-]+)/gm)].map(([, name]) => name ?? ""))];
}

/** The one issuer of an environment; a usage error where it has none or several. */
export function issuerOfEnvironment(name: string, toml: string = wranglerToml()): string {
  if (!environments(toml).includes(name)) throw new UsageError(`wrangler.toml has no environment "${name}"; there are: ${environments(toml).join(", ")}`);
  const sections = toml.split(/^(?=\[)/m).filter((section) => new RegExp(`^\\[+env\\.${name}[.\\]]`).test(section));
  const [, text = ""] = /\bISSUERS\s*=\s*"([^"]*)"/.exec(sections.join("")) ?? [];
  const [issuer, another] = text.split(/\s+/).filter((one) => one !== "");
  if (issuer === undefined) throw new UsageError(`the environment "${name}" of wrangler.toml has no ISSUERS`);
  if (another !== undefined) throw new UsageError(`the environment "${name}" has several issuers: name one with --url`);
  return issuer;
}

function wranglerToml(): string {
  return readFileSync(join(ROOT, "wrangler.toml"), "utf8");
}
