import { once } from "node:events";

/** Where a function stands in a Worker's bundle; native functions have no `url`. Counted from 0. */
export interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
}

/** V8's own format, as far as it is read here. Microseconds. */
export interface Profile {
  readonly nodes: readonly { readonly id: number; readonly children?: readonly number[]; readonly callFrame: CallFrame }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const SAMPLING_MICROSECONDS = 200;

/** Samples the JavaScript of several Workers of one workerd while something is done: each Worker is an isolate of its own. */
export async function profiles<Result>(
  inspectorPort: number,
  workers: readonly string[],
  work: () => Promise<Result>,
): Promise<{ readonly result: Result; readonly taken: readonly Profile[] }> {
  const targets = await Promise.all(workers.map((worker) => attach(inspectorPort, worker)));
  for (const { call } of targets) {
    await call("Profiler.enable");
    await call("Profiler.setSamplingInterval", { interval: SAMPLING_MICROSECONDS });
    await call("Profiler.start");
  }
  const result = await work();
  const taken: Profile[] = [];
  for (const { call, close } of targets) {
    taken.push(((await call("Profiler.stop")) as { readonly profile: Profile }).profile);
    close();
  }
  return { result, taken };
}

async function attach(inspectorPort: number, worker: string) {
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
  return { call, close: () => socket.close() };
}
