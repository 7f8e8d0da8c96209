import type { RequestedToken } from "../policy.ts";
import type { Form } from "../protocol/form.ts";
import { TOKEN_TYPE } from "../protocol/names.ts";
import { Rejection } from "../protocol/rejection.ts";
import { parseScope } from "../protocol/scope.ts";
import type { ExchangeAsk, TargetAsk, TargetName } from "./dialect.ts";

const RESOURCE_LIMIT = 499;

/** Targets as RFC 8693 and RFC 8707 name them: `audience` is a client id, `resource` an absolute URL without fragment. */
export function standardTargets(form: Form): TargetAsk {
  const scope = form.get("scope");
  const targets: TargetName[] = [...form.all("audience").map((id) => ({ by: "client" as const, id })), ...form.all("resource").map(resourceName)];
  return { targets, isDefaultScope: false, ...(scope === undefined ? {} : { scope: parseScope(scope) }) };
}

/** A `resource` that is a URL (RFC 8707 §2). */
export function resourceName(url: string): TargetName {
  if (url.length > RESOURCE_LIMIT || url.includes("#") || !/^https?:\/\//.test(url) || !URL.canParse(url)) throw new Rejection("target_unknown");
  return { by: "resource", url };
}

const REQUESTED: ReadonlyMap<string, Pick<ExchangeAsk, "requested" | "format">> = new Map([
  [TOKEN_TYPE.access_token, { requested: "access_token" }],
  [TOKEN_TYPE.refresh_token, { requested: "refresh_token" }],
  [TOKEN_TYPE.id_token, { requested: "id_token" }],
  [TOKEN_TYPE.id_jag, { requested: "access_token", format: "id_jag" }],
  [TOKEN_TYPE.saml2, { requested: "saml2", format: "saml2" }],
  [TOKEN_TYPE.saml2_header, { requested: "saml2", format: "saml2_header" }],
  [TOKEN_TYPE.jwt, { requested: "access_token", format: "jwt" }],
]);

const REQUESTABLE: readonly string[] = [...REQUESTED.keys()];

/** What is requested: as `requested_token_type` says, one of `types`, else the dialect's default. */
export function requestedOf(form: Form, byDefault: RequestedToken, types = REQUESTABLE): Pick<ExchangeAsk, "requested" | "isExplicit" | "format"> {
  const type = form.get("requested_token_type");
  if (type === undefined) return { requested: byDefault, isExplicit: byDefault === "access_token" };
  const known = types.includes(type) ? REQUESTED.get(type) : undefined;
  if (known === undefined) throw new Rejection("requested_type_unsupported");
  return { ...known, isExplicit: true };
}

/** An exchange with the defaults of RFC 8693. */
export function standardExchange(form: Form): ExchangeAsk {
  return { ...standardTargets(form), ...requestedOf(form, "access_token"), subjectTokenType: form.require("subject_token_type") };
}
