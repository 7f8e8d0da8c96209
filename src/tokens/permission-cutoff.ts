import type { Exchange } from "../service.ts";
import type { Root } from "../storage/lineage.ts";
import type { OpaqueToken } from "./opaque.ts";
import type { VerifiedToken } from "./token.ts";

/** For whom and when a token was issued. */
export interface Issue {
  readonly audience: readonly string[];
  /** Seconds. */
  readonly issuedAt: number;
}

/**
 * Why the owner of a target leaves a token of this client dead: it was issued for that target before the owner cut off
 * what it had permitted. Where nobody ever did, which is nearly always, `issue` is not asked.
 */
export async function permissionDeath({ tenant }: Exchange, client: string, root: Root, issue: () => Promise<Issue | undefined>): Promise<"permission_cut_off" | undefined> {
  const all = await tenant.permissionCutoffs(client);
  if (all === undefined) return undefined;
  const cutoffs = Object.entries(all).filter(([, cutoff]) => root.time <= cutoff);
  if (cutoffs.length === 0) return undefined;
  const issued = await issue();
  const isDead = issued === undefined || cutoffs.some(([provider, cutoff]) => issued.audience.includes(provider) && issued.issuedAt <= cutoff);
  return isDead ? "permission_cut_off" : undefined;
}

/** When a verified token was issued and for whom: as it says itself, or as its family has it. */
export async function issueOf(exchange: Exchange, token: VerifiedToken): Promise<Issue | undefined> {
  if (token.format === "opaque") return await recordedIssue(exchange, token.token);
  return { audience: token.audience, issuedAt: Number(token.claims.iat) };
}

/** The issue of the grant that an opaque token belongs to; a refresh token is as old as its grant. Undefined: it is not on record. */
export async function recordedIssue({ service }: Exchange, { family, parent, node }: OpaqueToken): Promise<Issue | undefined> {
  const trace = await service.families.trace(family);
  const grants = trace.ok ? trace.nodes : [];
  // What a refresh gave has a row of its own, below its grant.
  const grant = grants.find(({ id }) => id === node) ?? grants.find(({ id }) => id === parent);
  return grant === undefined ? undefined : { audience: grant.audience, issuedAt: grant.issued };
}
