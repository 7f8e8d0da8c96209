import type { Form } from "../protocol/form.ts";
import { SCOPE } from "../protocol/names.ts";
import { Rejection } from "../protocol/rejection.ts";
import { defined, userClaims } from "../tokens/claims.ts";
import type { Dialect, TokenOptions } from "./dialect.ts";
import { tokenResponse } from "./rfc8693.ts";

const LEAST_EXCHANGE_PERIOD_SECONDS = 3600;
const JWT_GRANTS: ReadonlySet<string> = new Set(["authorization_code", "client_credentials"]);

/** SAP Cloud Identity Services. */
export const sap: Dialect = {
  tokenPolicy: { accessTokenLifetime: 3600, refreshParallel: 1 },
  acceptsQuery: true,
  introspectsIdTokens: true,
  revokesSession: true,
  // "Grant-type dependent": a code and client credentials give a JWT, everything else an opaque token.
  accessTokenFormat: (grant) => (JWT_GRANTS.has(grant) ? "jwt" : "opaque"),
  options,
  accessTokenClaims: ({ clientId, principal, roles, scope, sid }) =>
    defined({
      azp: clientId,
      sid,
      sap_id_type: principal === undefined ? "app" : "user",
      roles: roles.length === 0 ? undefined : roles,
      ...(principal === undefined ? {} : { ...userClaims(principal, scope), ...sap.userAttributes(principal, scope) }),
    }),
  userAttributes: (principal, scope) =>
    defined({
      user_uuid: principal.sub,
      ...(scope.includes(SCOPE.email) ? { mail: principal.email } : {}),
      ...(scope.includes(SCOPE.profile) ? { first_name: principal.givenName, last_name: principal.familyName } : {}),
    }),
  tokenResponse,
};

function options(form: Form): TokenOptions {
  const format = form.get("token_format");
  if (format !== undefined && format !== "jwt" && format !== "opaque") throw new Rejection("invalid_parameter", { parameter: "token_format" });
  const expiry = seconds(form, "refresh_expiry");
  const period = seconds(form, "max_exchange_period");
  if (period !== undefined && period < LEAST_EXCHANGE_PERIOD_SECONDS) throw new Rejection("invalid_parameter", { parameter: "max_exchange_period" });
  return {
    ...(format === undefined ? {} : { format }),
    ...(expiry === undefined ? {} : { refreshExpiry: Math.max(0, expiry) }),
    ...(period === undefined ? {} : { maxExchangePeriod: period }),
  };
}

function seconds(form: Form, parameter: string): number | undefined {
  const text = form.get(parameter);
  if (text === undefined) return undefined;
  if (!/^-?[0-9]{1,15}$/.test(text)) throw new Rejection("invalid_parameter", { parameter });
  return Number(text);
}
