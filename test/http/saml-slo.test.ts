import { reset } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { bytesOf } from "../../src/protocol/bytes.ts";
import { redirectUrl } from "../../src/saml/redirect.ts";
import { signElement } from "../../src/saml/signature.ts";
import { demoTenant } from "../demo-tenant.ts";
import { stopClock } from "../faults.ts";
import { samlKey } from "../saml/idp.ts";
import { ISSUER, type World, world } from "../world.ts";
import { type AskedLogout, logoutRequest as logoutRequestOf, logoutResponse, logoutUrl as logoutUrlOf } from "./saml-logout-steps.ts";
import { askSso, authnRequest, ENTITY, follow, posted, SSO, samlApplication, verified } from "./saml-steps.ts";

beforeEach(async () => {
  await reset();
  stopClock();
});
afterEach(() => void vi.useRealTimers());

const SLO = `${ISSUER}/saml2/idp/slo`;
const LOCATION = "http://localhost:8790/saml/slo";
const USER = "dona.moore@example.com";

/** The demo tenant, whose SAML application has a certificate and a single logout service. */
async function sloWorld(changes: object = {}): Promise<World> {
  const { certificate } = await samlKey();
  return await world({ tenant: (file) => samlApplication(file, { certificates: [certificate], slo: { location: LOCATION }, ...changes }) });
}

interface SignedIn {
  readonly cookie: string;
  readonly sessionIndex: string;
}

async function signIn(w: World): Promise<SignedIn> {
  const { answer, cookie } = await follow(w, await askSso(w, authnRequest()));
  const { sessionIndex = "" } = await verified(w, (await posted(answer)).response, "response");
  return { cookie, sessionIndex };
}

type Asked = Partial<AskedLogout> & { readonly sessionIndex?: string };

/** What the demo's SAML application says of a user who signs out there. */
function asking({ sessionIndex, ...changes }: Asked): AskedLogout {
  return { destination: SLO, issuer: ENTITY, nameId: USER, ...(sessionIndex === undefined ? {} : { sessionIndexes: [sessionIndex] }), ...changes };
}

const logoutRequest = (asked: Asked) => logoutRequestOf(asking(asked));
const logoutUrl = async (asked: Asked, which?: "own" | "other") => await logoutUrlOf(asking(asked), which);

// The session at the corporate IdP ends on the way, where its record says so.
async function beyondIdp(w: World, answer: Response): Promise<string> {
  const location = answer.headers.get("location") ?? "";
  const { post_logout_redirect_uri: back, state = "" } = Object.fromEntries(new URL(location).searchParams);
  return back === undefined ? location : ((await w.fetch(`${back}?${new URLSearchParams({ state })}`)).headers.get("location") ?? "");
}

/** What the application reads of an answer, its signature verified. */
async function answered(w: World, answer: Response): Promise<string> {
  expect(answer.status, w.lines.at(-1)).toBe(303);
  return await logoutResponse(w, await beyondIdp(w, answer), LOCATION);
}

/** True where the browser is logged in without a login at the corporate IdP. */
async function isSignedIn(w: World, cookie: string): Promise<boolean> {
  const first = await askSso(w, authnRequest({ IsPassive: "true", ID: `_${crypto.randomUUID()}` }), cookie);
  return (await posted((await follow(w, first, "nobody", cookie)).answer)).response.includes("status:Success");
}

describe("SAML single logout", () => {
  it("ends the session by redirect, and answers with a signed LogoutResponse; the same again changes nothing", async () => {
    const w = await sloWorld();
    const { cookie, sessionIndex } = await signIn(w);
    expect(await isSignedIn(w, cookie)).toBe(true);
    const url = await logoutUrl({ sessionIndex });
    const answer = await w.fetch(url, { headers: { cookie } });
    expect(answer.headers.get("set-cookie")).toMatch(/session\w*=; Max-Age=0/);
    const response = await answered(w, answer);
    expect(response).toContain('InResponseTo="_logout-1"');
    expect(response).toContain(`Destination="${LOCATION}"`);
    expect(response).toContain("status:Success");
    expect(await isSignedIn(w, cookie)).toBe(false);
    const later = await signIn(w);
    expect(await answered(w, await w.fetch(url, { headers: { cookie: later.cookie } }))).toContain("status:Success");
    expect(await isSignedIn(w, later.cookie)).toBe(true);
  });

  it("takes it by POST, signed within, without the browser's cookie", async () => {
    const w = await sloWorld();
    const { cookie, sessionIndex } = await signIn(w);
    const [head, tail] = logoutRequest({ sessionIndex });
    const post = (xml: string) => w.post("/saml2/idp/slo", { SAMLRequest: bytesOf(xml).toBase64(), RelayState: "r-1" });
    const signed = await signElement(head, tail, "_logout-1", await samlKey());
    for (const xml of [head + tail, signed.replace(USER, "julie.armstrong@example.com"), await signElement(head, tail, "_logout-1", await samlKey("other"))]) {
      expect((await post(xml)).status).toBe(400);
      expect(w.lines.at(-1)).toContain("saml_request_refused");
    }
    expect(await isSignedIn(w, cookie)).toBe(true);
    expect(await answered(w, await post(signed))).toContain("status:Success");
    expect(await isSignedIn(w, cookie)).toBe(false);
  });

  it("ends several sessions that one request names, and answers so where one of them was there to end", async () => {
    const w = await sloWorld();
    const [one, two] = [await signIn(w), await signIn(w)];
    const sessionIndexes = [one.sessionIndex, "made-up", two.sessionIndex];
    expect(await answered(w, await w.fetch(await logoutUrl({ sessionIndexes })))).toContain("status:Success");
    expect([await isSignedIn(w, one.cookie), await isSignedIn(w, two.cookie)]).toEqual([false, false]);
    expect((await w.fetch(await logoutUrl({ sessionIndexes: Array(21).fill(one.sessionIndex) }))).status).toBe(400);
  });

  it("without a SessionIndex ends the session of the browser, of this user alone", async () => {
    const w = await sloWorld();
    const { cookie } = await signIn(w);
    const send = async (asked: Asked, jar: string) => await answered(w, await w.fetch(await logoutUrl(asked), { headers: { cookie: jar } }));
    for (const refused of [await send({ nameId: "julie.armstrong@example.com" }, cookie), await send({}, ""), await send({ sessionIndex: "made-up" }, cookie)]) {
      expect(refused).toContain("status:UnknownPrincipal");
    }
    expect(await isSignedIn(w, cookie)).toBe(true);
    expect(await send({}, cookie)).toContain("status:Success");
    expect(await isSignedIn(w, cookie)).toBe(false);
  });

  it("refuses what is not signed by the application, for us, now; and ends nothing", async () => {
    const w = await sloWorld();
    const { cookie, sessionIndex } = await signIn(w);
    const good = await logoutUrl({ sessionIndex });
    const family: Record<string, string> = {
      unsigned: good.replace(/&SigAlg=.*/, ""),
      "without its algorithm": good.replace(/&SigAlg=[^&]*/, ""),
      "SHA-1": good.replace("rsa-sha256", "rsa-sha1"),
      "another RelayState": good.replace("RelayState=r-1", "RelayState=r-2"),
      "a RelayState by another spelling of its name": good.replace("RelayState=r-1", "Relay%53tate=r-2"),
      "the key of another": await logoutUrl({ sessionIndex }, "other"),
      "an application that is not registered": await logoutUrl({ sessionIndex, issuer: "https://elsewhere.example.com/metadata" }),
      "another destination": await logoutUrl({ sessionIndex, attributes: { Destination: SSO } }),
      "no instant of now": await logoutUrl({ sessionIndex, attributes: { IssueInstant: "2020-01-01T00:00:00Z" } }),
      "an end that has passed": await logoutUrl({ sessionIndex, attributes: { NotOnOrAfter: "2020-01-01T00:00:00Z" } }),
      "an AuthnRequest": await redirectUrl(SLO, { SAMLRequest: authnRequest({ Destination: SLO }) }, "r-1", await samlKey()),
      "a deflate bomb": await redirectUrl(SLO, { SAMLRequest: " ".repeat(2_000_000) }, "r-1", await samlKey()),
    };
    for (const [name, url] of Object.entries(family)) {
      const answer = await w.fetch(url, { headers: { cookie } });
      expect([name, answer.status, answer.headers.get("location")]).toEqual([name, 400, null]);
      expect(w.lines.at(-1), name).toContain("saml_request_refused");
    }
    expect(await isSignedIn(w, cookie)).toBe(true);
  });

  it("is offered to applications that registered a service, and stands in the metadata", async () => {
    const w = await sloWorld({ slo: undefined });
    expect((await w.fetch(await logoutUrl({}))).status).toBe(400);
    const metadata = await (await w.fetch("/saml2/metadata")).text();
    expect(metadata.match(/SingleLogoutService [^>]*/g)).toEqual(
      [SLO, `${ISSUER}/saml2/sp/slo`].flatMap((place) =>
        ["HTTP-Redirect", "HTTP-POST"].map((name) => `SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:${name}" Location="${place}"`),
      ),
    );
  });
});

describe("the record of an application", () => {
  it.each<[string, object]>([
    ["a single logout service", { slo: { location: LOCATION } }],
    ["requests that must be signed", { requestsSigned: true }],
  ])("needs a certificate for %s", async (_name, changes) => {
    const w = await world();
    const { certificate } = await samlKey();
    const problemsOf = async (more: object) => {
      const file = demoTenant();
      samlApplication(file, { ...changes, ...more });
      return ((await (await w.apply(file, "?dry_run=true")).json()) as { readonly problems?: readonly object[] }).problems;
    };
    expect(await problemsOf({})).toEqual([{ path: "clients.saml-sso.saml.certificates", message: "slo and requestsSigned need them" }]);
    expect(await problemsOf({ certificates: [certificate] })).toBeUndefined();
  });
});

describe("an application whose requests are signed", () => {
  it("is logged in by its signed AuthnRequest, by redirect; not by an unsigned one, nor that of another key", async () => {
    const w = await sloWorld({ requestsSigned: true });
    const signed = async (which: "own" | "other", xml = authnRequest({ Destination: SSO })) =>
      await w.fetch(await redirectUrl(SSO, { SAMLRequest: xml }, "r-1", await samlKey(which)));
    expect((await posted((await follow(w, await signed("own"))).answer)).relayState).toBe("r-1");
    expect((await askSso(w, authnRequest({ Destination: SSO }))).status).toBe(400);
    expect((await signed("other")).status).toBe(400);
    // A signed message says whom it is for.
    expect((await signed("own", authnRequest())).status).toBe(400);
  });
});
