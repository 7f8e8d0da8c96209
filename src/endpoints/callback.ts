import { lackingAtLogin } from "../federation/external-token.ts";
import { principalOf, subjectOf } from "../federation/principal.ts";
import { checkAuthorizationIssuer, redeemProviderCode } from "../federation/relying-party.ts";
import { readQuery } from "../protocol/form.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { Exchange } from "../service.ts";
import { arrive } from "./arrival.ts";
import { applicationNow } from "./authorization-request.ts";
import { answering, callbackUrl } from "./authorize.ts";
import { noLoginStateCookie, takeLoginState } from "./login-state.ts";

/** `/oauth2/callback/{idp}`: the corporate IdP sends the browser back; the login becomes a family, a session and a code. */
export async function callback(exchange: Exchange, alias: string): Promise<Response> {
  const { request, tenant, service } = exchange;
  const form = readQuery(request.url);
  const login = await takeLoginState(exchange, form.require("state"), alias);
  exchange.audit.note({ idp: login.idp, client: login.request.clientId });
  const client = await applicationNow(exchange, login.request);
  const response = await answering(exchange, login.request, async () => {
    const idp = await tenant.identityProvider(alias);
    if (idp === undefined || idp.disabled) throw new Rejection("idp_disabled");
    await checkAuthorizationIssuer(service, idp, form.get("iss"));
    if (form.get("error") !== undefined) throw new Rejection("login_denied");
    const outcome = await redeemProviderCode(service, idp, callbackUrl(exchange, alias), form.require("code"), login.secrets);
    const { claims, tokens } = outcome;
    const lacking = lackingAtLogin(idp, claims);
    if (lacking !== undefined) throw new Rejection("login_not_admitted", { note: lacking });
    const principal = principalOf(await subjectOf(tenant.subjectKey, login.idp, claims.sub), login.idp, idp, claims);
    return await arrive(exchange, { login, client, principal, tokens, authTime: claims.auth_time, sid: claims.sid });
  });
  response.headers.append("set-cookie", await noLoginStateCookie(exchange, login));
  return response;
}
