import type { Act } from "../protocol/actor.ts";
import type { Exchange } from "../service.ts";
import type { Status, StatusQuery } from "../storage/family/status-ask.ts";
import type { FamilyId, Origin, Root } from "../storage/lineage.ts";
import type { Consistency } from "../tenants/token-policy.ts";
import { copyLater, readCopy } from "./copies.ts";
import { type Answer, factsOf } from "./facts.ts";
import { type Issue, issueOf, permissionDeath } from "./permission-cutoff.ts";
import { pathQuestion, questionAbout } from "./question.ts";
import { familyOf, type TokenFacts, type VerifiedToken } from "./token.ts";

/** How a token is to be found alive. */
export interface Inspection {
  readonly consistency: Consistency;
  /** Seconds during which a rotated refresh token still counts as one: its client's retry window. */
  readonly refreshWindow?: number;
  /** Asks the family instead of `status`: the same question, and something more along with it. */
  readonly question?: (family: FamilyId, query: StatusQuery) => Promise<Status>;
}

/** Why a token is dead; for the audit log. */
export interface Dead {
  readonly kind: "dead";
  readonly reason: string;
}

interface Asked extends Omit<Answer, "status"> {
  readonly status: Status;
  /** Remembers the answer for `edge`, once everything else about the token has held. */
  readonly keep?: () => void;
}

/**
 * Asks whether a verified token is alive, in the consistency that the caller settled for, and gathers what it says. Then
 * the configuration is asked: a disabled or cut-off client, IdP or tenant leaves nothing alive. Throws `unavailable`
 * when nobody can tell.
 */
export async function inspect(exchange: Exchange, token: VerifiedToken, inspection: Inspection): Promise<TokenFacts | Dead> {
  const family = familyOf(token);
  exchange.audit.note({ family });
  const { status, consistency, checkedAt, keep } = await ask(exchange, family, token, inspection);
  if (!status.alive) {
    // A family that should exist and does not is never taken for one without revocations. An alert where that cannot be: a
    // JWT that has not expired. What an opaque token's age is only its family knew, which is emptied in its time.
    if (status.reason === "family_unknown" && token.format === "jwt" && token.opens === undefined) exchange.audit.note({ alert: "family_unknown" });
    return { kind: "dead", reason: status.reason };
  }
  const facts = factsOf(family, token, { status, consistency, checkedAt });
  if (facts === undefined) return { kind: "dead", reason: "record_unknown" };
  const { act, client, lineage } = facts;
  const { root, branches } = lineage;
  const reason =
    (await actorsDeath(exchange, act, branches, consistency)) ??
    (await configurationDeath(exchange, client, root)) ??
    (await permissionDeath(exchange, client, root, async () => knownIssue(facts) ?? (await issueOf(exchange, token))));
  if (reason !== undefined) return { kind: "dead", reason };
  keep?.();
  return facts;
}

/** True for a token that is dead. */
export function isDead(facts: TokenFacts | Dead): facts is Dead {
  return facts.kind === "dead";
}

/** Why the configuration of this moment leaves nothing of this client or root alive; undefined when it does. */
export async function configurationDeath({ tenant }: Exchange, clientId: string, root: Root): Promise<string | undefined> {
  const cutOff = (cutoff: number | undefined) => cutoff !== undefined && root.time <= cutoff;
  if (tenant.settings.disabled || cutOff(tenant.settings.cutoff)) return "tenant_cut_off";
  const client = await tenant.client(clientId);
  if (client === undefined || client.disabled || cutOff(client.cutoff)) return "client_cut_off";
  if (root.idp === undefined) return undefined;
  const idp = (await tenant.identityProvider(root.idp)) ?? (await tenant.samlIdentityProvider(root.idp));
  return idp === undefined || idp.disabled || cutOff(idp.cutoff) ? "idp_cut_off" : undefined;
}

function knownIssue({ audience, issuedAt }: TokenFacts): Issue | undefined {
  return issuedAt === undefined ? undefined : { audience, issuedAt };
}

/** Why an actor's place leaves a token dead: its own family does not find it alive. */
export async function branchDeath({ service }: Exchange, branch: Origin): Promise<string | undefined> {
  const status = await service.families.status(branch.family, pathQuestion(branch));
  return status.alive ? undefined : `actor ${status.reason}`;
}

/** Why the actors of a token leave it dead: the configuration has ended the client or the login of one, or its own family has ended it. */
export async function actorsDeath(exchange: Exchange, act: Act | undefined, branches: readonly Origin[], consistency: Consistency = "strong"): Promise<string | undefined> {
  if (branches.length === 0) return undefined;
  let actor = act;
  // The newest actor stands outermost, and its branch last.
  for (const { root } of branches.toReversed()) {
    const death = actor === undefined ? undefined : await configurationDeath(exchange, actor.client_id, root);
    if (death !== undefined) return `actor ${death}`;
    actor = actor?.act;
  }
  // What was found without asking the family is as old for its branches.
  if (consistency !== "strong") return undefined;
  const deaths = await Promise.all(branches.map((branch) => branchDeath(exchange, branch)));
  return deaths.find((death) => death !== undefined);
}

async function ask(
  exchange: Exchange,
  family: FamilyId,
  token: VerifiedToken,
  { consistency, refreshWindow = 0, question = exchange.service.families.status }: Inspection,
): Promise<Asked> {
  const { service } = exchange;
  const query = questionAbout(token, refreshWindow);
  // Refresh and SSO tokens are always strong; a JWT has no copy, so eventual is no weaker than edge for it.
  const wanted = token.kind === "refresh_token" || token.kind === "sso_token" ? "strong" : consistency;
  if (wanted === "eventual" && query.kind === "opaque") {
    const copy = await readCopy(exchange, query.hash);
    if (copy !== undefined) return { status: copy.status, consistency: "eventual", checkedAt: copy.status.now };
  }
  if (wanted !== "strong") {
    const remembered = service.statuses.recall(family, query);
    if (remembered !== undefined && !isExpired(remembered.status, service.now())) return { status: remembered.status, consistency: "edge", checkedAt: remembered.asked };
  }
  const asked = service.now();
  const status = await question(family, query);
  const found = { status, consistency: "strong", checkedAt: asked } as const;
  if (!status.alive || wanted === "strong") return found;
  const keep = () => {
    service.statuses.keep(family, query, { status, asked });
    if (wanted === "eventual" && query.kind === "opaque") copyLater(exchange, query.hash, status);
  };
  return { ...found, keep };
}

function isExpired(status: Answer["status"], now: number): boolean {
  return status.leaf !== undefined && status.leaf.expires <= now;
}
