import { afterEach, beforeEach, vi } from "vitest";

/** Where the moved clock begins: never before the real one, so that no alarm is past due when it is set. Seconds. */
export const START = Math.ceil(Date.now() / 1000);

/** Stops the clock for every test of the current suite. Seen by the rules, the objects and the Worker alike. */
export function stoppedClock(): void {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(START * 1000);
  });
  afterEach(() => {
    vi.useRealTimers();
  });
}

/** Moves the stopped clock. */
export function pass(seconds: number): void {
  vi.setSystemTime(Date.now() + seconds * 1000);
}

/** Seconds by the stopped clock. */
export function now(): number {
  return Math.floor(Date.now() / 1000);
}
