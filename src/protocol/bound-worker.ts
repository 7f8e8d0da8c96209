import { Rejection } from "./rejection.ts";

/** Asks the Worker behind a service binding. Where it is not bound or cannot be asked, nobody can tell: `unavailable`, with its name in the log. */
export function boundWorker<Bound>(binding: Bound | undefined, name: string) {
  return async <Answer>(call: (bound: Bound) => Promise<Answer>): Promise<Answer> => {
    if (binding === undefined) throw new Rejection("unavailable", { note: `no ${name}` });
    try {
      return await call(binding);
    } catch (cause) {
      throw new Rejection("unavailable", { note: name, cause });
    }
  };
}
