import type { Actor } from "../policy.ts";
import { readConfirmation } from "../protocol/confirmation.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { ClientRequest } from "../service.ts";
import type { Origin } from "../storage/lineage.ts";
import { readActorToken } from "../subjects/index.ts";
import { configurationDeath, inspect, isDead } from "../tokens/inspect.ts";
import { issueOf, permissionDeath } from "../tokens/permission-cutoff.ts";
import type { VerifiedToken } from "../tokens/token.ts";

/** The actor of a delegation: what policy looks at, and its place in its own family. */
export interface PresentedActor {
  readonly actor: Actor;
  readonly origin: Origin;
  /** Seconds. */
  readonly expires: number;
}

/** Reads the actor token of an exchange; `actor_token` and `actor_token_type` come together or not at all (RFC 8693 §2.1). */
export async function readActor(request: ClientRequest): Promise<PresentedActor | undefined> {
  const { form } = request;
  const text = form.get("actor_token");
  const type = form.get("actor_token_type");
  if (text === undefined && type === undefined) return undefined;
  const token = await readActorToken(request, form.require("actor_token"), form.require("actor_token_type"));
  if (token.format === "opaque") return await fromRecord(request, token);
  const { client, lineage } = token;
  const death = (await configurationDeath(request, client, lineage.root)) ?? (await permissionDeath(request, client, lineage.root, () => issueOf(request, token)));
  if (death !== undefined) throw new Rejection("actor_dead", { note: death });
  return fromClaims(token);
}

function fromClaims({ claims, client, audience, lineage, expires }: Extract<VerifiedToken, { format: "jwt" }>): PresentedActor {
  const subject = String(claims.sub);
  const cnf = readConfirmation(claims.cnf);
  const { family, path, node, sid, root } = lineage;
  return {
    actor: { client, audience, principal: subject, subject, isDelegated: claims.act !== undefined, ...(cnf === undefined ? {} : { cnf }) },
    origin: { family, path, node, root, ...(sid === undefined ? {} : { sid }) },
    expires,
  };
}

// What an opaque token says stands in its family: asked for now, and whether it lives again after the child is recorded.
async function fromRecord(request: ClientRequest, token: VerifiedToken): Promise<PresentedActor> {
  const facts = await inspect(request, token, { consistency: "strong" });
  if (isDead(facts)) throw new Rejection("actor_dead", { note: facts.reason });
  const { family, path, node, sid, root } = facts.lineage;
  return {
    actor: {
      client: facts.client,
      audience: facts.audience,
      principal: facts.principal?.sub ?? facts.client,
      subject: facts.subject,
      isDelegated: facts.act !== undefined,
      ...(facts.cnf === undefined ? {} : { cnf: facts.cnf }),
    },
    origin: { family, path, node, root, ...(sid === undefined ? {} : { sid }) },
    expires: facts.expires,
  };
}
