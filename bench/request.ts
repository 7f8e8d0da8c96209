/** A client's id and secret. */
export type Credentials = readonly [id: string, secret: string];

/** A form posted to a server on this machine, as the bytes of an HTTP/1.1 request; RFC 6749 §2.3.1 for the credentials. */
export function post(host: string, path: string, form: Readonly<Record<string, string>>, client?: Credentials): string {
  // The place of a chain's token stays as it is: the load generator fills it in.
  const body = new URLSearchParams(form).toString().replaceAll("%7Btoken%7D", "{token}");
  const authorization = client === undefined ? "" : `authorization: Basic ${Buffer.from(client.map(encodeURIComponent).join(":")).toString("base64")}\r\n`;
  const head = `POST ${path} HTTP/1.1\r\nhost: ${host}\r\n${authorization}content-type: application/x-www-form-urlencoded\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`;
  return `${head}\r\n${body}`;
}

/** A GET without a body. */
export function get(host: string, path: string): string {
  return `GET ${path} HTTP/1.1\r\nhost: ${host}\r\n\r\n`;
}
