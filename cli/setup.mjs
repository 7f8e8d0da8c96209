// Runs before every npm script, in plain JavaScript for Node 20: installs what the lock file names when it changed
// since the last time, and says what is missing before anything else can fail in a way that explains nothing.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = join(root, "node_modules", ".cambio-setup");
const lockedNode = join(root, "node_modules", ".bin", "node");

install();
requireNode();

function install() {
  const wanted = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  console.error("cambio: installing the dependencies that package-lock.json names (npm ci, once; under a minute)");
  const result = npm(["ci", "--ignore-scripts", "--include=dev", "--include=optional"]);
  if (result.status !== 0) fail(`npm ci failed (${result.error?.message ?? `exit ${result.status}`}). It needs the npm registry this once; afterwards no network.`);
  writeFileSync(stamp, wanted);
}

function npm(args) {
  const options = { cwd: root, stdio: ["ignore", "ignore", "inherit"] };
  const cli = process.env.npm_execpath;
  if (cli?.endsWith(".js")) return spawnSync(process.execPath, [cli, ...args], options);
  return spawnSync("npm", args, { ...options, shell: process.platform === "win32" });
}

function requireNode() {
  // The locked Node stands first in the PATH of every npm script, so one that cannot run here (musl) must not stay there.
  if (existsSync(lockedNode)) {
    if (spawnSync(lockedNode, ["--version"]).status === 0) return;
    rmSync(lockedNode);
  }
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) return;
  fail(
    `Node ${process.versions.node} is too old on ${process.platform} ${process.arch}. Linux x64 and arm64 (glibc) bring their own Node; ` +
      "elsewhere install Node 22.18 or newer: wrangler needs 22.12, and from 22.18 on Node runs TypeScript by itself.",
  );
}

function fail(message) {
  console.error(`cambio: ${message}`);
  process.exit(1);
}
