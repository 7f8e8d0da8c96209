import { verify, X509Certificate } from "node:crypto";
import { expect } from "vitest";
import { bytesOf } from "../../src/protocol/bytes.ts";
import { redirectUrl } from "../../src/saml/redirect.ts";
import { samlKey } from "../saml/idp.ts";
import type { World } from "../world.ts";
import { certificatesOf } from "./saml-steps.ts";

/** What a LogoutRequest says. */
export interface AskedLogout {
  readonly destination: string;
  readonly issuer: string;
  readonly nameId: string;
  readonly sessionIndexes?: readonly string[];
  readonly attributes?: Record<string, string>;
}

/** A LogoutRequest in canonical form, around the place of its signature. */
export function logoutRequest({ destination, issuer, nameId, sessionIndexes = [], attributes = {} }: AskedLogout): readonly [head: string, tail: string] {
  const all = { Destination: destination, ID: "_logout-1", IssueInstant: `${new Date().toISOString().slice(0, 19)}Z`, Version: "2.0", ...attributes };
  const written = Object.entries(all).map(([name, value]) => ` ${name}="${value}"`);
  const sessions = sessionIndexes.map((index) => `<samlp:SessionIndex>${index}</samlp:SessionIndex>`);
  return [
    `<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"${written.join("")}><saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">${issuer}</saml:Issuer>`,
    `<saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">${nameId}</saml:NameID>${sessions.join("")}</samlp:LogoutRequest>`,
  ];
}

/** The URL of a LogoutRequest by the redirect binding, with the RelayState `r-1`. */
export async function logoutUrl(asked: AskedLogout, which: "own" | "other" = "own"): Promise<string> {
  return await redirectUrl(asked.destination, { SAMLRequest: logoutRequest(asked).join("") }, "r-1", await samlKey(which));
}

/** The message that a browser is sent to `place` with by the redirect binding, its signature verified. */
export async function signedMessage(w: World, location: string, place: string): Promise<{ readonly message: string; readonly relayState: string }> {
  const [signed = "", signature = ""] = location.slice(`${place}?`.length).split("&Signature=");
  const [certificate = ""] = await certificatesOf(w);
  const key = new X509Certificate(Uint8Array.fromBase64(certificate)).publicKey.export({ format: "pem", type: "spki" });
  expect([location.startsWith(`${place}?`), verify("sha256", bytesOf(signed), key, Uint8Array.fromBase64(decodeURIComponent(signature)))]).toEqual([true, true]);
  const { SAMLRequest, SAMLResponse = SAMLRequest, RelayState: relayState = "" } = Object.fromEntries(new URLSearchParams(signed)) as Record<string, string | undefined>;
  const stream = new Blob([Uint8Array.fromBase64(SAMLResponse ?? "")]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return { message: await new Response(stream).text(), relayState };
}

/** The LogoutResponse that a browser is sent to `place` with, its signature verified. */
export async function logoutResponse(w: World, location: string, place: string): Promise<string> {
  const { message, relayState } = await signedMessage(w, location, place);
  expect(relayState || "r-1").toBe("r-1");
  return message;
}
