import { bytesOf, randomId, toBase64url } from "../protocol/bytes.ts";
import { Rejection } from "../protocol/rejection.ts";
import { type AssertionFacts, signedAssertion, signedResponse } from "../saml/assertion.ts";
import { samlHashOf } from "../saml/signature.ts";
import { legal } from "../saml/xml.ts";
import type { Granted } from "../storage/family/record.ts";
import type { Client, SamlApplication, SamlAttributeSource, SubjectNameIdentifier } from "../tenants/client.ts";
import type { Principal } from "../tenants/principal.ts";
import { rolesOf } from "./claims.ts";
import { expiryOf, type IssuedTokenType, type Issuing, subjectOf } from "./issued-token-type.ts";
import { newSecret, writeOpaque } from "./opaque.ts";
import { sessionReference } from "./session-reference.ts";

/** A bearer assertion, base64url (RFC 8693 §3): for whoever takes the SAML bearer grant. */
export const samlAssertion: IssuedTokenType = { prepare: (issuing) => prepareAssertion(issuing, "saml2") };

/** A Response that carries one, base64: for the header `Authorization: SAML2.0` (SAP). */
export const samlHeader: IssuedTokenType = { prepare: (issuing) => prepareAssertion(issuing, "saml2_header") };

/** A Response that carries one, base64, as an application's assertion consumer service takes it (SAML bindings §3.5). */
export const samlResponse: IssuedTokenType = { prepare: (issuing) => prepareAssertion(issuing, "saml2_response") };

type Form = "saml2" | "saml2_header" | "saml2_response";

const FORMATS: Readonly<Record<SubjectNameIdentifier, Exclude<SamlApplication["nameIdFormat"], undefined>>> = {
  userUuid: "persistent",
  mail: "emailAddress",
  loginName: "unspecified",
  displayName: "unspecified",
};

async function prepareAssertion({ ring, policy, targets }: Issuing, form: Form) {
  const leafId = randomId();
  // Its id is made like an opaque token: it finds its way home, and nobody else can make one.
  const { secret, hash } = await newSecret();
  const { saml } = targets[0]?.client ?? {};
  if (saml === undefined) throw new Rejection("target_not_saml");
  // Asked for before anything is recorded: a missing key must not use up anything.
  const key = await ring.samlKey(samlHashOf(saml.signature));
  return {
    leaf: { id: leafId, type: "saml2", lifetime: policy.samlLifetime, hash } as const,
    mint: async (granted: Granted, issuing: Issuing) => {
      const { path } = granted.record;
      const place = { family: issuing.family, parent: path.at(-2) ?? "", node: path.at(-1) ?? "" };
      const id = await writeOpaque(ring, { kind: "saml", keyNumber: ring.tokenKeyNumber(), ...place, generation: 0, secret });
      const facts = await factsOf(id, leafId, granted, issuing, saml, form);
      const assertion = await signedAssertion(facts, key);
      if (form === "saml2") return toBase64url(bytesOf(assertion));
      return bytesOf(form === "saml2_header" && saml.header === "assertion" ? assertion : await signedResponse(assertion, `_${randomId()}`, facts, key)).toBase64();
    },
  };
}

async function factsOf(id: string, leafId: string, granted: Granted, issuing: Issuing, saml: SamlApplication, form: Form): Promise<AssertionFacts> {
  const { record, principal, now } = granted;
  const { ring, family, targets } = issuing;
  const nameId = subjectOf(granted);
  if (principal === undefined) throw new Error("an assertion needs a user");
  // Two users must never become one by what is left out.
  if (nameId === "" || legal(nameId) !== nameId) throw new Rejection("subject_identifier");
  // The address that was named as resource is where the header goes.
  const resource = form === "saml2_header" ? record.audience.find((value) => value !== targets[0]?.id) : undefined;
  return {
    ...{ id, now, nameId, issuer: ring.issuer, audience: saml.entityId, recipient: issuing.saml?.acs ?? resource ?? saml.acs[0] ?? "" },
    ...(issuing.saml === undefined ? {} : { inResponseTo: issuing.saml.inResponseTo }),
    nameIdFormat: nameIdFormatOf(targets[0]?.client, saml),
    expires: expiryOf(granted, leafId),
    authTime: record.authTime ?? granted.root.time,
    sessionIndex: await sessionReference(ring, family, record.sid),
    attributes: attributesOf(saml, principal, issuing),
  };
}

/** The format of the NameIDs that an application knows its users by. */
export function nameIdFormatOf(client: Pick<Client, "subjectNameIdentifier"> | undefined, saml: SamlApplication): string {
  const format = saml.nameIdFormat ?? FORMATS[client?.subjectNameIdentifier ?? "userUuid"];
  return `urn:oasis:names:tc:SAML:${format === "persistent" ? "2.0" : "1.1"}:nameid-format:${format}`;
}

// Those of the application alone, whatever scope was asked for; what the user does not have is left out.
function attributesOf({ attributes }: SamlApplication, principal: Principal, { targets }: Issuing): Readonly<Record<string, readonly string[]>> {
  const application = targets[0]?.client;
  const valuesFrom = (source: SamlAttributeSource) => {
    if (source === "roles") return application === undefined ? [] : rolesOf(application, principal);
    return source === "userUuid" ? principal.sub : principal[source];
  };
  const entries = Object.entries(attributes).map(([name, source]) => [name, [valuesFrom(source) ?? []].flat()] as const);
  return Object.fromEntries(entries.filter(([, values]) => values.length > 0));
}
