import { fromBase64 } from "../protocol/bytes.ts";
import type { Form } from "../protocol/form.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { AuthnRequest, LogoutRequest, ReceivedRequest, RequestReader } from "../saml/verified.ts";
import type { Exchange } from "../service.ts";
import type { SamlApplication } from "../tenants/client.ts";

/** How old a request may be, and how long what follows from it may take. */
export const WINDOW_SECONDS = 600;

const RELAY_STATE_LIMIT = 512;
// Canonical or not, padded or not: what the bindings call base64.

/** Who sends a request. */
export interface Sender {
  /** One of these must have signed it (base64 DER); undefined: it need not be signed. */
  readonly certificates: readonly string[] | undefined;
}

/** How a request is read, where it has to be addressed to, and who sends requests under an entity id. */
interface Expected<Request, From extends Sender> {
  readonly read: RequestReader<Request>;
  readonly destination: string;
  readonly senderOf: (entityId: string) => Promise<From | undefined>;
}

/** Reads a request by the redirect or the POST binding. One that is signed must say whom it is for (SAML bindings §3.4.5.2). */
export async function samlRequest<Request extends AuthnRequest | LogoutRequest, From extends Sender>(
  { request: { method, url }, service }: Exchange,
  form: Form,
  { read, destination, senderOf }: Expected<Request, From>,
): Promise<{ readonly from: From; readonly request: Request }> {
  const received = { message: base64(form.require("SAMLRequest")), ...(method === "POST" ? {} : { redirect: redirectOf(url, form) }) };
  const taken = async (certificates?: readonly string[]) => {
    const outcome = await read(received, certificates);
    if (!outcome.ok) throw refused(`${outcome.fault}: ${outcome.note}`);
    return outcome.request;
  };
  const claimed = await taken();
  const from = await senderOf(claimed.issuer);
  if (from === undefined) throw refused("sender");
  const { certificates } = from;
  const request = certificates === undefined ? claimed : await taken(certificates);
  if (request.issuer !== claimed.issuer) throw refused("issuer");
  if ((request.destination ?? (certificates === undefined ? destination : undefined)) !== destination) throw refused("destination");
  if (Math.abs(service.now() - request.issued) > WINDOW_SECONDS) throw refused("issue instant");
  return { from, request };
}

/** The SAML application of an entity id, and the client that it is. */
export async function samlApplication({ tenant, audit }: Exchange, entityId: string): Promise<{ readonly clientId: string; readonly saml: SamlApplication } | undefined> {
  const clientId = (await tenant.samlApplication(entityId)) ?? "";
  const client = await tenant.client(clientId);
  if (client?.saml === undefined || client.disabled) return undefined;
  audit.note({ client: clientId });
  return { clientId, saml: client.saml };
}

/** What comes back to the application as it was sent. */
export function relayStateOf(form: Form): string | undefined {
  const relayState = form.get("RelayState");
  if ((relayState ?? "").length > RELAY_STATE_LIMIT) throw new Rejection("invalid_parameter", { parameter: "RelayState" });
  return relayState;
}

// As the browser brought it: written anew, the same query may have other octets.
function redirectOf(url: string, form: Form): NonNullable<ReceivedRequest["redirect"]> {
  const pairs = new URL(url).search.slice(1).split("&");
  const signed = ["SAMLRequest", "RelayState", "SigAlg"].flatMap((name) => pairs.filter((pair) => decodeURIComponent(pair.split("=")[0] ?? "") === name));
  return { signed: signed.join("&"), algorithm: form.get("SigAlg") ?? "", signature: form.get("Signature") ?? "" };
}

function base64(text: string): Uint8Array<ArrayBuffer> {
  const bytes = fromBase64(text);
  if (bytes === undefined) throw refused("base64");
  return bytes;
}

function refused(note: string): Rejection {
  return new Rejection("saml_request_refused", { note });
}
