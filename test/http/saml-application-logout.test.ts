import { reset } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { demoTenant } from "../demo-tenant.ts";
import { stopClock } from "../faults.ts";
import { samlKey } from "../saml/idp.ts";
import { cookiesOf, ISSUER, login, type World, world } from "../world.ts";
import { logoutUrl, signedMessage } from "./saml-logout-steps.ts";
import { askSso, authnRequest, ENTITY, follow, posted, samlApplication, verified } from "./saml-steps.ts";

beforeEach(async () => {
  await reset();
  stopClock();
});
afterEach(() => void vi.useRealTimers());

const SLO = `${ISSUER}/saml2/idp/slo`;
const HOME = "http://localhost:8789/";
const [LOCATION, OTHER_LOCATION, OTHER] = ["http://localhost:8790/saml/slo", "http://localhost:8791/slo", "urn:example:other"];

/** The demo tenant with two SAML applications, of which at least the first is told when a session ends elsewhere. */
async function toldWorld({ logout = true, other = true }: { readonly logout?: boolean; readonly other?: boolean } = {}): Promise<World> {
  const { certificate } = await samlKey();
  return await world({
    tenant: (file) => {
      Object.assign(file.identityProviders.corp, { logout: false });
      samlApplication(file, { certificates: [certificate], slo: { location: LOCATION }, logout });
      const another = {
        saml: { entityId: OTHER, acs: ["http://localhost:8791/acs"], certificates: [certificate], slo: { location: OTHER_LOCATION }, logout: other, signature: "RSA-SHA256" },
      };
      Object.assign(file.clients, { "saml-other": another });
    },
  });
}

/** A browser that is logged in at the web app and at these SAML applications. */
async function signIn(w: World, entities: readonly string[]) {
  const { cookie, id_token } = await login(w, "web-app");
  const sessions: { readonly nameId: string; readonly sessionIndex: string }[] = [];
  for (const entity of entities) {
    const { answer } = await follow(w, await askSso(w, authnRequest({ ID: `_${crypto.randomUUID()}` }, entity), cookie), "nobody", cookie);
    const { nameId, sessionIndex = "" } = await verified(w, (await posted(answer)).response, "response");
    sessions.push({ nameId, sessionIndex });
  }
  return { cookie, id_token, sessions };
}

async function logOut(w: World, { cookie, id_token }: { readonly cookie: string; readonly id_token: string }, jar = cookie, state = "bye"): Promise<Response> {
  return await w.fetch(`/oauth2/logout?${new URLSearchParams({ id_token_hint: id_token, post_logout_redirect_uri: HOME, state })}`, { headers: { cookie: jar } });
}

const locationOf = (answer: Response) => answer.headers.get("location") ?? "";

describe("a logout at Cambio", () => {
  it("passes by the SAML applications of the session, by a signed LogoutRequest each, and goes on where the user was going", async () => {
    const w = await toldWorld();
    const browser = await signIn(w, [ENTITY, OTHER]);
    const first = await logOut(w, browser);
    const cookie = cookiesOf(first);
    let location = locationOf(first);
    const told: string[] = [];
    for (const _ of browser.sessions) {
      const place = location.startsWith(OTHER_LOCATION) ? OTHER_LOCATION : LOCATION;
      const { message, relayState } = await signedMessage(w, location, place);
      told.push(message);
      expect(relayState).toMatch(/^[\w-]{22}$/);
      const back = await w.fetch(`${SLO}?${new URLSearchParams({ SAMLResponse: "whatever it says", RelayState: relayState })}`, { headers: { cookie } });
      expect(back.headers.get("set-cookie")).toMatch(/logout_.*Max-Age=0/);
      location = locationOf(back);
    }
    expect(location).toBe(`${HOME}?state=bye`);
    const [mine, other] = browser.sessions;
    const sentTo = (place: string) => told.find((message) => message.includes(`Destination="${place}"`)) ?? "";
    expect(sentTo(LOCATION)).toContain(
      `Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">${mine?.nameId}</saml:NameID><samlp:SessionIndex>${mine?.sessionIndex}</samlp:SessionIndex>`,
    );
    expect(sentTo(OTHER_LOCATION)).toContain(`nameid-format:persistent">${other?.nameId}</saml:NameID><samlp:SessionIndex>${other?.sessionIndex}</samlp:SessionIndex>`);
  });

  it("passes by no application that is not told, that was not logged in, or whose session is another browser's", async () => {
    const w = await toldWorld({ other: false });
    expect(locationOf(await logOut(w, await signIn(w, [OTHER])))).toBe(`${HOME}?state=bye`);
    expect(locationOf(await logOut(w, await signIn(w, [])))).toBe(`${HOME}?state=bye`);
    const elsewhere = await signIn(w, [ENTITY]);
    // By its hint alone the session ends; the browser that brings it holds none of it.
    expect(locationOf(await logOut(w, elsewhere, ""))).toBe(`${HOME}?state=bye`);
  });

  it("passes by nobody where the way back would not fit into a cookie: the user comes home", async () => {
    const w = await toldWorld();
    const state = "s".repeat(3500);
    expect(locationOf(await logOut(w, await signIn(w, [ENTITY]), undefined, state))).toBe(`${HOME}?state=${state}`);
    expect(w.lines.some((line) => line.includes("saml_logout_failed"))).toBe(true);
  });

  it("can pass by an application alone whose record has a single logout service", async () => {
    const w = await toldWorld();
    const file = demoTenant();
    samlApplication(file, { logout: true });
    const { problems } = (await (await w.apply(file, "?dry_run=true")).json()) as { readonly problems?: readonly object[] };
    expect(problems).toEqual([{ path: "clients.saml-sso.saml.slo", message: "logout needs it" }]);
  });
});

it("a logout at one SAML application passes by the others, and is answered then", async () => {
  const w = await toldWorld();
  const { cookie, sessions } = await signIn(w, [ENTITY, OTHER]);
  const [{ nameId, sessionIndex } = { nameId: "", sessionIndex: "" }] = sessions;
  const answer = await w.fetch(await logoutUrl({ destination: SLO, issuer: ENTITY, nameId, sessionIndexes: [sessionIndex] }), { headers: { cookie } });
  const { message, relayState } = await signedMessage(w, locationOf(answer), OTHER_LOCATION);
  expect(message).toContain("<samlp:LogoutRequest");
  const back = await w.fetch(`${SLO}?${new URLSearchParams({ SAMLResponse: "whatever it says", RelayState: relayState })}`, { headers: { cookie: cookiesOf(answer) } });
  const response = await signedMessage(w, locationOf(back), LOCATION);
  expect([response.message, response.relayState]).toEqual([expect.stringContaining("status:Success"), "r-1"]);
});
