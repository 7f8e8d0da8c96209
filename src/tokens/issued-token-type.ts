import type { AccessTokenView, Dialect } from "../dialects/dialect.ts";
import { union } from "../protocol/scope.ts";
import type { Granted, NewLeaf } from "../storage/family/record.ts";
import type { FamilyId, Lineage, NodeId } from "../storage/lineage.ts";
import type { AuthorizationServer, Client } from "../tenants/client.ts";
import type { ResolvedTokenPolicy } from "../tenants/defaults.ts";
import { type Principal, withDefaults } from "../tenants/principal.ts";
import { rolesOf } from "./claims.ts";
import type { KeyRing } from "./keys.ts";

/** A client that tokens are good for. */
export interface TokenTarget {
  readonly id: string;
  readonly client: Client;
  /** Set where it is an authorization server of another domain; then `client` is the one that asks. */
  readonly authorizationServer?: AuthorizationServer;
  /** The resource there that it is asked for. */
  readonly resource?: string;
}

/** For whom tokens are being issued, and by which rules. */
export interface Issuing {
  readonly ring: KeyRing;
  readonly family: FamilyId;
  /** The client that asks: it owns what is issued. */
  readonly clientId: string;
  readonly client: Client;
  readonly policy: ResolvedTokenPolicy;
  /** Whom the tokens are good for: the client itself, or those that permitted it. They decide attributes and roles. */
  readonly targets: readonly TokenTarget[];
  /** Where a SAML Response goes, and what it answers; where it is posted and not exchanged for. */
  readonly saml?: { readonly acs: string; readonly inResponseTo: string };
  /** The dialect whose claims stand in the tokens: the target's, or the client's where there are several. */
  readonly dialect: Dialect;
}

/** A token that is ready to be made: its leaf goes into the record first, then it is signed or sealed. */
export interface PreparedToken {
  readonly leaf: NewLeaf;
  /** Makes the token from what was recorded. `issuing`: as it is known by then; `sid`: the reference of the session that it ends with. */
  mint(granted: Granted, issuing: Issuing, sid?: string): Promise<string>;
}

/** One type of issued token: a row of the table in `index.ts`. */
export interface IssuedTokenType {
  /** Draws the leaf and whatever secret there is. `isRefresh`: the grant exists already, so an opaque token gets a row of its own. */
  prepare(issuing: Issuing, isRefresh: boolean): Promise<PreparedToken>;
}

/** The lineage of a leaf of a grant. */
export function lineageOf(family: FamilyId, node: NodeId, { record, root }: Granted): Lineage {
  const { path, hops, deadline, sid, branches = [] } = record;
  return { family, path, node, root, hops, deadline, branches, ...(sid === undefined ? {} : { sid }) };
}

/** When a leaf that was recorded expires. Seconds. */
export function expiryOf({ leaves }: Granted, id: NodeId): number {
  const leaf = leaves.find((candidate) => candidate.id === id);
  if (leaf === undefined) throw new Error("a token was prepared that is not recorded");
  return leaf.expires;
}

/** The `sub` of a token: as the target has it, else the user's own id, else the client's. */
export function subjectOf({ record, principal }: Pick<Granted, "record" | "principal">): string {
  return record.subject ?? principal?.sub ?? record.client;
}

/** What the dialect makes the claims of an access token from. */
export function viewOf(
  issuing: Pick<Issuing, "clientId" | "client" | "targets">,
  { record, principal }: Pick<Granted, "record" | "principal">,
  sid: string | undefined,
): AccessTokenView {
  const { clientId, client, targets } = issuing;
  const [only, another] = targets;
  return {
    clientId,
    audience: record.audience,
    scope: union([record.scope, ...targets.map((target) => target.client.attributes)]),
    principal: principal === undefined || another !== undefined ? principal : withDefaults(principal, only?.client.attributeDefaults),
    roles: rolesByTarget(targets, principal ?? { clientId }),
    apis: record.apis ?? [],
    sid,
    appTid: another === undefined ? only?.client.appTid : undefined,
    azpAppTid: only?.id === clientId ? undefined : client.appTid,
  };
}

// Each target's own roles for this user; the requester's roles appear only where it is the target itself.
function rolesByTarget(targets: readonly TokenTarget[], holder: Principal | { readonly clientId: string }): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(targets.map(({ id, client }) => [id, rolesOf(client, holder)] as const).filter(([, roles]) => roles.length > 0));
}
