import { once } from "node:events";
import { table } from "../cli/table.ts";
import { CONNECTIONS, type Contestant, OPERATIONS, type Operation } from "./contestant.ts";
import type { Generator } from "./generator.ts";
import type { Effort } from "./measure.ts";

interface Node {
  readonly id: number;
  readonly children?: readonly number[];
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
}

interface Profile {
  readonly nodes: readonly Node[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** One function's time, as shares of all samples that were not idle. */
interface Share {
  readonly name: string;
  /** In the function itself. */
  readonly own: number;
  /** In the function and in whatever it called before its first await. */
  readonly total: number;
}

const SAMPLING_MICROSECONDS = 100;
const FUNCTIONS_SHOWN = 25;
const LONGEST_MS = 5000;

/** Profiles each operation of the Worker at the edge; the objects' Worker is another one, and not in it. */
export async function profileOperations(contestant: Contestant, generator: Generator, inspectorPort: number, effort: Effort): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const operation of Object.keys(OPERATIONS) as Operation[]) {
    const supply = contestant.supplies[operation];
    if (supply === undefined || !(effort.only?.includes(operation) ?? true)) continue;
    const run = async () => {
      const { requests, chains, took } = await supply(effort.count);
      const job = { port: contestant.served.port, requests, ...(chains === undefined ? {} : { chains }), connections: CONNECTIONS, count: effort.count, milliseconds: LONGEST_MS };
      return async () => {
        const result = await generator.run(job);
        took?.(result);
      };
    };
    await (await run())();
    const found = await profile(inspectorPort, contestant.name, await run());
    const percent = (share: number) => (share * 100).toFixed(1);
    const rows = found.slice(0, FUNCTIONS_SHOWN).map(({ name, own, total }) => [percent(total), percent(own), name]);
    lines.push(OPERATIONS[operation], ...table([["total %", "own %", "function:line"], ...rows]), "");
  }
  return lines;
}

/** Samples the JavaScript of a Worker through workerd's inspector while something is done; the functions with the most time first. */
async function profile(inspectorPort: number, worker: string, work: () => Promise<unknown>): Promise<readonly Share[]> {
  const socket = new WebSocket(`ws://127.0.0.1:${inspectorPort}/${worker}`);
  await once(socket, "open");
  let last = 0;
  const call = async (method: string, params: object = {}): Promise<unknown> => {
    const id = ++last;
    socket.send(JSON.stringify({ id, method, params }));
    for (;;) {
      const [event] = (await once(socket, "message")) as [MessageEvent<string>];
      const message = JSON.parse(event.data) as { readonly id?: number; readonly result?: unknown };
      if (message.id === id) return message.result;
    }
  };
  await call("Profiler.enable");
  await call("Profiler.setSamplingInterval", { interval: SAMPLING_MICROSECONDS });
  await call("Profiler.start");
  await work();
  const { profile: taken } = (await call("Profiler.stop")) as { readonly profile: Profile };
  socket.close();
  return shares(taken);
}

function shares({ nodes, samples, timeDeltas }: Profile): readonly Share[] {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, `${callFrame.functionName || "(anonymous)"}:${callFrame.lineNumber + 1}`]));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const own = new Map<string, number>();
  const total = new Map<string, number>();
  const add = (times: Map<string, number>, name: string, time: number) => times.set(name, (times.get(name) ?? 0) + time);
  let all = 0;
  for (const [index, sample] of samples.entries()) {
    const time = timeDeltas[index] ?? 0;
    if (/^\((idle|root)\)/.test(names.get(sample) ?? "")) continue;
    all += time;
    add(own, names.get(sample) ?? "", time);
    const stack = new Set<string>();
    for (let node: number | undefined = sample; node !== undefined; node = parents.get(node)) stack.add(names.get(node) ?? "");
    for (const name of stack) add(total, name, time);
  }
  return [...total].map(([name, time]) => ({ name, own: (own.get(name) ?? 0) / all, total: time / all })).toSorted((a, b) => b.total - a.total);
}
