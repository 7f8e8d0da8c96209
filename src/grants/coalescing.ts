import type { TokenSet } from "../dialects/dialect.ts";
import { sha256 } from "../protocol/bytes.ts";
import type { ClientRequest } from "../service.ts";
import type { Extended } from "../storage/family/exchange-ask.ts";
import type { StatusQuery } from "../storage/family/status-ask.ts";
import { actorsDeath } from "../tokens/inspect.ts";
import type { SharedAnswer } from "../tokens/shared-answers.ts";
import { edgeQueryOf, hasBudget } from "./edge.ts";
import type { PlannedExchange } from "./exchange.ts";
import { noteIssued } from "./issuing.ts";

// They prove the client, which they have done by now; an assertion is another one in each request.
const CREDENTIALS: ReadonlySet<string> = new Set(["client_secret", "client_assertion"]);

/**
 * A digest of everything that an exchange's answer depends on but the family and the time: the tenant's configuration,
 * the client, the keys that it proved, and every parameter as it was sent, in this order. Undefined where no answer may be
 * shared.
 */
export async function coalescingKey(request: ClientRequest): Promise<string | undefined> {
  if (hasBudget(request)) return undefined;
  const { tenant, clientId, proven = {}, form } = request;
  const parameters = [...form.entries()].filter(([name]) => !CREDENTIALS.has(name));
  return await sha256(JSON.stringify([tenant.issuer, tenant.version, clientId, proven.jkt, proven["x5t#S256"], parameters]));
}

/** An answer of the last seconds to the same request, if all that was issued is alive, and all that it came from; by now it lives less long. */
export async function recallAnswer(request: ClientRequest, key: string): Promise<TokenSet | undefined> {
  const { service, audit } = request;
  const answer = service.answers.recall(key);
  if (answer === undefined || !(await isAlive(request, answer))) return undefined;
  const { family, extended, tokens } = answer;
  const issued = extended.leaves.map(({ type }) => type);
  noteIssued(request, family, extended, issued);
  audit.note({ coalesced: true, ...(answer.edgeQuery === undefined ? {} : { consistency: "edge" }) });
  const now = service.now();
  return { ...tokens, issuedAt: now, expiresIn: tokens.issuedAt + tokens.expiresIn - now };
}

// What must be used once, or has a life of its own, is nobody else's: refresh and SSO tokens, assertions.
const SHARED: ReadonlySet<string> = new Set(["access_token", "id_token", "token_set", "refresh_token"]);

/** Keeps the answer of an exchange that was begun at `began` (seconds), for the seconds that the client's policy says. */
export function keepAnswer(request: ClientRequest, key: string, { plan, extended, tokens, began }: Given): void {
  const { subject, asked, issuing, actor, targets, family } = plan;
  const isOurs = subject.kind === "access_token" || subject.kind === "id_token";
  const isForeign = (subject.format === "jwt" && subject.opens !== undefined) || targets[0]?.authorizationServer !== undefined;
  // Of an opaque token the session is not known here where what comes of it does not end with it.
  const isKnown = subject.format === "jwt" || extended.permit.isCoupled;
  if (!SHARED.has(asked.requested) || tokens.refreshToken !== undefined || !isOurs || isForeign || !isKnown) return;
  const edgeQuery = edgeQueryOf(request, plan);
  const until = Math.min(began + issuing.policy.coalesceSeconds, actor?.expires ?? Number.POSITIVE_INFINITY, ...extended.leaves.map(({ expires }) => expires));
  request.service.answers.keep(key, { tokens, family, extended, query: queryOf(plan, extended), until, ...(edgeQuery === undefined ? {} : { edgeQuery }) });
}

interface Given {
  readonly plan: PlannedExchange;
  readonly extended: Extended;
  readonly tokens: TokenSet;
  readonly began: number;
}

// Alive as of the bound of `edge`, or asked now; and the user is still as the tokens say.
async function isAlive(request: ClientRequest, { family, extended, query, edgeQuery }: SharedAnswer): Promise<boolean> {
  const { families, statuses } = request.service;
  const { act, branches = [] } = extended.record;
  const [status, death] =
    edgeQuery === undefined ? await Promise.all([families.status(family, query), actorsDeath(request, act, branches)]) : [statuses.recall(family, edgeQuery)?.status, undefined];
  return status?.alive === true && status.principal?.asOf === extended.principal?.asOf && death === undefined;
}

function queryOf({ subject }: PlannedExchange, { record, leaves, root }: Extended): StatusQuery {
  const [node = "", ...others] = leaves.map(({ id }) => id);
  const sid = subject.format === "jwt" ? subject.lineage.sid : record.sid;
  return { kind: "path", path: [...record.path, ...others], node, lazy: false, began: root.time, ...(sid === undefined ? {} : { sid }) };
}
