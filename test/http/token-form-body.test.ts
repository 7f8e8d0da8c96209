import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { basic, world } from "../world.ts";
import { FORM_ENDPOINTS, GOOD_FORM, goodBody, lastLineOf, refusal, WORKER } from "./wire.ts";

beforeEach(reset);

const FORM = "application/x-www-form-urlencoded";
const LIMIT = 65_536;

/** A body of `chunks` kilobytes that counts what is taken from it. */
function counted(chunks: number) {
  const seen = { pulled: 0, cancelled: false };
  const kilobyte = new TextEncoder().encode("a".repeat(1024));
  const body = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        if (seen.pulled === chunks) return controller.close();
        seen.pulled++;
        controller.enqueue(kilobyte);
      },
      cancel: () => {
        seen.cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { body, seen };
}

describe.each(FORM_ENDPOINTS)("the body of %s", (endpoint) => {
  it("TOK-10 is a form, however its media type is written", async () => {
    const w = await world();
    for (const type of [FORM, `${FORM};charset=UTF-8`, "Application/X-WWW-Form-Urlencoded; Charset=utf-8; v=1"]) {
      expect((await w.post(endpoint, GOOD_FORM[endpoint], WORKER, { "content-type": type })).status).toBe(200);
    }
  });

  it("TOK-11 is not a form in another charset", async () => {
    const w = await world();
    for (const charset of ["utf-16", "utf-7", "iso-8859-1"]) {
      expect(await refusal(await w.post(endpoint, GOOD_FORM[endpoint], WORKER, { "content-type": `${FORM};charset=${charset}` }))).toBe("400 invalid_request");
    }
  });

  it("TOK-08 is not JSON, though it say the same", async () => {
    const w = await world();
    const body = JSON.stringify(Object.fromEntries(new URLSearchParams(goodBody(endpoint))));
    expect(await refusal(await w.post(endpoint, body, undefined, { "content-type": "application/json" }))).toBe("400 invalid_request");
    expect(lastLineOf(w)).toMatchObject({ reason: "media_type" });
    expect(lastLineOf(w).client).toBeUndefined();
  });

  it("TOK-09 is not multipart, though it say the same", async () => {
    const w = await world();
    const body = new FormData();
    for (const [name, value] of new URLSearchParams(goodBody(endpoint))) body.append(name, value);
    expect(await refusal(await w.fetch(endpoint, { method: "POST", body }))).toBe("400 invalid_request");
  });

  it("TOK-13 is nothing without a media type", async () => {
    const w = await world();
    const body = new TextEncoder().encode(goodBody(endpoint));
    expect(await refusal(await w.fetch(endpoint, { method: "POST", body }))).toBe("400 invalid_request");
    expect(await refusal(await w.fetch(endpoint, { method: "POST", headers: { authorization: basic(...WORKER) } }))).toBe("400 invalid_request");
  });

  it("TOK-22 is not encoded: nothing is decoded, nothing guessed", async () => {
    const w = await world();
    const zipped = new Response(new Blob([goodBody(endpoint)]).stream().pipeThrough(new CompressionStream("gzip")));
    const body = await zipped.arrayBuffer();
    for (const encoding of ["gzip", "deflate", "br"]) {
      expect(await refusal(await w.fetch(endpoint, { method: "POST", body, headers: { "content-type": FORM, "content-encoding": encoding } }))).toBe("400 invalid_request");
    }
    expect(await refusal(await w.fetch(endpoint, { method: "POST", body, headers: { "content-type": FORM } }))).toBe("400 invalid_request");
  });

  it.each([1, 10, 90])("TOK-19 of %d MiB is 413 before any of it is read, and the next request is served", async (mebibytes) => {
    const w = await world();
    const { body, seen } = counted(mebibytes * 1024);
    const headers = { "content-type": FORM, "content-length": String(mebibytes * 1_048_576), authorization: basic(...WORKER) };
    expect(await refusal(await w.fetch(endpoint, { method: "POST", body, headers }))).toBe("413 invalid_request");
    expect(seen).toEqual({ pulled: 0, cancelled: true });
    expect((await w.post(endpoint, GOOD_FORM[endpoint], WORKER)).status).toBe(200);
  });

  it.each([undefined, "10", "0", "-5", "nonsense"])("TOK-20 without an end is 413 at the limit, and cancelled there (Content-Length %s)", async (announced) => {
    const w = await world();
    const { body, seen } = counted(1_000_000);
    const headers = { "content-type": FORM, authorization: basic(...WORKER), ...(announced === undefined ? {} : { "content-length": announced }) };
    expect(await refusal(await w.fetch(endpoint, { method: "POST", body, headers }))).toBe("413 invalid_request");
    expect(seen.cancelled).toBe(true);
    expect(seen.pulled).toBeLessThanOrEqual(LIMIT / 1024 + 1);
  });

  it("has room for exactly 64 KiB", async () => {
    const w = await world();
    const filled = (length: number) => `${goodBody(endpoint)}&x=${"a".repeat(length - goodBody(endpoint).length - 3)}`;
    expect((await w.post(endpoint, filled(LIMIT))).status).toBe(200);
    expect(await refusal(await w.post(endpoint, filled(LIMIT + 1)))).toBe("413 invalid_request");
  });
});

describe("a body that never ends well", () => {
  it("is an answer, not a crash, when its sender breaks off", async () => {
    const w = await world();
    const body = new ReadableStream({
      pull: (controller) => controller.error(new Error("gone: secret-in-the-message")),
    });
    const answer = await w.fetch("/oauth2/token", { method: "POST", body, headers: { "content-type": FORM } });
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(await answer.text()).not.toContain("secret-in-the-message");
    expect(w.lines.join()).not.toContain("secret-in-the-message");
  });

  it("DOS-10 costs the refused caller no look-up of a token: an unknown client is refused before its token is read", async () => {
    const w = await world({
      service: (s) => ({
        ...s,
        families: new Proxy(s.families, {
          get: () => () => {
            throw new Error("a family was asked");
          },
        }),
      }),
    });
    const form = { token: "a".repeat(60_000) };
    for (const endpoint of ["/oauth2/introspect", "/oauth2/revoke"]) expect(await refusal(await w.post(endpoint, form, ["nobody", "x"]))).toBe("401 invalid_client");
  });
});
