import { once } from "node:events";

interface Node {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
}

interface Profile {
  readonly nodes: readonly Node[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** One function's own time, as a share of all samples that were not idle. */
export interface OwnTime {
  readonly name: string;
  readonly line: number;
  readonly share: number;
}

const SAMPLING_MICROSECONDS = 100;

/** Samples the JavaScript of a Worker through workerd's inspector while something is done; the functions with the most own time first. */
export async function profile(inspectorPort: number, worker: string, work: () => Promise<unknown>): Promise<readonly OwnTime[]> {
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
  return ownTimes(taken);
}

function ownTimes({ nodes, samples, timeDeltas }: Profile): readonly OwnTime[] {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, `${callFrame.functionName || "(anonymous)"} ${callFrame.lineNumber + 1}`]));
  const times = new Map<string, number>();
  for (const [index, sample] of samples.entries()) {
    const name = names.get(sample) ?? "";
    if (!/^\((idle|root)\)/.test(name)) times.set(name, (times.get(name) ?? 0) + (timeDeltas[index] ?? 0));
  }
  const all = [...times.values()].reduce((sum, one) => sum + one, 0);
  const own = [...times].map(([name, time]) => ({ name: name.replace(/ \d+$/, ""), line: Number(/\d+$/.exec(name)?.[0]), share: time / all }));
  return own.toSorted((a, b) => b.share - a.share);
}
