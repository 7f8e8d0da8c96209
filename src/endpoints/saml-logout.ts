import type { Form } from "../protocol/form.ts";
import { Rejection } from "../protocol/rejection.ts";
import { logoutResponseUrl } from "../saml/logout.ts";
import type { SamlHash } from "../saml/signature.ts";
import type { LogoutRequest } from "../saml/verified.ts";
import type { Exchange } from "../service.ts";
import type { SamlLogoutService } from "../tenants/primitives.ts";
import { done } from "./logout.ts";
import { type Destination, samlReturned } from "./logout-return.ts";
import { relayStateOf, type Sender, samlRequest } from "./saml-request.ts";

/** Who says that a user has signed out, and where and how it is answered. */
interface LogoutSender extends Sender {
  readonly certificates: readonly string[];
  readonly slo: SamlLogoutService | undefined;
  readonly hash: SamlHash;
}

/** A LogoutRequest that holds: signed, for us, now. */
interface AskedLogout<From> {
  readonly from: From;
  readonly asked: LogoutRequest;
  /** Where the browser goes with the answer. */
  answer(ended: boolean): Promise<Destination>;
}

/** Reads a LogoutRequest by either binding (SAML profiles §4.4.4.1); its answer goes by the redirect binding. */
export async function samlLogout<From extends LogoutSender>(
  exchange: Exchange,
  form: Form,
  expected: { readonly destination: string; readonly senderOf: (entityId: string) => Promise<From | undefined> },
): Promise<AskedLogout<From>> {
  const { service, tenant, ring } = exchange;
  const relayState = relayStateOf(form);
  const { from, request: asked } = await samlRequest(exchange, form, { read: service.saml.logoutRequest, ...expected });
  const { slo, hash } = from;
  const now = service.now();
  if (slo === undefined) throw new Rejection("saml_request_refused", { note: "no slo" });
  if (now >= (asked.notOnOrAfter ?? now + 1)) throw new Rejection("saml_request_refused", { note: "expired" });
  const key = await ring.samlKey(hash);
  const facts = { issuer: tenant.issuer, destination: slo.responseLocation ?? slo.location, now };
  const answer = async (ended: boolean) => ({ redirectUri: await logoutResponseUrl(facts, { inResponseTo: asked.id, ended, relayState }, key), state: undefined });
  return { from, asked, answer };
}

/** Sends the browser on that an application or IdP sends back with its answer to a LogoutRequest of ours; undefined where it brings a request. `url`: this endpoint. */
export async function samlBack(exchange: Exchange, form: Form, url: string): Promise<Response | undefined> {
  const relayState = form.get("RelayState") ?? "";
  if (form.get("SAMLRequest") !== undefined || (form.get("SAMLResponse") === undefined && relayState === "")) return undefined;
  exchange.audit.write({ status: 303 });
  // A post from another site brings no cookie: the browser comes again, by itself, and then it does.
  if (exchange.request.method === "POST") return await done({ redirectUri: `${url}?${new URLSearchParams({ RelayState: relayState })}`, state: undefined });
  const { destination, cookie } = await samlReturned(exchange, relayState);
  return await done(destination, cookie);
}
