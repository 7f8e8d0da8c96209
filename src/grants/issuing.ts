import type { TokenOptions, TokenSet } from "../dialects/dialect.ts";
import { dialectOf, tokenPolicyOf } from "../dialects/index.ts";
import { randomId } from "../protocol/bytes.ts";
import type { ClientRequest } from "../service.ts";
import type { Granted } from "../storage/family/record.ts";
import type { FamilyId } from "../storage/lineage.ts";
import type { GrantName } from "../tenants/client.ts";
import { copyLater } from "../tokens/copies.ts";
import { type AccessTokenForm, ISSUED_TOKEN_TYPES } from "../tokens/index.ts";
import { expiryOf, type Issuing, type PreparedToken, type TokenTarget } from "../tokens/issued-token-type.ts";
import { sessionReference } from "../tokens/session-reference.ts";

/** For whom a grant issues, in which family, and for which targets: the client itself unless others are named. */
export function issuingFor({ ring, clientId, client, tenant }: ClientRequest, family: FamilyId, targets: readonly TokenTarget[] = []): Issuing {
  const [only = { id: clientId, client }, second] = targets;
  return {
    ...{ ring, family, clientId, client },
    targets: targets.length === 0 ? [only] : targets,
    dialect: dialectOf(second === undefined ? only.client : client),
    policy: tokenPolicyOf(client, tenant.settings),
  };
}

/** The format of an access token: what was asked for, else what its one target is set to, else what the client's dialect does for this grant. */
export function accessTokenFormat({ tenant, client }: ClientRequest, { targets }: Issuing, grant: GrantName, options: TokenOptions): "jwt" | "opaque" {
  if (options.format !== undefined) return options.format;
  const owner = targets.length === 1 ? (targets[0]?.client ?? client) : client;
  const { accessTokenFormat: set } = tokenPolicyOf(owner, tenant.settings);
  return set === "grant" ? dialectOf(client).accessTokenFormat(grant) : set;
}

/** The access token and the ID token of a grant, ready to be made. */
export interface PreparedTokens {
  readonly accessToken: PreparedToken;
  readonly idToken: PreparedToken;
}

/** Draws the leaves of a grant. */
export async function prepareTokens(issuing: Issuing, form: AccessTokenForm, isRefresh = false): Promise<PreparedTokens> {
  return { accessToken: await prepareAccessToken(issuing, form, isRefresh), idToken: await ISSUED_TOKEN_TYPES.id_token.prepare(issuing, isRefresh) };
}

/** Draws the leaf of an access token that no ID token can come beside. */
export async function prepareAccessToken(issuing: Issuing, form: AccessTokenForm, isRefresh = false): Promise<PreparedToken> {
  return await ISSUED_TOKEN_TYPES[form].prepare(issuing, isRefresh);
}

/** What is to be made of what was recorded. */
export interface Minting {
  readonly issuing: Issuing;
  readonly granted: Granted;
  /** Undefined: none is made. */
  readonly accessToken: PreparedToken | undefined;
  readonly idToken: PreparedToken | undefined;
  /** False for what is no access token of a header `Authorization: Bearer`. */
  readonly isBearer?: boolean;
  /** False for what is looked up strongly each time, so that it needs no copy. */
  readonly isCopied?: boolean;
  readonly refreshToken: string | undefined;
}

/** Makes the tokens of what was recorded, and writes the copy of an opaque one after the response. */
export async function mintTokens(request: ClientRequest, minting: Minting): Promise<TokenSet> {
  const { issuing, granted, refreshToken, isBearer = true, isCopied = true } = minting;
  const { record, now } = granted;
  const namesSession = minting.idToken !== undefined || issuing.dialect.namesSession || dialectOf(request.client).namesSession;
  const sessionState = namesSession ? await sessionReference(issuing.ring, issuing.family, record.sid) : undefined;
  const accessToken = await minting.accessToken?.mint(granted, issuing, sessionState);
  const idToken = await minting.idToken?.mint(granted, issuing, sessionState);
  if (isCopied) copyIssued(request, granted, minting.accessToken?.leaf.hash);
  noteIssued(request, issuing.family, granted, namesOf(minting));
  return {
    accessToken: accessToken ?? idToken ?? "",
    tokenType: accessToken !== undefined && isBearer ? (record.cnf?.jkt === undefined ? "Bearer" : "DPoP") : "N_A",
    expiresIn: expiryOf(granted, (minting.accessToken ?? minting.idToken)?.leaf.id ?? "") - now,
    issuedAt: now,
    scope: isBearer || accessToken === undefined ? record.scope : [],
    ...(refreshToken === undefined || granted.chain === undefined ? {} : { refreshToken, refreshExpiresIn: granted.chain.expires - now }),
    ...(idToken === undefined || accessToken === undefined ? {} : { idToken }),
    ...(sessionState === undefined ? {} : { sessionState }),
  };
}

/** An id for a new grant, which is also the id of the operation that records it. */
export const newGrantId = randomId;

/** Tells the audit log what was issued: what was recorded, and as which tokens. */
export function noteIssued({ audit }: ClientRequest, family: FamilyId, { record, principal }: Granted, issued: readonly string[]): void {
  audit.note({
    family,
    node: record.path.at(-1) ?? "",
    scope: record.scope.join(" "),
    audience: record.audience.join(" "),
    issued: issued.join(" "),
    ...(principal === undefined ? {} : { subject: principal.sub }),
  });
}

function namesOf({ accessToken, idToken, refreshToken }: Minting): readonly string[] {
  return [accessToken?.leaf.type, idToken?.leaf.type, refreshToken === undefined ? undefined : "refresh_token"].filter((name) => name !== undefined);
}

// Whoever looks at it in `eventual` within the next minute need not ask the family.
function copyIssued(request: ClientRequest, { now, root, record, principal, leaves }: Granted, hash: string | undefined): void {
  const leaf = hash === undefined ? undefined : leaves.find((candidate) => candidate.hash === hash);
  if (leaf === undefined || hash === undefined) return;
  copyLater(request, hash, { alive: true, now, root, record, leaf, ...(principal === undefined ? {} : { principal }) });
}
