import { afterEach, beforeEach, vi } from "vitest";

const DAY = 86_400;

/** Where the stopped clock of the present test began: a day from now, so that no alarm rings but when it is told to. Seconds. */
export let START = 0;

/** Stops the clock for every test of the current suite. Seen by the rules, the objects and the Worker alike. */
export function stoppedClock(): void {
  beforeEach(() => {
    START = Math.ceil(Date.now() / 1000) + DAY;
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
