import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { CommandFailed } from "../command.ts";
import { quietWrangler, WRANGLER } from "../local/wrangler.ts";
import { ROOT } from "../root.ts";

/** A Worker as it would be uploaded. */
export interface Bundle {
  readonly file: string;
  readonly gzipBytes: number;
}

/** Bundles the Worker of a wrangler configuration as a deployment would, minified unless functions are to keep their names; uploads nothing. */
export function bundle(configFile: string, directory: string, keepsNames = false): Bundle {
  const args = [WRANGLER, "deploy", "--dry-run", `--minify=${!keepsNames}`, "--outdir", directory, "--config", configFile, "--env="];
  const result = spawnSync(process.execPath, args, { cwd: ROOT, env: { ...process.env, ...quietWrangler() }, encoding: "utf8" });
  if (result.status !== 0) throw new CommandFailed(`wrangler could not bundle the Worker of ${configFile}:\n${result.stdout}${result.stderr}`);
  const name = readdirSync(directory).find((one) => one.endsWith(".js"));
  if (name === undefined) throw new CommandFailed(`wrangler left no bundle of ${configFile}`);
  const file = join(directory, name);
  return { file, gzipBytes: gzipSync(readFileSync(file)).length };
}
