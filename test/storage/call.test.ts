import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Rejection } from "../../src/protocol/rejection.ts";
import { callObject, TOO_NEW } from "../../src/storage/call.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const failure = (flags: object = {}) => Object.assign(new Error("the object says nothing"), flags);

/** Calls an object that answers each call by the next of these; an error is thrown. Tells how it ended and which stubs were asked. */
async function calling(...script: readonly unknown[]) {
  let drawn = 0;
  const asked: number[] = [];
  const outcome = callObject(
    () => drawn++,
    async (stub) => {
      asked.push(stub);
      const next = script[asked.length - 1];
      if (next instanceof Error) throw next;
      return await next;
    },
  ).then(
    (answer) => ({ answer }),
    (refused: unknown) => ({ refused }),
  );
  await vi.advanceTimersByTimeAsync(30_000);
  return { ...(await outcome), asked };
}

const UNAVAILABLE = { refused: expect.objectContaining({ reason: "unavailable" }) };

describe("a call to an object", () => {
  it("is answered by the first stub that answers", async () => {
    expect(await calling("answer")).toEqual({ answer: "answer", asked: [0] });
  });

  it("CON-24 is tried again where the platform says that it may be, each time with a new stub, three times at most", async () => {
    const retryable = failure({ retryable: true });
    expect(await calling(retryable, "answer")).toEqual({ answer: "answer", asked: [0, 1] });
    expect(await calling(retryable, retryable, "answer")).toEqual({ answer: "answer", asked: [0, 1, 2] });
    expect(await calling(retryable, retryable, retryable, "too late")).toEqual({ ...UNAVAILABLE, asked: [0, 1, 2] });
  });

  it.each([
    ["CON-23 an overloaded object", { overloaded: true }],
    ["CON-23 an overloaded object that is called retryable as well", { overloaded: true, retryable: true }],
    ["CON-25 an exception of our own", { remote: true }],
    ["an error that says nothing of itself", {}],
    ["an error that is retryable only by name", { retryable: "true" }],
  ])("is not tried again with %s: it cannot be answered", async (_what, flags) => {
    expect(await calling(failure(flags), "answer")).toEqual({ ...UNAVAILABLE, asked: [0] });
  });

  it("stops at the first that is overloaded, also when one before it could be retried", async () => {
    expect(await calling(failure({ retryable: true }), failure({ overloaded: true, retryable: true }), "answer")).toEqual({ ...UNAVAILABLE, asked: [0, 1] });
  });

  it("that is not answered in time cannot be answered, and is not tried again: it may have been carried out", async () => {
    expect(await calling(new Promise(() => undefined), "answer")).toEqual({ ...UNAVAILABLE, asked: [0] });
  });

  it("to an object that does not know its version cannot be answered: that is no verdict", async () => {
    expect(await calling(TOO_NEW, "answer")).toEqual({ ...UNAVAILABLE, asked: [0] });
    expect(await calling({ ok: false, reason: "code_unknown" })).toEqual({ answer: { ok: false, reason: "code_unknown" }, asked: [0] });
  });

  it.each([undefined, null, 0, "", false])("is answered by whatever the object says: %s", async (answer) => {
    expect(await calling(answer)).toEqual({ answer, asked: [0] });
  });

  it("that needs a stub which cannot be had cannot be answered", async () => {
    const call = callObject(
      () => {
        throw new TypeError("Invalid Durable Object ID");
      },
      async () => "answer",
    );
    await expect(call).rejects.toBeInstanceOf(Rejection);
  });
});
