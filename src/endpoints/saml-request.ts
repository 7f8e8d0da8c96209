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

/** How a request is read, where it has to be addressed to, and whether it must be signed by the application. */
interface Expected<Request> {
  readonly read: RequestReader<Request>;
  readonly destination: string;
  readonly isSigned: (saml: SamlApplication) => boolean;
}

interface FromApplication<Request> {
  readonly clientId: string;
  readonly saml: SamlApplication;
  readonly request: Request;
}

/** Reads a request of a SAML application, by the redirect or the POST binding. One that is signed must say whom it is for (SAML bindings §3.4.5.2). */
export async function samlRequest<Request extends AuthnRequest | LogoutRequest>(
  { request: { method, url }, tenant, service, audit }: Exchange,
  form: Form,
  { read, destination, isSigned }: Expected<Request>,
): Promise<FromApplication<Request>> {
  const received = { message: base64(form.require("SAMLRequest")), ...(method === "POST" ? {} : { redirect: redirectOf(url, form) }) };
  const taken = async (certificates?: readonly string[]) => {
    const outcome = await read(received, certificates);
    if (!outcome.ok) throw refused(`${outcome.fault}: ${outcome.note}`);
    return outcome.request;
  };
  const claimed = await taken();
  const clientId = await tenant.samlApplication(claimed.issuer);
  const client = clientId === undefined ? undefined : await tenant.client(clientId);
  if (clientId === undefined || client?.saml === undefined || client.disabled) throw refused("application");
  audit.note({ client: clientId });
  const signed = isSigned(client.saml);
  const request = signed ? await taken(client.saml.certificates ?? []) : claimed;
  if (request.issuer !== claimed.issuer) throw refused("issuer");
  if ((request.destination ?? (signed ? undefined : destination)) !== destination) throw refused("destination");
  if (Math.abs(service.now() - request.issued) > WINDOW_SECONDS) throw refused("issue instant");
  return { clientId, saml: client.saml, request };
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
