import { once } from "node:events";

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
export interface Share {
  readonly name: string;
  /** In the function itself. */
  readonly own: number;
  /** In the function and in whatever it called before its first await. */
  readonly total: number;
}

const SAMPLING_MICROSECONDS = 100;

/** Samples the JavaScript of a Worker through workerd's inspector while something is done; the functions with the most time first. */
export async function profile(inspectorPort: number, worker: string, work: () => Promise<unknown>): Promise<readonly Share[]> {
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
