import { dialectOf } from "../dialects/index.ts";
import { sha256 } from "../protocol/bytes.ts";
import { GRANT_TYPE, SCOPE } from "../protocol/names.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { ClientRequest } from "../service.ts";
import { configurationDeath } from "../tokens/inspect.ts";
import { type OpaqueToken, readOpaque } from "../tokens/opaque.ts";
import { prepareRefreshToken } from "../tokens/refresh-token.ts";
import type { Grant } from "./grant.ts";
import { accessTokenFormat, issuingFor, mintTokens, newGrantId, prepareTokens } from "./issuing.ts";
import { optionsOf, refuseOtherTargets } from "./targets.ts";

/** The authorization code grant, RFC 6749 §4.1.3 with PKCE (RFC 7636 §4.5). One object call. */
export const authorizationCode: Grant = {
  name: "authorization_code",
  grantType: GRANT_TYPE.authorization_code,
  issue: async (request) => {
    const { form, ring, service, clientId, client } = request;
    const [presented, redirectUri, verifier] = [form.require("code"), form.require("redirect_uri"), form.require("code_verifier")];
    await refuseOtherTargets(request, dialectOf(client).targets(form));
    const code = await readOpaque(ring, "code", presented);
    if (code === undefined) throw new Rejection("code_malformed");
    request.audit.note({ family: code.family });
    if (!/^[A-Za-z0-9._~-]{43,128}$/.test(verifier)) throw new Rejection("code_verifier_wrong");
    const plan = await prepare(request, code);
    const granted = await service.families.redeem(code.family, {
      code: code.node,
      hash: await sha256(code.secret),
      client: clientId,
      redirectUri,
      challenge: await sha256(verifier),
      ...plan.ask,
    });
    if (!granted.ok) throw new Rejection(granted.reason);
    const death = await configurationDeath(request, clientId, granted.root);
    if (death !== undefined) throw new Rejection("code_family_dead", { note: death });
    return await mintTokens(request, {
      issuing: plan.issuing,
      granted,
      accessToken: plan.tokens.accessToken,
      idToken: granted.principal !== undefined && granted.record.scope.includes(SCOPE.openid) ? plan.tokens.idToken : undefined,
      refreshToken: granted.chain === undefined ? undefined : await plan.chain?.mint(granted),
    });
  },
};

// Everything that is drawn before the call: the grant's id is the operation's id, so a retried call counts once.
async function prepare(request: ClientRequest, code: OpaqueToken) {
  const { client } = request;
  const issuing = issuingFor(request, code.family);
  const { policy } = issuing;
  const options = optionsOf(request);
  const tokens = await prepareTokens(issuing, accessTokenFormat(request, issuing, "authorization_code", options));
  const lifetime = Math.min(policy.refreshTokenLifetime, options.refreshExpiry ?? policy.refreshTokenLifetime);
  const chain = client.grants.includes("refresh_token") && lifetime > 0 ? await prepareRefreshToken(issuing.ring, code.family, lifetime) : undefined;
  const ask = {
    grant: newGrantId(),
    identifier: client.subjectNameIdentifier,
    leaves: [tokens.accessToken.leaf, tokens.idToken.leaf],
    exchangePeriod: Math.min(policy.maxExchangePeriod, options.maxExchangePeriod ?? policy.maxExchangePeriod),
    parallel: policy.refreshParallel,
    ...(request.proven === undefined ? {} : { proven: request.proven }),
    ...(client.mayAct === undefined ? {} : { mayAct: { sub: client.mayAct, client_id: client.mayAct } }),
    ...(chain === undefined ? {} : { chain: chain.chain }),
    ...(options.format === undefined ? {} : { format: options.format }),
  };
  return { issuing, tokens, chain, ask };
}
