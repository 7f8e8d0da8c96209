// A demo corporate identity provider, a process of its own:
//   node demo/idp.ts --organisation corp --port 8788 --cambio http://localhost:8787 --keys FILE   with CLIENT_SECRET in the environment
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { parseArgs } from "node:util";
import { exportJWK, generateKeyPair, type JWK } from "jose";
import type { Provider } from "oidc-provider";
import { loginPage, messagePage } from "./idp-pages.ts";
import { demoProvider } from "./idp-provider.ts";
import { type DemoOrganisation, ORGANISATIONS } from "./users.ts";

const LARGEST_FORM = 4096;

function handler(provider: Provider, organisation: DemoOrganisation): RequestListener {
  const protocol = provider.callback();
  return (request, response) => {
    if (!request.url?.startsWith("/interaction/")) return protocol(request, response);
    interact(provider, organisation, request, response).catch((error: unknown) => {
      send(response, 400, messagePage("That did not work", error instanceof Error ? error.message : String(error)));
    });
  };
}

async function interact(provider: Provider, organisation: DemoOrganisation, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { uid, params, prompt } = await provider.interactionDetails(request, response);
  if (prompt.name === "consent") return provider.interactionFinished(request, response, { consent: {} }, { mergeWithLastSubmission: true });
  if (request.method !== "POST") return send(response, 200, loginPage(organisation, `/interaction/${uid}`, text(params.login_hint)));
  const login = (await readForm(request)).get("login");
  const user = organisation.users.find((one) => one.login === login);
  if (user === undefined) return send(response, 400, messagePage("Nobody of this name", "Go back and choose one of the demo users."));
  await provider.interactionFinished(request, response, { login: { accountId: user.sub, remember: true } });
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  let body = "";
  for await (const chunk of request) {
    body += String(chunk);
    if (body.length > LARGEST_FORM) throw new Error("the form is too large");
  }
  return new URLSearchParams(body);
}

function send(response: ServerResponse, status: number, html: string): void {
  response.writeHead(status, { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" }).end(html);
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

// Kept across restarts, so that what was signed before one still verifies after it.
async function keepKeys(file: string): Promise<readonly JWK[]> {
  if (existsSync(file)) return (JSON.parse(readFileSync(file, "utf8")) as { readonly keys: readonly JWK[] }).keys;
  const { privateKey } = await generateKeyPair("RS256", { extractable: true });
  const keys = [{ ...(await exportJWK(privateKey)), alg: "RS256", use: "sig" }];
  writeFileSync(file, JSON.stringify({ keys }), { mode: 0o600 });
  return keys;
}

// On both loopback addresses: the Worker, a browser and curl may each take "localhost" for either.
function listen(listener: RequestListener, port: number): void {
  for (const host of ["127.0.0.1", "::1"]) {
    const server = createServer(listener);
    server.on("error", (error: NodeJS.ErrnoException) => {
      if (host === "::1" && (error.code === "EADDRNOTAVAIL" || error.code === "EAFNOSUPPORT")) return;
      console.error(`cannot listen on ${host} port ${port}: ${error.message}`);
      process.exit(1);
    });
    server.listen(port, host);
  }
}

const { values } = parseArgs({ options: { organisation: { type: "string" }, port: { type: "string" }, cambio: { type: "string" }, keys: { type: "string" } } });
const organisation = ORGANISATIONS.find(({ alias }) => alias === values.organisation);
const clientSecret = process.env.CLIENT_SECRET;
if (organisation === undefined || values.port === undefined || values.cambio === undefined || values.keys === undefined || clientSecret === undefined) {
  console.error(`usage: node demo/idp.ts --organisation ${ORGANISATIONS.map(({ alias }) => alias).join("|")} --port PORT --cambio ORIGIN --keys FILE, with CLIENT_SECRET set`);
  process.exit(2);
}
const port = Number(values.port);
const issuer = `http://localhost:${port}`;
listen(handler(demoProvider({ organisation, issuer, cambio: values.cambio, clientSecret, keys: await keepKeys(values.keys) }), organisation), port);
