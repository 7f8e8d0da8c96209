import { expect } from "vitest";
import { bytesOf, fromBase64url } from "../../src/protocol/bytes.ts";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import type { VerifiedAssertion } from "../../src/saml/verified.ts";
import { verifier } from "../../src/saml/verifier/verify.ts";
import { cookiesOf, exchange, ISSUER, login, type TenantFileInput, type World, type WorldOptions, world } from "../world.ts";

/** SAP's name for the SAML application of the demo tenant. */
export const SAML_URN = "urn:sap:identity:application:provider:name:SAML2SSO";

type Form = Record<string, string> | readonly (readonly [string, string])[];

/** A user of the web app, and what it asks for in their name. */
export interface SamlUser {
  readonly w: World;
  readonly id_token: string;
  readonly access_token: string;
  /** Exchanges the ID token for an assertion, as SAP's example does; `form` changes or adds parameters. */
  ask(form?: Form): ReturnType<typeof exchange>;
  /** The assertion itself, base64url. */
  assertion(form?: Form): Promise<string>;
}

/** Logs a user in at the web app of the demo tenant. */
export async function samlUser(options: WorldOptions = {}, user = "dona.moore"): Promise<SamlUser> {
  return await samlUserOf(await world(options), user);
}

/** Logs another user in, in the same world. */
export async function samlUserOf(w: World, user: string): Promise<SamlUser> {
  const { id_token, access_token } = await login(w, "web-app", { user });
  const ask = (form: Form = {}) => {
    const changes = Array.isArray(form) ? form : Object.entries(form);
    const usual = { subject_token: id_token, subject_token_type: TOKEN_TYPE.id_token, requested_token_type: TOKEN_TYPE.saml2, resource: SAML_URN };
    return exchange(w, "web-app", [...Object.entries(usual).filter(([name]) => !changes.some(([changed]) => changed === name)), ...changes]);
  };
  const assertion = async (form: Form = {}) => {
    const { status, body } = await ask(form);
    expect(status, JSON.stringify([body, w.lines.at(-1)])).toBe(200);
    return String(body.access_token);
  };
  return { w, id_token, access_token, ask, assertion };
}

/** The XML of an assertion in base64url. */
export function xmlOf(assertion: string): string {
  return new TextDecoder().decode(fromBase64url(assertion));
}

/** The certificates of the metadata, base64. */
export async function certificatesOf(w: World): Promise<readonly string[]> {
  const metadata = await (await w.fetch("/saml2/metadata")).text();
  return [...new Set([...metadata.matchAll(/X509Certificate>([^<]+)</g)].map(([, certificate = ""]) => certificate))];
}

/** What the verifier reads from an assertion that we issued. */
export async function verified(w: World, xml: string, kind: "assertion" | "response" = "assertion"): Promise<VerifiedAssertion> {
  const outcome = await verifier.verify(bytesOf(xml), kind, await certificatesOf(w));
  if (!outcome.ok) throw new Error(`${outcome.fault}: ${outcome.note}`);
  return outcome.assertion;
}

/** Lets the SAML application of a tenant file be another. */
export function samlApplication(file: TenantFileInput, changes: object): void {
  const clients = file.clients as unknown as Record<string, { saml: object }>;
  const application = clients["saml-sso"];
  if (application === undefined) throw new Error("the demo tenant has no SAML application");
  application.saml = { ...application.saml, ...changes };
}

/** Changes members of a client of a tenant file. */
export function changeClient(file: TenantFileInput, id: string, changes: object): void {
  Object.assign((file.clients as unknown as Record<string, object>)[id] ?? {}, changes);
}

/** Where AuthnRequests go; where the demo's SAML application consumes assertions, and its entity id. */
export const SSO = `${ISSUER}/saml2/idp/sso`;
export const ACS = "http://localhost:8790/saml/acs";
export const ENTITY = "http://localhost:8790/saml/metadata";

/** An AuthnRequest of the demo's SAML application. */
export function authnRequest(attributes: Record<string, string> = {}, issuer = ENTITY): string {
  const all = { ID: "_request-1", Version: "2.0", IssueInstant: new Date().toISOString(), ...attributes };
  const written = Object.entries(all).map(([name, value]) => ` ${name}="${value}"`);
  return `<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"${written.join("")}><saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">${issuer}</saml:Issuer></samlp:AuthnRequest>`;
}

/** As the redirect binding has it. */
export async function deflated(xml: string): Promise<string> {
  const stream = new Blob([bytesOf(xml)]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer()).toBase64();
}

/** Sends an AuthnRequest by the redirect binding. */
export async function askSso(w: World, xml: string, cookie = "", more: Record<string, string> = {}): Promise<Response> {
  return await w.fetch(`${SSO}?${new URLSearchParams({ SAMLRequest: await deflated(xml), ...more })}`, { headers: { cookie } });
}

/** Follows our own redirects, and logs a user in at the corporate IdP on the way. */
export async function follow(w: World, first: Response, user = "dona.moore", jar = ""): Promise<{ readonly answer: Response; readonly cookie: string }> {
  let [answer, cookie] = [first, [jar, cookiesOf(first)].filter(Boolean).join("; ")];
  for (let location = answer.headers.get("location"); location !== null; location = answer.headers.get("location")) {
    answer = await w.fetch(location.startsWith(w.idp.issuer) ? w.idp.login(location, user) : location, { headers: { cookie } });
    cookie = [cookiesOf(answer), cookie].filter(Boolean).join("; ");
  }
  return { answer, cookie };
}

/** What a page posts to the application. */
export async function posted(answer: Response): Promise<{ readonly acs: string; readonly response: string; readonly relayState: string | undefined }> {
  const text = await answer.text();
  const field = (name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(text)?.[1];
  return { acs: /action="([^"]*)"/.exec(text)?.[1] ?? "", response: atob(field("SAMLResponse") ?? ""), relayState: field("RelayState") };
}
