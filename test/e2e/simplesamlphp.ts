import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const PAGES = "/usr/share/simplesamlphp/www";

/** Whether Debian's `simplesamlphp` is on this machine, with what runs it. */
export const hasSimpleSamlPhp = existsSync(PAGES) && spawnSync("php", ["-m"], { encoding: "utf8" }).stdout?.includes("xmlreader") === true;

/** The user whom this SimpleSAMLphp knows. */
export const USER = { username: "emma.stone", password: "a-password-of-emma", name: "Emma Stone", email: "emma.stone@example.com", groups: ["employees", "auditors"] } as const;

/** A SimpleSAMLphp on this machine, as an identity provider with one user. */
export interface RunningSimpleSamlPhp {
  readonly origin: string;
  readonly entityId: string;
  /** The file that its metadata has been saved to. */
  readonly metadataFile: string;
  /** Lets a service provider have its users logged in, by the provider's metadata. */
  trust(metadata: string): void;
  /** Its log so far, for whoever has to find out why a test fails. */
  log(): string;
  stop(): Promise<void>;
}

/** Starts SimpleSAMLphp on a port with a folder of its own; when it rejects, nothing is left running. */
export async function startSimpleSamlPhp(port: number): Promise<RunningSimpleSamlPhp> {
  const folder = mkdtempSync(join(tmpdir(), "cambio-simplesamlphp-"));
  const [origin, entityId, metadataFile] = [`http://localhost:${port}`, `http://localhost:${port}/idp`, join(folder, "idp.xml")];
  mkdirSync(join(folder, "metadata"));
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  write("config.php", configuration(origin));
  write("authsources.php", USERS);
  write(join("metadata", "saml20-idp-hosted.php"), hosted(entityId));
  const subject = ["-keyout", join(folder, "idp.key"), "-out", join(folder, "idp.pem"), "-subj", "/CN=SimpleSAMLphp"];
  spawnSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", ...subject]);
  const env = { ...process.env, SIMPLESAMLPHP_CONFIG_DIR: folder };
  const php = spawn("php", ["-d", "display_errors=0", "-S", `127.0.0.1:${port}`, "-t", PAGES], { env, stdio: "ignore" });
  const ended = once(php, "exit");
  const log = () => (existsSync(join(folder, "simplesamlphp.log")) ? readFileSync(join(folder, "simplesamlphp.log"), "utf8") : "it has logged nothing");
  const stop = async () => {
    php.kill();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    write("idp.xml", await metadataOf(`${origin}/saml2/idp/metadata.php`));
    return { origin, entityId, metadataFile, trust: (metadata) => write(join("metadata", "service-provider.xml"), metadata), log, stop };
  } catch (error) {
    const why = log();
    await stop();
    throw new Error(`SimpleSAMLphp did not start:\n${why}`, { cause: error });
  }
}

async function metadataOf(url: string): Promise<string> {
  for (let count = 0; count < 100; count++) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return await answer.text();
    if (answer !== undefined) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
    await sleep(100);
  }
  throw new Error(`${url} did not answer`);
}

function configuration(origin: string): string {
  return `<?php
$config = [
  'baseurlpath' => '${origin}/',
  'certdir' => __DIR__,
  'loggingdir' => __DIR__,
  'datadir' => __DIR__,
  'tempdir' => __DIR__,
  'metadatadir' => __DIR__ . '/metadata',
  'secretsalt' => 'a salt of this folder alone',
  'auth.adminpassword' => 'nobody administers this one',
  'timezone' => 'UTC',
  'logging.handler' => 'file',
  'enable.saml20-idp' => true,
  'module.enable' => ['core' => true, 'saml' => true, 'exampleauth' => true],
  'store.type' => 'phpsession',
  'session.phpsession.savepath' => __DIR__,
  'session.cookie.secure' => false,
  'metadata.sources' => array_merge([['type' => 'flatfile']], array_map(fn ($file) => ['type' => 'xml', 'file' => $file], glob(__DIR__ . '/metadata/*.xml'))),
];
`;
}

const USERS = `<?php
$config = ['users' => ['exampleauth:UserPass', '${USER.username}:${USER.password}' => [
  'uid' => ['${USER.username}'],
  'displayName' => ['${USER.name}'],
  'mail' => ['${USER.email}'],
  'groups' => ['${USER.groups.join("', '")}'],
]]];
`;

// Else it names its users anew at each login, signs no request of its own, and looks at no signature of ours.
function hosted(entityId: string): string {
  return `<?php
$metadata['${entityId}'] = [
  'host' => '__DEFAULT__',
  'privatekey' => 'idp.key',
  'certificate' => 'idp.pem',
  'auth' => 'users',
  'validate.authnrequest' => true,
  'sign.logout' => true,
  'validate.logout' => true,
  'authproc' => [10 => ['class' => 'saml:PersistentNameID', 'attribute' => 'uid']],
];
`;
}
