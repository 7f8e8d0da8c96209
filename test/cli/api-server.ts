import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeJwt } from "jose";
import { newPrivateJwk } from "../../cli/jwk.ts";
import { ROOT } from "../../cli/root.ts";
import { inProcess, type Outcome } from "./run-cli.ts";

/** A request as the command line sent it, with what its operator token is bound to. */
export interface Sent {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly operator: unknown;
  readonly boundTo: readonly unknown[];
}

/** A server that answers the command line as it is told, and remembers what it was asked. */
export interface ApiServer {
  readonly sent: Sent[];
  /** What is answered from now on. */
  answer(status: number, body: unknown): void;
  /** What each request is answered from now on. */
  answerBy(reply: (sent: Sent) => { readonly status: number; readonly body: unknown }): void;
  readonly url: string;
  /** The operator's private key, as a file. */
  readonly keyFile: string;
  /** Every operator's token that was sent. */
  readonly tokens: string[];
  /** Runs the command line against this server, as the operator olga; where it reads standard input, as a process of its own. */
  cambio(args: readonly string[], input?: string): Promise<Outcome>;
  close(): void;
}

/** Starts the server. */
export async function apiServer(): Promise<ApiServer> {
  const folder = mkdtempSync(join(tmpdir(), "cambio-cli-"));
  const key = join(folder, "olga.jwk.json");
  writeFileSync(key, JSON.stringify({ ...newPrivateJwk("ES256"), kid: "olga" }));
  const sent: Sent[] = [];
  const tokens: string[] = [];
  let reply: (sent: Sent) => { readonly status: number; readonly body: unknown } = () => ({ status: 200, body: {} });
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const token = (request.headers.authorization ?? "").replace("Bearer ", "");
    tokens.push(token);
    const { iss, htm, htu } = decodeJwt(token);
    const one: Sent = { method: request.method ?? "", path: request.url ?? "", body: text === "" ? undefined : JSON.parse(text), operator: iss, boundTo: [htm, htu] };
    sent.push(one);
    const next = reply(one);
    response.writeHead(next.status, { "content-type": "application/json" }).end(JSON.stringify(next.body));
  });
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  const url = `http://localhost:${(server.address() as AddressInfo).port}`;
  return {
    sent,
    tokens,
    url,
    keyFile: key,
    answer: (status, body) => {
      reply = () => ({ status, body });
    },
    answerBy: (next) => {
      reply = next;
    },
    cambio: (args, input) => (input === undefined ? inProcess([...args, "--url", url, "--key", key]) : run([...args, "--url", url, "--key", key], input)),
    close: () => {
      server.close();
      rmSync(folder, { recursive: true });
    },
  };
}

function run(args: readonly string[], input: string): Promise<Outcome> {
  const child = spawn(process.execPath, [join(ROOT, "cli", "cambio.ts"), ...args], { cwd: ROOT });
  const texts = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8");
    child[stream].on("data", (text: string) => {
      texts[stream] += text;
    });
  }
  child.stdin.end(input);
  return new Promise((resolve) => child.on("close", (status) => resolve({ status, ...texts })));
}
