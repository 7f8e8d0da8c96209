import { describe, expect, it } from "vitest";
import { readBody, readRequestBody } from "../../src/protocol/body.ts";

/** A body that counts what is taken from it. */
function counted(chunks: number, size: number) {
  const seen = { pulled: 0, cancelled: false };
  const body = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        if (seen.pulled === chunks) return controller.close();
        seen.pulled++;
        controller.enqueue(new Uint8Array(size));
      },
      cancel: () => {
        seen.cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { body, seen };
}

const request = (body: BodyInit, headers: Record<string, string> = {}) => new Request("https://id.example.com/", { method: "POST", body, headers });

describe("the size of a body", () => {
  it("TOK-20 stops at the limit when no length is announced: the stream is cancelled, the rest is never read", async () => {
    const { body, seen } = counted(1_000_000, 1024);
    await expect(readBody(request(body), 65_536)).rejects.toMatchObject({ reason: "body_too_large" });
    expect(seen).toEqual({ pulled: 65, cancelled: true });
  });

  it("TOK-19 reads nothing of a body whose announced length is over the limit", async () => {
    const { body, seen } = counted(10, 1024);
    await expect(readBody(request(body, { "content-length": "94371840" }), 65_536)).rejects.toMatchObject({ reason: "body_too_large" });
    expect(seen).toEqual({ pulled: 0, cancelled: true });
  });

  it.each(["0", "10", "-1", "1e3", "abc", "", "10, 20"])("does not believe an announced length of %j", async (announced) => {
    const { body, seen } = counted(1_000, 1024);
    await expect(readBody(request(body, { "content-length": announced }), 65_536)).rejects.toMatchObject({ reason: "body_too_large" });
    expect(seen.cancelled).toBe(true);
  });

  it("takes a body of exactly the limit, in one piece or in many", async () => {
    expect(await readBody(request(new Uint8Array(65_536)), 65_536)).toHaveLength(65_536);
    const { body, seen } = counted(64, 1024);
    expect(await readBody(request(body), 65_536)).toHaveLength(65_536);
    expect(seen).toEqual({ pulled: 64, cancelled: false });
    await expect(readBody(request(new Uint8Array(65_537)), 65_536)).rejects.toMatchObject({ reason: "body_too_large" });
  });

  it("takes no body for an empty one", async () => {
    for (const read of [readBody, readRequestBody]) expect(await read(new Request("https://id.example.com/", { method: "POST" }), 10)).toHaveLength(0);
  });

  it("keeps the order of the pieces", async () => {
    const pieces = [Uint8Array.of(1, 2), Uint8Array.of(), Uint8Array.of(3)];
    const body = new ReadableStream({ pull: (controller) => (pieces.length === 0 ? controller.close() : controller.enqueue(pieces.shift())) });
    expect([...(await readBody(request(body), 10))]).toEqual([1, 2, 3]);
  });
});

describe("the body of a request", () => {
  const sent = (text: string) => {
    const { readable, writable } = new IdentityTransformStream();
    const writer = writable.getWriter();
    // A reader that has seen enough breaks it off.
    void writer
      .write(new TextEncoder().encode(text))
      .then(() => writer.close())
      .catch(() => undefined);
    return readable;
  };
  const read = async (text: string, headers: Record<string, string>) => new TextDecoder().decode(await readRequestBody(request(sent(text), headers), 10));

  it("is taken where it has the length that it announces or less, and refused where it is longer", async () => {
    const announced = { "content-length": "5" };
    expect([await read("a=b&c", announced), await read("a=b", announced)]).toEqual(["a=b&c", "a=b"]);
    await expect(read("a=b&c=d", announced)).rejects.toMatchObject({ reason: "body_too_large" });
  });

  it.each<Record<string, string>>([{}, { "content-length": "abc" }, { "content-length": "5", "transfer-encoding": "chunked" }])(
    "is read piece by piece where nothing holds it to a length: %j",
    async (headers) => {
      expect(await read("a=b&c=d", headers)).toBe("a=b&c=d");
      const { body, seen } = counted(1_000_000, 1024);
      await expect(readRequestBody(request(body, headers), 65_536)).rejects.toMatchObject({ reason: "body_too_large" });
      expect(seen).toEqual({ pulled: 65, cancelled: true });
    },
  );

  it("TOK-20 is read no further than its announced length, however much is sent", async () => {
    const { body, seen } = counted(1_000_000, 1024);
    await expect(readRequestBody(request(body, { "content-length": "10" }), 65_536)).rejects.toMatchObject({ reason: "body_too_large" });
    expect(seen).toEqual({ pulled: 1, cancelled: true });
    const whole = counted(1_000_000, 1024);
    expect(await readRequestBody(request(whole.body, { "content-length": "2048" }), 65_536)).toHaveLength(2048);
    expect(whole.seen.pulled).toBe(2);
  });

  it("TOK-19 is not read where its announced length is over the limit", async () => {
    const { body, seen } = counted(10, 1024);
    await expect(readRequestBody(request(body, { "content-length": "65537" }), 65_536)).rejects.toMatchObject({ reason: "body_too_large" });
    expect(seen).toEqual({ pulled: 0, cancelled: true });
  });

  it("that breaks off is no form", async () => {
    const broken = () => new ReadableStream({ pull: (controller) => controller.error(new Error("gone")) });
    for (const headers of [{}, { "content-length": "5" }]) {
      await expect(readRequestBody(request(broken(), headers), 10)).rejects.toMatchObject({ reason: "malformed_form" });
    }
  });
});
