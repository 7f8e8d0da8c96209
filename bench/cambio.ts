import { createHash } from "node:crypto";
import { globSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { unstable_readConfig } from "wrangler";
import { newPrivateJwk, publicJwk } from "../cli/jwk.ts";
import { demoTenant } from "../cli/local/demo-tenant.ts";
import { type LocalProcess, startProcess } from "../cli/local/processes.ts";
import { answers } from "../cli/local/start-cambio.ts";
import { localVars } from "../cli/local/state.ts";
import { applyTenant } from "../cli/operator-api.ts";
import type { OperatorKey } from "../cli/operator-key.ts";
import { ROOT } from "../cli/root.ts";
import { bundle } from "../cli/size/bundle.ts";
import { freePort, quote, wranglerConfig } from "../cli/size/startup.ts";
import { type LoginTokens, logInTo } from "../demo/login.ts";
import { stage } from "../demo/play.ts";
import { type Served, serveWorkers, type WorkerConfig } from "./served.ts";

/** The redirect URI of the benchmark's applications; nobody listens there. */
const REDIRECT_URI = "http://localhost:8789/callback";

/** How many verified JWTs an isolate keeps: fewer than in production, so that a round can ask for one that was forgotten. */
export const VERIFIED_TOKENS_KEPT = 40;

/** Cambio's production bundle on workerd, with the demo tenant and the benchmark's own clients. */
export interface MeasuredCambio {
  readonly served: Served;
  readonly issuer: string;
  /** The bundles of its Workers. */
  readonly bundles: readonly { readonly name: string; readonly file: string }[];
  readonly operator: { readonly issuer: string; readonly key: OperatorKey };
  /** The tenant file that is applied. */
  readonly tenant: BenchTenant;
  /** Logs a demo user in at one of the benchmark's applications. */
  logIn(application: BenchClient): Promise<LoginTokens>;
  stop(): Promise<void>;
}

/** A tenant file, as far as the benchmark adds to it. */
export interface BenchTenant {
  consistency?: string;
  tokenPolicy?: object;
  readonly clients: Record<string, object>;
  readonly permissions: object[];
}

/** How Cambio is measured. */
export interface CambioOptions {
  /** Where workerd's inspector listens, for a profile; functions keep their names then. */
  readonly inspectorPort?: number;
}

/** Builds, starts and fills Cambio in a folder. */
export async function startCambio(folder: string, { inspectorPort }: CambioOptions = {}): Promise<MeasuredCambio> {
  const [port, idpPort] = [await freePort(), await freePort()];
  const [issuer, idp] = [`http://localhost:${port}`, `http://localhost:${idpPort}`];
  const key = { ...newPrivateJwk("ES256"), kid: "bench" };
  const local = localVars(issuer, {});
  const provider = startIdp(folder, idpPort, issuer, local.CORP_CLIENT_SECRET);
  try {
    const vars = { ...local, OPERATOR_KEYS: JSON.stringify({ keys: [publicJwk(key)] }), VERIFIED_TOKENS_KEPT: String(VERIFIED_TOKENS_KEPT) };
    const workers = cambioWorkers(folder, vars, inspectorPort !== undefined);
    const served = await serveWorkers(workers, port, "/health/alive", inspectorPort);
    const ended = provider.ended.then((why) => Promise.reject(new Error(why)));
    while (!(await Promise.race([ended, answers(`${idp}/.well-known/openid-configuration`)]))) await sleep(50);
    const tenant = benchTenant(issuer, idp);
    const operator = { issuer, key };
    await applyTenant(operator, tenant, { prune: false, dryRun: false });
    return {
      ...{ served, issuer, operator, tenant },
      bundles: workers.map(({ name, bundleFile }) => ({ name, file: bundleFile })),
      logIn: (id) => logInTo(silentStage(issuer), { id, secret: secretOf(id), redirectUri: REDIRECT_URI }),
      stop: async () => void (await Promise.all([served.stop(), provider.stop()])),
    };
  } catch (error) {
    await provider.stop();
    throw error;
  }
}

/** The secret of one of the benchmark's clients; the tenant has its hash alone, as in production. */
export function secretOf(client: BenchClient): string {
  return `${client}-secret`;
}

function startIdp(folder: string, port: number, cambio: string, secret: string): LocalProcess {
  const args = [join(ROOT, "demo", "idp.ts"), "--organisation", "corp", "--port", String(port), "--cambio", cambio, "--keys", join(folder, "idp.jwks.json")];
  return startProcess({ name: "the demo identity provider", args, env: { CLIENT_SECRET: secret }, cwd: ROOT, log: join(folder, "idp.log") });
}

// The Worker of wrangler.toml, and every Worker that it is bound to.
function cambioWorkers(folder: string, vars: Readonly<Record<string, string>>, keepsNames: boolean): [WorkerConfig, ...WorkerConfig[]] {
  const config = wranglerConfig();
  const objects = config.durable_objects.bindings;
  const services = config.services ?? [];
  const bindings = [
    ...Object.entries(vars).map(([name, value]) => `(name = ${quote(name)}, text = ${quote(value)})`),
    // Asked only where a tenant allows `eventual`, which this one does not.
    ...config.kv_namespaces.map(({ binding }) => `(name = ${quote(binding)}, kvNamespace = "internet")`),
    ...objects.map((one) => namespaceBinding(one)),
    ...services.map(
      (one) => `(name = ${quote(one.binding)}, service = (name = ${quote(one.service)}${one.entrypoint === undefined ? "" : `, entrypoint = ${quote(one.entrypoint)}`}))`,
    ),
  ];
  const date = config.compatibility_date;
  const main = {
    name: "cambio",
    bundleFile: bundled(join(ROOT, "wrangler.toml"), join(folder, "cambio"), keepsNames),
    date,
    bindings,
  };
  const bound = globSync("src/**/wrangler.toml", { cwd: ROOT }).flatMap((file): WorkerConfig[] => {
    const { name, compatibility_date = date, durable_objects: own } = unstable_readConfig({ config: join(ROOT, file) }, { hideWarnings: true });
    const held = objects.filter(({ script_name: script }) => script === name).map((one) => one.class_name);
    if (name === undefined || (held.length === 0 && !services.some(({ service }) => service === name))) return [];
    const bindings = (own.bindings as readonly { readonly name: string; readonly class_name: string }[]).map(({ name: binding, class_name: object }) =>
      namespaceBinding({ name: binding, class_name: object, script_name: name }),
    );
    return [{ name, bundleFile: bundled(join(ROOT, file), join(folder, name), keepsNames), date: compatibility_date, bindings, objects: held }];
  });
  return [main, ...bound];
}

const bundles = new Map<string, string>();

// Once into a folder, however many Cambios are started from it.
function bundled(configFile: string, directory: string, keepsNames: boolean): string {
  const file = bundles.get(directory) ?? bundle(configFile, directory, keepsNames).file;
  bundles.set(directory, file);
  return file;
}

function namespaceBinding({ name, class_name: object, script_name: service }: { readonly name: string; readonly class_name: string; readonly script_name: string }): string {
  return `(name = ${quote(name)}, durableObjectNamespace = (className = ${quote(object)}, serviceName = ${quote(service)}))`;
}

/** A client of the benchmark's own. `strong` and `edge` are consistencies; what is `opaque` asks for and is given opaque tokens. */
export type BenchClient = "app-strong" | "app-edge" | "app-opaque" | "api-strong" | "api-edge" | "api-opaque";

// The demo tenant (nobody logs in at its second IdP), and the benchmark's applications and APIs, whose secrets are kept as hashes.
function benchTenant(issuer: string, idp: string): BenchTenant {
  const file = demoTenant(issuer, idp, "http://localhost:8798") as BenchTenant;
  file.consistency = "edge";
  for (const kind of ["strong", "edge", "opaque"] as const) {
    const tokenPolicy = kind === "opaque" ? { accessTokenFormat: "opaque" } : {};
    const common = (id: BenchClient) => ({ displayName: id, consistency: kind === "strong" ? "strong" : "edge", secrets: [{ hash: hashOf(secretOf(id)) }], tokenPolicy });
    const login = { redirectUris: [REDIRECT_URI], scopes: ["openid", "profile", "email", "groups"] };
    const grants = ["authorization_code", "refresh_token", "token_exchange", "client_credentials"];
    file.clients[`app-${kind}`] = { ...common(`app-${kind}`), ...login, grants };
    file.clients[`api-${kind}`] = { ...common(`api-${kind}`), grants: ["token_exchange"], ownScopes: ["profile"] };
  }
  const pairs = [
    ["strong", "strong"],
    ["edge", "edge"],
    ["strong", "opaque"],
    ["opaque", "strong"],
  ] as const;
  for (const [app, api] of pairs) file.permissions.push({ consumer: `app-${app}`, provider: `api-${api}`, name: `api-${api}`, scopes: ["profile"] });
  return file;
}

function hashOf(secret: string): string {
  return createHash("sha256").update(secret).digest("base64url");
}

function silentStage(issuer: string) {
  const nothing = () => undefined;
  return stage(issuer, { heading: nothing, say: nothing, request: nothing, response: nothing });
}
