import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { kvTokenCopies, memoryTokenCopies } from "../../src/storage/token-copies.ts";
import { tokenCopiesContract } from "./token-copies.contract.ts";

beforeEach(reset);
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const now = () => Math.floor(Date.now() / 1000);

tokenCopiesContract("copies in KV", () => kvTokenCopies(env.TOKENS, now));
tokenCopiesContract("copies in memory", () => memoryTokenCopies(now));

describe("copies in KV when KV fails", () => {
  it("CON-42 are a miss: whoever reads asks the family instead", async () => {
    vi.spyOn(env.TOKENS, "get").mockRejectedValue(new Error("429 Too Many Requests"));
    expect(await kvTokenCopies(env.TOKENS, now).read("hash")).toBeUndefined();
  });

  it("CON-42 are a miss as well when KV does not answer within a second", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    vi.spyOn(env.TOKENS, "get").mockReturnValue(new Promise<never>(() => undefined) as never);
    const read = kvTokenCopies(env.TOKENS, now).read("hash");
    await vi.advanceTimersByTimeAsync(1000);
    expect(await read).toBeUndefined();
  });

  it("are kept under one prefix, by hash, for as long as the token lives", async () => {
    const put = vi.spyOn(env.TOKENS, "put");
    await kvTokenCopies(env.TOKENS, () => 1000).write("hash", "sealed", 1600);
    expect(put.mock.calls).toEqual([["at/hash", "sealed", { expirationTtl: 600 }]]);
  });
});
