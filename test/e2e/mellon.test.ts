import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pem, selfSigned } from "../../cli/certificate.ts";
import { type RunningCambio, startCambio } from "../../cli/local/start-cambio.ts";
import { Browser } from "../../demo/browser.ts";

const PORT = 18_877;
const SP = `http://localhost:${PORT}`;
const MODULES = "/usr/lib/apache2/modules";

const hasMellon = existsSync(`${MODULES}/mod_auth_mellon.so`) && spawnSync("apache2", ["-v"]).status === 0;

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const certificate = selfSigned(privateKey, publicKey, "Apache").toString("base64");

/** The demo tenant with Apache as one more SAML application; it wants its users' login names, groups, and SHA-512, and signs what it asks. */
function tenant(file: unknown): unknown {
  const { clients, ...rest } = file as { clients: object };
  const saml = {
    ...{ entityId: `${SP}/mellon/metadata`, acs: [`${SP}/mellon/postResponse`], signature: "RSA-SHA512", attributes: { uid: "loginName", groups: "groups" } },
    ...{ certificates: [certificate], requestsSigned: true, slo: { location: `${SP}/mellon/logout` }, logout: true },
  };
  return { ...rest, clients: { ...clients, apache: { displayName: "Apache", subjectNameIdentifier: "userUuid", saml } } };
}

function configuration(folder: string): string {
  const modules = ["mpm_event", "authn_core", "authz_core", "authz_user", "auth_mellon", "headers", "dir", "mime"];
  return `ServerRoot ${folder}
ServerName localhost
Listen 127.0.0.1:${PORT}
PidFile ${folder}/apache.pid
ErrorLog ${folder}/error.log
DefaultRuntimeDir ${folder}
${modules.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`).join("\n")}
TypesConfig /dev/null
User www-data
Group www-data
DocumentRoot ${folder}/www
DirectoryIndex index.html
<Location />
  Require all granted
  MellonEnable info
  MellonEndpointPath /mellon
  MellonSPPrivateKeyFile ${folder}/sp.key
  MellonSPCertFile ${folder}/sp.pem
  MellonIdPMetadataFile ${folder}/idp.xml
  MellonSecureCookie Off
  MellonVariable mellon
  MellonMergeEnvVars On ";"
</Location>
<Location /private>
  AuthType Mellon
  MellonEnable auth
  Require valid-user
  Header always set X-Name-Id "expr=%{reqenv:MELLON_NAME_ID}"
  Header always set X-Uid "expr=%{reqenv:MELLON_uid}"
  Header always set X-Groups "expr=%{reqenv:MELLON_groups}"
</Location>
`;
}

describe.runIf(hasMellon)("mod_auth_mellon (Debian), unmodified; where it is absent nothing here can be shown: apt-get install apache2 libapache2-mod-auth-mellon", () => {
  const folder = mkdtempSync(join(tmpdir(), "cambio-mellon-"));
  const seen: Headers[] = [];
  const browser = new Browser(({ response }) => void seen.push(response.headers));
  let cambio: RunningCambio;
  let apache: ChildProcess;

  beforeAll(async () => {
    cambio = await startCambio({ port: 18_887, idpPort: 18_888, partnerPort: 18_988, fresh: true, tenant });
    mkdirSync(join(folder, "www", "private"), { recursive: true });
    writeFileSync(join(folder, "www", "private", "index.html"), "welcome\n");
    writeFileSync(join(folder, "sp.key"), privateKey.export({ format: "pem", type: "pkcs8" }));
    writeFileSync(join(folder, "sp.pem"), `${pem(certificate)}\n`);
    writeFileSync(join(folder, "idp.xml"), await (await fetch(`${cambio.issuer}/saml2/metadata`)).text());
    writeFileSync(join(folder, "apache.conf"), configuration(folder));
    spawnSync("chmod", ["-R", "a+rX", folder]);
    apache = spawn("apache2", ["-f", join(folder, "apache.conf"), "-DFOREGROUND"], { stdio: "ignore" });
    for (let count = 0; count < 100 && (await fetch(`${SP}/mellon/metadata`).catch(() => undefined)) === undefined; count++) await sleep(100);
  }, 120_000);

  afterAll(async () => {
    apache?.kill();
    await cambio?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const trouble = () => (existsSync(join(folder, "error.log")) ? readFileSync(join(folder, "error.log"), "utf8") : "");

  test("logs a user in through Cambio and the corporate identity provider, and shows the page that was asked for", async () => {
    const login = await browser.open(`${SP}/private/`);
    const response = await browser.submit(login, { login: "dona.moore" });
    expect(response.html, trouble()).toContain("SAMLResponse");
    const page = await browser.submit(response, {});
    expect([page.status, page.url.href, page.html], trouble()).toEqual([200, `${SP}/private/`, "welcome\n"]);
    const { 0: headers } = seen.slice(-1);
    expect([headers?.get("x-uid"), headers?.get("x-groups"), headers?.get("x-name-id")]).toEqual(["dona.moore", "employees;travel-bookers", expect.stringMatching(/^[\w-]{22}$/)]);
  });

  test("signs the user out at Apache, at Cambio and at the corporate identity provider", async () => {
    const other = new Browser();
    await other.submit(await other.submit(await other.open(`${SP}/private/`), { login: "dona.moore" }), {});
    // The identity provider asks before it ends its own.
    const asked = await other.open(`${SP}/mellon/logout?ReturnTo=${encodeURIComponent(`${SP}/bye`)}`);
    const end = await other.submit(asked, { logout: "yes" });
    expect(end.url.href, trouble()).toBe(`${SP}/bye`);
    const again = await other.open(`${SP}/private/`);
    expect(again.html, trouble()).toContain('name="login"');
  });

  test("signs the user out at Apache and at the corporate identity provider, when the user signs out at Cambio", async () => {
    const other = new Browser();
    // Of a user who is logged in there once: mod_auth_mellon looks for the session by the NameID, and takes the first.
    await other.submit(await other.submit(await other.open(`${SP}/private/`), { login: "julie.armstrong" }), {});
    expect((await other.open(`${SP}/private/`)).html).toBe("welcome\n");
    const asked = await other.submit(await other.open(`${cambio.issuer}/oauth2/logout`), {});
    const end = await other.submit(asked, { logout: "yes" });
    expect([end.url.origin, end.html], trouble()).toEqual([cambio.issuer, expect.stringContaining("You are signed out")]);
    expect((await other.open(`${SP}/private/`)).html, trouble()).toContain('name="login"');
  });

  test("refuses a Response in which one character differs", async () => {
    const other = new Browser();
    const response = await other.submit(await other.open(`${SP}/private/`), { login: "dona.moore" });
    const [, value = ""] = /name="SAMLResponse" value="([^"]*)"/.exec(response.html) ?? [];
    const changed = Buffer.from(Buffer.from(value, "base64").toString().replace("dona.moore", "dona.noore")).toString("base64");
    expect((await other.submit(response, { SAMLResponse: changed })).status).toBe(400);
  });
});
