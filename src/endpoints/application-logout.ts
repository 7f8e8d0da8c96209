import { samlHashOf } from "../saml/signature.ts";
import type { Exchange } from "../service.ts";
import type { LoggedIn } from "../storage/users.ts";
import { nameIdFormatOf } from "../tokens/saml-assertion.ts";
import { sessionReference } from "../tokens/session-reference.ts";
import { type Destination, type Onward, samlOnward } from "./logout-return.ts";

/** Each leaves a cookie of some two thousand bytes until the browser is back from it. */
const APPLICATIONS_LIMIT = 5;

/** Where the browser goes first, and the `Set-Cookie`s that say where it goes from there. */
interface Way {
  readonly destination: Destination;
  readonly cookies: readonly string[];
}

/** On the way to `destination` by the single logout services of SAML applications, one after the other, where their records say so. */
export async function byApplications(exchange: Exchange, participants: readonly LoggedIn[], destination: Destination): Promise<Way> {
  let way: Way = { destination, cookies: [] };
  for (const participant of participants) {
    if (way.cookies.length === APPLICATIONS_LIMIT) break;
    // The sessions have ended, whatever becomes of those at the applications.
    const onward = await toApplication(exchange, participant, way.destination).catch(() => void exchange.audit.note({ note: "saml_logout_failed" }));
    if (onward?.cookie !== undefined) way = { destination: { redirectUri: onward.redirectUri, state: undefined }, cookies: [...way.cookies, onward.cookie] };
  }
  return way;
}

async function toApplication(exchange: Exchange, { client: id, family, session, subject }: LoggedIn, destination: Destination): Promise<Onward | undefined> {
  const client = await exchange.tenant.client(id);
  const { saml } = client ?? {};
  if (client === undefined || client.disabled || saml?.slo === undefined || saml.logout !== true) return undefined;
  const named = { nameId: subject, nameIdFormat: nameIdFormatOf(client, saml), sessionIndex: await sessionReference(exchange.ring, family, session) };
  return await samlOnward(exchange, saml.slo.location, named, samlHashOf(saml.signature), destination);
}
