import { GRANT_TYPE, TOKEN_TYPE } from "../../src/protocol/names.ts";
import { exchange, type World } from "../world.ts";
import { lastReason } from "./login-steps.ts";

/** The client of the demo that may present tokens of the partner's IdP. */
export const BEARER = "billing-worker";

const now = () => Math.floor(Date.now() / 1000);

/** The claims of a token that the partner's IdP issues for us. */
export function partnerClaims(w: World, user = "chris.lee", changes: Record<string, unknown> = {}): Record<string, unknown> {
  return { iss: w.partner.issuer, sub: `sub-${user}`, aud: "cambio", iat: now(), exp: now() + 300, preferred_username: user, ...w.partner.users[user], ...changes };
}

/** A token of the partner's IdP. */
export async function partnerToken(w: World, changes: Record<string, unknown> = {}, header: Record<string, unknown> = {}, user = "chris.lee"): Promise<string> {
  return await w.partner.sign(partnerClaims(w, user, changes), header);
}

/** Exchanges a token of another issuer for one of ours. */
export async function present(w: World, token: string, extra: Record<string, string> = {}, client = BEARER) {
  return await exchange(w, client, { subject_token: token, subject_token_type: TOKEN_TYPE.jwt, audience: "orders-api", ...extra });
}

/** "taken", or why not, as the audit log has it. */
export async function fate(w: World, token: string, extra: Record<string, string> = {}, client = BEARER): Promise<unknown> {
  const { status, body } = await present(w, token, extra, client);
  if (status === 200) return "taken";
  return [status, body.error, lastReason(w)];
}

/** Presents an assertion by the JWT bearer grant. */
export async function bear(
  w: World,
  assertion: string,
  extra: Record<string, string> = {},
  client = BEARER,
): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
  const answer = await w.post("/oauth2/token", { grant_type: GRANT_TYPE.jwt_bearer, assertion, ...extra }, [client, `${client}-secret`]);
  return { status: answer.status, body: await answer.json() };
}

/** The partner's IdP as the tenant of a test has it. */
type Partner = Record<string, unknown> & { subjectTokens: Record<string, unknown> };
/** Changes that IdP. */
export const withPartner = (change: (partner: Partner) => void) => ({
  tenant: (file: { identityProviders: object }) => change((file.identityProviders as Record<string, Partner>).partner as Partner),
});
