import type { ExchangeAsk } from "../dialects/dialect.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { ClientRequest } from "../service.ts";
import type { VerifiedToken } from "../tokens/token.ts";
import type { ResolvedTarget } from "./targets.ts";

/**
 * The authorization server of another domain that an exchange asks an assertion for: one that the client's record names,
 * by its issuer as the audience, with at most one resource there. Undefined for any other exchange.
 */
export function foreignTarget({ client }: ClientRequest, subject: VerifiedToken, { targets, format, isExplicit }: ExchangeAsk): ResolvedTarget | undefined {
  const isIdJag = format === "id_jag";
  if (!isIdJag && (format !== "jwt" || !isExplicit)) return undefined;
  const names = targets.map((target) => (target.by === "client" ? target.id : target.by === "resource" ? target.url : ""));
  const server = client.authorizationServers?.find(({ issuer }) => names.includes(issuer));
  if (server === undefined && !isIdJag) return undefined;
  const others = names.filter((name) => name !== server?.issuer);
  const [resource, another] = others;
  if (client.public || server?.grants.includes(isIdJag ? "id_jag" : "jwt") !== true) throw new Rejection("target_forbidden", { note: "authorization server" });
  if (another !== undefined || names.length - others.length !== 1 || (resource !== undefined && !server.resources.includes(resource))) {
    throw new Rejection("target_unknown", { note: "resource" });
  }
  // An identity is asserted of who logged in here: by the ID token of that, or the right to refresh it.
  const speaksOfLogin = subject.kind === "id_token" || subject.kind === "refresh_token" || subject.kind === "saml_assertion";
  if (isIdJag && !speaksOfLogin) throw new Rejection("subject_type_differs", { note: subject.kind });
  const target = { id: server.issuer, client, audience: [server.issuer], permission: undefined, isRequester: false, authorizationServer: server };
  return { ...target, ...(resource === undefined ? {} : { resource }) };
}
