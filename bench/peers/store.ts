import { connect } from "node:net";

/** A store of JSON values for oidc-provider's adapters; seconds to live. */
export interface Store {
  set(key: string, value: object, seconds: number): Promise<void>;
  get(key: string): Promise<object | undefined>;
  delete(key: string): Promise<void>;
}

/** The store that the library's examples begin with: a Map in the process. */
export function mapStore(): Store {
  const values = new Map<string, object>();
  return {
    set: async (key, value) => void values.set(key, value),
    get: async (key) => values.get(key),
    delete: async (key) => void values.delete(key),
  };
}

/** Redis on this machine over one connection, commands pipelined as they come (RESP2). */
export function redisStore(port: number): Store {
  const socket = connect(port, "127.0.0.1").setNoDelay(true);
  const waiting: ((reply: string | undefined) => void)[] = [];
  let received = Buffer.alloc(0) as Buffer;
  socket.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    for (let taken = takeReply(received); taken !== undefined; taken = takeReply(received)) {
      received = received.subarray(taken.length);
      waiting.shift()?.(taken.value);
    }
  });
  const send = (...words: readonly string[]) =>
    new Promise<string | undefined>((resolve) => {
      waiting.push(resolve);
      socket.write(`*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`);
    });
  return {
    set: async (key, value, seconds) => void (await send("SET", key, JSON.stringify(value), "EX", String(seconds))),
    get: async (key) => {
      const text = await send("GET", key);
      return text === undefined ? undefined : (JSON.parse(text) as object);
    },
    delete: async (key) => void (await send("DEL", key)),
  };
}

// A status, a number, a text or nothing: all that these commands are answered with.
function takeReply(bytes: Buffer): { readonly value: string | undefined; readonly length: number } | undefined {
  const end = bytes.indexOf("\r\n");
  if (end < 0) return undefined;
  const line = bytes.toString("utf8", 1, end);
  if (bytes[0] === 0x2d) throw new Error(`redis: ${line}`);
  if (bytes[0] !== 0x24) return { value: line, length: end + 2 };
  const size = Number(line);
  if (size < 0) return { value: undefined, length: end + 2 };
  const start = end + 2;
  return bytes.length < start + size + 2 ? undefined : { value: bytes.toString("utf8", start, start + size), length: start + size + 2 };
}
