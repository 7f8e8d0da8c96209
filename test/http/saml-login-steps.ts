import { bytesOf } from "../../src/protocol/bytes.ts";
import { type AssertionFacts, signedAssertion } from "../../src/saml/assertion.ts";
import { responseOf, SAML_IDP, samlFacts, samlKey } from "../saml/idp.ts";
import { cookiesOf, ISSUER, type TenantFileInput, type World, world } from "../world.ts";
import { authorizeQuery } from "./login-steps.ts";

/** Where users log in at the SAML IdP. */
export const SSO = "https://saml-idp.example.com/sso";
/** Where its Responses go. */
export const ACS = `${ISSUER}/saml2/sp/acs`;

/** The demo tenant with a corporate SAML IdP that users log in at. */
export async function federated(change: (file: TenantFileInput) => void = () => {}): Promise<World> {
  const { certificate } = await samlKey();
  return await world({
    tenant: (file) => {
      Object.assign(file, {
        samlIdentityProviders: { "corp-saml": { entityId: SAML_IDP, ssoUrl: SSO, certificates: [certificate], attributes: { loginName: "login", email: "mail" } } },
      });
      change(file);
    },
  });
}

/** A login that has begun. */
export interface Begun {
  readonly url: URL;
  readonly request: string;
  readonly relayState: string;
  readonly cookie: string;
  readonly verifier: string;
}

/** Begins a login at the SAML IdP and reads the request that it would get. */
export async function begin(w: World, more: Record<string, string> = {}): Promise<Begun> {
  const { query, verifier } = await authorizeQuery("web-app", { idp: "corp-saml", ...more });
  const answer = await w.fetch(`/oauth2/authorize?${query}`);
  const url = new URL(answer.headers.get("location") ?? "http://nowhere/");
  const deflated = Uint8Array.fromBase64(url.searchParams.get("SAMLRequest") ?? "");
  const request = await new Response(new Blob([deflated]).stream().pipeThrough(new DecompressionStream("deflate-raw"))).text();
  return { url, request, relayState: url.searchParams.get("RelayState") ?? "", cookie: cookiesOf(answer), verifier };
}

/** The id of a request. */
export const idOf = (request: string) => /ID="([^"]+)"/.exec(request)?.[1] ?? "";

/** The IdP's Response to a request. */
export async function responseTo({ request }: Begun, changes: Partial<AssertionFacts> = {}): Promise<string> {
  const facts = { recipient: ACS, inResponseTo: idOf(request), nameId: "u-7", attributes: { login: ["jo.doe"], mail: ["jo@example.com"] }, ...changes };
  return responseOf(await signedAssertion(samlFacts(facts), await samlKey()));
}

/** Posts a Response as a page of ours does, once the IdP has posted it from its own. */
export async function post(w: World, { relayState, cookie }: Begun, response: string, more: Record<string, string> = { again: "1" }): Promise<Response> {
  return await w.post("/saml2/sp/acs", { SAMLResponse: bytesOf(response).toBase64(), RelayState: relayState, ...more }, undefined, { cookie });
}
