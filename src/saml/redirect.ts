import { bytesOf } from "../protocol/bytes.ts";
import { type SamlKey, signatureAlgorithm } from "./signature.ts";

/** Where a browser goes with a message by the redirect binding, signed (SAML bindings §3.4.4.1). */
export async function redirectUrl(destination: string, message: Readonly<Record<string, string>>, relayState: string | undefined, { key, hash }: SamlKey): Promise<string> {
  const query = new URLSearchParams();
  for (const [name, xml] of Object.entries(message)) {
    const deflated = new Response(new Blob([bytesOf(xml)]).stream().pipeThrough(new CompressionStream("deflate-raw")));
    query.set(name, new Uint8Array(await deflated.arrayBuffer()).toBase64());
  }
  if (relayState !== undefined) query.set("RelayState", relayState);
  query.set("SigAlg", signatureAlgorithm(hash));
  // These bytes, in this order, are what is signed.
  const signed = query.toString();
  const signature = new Uint8Array(await crypto.subtle.sign("RSASSA-PKCS1-v1_5", key, bytesOf(signed))).toBase64();
  return `${destination}${destination.includes("?") ? "&" : "?"}${signed}&${new URLSearchParams({ Signature: signature })}`;
}
