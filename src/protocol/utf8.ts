const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text of bytes in UTF-8, a byte order mark included. Throws a `TypeError` for anything that is not UTF-8. */
export function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
