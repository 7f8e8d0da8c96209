/** An HTTP response as the load generator looks at it. */
export interface Response {
  readonly status: number;
  readonly body: string;
}

const END_OF_HEAD = Buffer.from("\r\n\r\n");

/** Reads one whole HTTP/1.1 response; undefined while some of it is missing. */
export function takeResponse(bytes: Buffer): Response | undefined {
  const end = bytes.indexOf(END_OF_HEAD);
  if (end < 0) return undefined;
  const head = bytes.toString("latin1", 0, end).toLowerCase();
  const status = Number(head.slice(9, 12));
  const start = end + END_OF_HEAD.length;
  const length = /\r\ncontent-length: (\d+)/.exec(head)?.[1];
  if (length !== undefined) return bytes.length < start + Number(length) ? undefined : { status, body: bytes.toString("utf8", start, start + Number(length)) };
  if (head.includes("\r\ntransfer-encoding: chunked")) return chunked(bytes, start, status);
  return { status, body: "" };
}

function chunked(bytes: Buffer, start: number, status: number): Response | undefined {
  let at = start;
  let body = "";
  for (;;) {
    const end = bytes.indexOf("\r\n", at);
    if (end < 0) return undefined;
    const size = Number.parseInt(bytes.toString("latin1", at, end), 16);
    if (bytes.length < end + 2 + size + 2) return undefined;
    if (size === 0) return { status, body };
    body += bytes.toString("utf8", end + 2, end + 2 + size);
    at = end + 2 + size + 2;
  }
}
