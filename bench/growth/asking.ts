import { type BenchClient, type MeasuredCambio, secretOf } from "../cambio.ts";
import { CONNECTIONS, type Work } from "../contestant.ts";
import type { Generator } from "../generator.ts";
import { type Credentials, post } from "../request.ts";
import type { Job } from "./curve.ts";

const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
const LONGEST_MS = 20_000;
// So few that even a busy machine answers them in time.
const MOST_AT_ONCE = 1000;

/** A running Cambio as the curves ask it. */
export interface Asking {
  readonly cambio: MeasuredCambio;
  /** Sends work that is not measured; what the answers hold under `access_token`, in no order. */
  send(work: Work, count: number): Promise<readonly string[]>;
  /** New access tokens for refresh tokens, one for each, in no order; and the refresh tokens that follow. */
  refresh(app: BenchClient, chains: readonly string[]): Promise<{ readonly tokens: readonly string[]; readonly chains: readonly string[] }>;
  exchanging(app: BenchClient, audience: BenchClient, subject: string): string;
  form(path: string, client: Credentials, fields: Readonly<Record<string, string>>): string;
}

/** Asks one Cambio through the load generator. */
export function asking(cambio: MeasuredCambio, generator: Generator): Asking {
  const { served } = cambio;
  const run = async (work: Work, count: number, connections = CONNECTIONS) => {
    const result = await generator.run({ port: served.port, connections, count, milliseconds: LONGEST_MS, collect: "access_token", ...work });
    if (result.failures > 0 || result.count < count) throw new Error(`cambio: ${result.failure ?? `${result.count} of ${count} answered`}`);
    return result;
  };
  const form = (path: string, client: Credentials, fields: Readonly<Record<string, string>>) => post(served.host, path, fields, client);
  return {
    cambio,
    form,
    send: async (work, count) => {
      const collected: string[] = [];
      for (let sent = 0; sent < count; sent += MOST_AT_ONCE) collected.push(...(await run(work, Math.min(MOST_AT_ONCE, count - sent))).collected);
      return collected;
    },
    refresh: async (app, chains) => {
      const requests = [form("/oauth2/token", [app, secretOf(app)], { grant_type: "refresh_token", refresh_token: "{token}", scope: "profile" })];
      const result = await run({ requests, chains }, chains.length, chains.length);
      return { tokens: result.collected, chains: result.chains };
    },
    exchanging: (app, audience, subject) =>
      form("/oauth2/token", [app, secretOf(app)], {
        ...{ grant_type: "urn:ietf:params:oauth:grant-type:token-exchange", audience },
        ...{ subject_token: subject, subject_token_type: ACCESS_TOKEN },
      }),
  };
}

/** Every request once, unmeasured, so that what it asks is awake; then all of them in turn, so many times, as so many jobs. */
export async function awake({ send }: Asking, requests: readonly string[], count: number, jobs = 1): Promise<readonly Job[]> {
  await send({ requests }, requests.length);
  const each = Math.ceil(count / jobs);
  // Where there are more than one job sends, each goes on where the last has ended.
  return Array.from({ length: jobs }, (_none, job) => ({ requests: requests.length > each ? requests.slice(job * each, (job + 1) * each) : requests, count: each }));
}
