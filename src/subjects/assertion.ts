import { subjectOf } from "../federation/principal.ts";
import { samlPrincipal } from "../federation/saml-principal.ts";
import { fromBase64url, recodeBase64url, sha256 } from "../protocol/bytes.ts";
import { presentableUntil } from "../saml/conditions.ts";
import type { Unverified, VerifiedAssertion } from "../saml/verified.ts";
import type { ClientRequest } from "../service.ts";
import { readOpaque } from "../tokens/opaque.ts";
import type { Unreadable } from "../tokens/read.ts";
import type { VerifiedToken } from "../tokens/token.ts";
import { openExternal } from "./external.ts";

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
  const { ring, tenant } = request;
  const isOwn = named.issuer === ring.issuer;
  const alias = isOwn ? undefined : await tenant.asserter(named.issuer);
  const idp = alias === undefined ? undefined : await tenant.samlIdentityProvider(alias);
  const verified = await saml.verify(document, "assertion", isOwn ? ring.samlCertificates() : idp === undefined || idp.disabled ? [] : idp.certificates);
  if (!verified.ok) return refused(request, verified);
  const { assertion } = verified;
  // Whose key was asked for by an unverified word, the signed bytes must say again.
  if (assertion.issuer !== named.issuer) return unreadable("claims");
  return isOwn ? await ownToken(request, assertion) : await external(request, alias ?? "", assertion);
}

async function ownToken({ ring }: ClientRequest, { id }: VerifiedAssertion): Promise<VerifiedToken | Unreadable> {
  const token = await readOpaque(ring, "saml", id);
  return token === undefined ? unreadable("claims") : { format: "opaque", kind: "saml_assertion", token };
}

async function external(request: ClientRequest, alias: string, assertion: VerifiedAssertion): Promise<VerifiedToken | Unreadable> {
  const { service, tenant, client, audit } = request;
  const idp = await tenant.samlIdentityProvider(alias);
  const now = service.now();
  const until = presentableUntil(assertion, { audience: tenant.issuer, recipient: `${new URL(tenant.issuer).origin}/oauth2/token`, now });
  if (idp === undefined || typeof until === "string" || client.identityProviders?.includes(alias) === false) {
    audit.note({ note: String(until) });
    return unreadable("claims");
  }
  // Asked only after everything else about it holds.
  if (!(await service.singleUse.use({ tenant: tenant.issuer, issuer: alias, kind: "saml_assertion" }, await sha256(assertion.id), until))) return unreadable("claims");
  const principal = samlPrincipal(await subjectOf(tenant.subjectKey, alias, assertion.nameId), alias, idp, assertion);
  return await openExternal(request, { idp: alias, principal, authTime: Math.min(assertion.authnInstant ?? now, now), ends: assertion.sessionNotOnOrAfter });
}

function refused({ audit }: ClientRequest, { fault, note }: Unverified): Unreadable {
  audit.note({ note: `${fault}: ${note}` });
  return unreadable(fault === "signature" ? "signature" : "malformed");
}

function unreadable(reason: Unreadable["reason"]): Unreadable {
  return { format: "none", reason };
}
