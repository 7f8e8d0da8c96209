import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { bytesOf } from "../../src/protocol/bytes.ts";
import { verifier } from "../../src/saml/verifier/verify.ts";
import { stoppedClock } from "../faults.ts";
import type { World } from "../world.ts";
import { world } from "../world.ts";
import { asOperator, version } from "./operator-requests.ts";
import { certificatesOf, samlUser, samlUserOf, xmlOf } from "./saml-steps.ts";

const clock = stoppedClock();

const NEXT = 7;
/** The key of the demo tenant in a test run, and the one that follows it. */
const CURRENT = 4;
const nextKey = () => JSON.stringify((JSON.parse((env as unknown as { readonly TEST_SAML_KEYS: string }).TEST_SAML_KEYS) as object[])[0]);

const verifies = async (xml: string, certificates: readonly string[]) => (await verifier.verify(bytesOf(xml), "assertion", certificates)).ok;

async function act(w: World, number: number, action: string): Promise<number> {
  return (await asOperator(w, "POST", `/keys/signing/${number}/${action}`, {})).status;
}

describe("the SAML key", () => {
  it("SIS-10 rotates: both certificates stand in the metadata, and who has the old metadata verifies until the switch", async () => {
    const first = await world();
    const [old = ""] = await certificatesOf(first);
    const w = await version(first, { [`SIGNING_KEY_${NEXT}`]: nextKey() });
    expect((await asOperator(w, "POST", "/keys/register", {})).status).toBe(200);
    const published = await certificatesOf(w);
    expect([published[0], published.length]).toEqual([old, 2]);
    const before = await (await samlUserOf(w, "dona.moore")).assertion();
    expect(await verifies(xmlOf(before), [old])).toBe(true);
    expect(await act(w, NEXT, "promote")).toBe(409);
    clock.forward(310);
    expect(await act(w, NEXT, "promote")).toBe(200);
    const after = await (await samlUserOf(w, "dona.moore")).assertion();
    expect([await verifies(xmlOf(after), [old]), await verifies(xmlOf(after), [published[1] ?? ""])]).toEqual([false, true]);
    expect(await certificatesOf(w)).toEqual([published[1], old]);
    expect(await act(w, CURRENT, "drop")).toBe(200);
    expect(await certificatesOf(w)).toEqual([published[1]]);
  });

  it("is no key for tokens: it stands in no key set, and in no algorithm of the metadata", async () => {
    const { w } = await samlUser();
    const { keys } = (await (await w.fetch("/oauth2/certs")).json()) as { keys: { kty: string }[] };
    const listed = (await asOperator(w, "GET", "/keys")).body.keys as { algorithm?: string; kind: string }[];
    expect(keys).toHaveLength(listed.filter(({ kind, algorithm }) => kind === "signing" && algorithm !== "SAML").length);
    expect(JSON.stringify(await (await w.fetch("/.well-known/openid-configuration")).json())).not.toContain("SAML");
  });

  it("is needed: without one an exchange for SAML is 503, and everything else goes on", async () => {
    const { w, ...user } = await samlUser();
    expect((await user.ask()).status).toBe(200);
    expect(await act(w, CURRENT, "drop")).toBe(409);
    expect((await asOperator(w, "POST", `/keys/signing/${CURRENT}/drop`, { force: true })).status).toBe(200);
    clock.forward(10);
    expect(await user.ask()).toMatchObject({ status: 503, body: { error: "temporarily_unavailable" } });
    expect((await w.fetch("/saml2/metadata")).status).toBe(200);
  });
});
