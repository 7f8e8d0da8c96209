import { randomId } from "../../src/protocol/bytes.ts";
import type { Redeem } from "../../src/storage/family/login-ask.ts";
import type { NewLeaf } from "../../src/storage/family/record.ts";
import type { StatusQuery } from "../../src/storage/family/status-ask.ts";
import { CLIENT, exchanging, HOUR, jwtLeaf, newCode, newLogin, newSession, opaqueLeaf, pathQuery, presenting, redemption, successor, TENANT } from "./asks.ts";
import { now, pass } from "./clock.ts";
import type { Token } from "./liveness-model.ts";
import { type Walk, WINDOW } from "./walk.ts";

/** One kind of step. Answers what it did; undefined when there was nothing to do it with. */
type Step = (walk: Walk) => Promise<string | undefined>;

const BUDGET = 4;
const HOPS_LIMIT = 7;
const DEEPEST = 14;
const CLIENTS = [CLIENT, CLIENT, "web-app"];

const lifetime = (walk: Walk) => walk.pick([30, 300, HOUR, 20 * HOUR]) ?? HOUR;
const leaf = (walk: Walk): NewLeaf => (walk.chance(0.5) ? opaqueLeaf(lifetime(walk)) : jwtLeaf(lifetime(walk)));
const ofKind = <Kind extends StatusQuery["kind"]>(walk: Walk, kind: Kind) => {
  const token = walk.someToken((candidate) => candidate.query.kind === kind);
  return token === undefined ? undefined : { token, query: token.query as Extract<StatusQuery, { kind: Kind }> };
};

const tick: Step = async (walk) => {
  const seconds = walk.pick([0, 1, 1, 3, 3, WINDOW - 1, WINDOW, WINDOW, 20, 60, 300, walk.chance(0.3) ? HOUR : 1]) ?? 0;
  pass(seconds);
  return `${seconds} s pass`;
};

const open: Step = async (walk) => {
  const family = walk.create();
  const session = newSession({ lifetime: walk.pick([300, HOUR, 12 * HOUR]) ?? HOUR });
  const code = newCode({ coupled: walk.chance(0.5), client: walk.pick(CLIENTS) ?? CLIENT });
  const opening = newLogin({ session, code });
  await walk.foretold(true, "open", family, opening);
  walk.model.keep(family, now() + session.lifetime);
  walk.model.sessions.set(session.id, { expires: now() + session.lifetime, hasEnded: false });
  walk.families.push(family);
  walk.sessions.push({ family, session });
  walk.codes.push({ family, code, session, expires: now() + code.lifetime });
  return "open";
};

const isOpen = (walk: Walk, family: string, session: string) => {
  const known = walk.model.families.get(family);
  return known !== undefined && !known.isRevoked && now() < known.closes && walk.model.isSessionAlive(session, now());
};

const signOn: Step = async (walk) => {
  const { family, session } = walk.recent(walk.sessions) ?? {};
  if (family === undefined || session === undefined) return undefined;
  const code = newCode({ coupled: walk.chance(0.5), client: walk.pick(CLIENTS) ?? CLIENT });
  const hash = walk.chance(0.9) ? session.hash : "another";
  const isGood = hash === session.hash && isOpen(walk, family, session.id);
  const answer = await walk.foretold(isGood, "signOn", family, { session: session.id, hash, client: code.client, code });
  if (answer.ok) walk.codes.push({ family, code, session, expires: now() + code.lifetime });
  return `sign on ${answer.ok}`;
};

const WRONG: readonly Partial<Redeem>[] = [{ client: "another" }, { challenge: "another" }, { hash: "another" }, { redirectUri: "another" }];

const redeem: Step = async (walk) => {
  const given = walk.recent(walk.chance(0.8) ? walk.codes.filter((code) => code.redeemed === undefined && code.expires > now()) : walk.codes);
  if (given === undefined) return undefined;
  const { family, code, session, expires, redeemed } = given;
  const wrong = walk.chance(0.3) ? walk.pick(WRONG) : undefined;
  const ask = redemption(code, { leaves: [leaf(walk)], ...wrong });
  const isGood = wrong === undefined && redeemed === undefined && now() < expires && isOpen(walk, family, session.id);
  const answer = await walk.foretold(isGood, "redeem", family, ask);
  if (wrong === undefined && redeemed !== undefined) walk.model.revoked.add(redeemed);
  if (!answer.ok) return `redeem ${answer.reason}`;
  given.redeemed = ask.grant;
  walk.take(family, answer, ask.chain?.hash);
  return "redeem";
};

const refresh: Step = async (walk) => {
  const { token, query } = ofKind(walk, "refresh") ?? {};
  if (token === undefined || query === undefined) return undefined;
  const held = { grant: query.node, generation: query.generation, hash: query.hash };
  const isOwn = walk.chance(0.9);
  const ask = presenting(held, { parent: query.parent, client: isOwn ? token.client : "another", window: WINDOW, leaves: [leaf(walk)] });
  const judgement = isOwn ? walk.model.judge(token, query, now()) : "refused";
  const answer = await walk.foretold(judgement === "rotated" || judgement === "again", "refresh", token.family, ask);
  if (judgement === "reuse") walk.model.revoked.add(query.node);
  if (!answer.ok) return `refresh ${answer.reason}`;
  walk.take(token.family, answer, judgement === "rotated" ? successor(held).hash : undefined);
  const generation = walk.model.chains.get(query.node)?.generation;
  if (answer.chain?.generation !== generation) throw new Error(`the chain is at ${answer.chain?.generation}, but the model says ${generation}`);
  return `refresh ${judgement}`;
};

const exchange: Step = async (walk) => {
  const token = walk.someToken(({ line, expires }) => line.length <= DEEPEST && expires > now());
  if (token === undefined) return undefined;
  const { query, family, client } = token;
  const requester = walk.chance(0.9) ? client : "another";
  const judgement = query.kind === "refresh" && requester === client ? walk.model.judge(token, query, now()) : undefined;
  const isAlive = judgement === undefined ? walk.model.isAlive(token, now()) : judgement === "rotated" || judgement === "again";
  const node = token.line.at(-1) ?? "";
  const below = [...walk.model.grants.keys()].filter((grant) => walk.parentOf.get(grant) === node).length;
  const isPermitted = requester === client && token.hops < HOPS_LIMIT && token.deadline > now() && below < BUDGET;
  const ask = exchanging(token, { requester, budget: BUDGET, accessToken: leaf(walk) });
  const answer = await walk.foretold(isAlive && isPermitted, "extend", family, ask);
  if (judgement === "reuse") walk.model.revoked.add(node);
  // Whoever uses the successor has got it: its predecessor has no window any more.
  if (query.kind === "refresh" && judgement === "rotated" && walk.model.hasWindow(query, now())) delete walk.model.chains.get(query.node)?.rotated;
  if (!answer.ok) return `exchange ${answer.reason}`;
  if (!walk.model.families.has(family)) walk.model.keep(family, token.expires);
  walk.parentOf.set(ask.grant, node);
  walk.take(family, answer, ask.chain?.hash);
  return "exchange";
};

// A token that hangs below another by its path alone: the family was not told of it yet.
const descend: Step = async (walk) => {
  const above = walk.someToken(({ line }) => line.length <= DEEPEST);
  if (above === undefined) return undefined;
  const { isLazy: _root, ...rest } = above;
  const node = randomId();
  walk.tokens.push({ ...rest, query: pathQuery(above.line, node, above.sid), line: [...above.line, node] });
  return "descend";
};

const lazy: Step = async (walk) => {
  const node = randomId();
  const times = { expires: now() + HOUR, deadline: now() + HOUR, hops: 0 };
  walk.tokens.push({ family: walk.create(), client: CLIENT, query: { kind: "path", path: [], node, lazy: true }, line: [node], isLazy: true, ...times });
  return "lazy root";
};

const revokeNode: Step = async (walk) => {
  const { token } = ofKind(walk, "path") ?? {};
  if (token === undefined || token.expires <= now()) return undefined;
  const { family, line, expires, isLazy = false } = token;
  const node = line.at(-1) ?? "";
  await walk.ask("revoke", family, { kind: "node", node, tenant: TENANT, expires, lazy: isLazy });
  if (!walk.model.families.has(family) && !isLazy) return "revoke nothing";
  walk.model.revoked.add(node);
  walk.model.keep(family, expires);
  return "revoke node";
};

const revokeHeld =
  (kind: "opaque" | "refresh"): Step =>
  async (walk) => {
    const { token, query } = ofKind(walk, kind) ?? {};
    if (token === undefined || query === undefined) return undefined;
    const isOwn = walk.chance(0.6);
    const ask = { kind, parent: query.parent, node: query.node, hash: query.hash, client: isOwn ? token.client : "another", everyGrant: false } as const;
    await walk.ask("revoke", token.family, ask);
    if (isOwn) walk.model.revoked.add(token.line.at(-1) ?? "");
    return `revoke ${kind} ${isOwn}`;
  };

const revokeClient: Step = async (walk) => {
  const family = walk.recent(walk.families);
  const client = walk.pick(CLIENTS) ?? CLIENT;
  if (family === undefined) return undefined;
  await walk.ask("revoke", family, { kind: "client", client });
  for (const [id, grant] of walk.model.grants) if (grant.family === family && grant.client === client && grant.expires > now()) walk.model.revoked.add(id);
  return "revoke client";
};

const revokeFamily: Step = async (walk) => {
  const family = walk.recent(walk.families);
  const known = family === undefined ? undefined : walk.model.families.get(family);
  if (family === undefined || known === undefined) return undefined;
  await walk.ask("revoke", family, { kind: "family" });
  known.isRevoked = true;
  return "revoke family";
};

const endSession: Step = async (walk) => {
  const { family, session } = walk.recent(walk.sessions) ?? {};
  const known = session === undefined ? undefined : walk.model.sessions.get(session.id);
  if (family === undefined || session === undefined || known === undefined) return undefined;
  await walk.foretold(true, "endSession", family, session.id);
  known.hasEnded = true;
  return "end session";
};

/** The steps, each as often as it is likely. */
const LIKELY: readonly (readonly [number, Step])[] = [
  [3, tick],
  [1, open],
  [2, signOn],
  [5, redeem],
  [7, refresh],
  [6, exchange],
  [2, descend],
  [0.5, lazy],
  [0.6, revokeNode],
  [0.4, revokeHeld("opaque")],
  [0.4, revokeHeld("refresh")],
  [0.1, revokeClient],
  [0.1, revokeFamily],
  [0.2, endSession],
];
const TENTHS = LIKELY.flatMap(([weight, step]) => Array.from({ length: weight * 10 }, () => step));

/** One step of a walk, and a look at some tokens. Answers what was done. */
export async function step(walk: Walk): Promise<string> {
  const done = await walk.pick(TENTHS)?.(walk);
  for (const token of [walk.recent(walk.tokens), walk.recent(walk.tokens), walk.pick(walk.tokens)] as readonly (Token | undefined)[])
    if (token !== undefined) await walk.look(token);
  return done ?? "nothing";
}
