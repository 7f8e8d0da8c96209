const NAMES: ReadonlyMap<number, "email" | "dns" | "uri" | "ip"> = new Map([
  [0x81, "email"],
  [0x82, "dns"],
  [0x86, "uri"],
  [0x87, "ip"],
]);
const [BOOLEAN, EXTENSIONS] = [0x01, 0xa3];
const SUBJECT_ALT_NAME = "85,29,17";

interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
}

/**
 * The alternative names of a certificate's subject (RFC 5280 §4.2.1.6), as `dns:…`, `uri:…`, `email:…` and `ip:…` (RFC 5952).
 * `der` is a certificate that has been verified; what is not well-formed has none.
 */
export function subjectAltNames(der: Uint8Array): readonly string[] {
  try {
    const [certificate] = elements(der);
    const [signed] = elements(contentOf(certificate));
    const extensions = elements(contentOf(signed)).find(({ tag }) => tag === EXTENSIONS);
    const [list] = elements(contentOf(extensions));
    const named = elements(contentOf(list)).map(({ content }) => elements(content).filter(({ tag }) => tag !== BOOLEAN));
    const [, value] = named.find(([id]) => contentOf(id).join() === SUBJECT_ALT_NAME) ?? [];
    const [names] = elements(contentOf(value));
    return elements(contentOf(names)).flatMap(({ tag, content }) => {
      const kind = NAMES.get(tag);
      return kind === undefined ? [] : `${kind}:${kind === "ip" ? addressOf(content) : String.fromCharCode(...content)}`;
    });
  } catch {
    return [];
  }
}

function contentOf(element: Element | undefined): Uint8Array {
  if (element === undefined) throw new RangeError("not there");
  return element.content;
}

// DER (X.690 §8.1): a tag, a length in one byte or in as many as the first says, the content.
function elements(bytes: Uint8Array): readonly Element[] {
  const found: Element[] = [];
  for (let at = 0; at < bytes.length; ) {
    const [tag = 0, first = 0] = bytes.subarray(at, at + 2);
    const start = at + 2 + (first < 0x80 ? 0 : first - 0x80);
    const length = first < 0x80 ? first : bytes.subarray(at + 2, start).reduce((sum, byte) => sum * 256 + byte, 0);
    at = start + length;
    if (at > bytes.length || first === 0x80) throw new RangeError("not well-formed");
    found.push({ tag, content: bytes.subarray(start, at) });
  }
  return found;
}

function addressOf(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: bytes.length / 2 }, (_, n) => ((bytes[2 * n] ?? 0) * 256 + (bytes[2 * n + 1] ?? 0)).toString(16));
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}
