// The load generator: a process of its own, so that what it costs is not counted as the server's. Reads one job per line
// from standard input and writes one result per line. Only ever connects to 127.0.0.1.
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { takeResponse } from "./http-response.ts";

/** What to send, and how often. */
export interface Job {
  readonly port: number;
  /** Whole HTTP/1.1 requests; `{token}` stands for the token of a chain. Sent in this order, over and over. */
  readonly requests: readonly string[];
  /** One token for each connection: every answer's `refresh_token` is the next request's `{token}`. */
  readonly chains?: readonly string[];
  readonly connections: number;
  readonly count: number;
  readonly milliseconds: number;
  /** The member of each answer that is wanted back. */
  readonly collect?: string;
}

/** What came of a job. Latencies in milliseconds. */
export interface Result {
  readonly count: number;
  readonly seconds: number;
  readonly p50: number;
  readonly p99: number;
  readonly failures: number;
  /** The first answer that was not 200, for whoever looks for the reason. */
  readonly failure?: string;
  readonly collected: readonly string[];
  /** Where each chain has got to. */
  readonly chains: readonly string[];
}

const MOST_REQUESTS = 20_000;
const LONGEST_MS = 20_000;

interface Progress {
  next: number;
  readonly latencies: number[];
  readonly collected: string[];
  readonly chains: string[];
  failures: number;
  failure?: string;
}

async function run(job: Job): Promise<Result> {
  const progress: Progress = { next: 0, latencies: [], collected: [], chains: [...(job.chains ?? [])], failures: 0 };
  const begun = performance.now();
  const deadline = begun + Math.min(job.milliseconds, LONGEST_MS);
  await Promise.all(Array.from({ length: job.connections }, (_none, index) => converse(job, progress, index, deadline)));
  const seconds = (performance.now() - begun) / 1000;
  const sorted = progress.latencies.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  const { collected, chains, failures, failure } = progress;
  return { count: sorted.length, seconds, p50: at(0.5), p99: at(0.99), failures, ...(failure === undefined ? {} : { failure }), collected, chains };
}

/** One connection, kept alive: the next request goes out when the answer to the last has come. */
async function converse(job: Job, progress: Progress, index: number, deadline: number): Promise<void> {
  const socket = connect(job.port, "127.0.0.1");
  socket.setNoDelay(true);
  const limit = Math.min(job.count, MOST_REQUESTS);
  try {
    while (progress.next < limit && performance.now() < deadline) {
      const request = job.requests[progress.next++ % job.requests.length] ?? "";
      const sent = performance.now();
      const { status, body } = await exchange(socket, fill(request, progress.chains[index]));
      progress.latencies.push(performance.now() - sent);
      note(job, progress, index, status, body);
    }
  } finally {
    socket.destroy();
  }
}

function note(job: Job, progress: Progress, index: number, status: number, body: string): void {
  if (status !== 200) {
    progress.failures++;
    progress.failure ??= `${status} ${body.slice(0, 300)}`;
    return;
  }
  if (job.collect === undefined && job.chains === undefined) return;
  const answer = JSON.parse(body) as Readonly<Record<string, unknown>>;
  if (job.collect !== undefined) progress.collected.push(String(answer[job.collect]));
  if (job.chains !== undefined) progress.chains[index] = String(answer.refresh_token);
}

// The length of the body is part of the text, so a request with a chain's token is measured when it is filled in.
function fill(request: string, token: string | undefined): string {
  if (token === undefined) return request;
  const filled = request.replaceAll("{token}", encodeURIComponent(token));
  const body = filled.slice(filled.indexOf("\r\n\r\n") + 4);
  return filled.replace(/content-length: \d+/, `content-length: ${Buffer.byteLength(body)}`);
}

function exchange(socket: Socket, request: string): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    let received: Buffer = Buffer.alloc(0);
    const onData = (chunk: Buffer) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      const response = takeResponse(received);
      if (response === undefined) return;
      done();
      resolve(response);
    };
    const onEnd = () => {
      done();
      reject(new Error(`the connection ended after ${received.length} bytes`));
    };
    const done = () => socket.off("data", onData).off("close", onEnd).off("error", onEnd);
    socket.on("data", onData).once("close", onEnd).once("error", onEnd);
    socket.write(request);
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await run(JSON.parse(line) as Job).catch((error: unknown) => ({ error: String(error) }));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
