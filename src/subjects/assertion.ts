import { nodeOf } from "../federation/external-token.ts";
import { subjectOf } from "../federation/principal.ts";
import { samlPrincipal } from "../federation/saml-principal.ts";
import { fromBase64url, recodeBase64url, sha256 } from "../protocol/bytes.ts";
import type { Unverified } from "../saml/verified.ts";
import type { ClientRequest } from "../service.ts";
import { readOpaque } from "../tokens/opaque.ts";
import type { Unreadable } from "../tokens/read.ts";
import type { VerifiedToken } from "../tokens/token.ts";
import { externalLogin } from "./external.ts";

/**
 * Reads an assertion in base64url, by its issuer. One of ours is a subject like any token: its id leads to its record, which
 * says how long it lives and whose it is. One of a corporate IdP must be for us, here and now, and is used up by it. The
 * other Worker does all that has to do with XML.
 */
export async function readAssertion(request: ClientRequest, text: string): Promise<VerifiedToken | Unreadable> {
  // RFC 7522 §2.1: other encoders pad.
  const document = fromBase64url(recodeBase64url(text));
  if (document === undefined) return unreadable("malformed");
  const { saml } = request.service;
  const named = await saml.issuerOf(document, "assertion");
  if (!named.ok) return refused(request, named);
  const { ring } = request;
  return named.issuer === ring.issuer ? await own(request, document) : await external(request, document, named.issuer);
}

async function own(request: ClientRequest, document: Uint8Array<ArrayBuffer>): Promise<VerifiedToken | Unreadable> {
  const { service, ring } = request;
  const verified = await service.saml.verify(document, "assertion", ring.samlCertificates());
  if (!verified.ok) return refused(request, verified);
  // Whose key was asked for by an unverified word, the signed bytes must say again.
  const { id, issuer } = verified.assertion;
  const token = issuer === ring.issuer ? await readOpaque(ring, "saml", id) : undefined;
  return token === undefined ? unreadable("claims") : { format: "opaque", kind: "saml_assertion", token, hash: await sha256(token.secret) };
}

async function external(request: ClientRequest, document: Uint8Array<ArrayBuffer>, issuer: string): Promise<VerifiedToken | Unreadable> {
  const { service, tenant, client } = request;
  const alias = (await tenant.asserter(issuer)) ?? "";
  const idp = await tenant.samlIdentityProvider(alias);
  if (idp === undefined || idp.disabled || client.public || client.subjectIssuers?.includes(alias) !== true) return unreadable("claims");
  const now = service.now();
  const expected = { audience: tenant.issuer, recipient: `${new URL(tenant.issuer).origin}/oauth2/token`, now };
  const verified = await service.saml.verify(document, "assertion", idp.certificates, expected);
  if (!verified.ok) return refused(request, verified);
  const { assertion, until = 0 } = verified;
  // Asked only after everything else about it holds.
  const node = await nodeOf(assertion.id, false);
  const use = { tenant: tenant.issuer, issuer: alias, kind: "saml_assertion" } as const;
  if (assertion.issuer !== issuer || !(await service.singleUse.use(use, node, until))) return unreadable("claims");
  const principal = samlPrincipal(await subjectOf(tenant.subjectKey, alias, assertion.nameId), alias, idp, assertion);
  const { issued, authnInstant = issued, sessionNotOnOrAfter: ends } = assertion;
  return externalLogin(request, { node, idp: alias, principal, issued, authTime: authnInstant, ends });
}

function refused({ audit }: ClientRequest, { fault, note }: Unverified): Unreadable {
  audit.note({ note: `${fault}: ${note}` });
  return unreadable(fault === "signature" ? "signature" : "malformed");
}

function unreadable(reason: Unreadable["reason"]): Unreadable {
  return { format: "none", reason };
}
