import { randomId } from "../../src/protocol/bytes.ts";
import type { Families } from "../../src/storage/families.ts";
import type { Extend, Refresh } from "../../src/storage/family/exchange-ask.ts";
import type { NewCode, NewSession, OpenFamily, Redeem } from "../../src/storage/family/login-ask.ts";
import type { NewLeaf } from "../../src/storage/family/record.ts";
import { ROOT } from "../../src/storage/family/rows.ts";
import type { StatusQuery } from "../../src/storage/family/status-ask.ts";
import type { FamilyId, NodeId } from "../../src/storage/lineage.ts";
import type { Principal } from "../../src/tenants/principal.ts";

export const TENANT = "https://id.example.com";
export const CLIENT = "mobile-app";
export const REDIRECT = "http://127.0.0.1/callback";
export const SCOPE = ["openid", "profile", "email"];
export const HOUR = 3600;

export const DONA: Principal = { sub: "dona", idp: "corp", loginName: "dona.moore", groups: ["employees"] };

/** A leaf of an opaque token; `hash` makes it one. */
export const opaqueLeaf = (lifetime = HOUR): NewLeaf & { readonly hash: string } => ({ id: randomId(), type: "access_token", lifetime, hash: randomId() });

/** A leaf of a JWT. */
export const jwtLeaf = (lifetime = HOUR): NewLeaf => ({ id: randomId(), type: "access_token", lifetime });

export const newSession = (changes: Partial<NewSession> = {}, authTime = Math.floor(Date.now() / 1000)): NewSession => ({
  id: randomId(),
  hash: randomId(),
  lifetime: 12 * HOUR,
  authTime,
  idp: "corp",
  ...changes,
});

export const newCode = (changes: Partial<NewCode> = {}): NewCode => ({
  id: randomId(),
  hash: randomId(),
  lifetime: 60,
  client: CLIENT,
  redirectUri: REDIRECT,
  challenge: randomId(32),
  scope: SCOPE,
  coupled: false,
  ...changes,
});

export const newLogin = (changes: Partial<OpenFamily> = {}): OpenFamily & { readonly session: NewSession } => {
  const session = changes.session ?? newSession();
  return { op: session.id, tenant: TENANT, kind: "login", principal: DONA, ...changes, session };
};

/** What redeems a code rightly. */
export const redemption = (code: NewCode, changes: Partial<Redeem> = {}): Redeem => ({
  code: code.id,
  hash: code.hash,
  client: code.client,
  redirectUri: code.redirectUri,
  challenge: code.challenge,
  grant: randomId(),
  leaves: [jwtLeaf()],
  chain: { hash: randomId(), keyNumber: 1, lifetime: 12 * HOUR },
  identifier: "userUuid",
  exchangePeriod: 90 * 24 * HOUR,
  ...changes,
});

/** A refresh token as its holder knows it. */
export interface Holder {
  readonly grant: NodeId;
  readonly generation: number;
  readonly hash: string;
}

/** The refresh token that a redemption gave. */
export const holderOf = ({ grant, chain }: Redeem): Holder => ({ grant, generation: 0, hash: chain?.hash ?? "" });

/** The successor of a refresh token, derived as the Worker derives it: always the same for the same token and key. */
export const successor = ({ grant, generation, hash }: Holder, keyNumber = 1): Holder => ({ grant, generation: generation + 1, hash: `${hash}.${keyNumber}` });

/** What presents a refresh token rightly. */
export const presenting = (token: Holder, changes: Partial<Refresh> = {}, keyNumber = 1): Refresh => ({
  op: randomId(),
  parent: ROOT,
  grant: token.grant,
  generation: token.generation,
  hash: token.hash,
  client: CLIENT,
  window: 10,
  successor: { hash: successor(token, keyNumber).hash, keyNumber },
  leaves: [jwtLeaf()],
  isPublic: true,
  allowedScope: SCOPE,
  ...changes,
});

export const pathQuery = (path: readonly NodeId[], node: NodeId, sid?: NodeId): StatusQuery => ({ kind: "path", path, node, lazy: false, ...(sid === undefined ? {} : { sid }) });
export const lazyQuery = (node: NodeId): StatusQuery => ({ kind: "path", path: [], node, lazy: true });
export const opaqueQuery = (node: NodeId, hash: string, parent: NodeId = ROOT): StatusQuery => ({ kind: "opaque", parent, node, hash });
export const refreshQuery = ({ grant, generation, hash }: Holder, window = 10): StatusQuery => ({ kind: "refresh", parent: ROOT, node: grant, generation, hash, window });

/** A token that is exchanged: how it is asked about, and what it says of itself. */
export interface SubjectToken {
  readonly query: StatusQuery;
  readonly client: string;
  readonly sid?: NodeId;
  readonly expires: number;
  readonly hops: number;
  readonly deadline: number;
}

/** What exchanges a token for its own client, or for one that it is not meant for. */
export const exchanging = (
  { query, client, sid, expires, hops, deadline }: SubjectToken,
  { requester = client, ...changes }: Partial<Extend> & { readonly requester?: string } = {},
): Extend => ({
  grant: randomId(),
  tenant: TENANT,
  subject:
    query.kind === "path"
      ? {
          kind: "jwt",
          facts: {
            ...{ kind: "access_token", client, audience: [client], scope: SCOPE, principal: "dona", isUser: !query.lazy },
            ...{ expires, hops, deadline, authTime: Math.floor(Date.now() / 1000), ancestors: query.path.length },
          },
          ...{ path: query.path, node: query.node, root: { kind: "login", time: 0, lazy: query.lazy }, branches: [], ...(sid === undefined ? {} : { sid }) },
        }
      : query,
  request: {
    requester: {
      ...{ id: requester, isPublic: false, mayExchangePublicly: true, mayRefresh: true, refreshTokenLifetime: 12 * HOUR },
      ...{ maxHops: 7, maxExchangePeriod: 90 * 24 * HOUR, isIndependent: false },
    },
    targets: [{ id: requester, audience: [requester], isRequester: true, ownScopes: [], scopes: [], tokenTypes: [], maxHops: 7 }],
    ...{ requested: "token_set", isExplicit: false, isDefaultScope: false, tenantMaxHops: 7 },
  },
  budget: 1000,
  accessToken: jwtLeaf(),
  idToken: { id: randomId(), type: "id_token", lifetime: HOUR },
  chain: { hash: randomId(), keyNumber: 1, lifetime: 12 * HOUR },
  identifier: "userUuid",
  apis: [],
  ...changes,
});

/** "alive", or why not. */
export async function fateOf(families: Families, family: FamilyId, query: StatusQuery): Promise<string> {
  const status = await families.status(family, query);
  return status.alive ? "alive" : status.reason;
}

/** A family after a login, and what its code redeems. */
export async function loggedIn(families: Families, changes: { readonly session?: Partial<NewSession>; readonly code?: Partial<NewCode>; readonly user?: string } = {}) {
  const family = families.create(undefined);
  const session = newSession(changes.session);
  const code = newCode(changes.code);
  const opening = newLogin({ session, code, ...(changes.user === undefined ? {} : { user: changes.user }) });
  await families.open(family, opening);
  return { family, session, code, opening };
}

/** A family after a login whose code has been redeemed. */
export async function granted(families: Families, changes: Parameters<typeof loggedIn>[1] & { readonly redeem?: Partial<Redeem> } = {}) {
  const login = await loggedIn(families, changes);
  const ask = redemption(login.code, changes.redeem);
  const answer = await families.redeem(login.family, ask);
  if (!answer.ok) throw new Error(`not redeemed: ${answer.reason}`);
  return { ...login, ask, answer, grant: ask.grant, token: holderOf(ask) };
}

/** One more code of the same session. */
export async function anotherCode(families: Families, family: FamilyId, session: NewSession, changes: Partial<NewCode> = {}): Promise<NewCode> {
  const code = newCode(changes);
  const answer = await families.signOn(family, { session: session.id, hash: session.hash, client: code.client, code });
  if (!answer.ok) throw new Error(`no code: ${answer.reason}`);
  return code;
}
