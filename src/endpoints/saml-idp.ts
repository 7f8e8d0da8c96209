import { readForm, readQuery } from "../protocol/form.ts";
import type { Exchange } from "../service.ts";
import { samlSso } from "./saml-sso.ts";
import { sso } from "./sso.ts";

/** `/saml2/idp/sso`: an AuthnRequest of a SAML application, or what comes back of one; else an SSO token to redeem. */
export async function samlIdp(exchange: Exchange): Promise<Response> {
  const { request } = exchange;
  const form = request.method === "POST" ? await readForm(request) : readQuery(request.url);
  const isSaml = ["SAMLRequest", "asked", "state"].some((name) => form.get(name) !== undefined);
  return isSaml ? await samlSso(exchange, form) : await sso(exchange, form);
}
