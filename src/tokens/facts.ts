import { readAct, readMayAct } from "../protocol/actor.ts";
import { readConfirmation } from "../protocol/confirmation.ts";
import type { Status } from "../storage/family/status-ask.ts";
import type { FamilyId } from "../storage/lineage.ts";
import type { Consistency } from "../tenants/token-policy.ts";
import type { TokenFacts, VerifiedToken } from "./token.ts";

/** What a family answered of a token that is alive, in which consistency, and when it was asked (seconds). */
export interface Answer {
  readonly status: Extract<Status, { readonly alive: true }>;
  readonly consistency: Consistency;
  readonly checkedAt: number;
}

type Jwt = Extract<VerifiedToken, { readonly format: "jwt" }>;
type Opaque = Extract<VerifiedToken, { readonly format: "opaque" }>;

// What a remembered answer makes of a token, gone with it. The same question may be asked of two JWTs of one issue.
const known = new WeakMap<Answer["status"], TokenFacts>();

/** Everything that a live token says. By a remembered answer the very same facts each time; undefined for what is not on record. */
export function factsOf(family: FamilyId, token: VerifiedToken, answer: Answer): TokenFacts | undefined {
  if (answer.consistency !== "edge") return read(family, token, answer);
  const remembered = known.get(answer.status);
  if (remembered !== undefined && remembered.claims === (token.format === "jwt" ? token.claims : undefined)) return remembered;
  const facts = read(family, token, answer);
  if (facts !== undefined) known.set(answer.status, facts);
  return facts;
}

function read(family: FamilyId, token: VerifiedToken, answer: Answer): TokenFacts | undefined {
  return token.format === "jwt" ? statedFacts(token, answer) : recordedFacts(family, token, answer);
}

// What a JWT says itself.
function statedFacts({ claims, kind, client, audience, scope, expires, lineage }: Jwt, { status, consistency, checkedAt }: Answer): TokenFacts {
  return {
    kind,
    format: "jwt",
    client,
    audience,
    scope,
    expires,
    issuedAt: Number(claims.iat),
    lineage,
    subject: String(claims.sub),
    claims,
    act: readAct(claims.act),
    mayAct: readMayAct(claims.may_act),
    cnf: readConfirmation(claims.cnf),
    authTime: typeof claims.auth_time === "number" ? claims.auth_time : undefined,
    consistency,
    checkedAt,
    principal: status.principal,
  };
}

// What its family has on record of an opaque token.
function recordedFacts(family: FamilyId, { kind, token }: Opaque, { status, consistency, checkedAt }: Answer): TokenFacts | undefined {
  const { record, leaf, refreshExpires, root, principal, sso } = status;
  if (record === undefined || root === undefined) return undefined;
  const isRefresh = kind === "refresh_token";
  const expires = isRefresh ? refreshExpires : leaf?.expires;
  if (expires === undefined) return undefined;
  const { client, audience, scope, path, hops, deadline, branches = [], sid, act, mayAct, apis, cnf, authTime } = record;
  return {
    kind,
    format: "opaque",
    client,
    audience,
    scope,
    expires,
    issuedAt: leaf?.issued,
    lineage: {
      family,
      path: isRefresh ? path.slice(0, -1) : path,
      node: isRefresh ? token.node : (leaf?.id ?? ""),
      root,
      hops,
      deadline,
      branches,
      ...(sid === undefined ? {} : { sid }),
    },
    subject: record.subject ?? principal?.sub ?? client,
    act,
    mayAct,
    apis,
    cnf,
    sso,
    authTime,
    consistency,
    checkedAt,
    principal,
  };
}
