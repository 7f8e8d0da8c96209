import type { Form } from "../protocol/form.ts";
import { TOKEN_TYPE } from "../protocol/names.ts";
import { Rejection } from "../protocol/rejection.ts";
import { parseScope } from "../protocol/scope.ts";
import type { Dialect, TargetAsk } from "./dialect.ts";
import { requestedOf, standardTargets } from "./exchange.ts";
import { rolesClaim, tokenResponse } from "./response.ts";

const EVERYTHING = ".all";

/** Alibaba Cloud IDaaS. */
export const idaas: Dialect = {
  tokenPolicy: { accessTokenLifetime: 3600 },
  acceptsQuery: false,
  acceptsTokenEndpointAudience: true,
  acceptsBearerAuthentication: false,
  introspectsIdTokens: false,
  namesSession: false,
  revokesSession: false,
  subjectTokenTypes: [TOKEN_TYPE.access_token],
  assertionGives: "access_token",
  idTokenIsJwt: false,
  accessTokenFormat: () => "jwt",
  targets,
  exchange: (form) => ({ ...targets(form), ...requestedOf(form, "access_token", [TOKEN_TYPE.access_token]), subjectTokenType: form.require("subject_token_type") }),
  accessTokenClaims: (view) => ({ roles: rolesClaim(view) }),
  userAttributes: () => ({}),
  tokenResponse: (tokens) => ({ ...tokenResponse(tokens), expires_at: tokens.issuedAt + tokens.expiresIn }),
};

// `<audience>|<permission>`, split at the first bar; one audience in a request, and the same as in `audience`.
function targets(form: Form): TargetAsk {
  const items = parseScope(form.get("scope") ?? "").map((item) => ({ item, bar: item.indexOf("|") }));
  if (items.every(({ bar }) => bar === -1)) return standardTargets(form);
  if (items.some(({ bar, item }) => bar <= 0 || bar === item.length - 1)) throw new Rejection("scope_malformed");
  const audiences = new Set([...items.map(({ item, bar }) => item.slice(0, bar)), ...form.all("audience")]);
  const [id] = audiences;
  if (audiences.size !== 1 || id === undefined || form.all("resource").length > 0) throw new Rejection("target_conflict");
  const permissions = items.map(({ item, bar }) => item.slice(bar + 1));
  const target = /^https?:\/\//.test(id) ? ({ by: "resource", url: id } as const) : ({ by: "client", id } as const);
  return { targets: [target], isDefaultScope: false, ...(permissions.includes(EVERYTHING) ? {} : { scope: permissions }) };
}
