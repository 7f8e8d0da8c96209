import { Rejection } from "../protocol/rejection.ts";

const TRIES = 3;
const BACKOFF_MILLISECONDS = 20;
const DEADLINE_MILLISECONDS = 8000;

/** What an object answers to a call that is newer than itself: it could miss a rule that its caller relies on. */
export const TOO_NEW = { ok: false, reason: "unavailable" } as const;
type TooNew = typeof TOO_NEW;

/**
 * Calls a Durable Object. Only what the platform marks `.retryable` is tried again, with a new stub, three times at most;
 * `.overloaded` is given up at once. Whatever cannot be answered is 503: never a verdict.
 */
export async function callObject<Stub, Answer>(stub: () => Stub, ask: (stub: Stub) => PromiseLike<Answer>): Promise<Exclude<Answer, TooNew>> {
  for (let attempt = 1; ; attempt++) {
    try {
      return known(await inTime(ask(stub()), DEADLINE_MILLISECONDS));
    } catch (cause) {
      if (cause instanceof Rejection) throw cause;
      if (attempt === TRIES || !isRetryable(cause)) throw new Rejection("unavailable", { note: "object", cause });
      await pause(BACKOFF_MILLISECONDS * 2 ** attempt * (0.5 + Math.random()));
    }
  }
}

function known<Answer>(answer: Answer): Exclude<Answer, TooNew> {
  const { ok, reason } = Object(answer) as { readonly ok?: unknown; readonly reason?: unknown };
  if (ok === TOO_NEW.ok && reason === TOO_NEW.reason) throw new Rejection("unavailable", { note: "version" });
  return answer as Exclude<Answer, TooNew>;
}

function isRetryable(cause: unknown): boolean {
  const { retryable, overloaded } = Object(cause) as { readonly retryable?: unknown; readonly overloaded?: unknown };
  return retryable === true && overloaded !== true;
}

/** An answer, or an error when it takes too long. */
export function inTime<T>(answer: PromiseLike<T>, milliseconds: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("no answer in time")), milliseconds);
    answer.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (cause: unknown) => {
        clearTimeout(timer);
        reject(cause);
      },
    );
  });
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
