import { CommandFailed } from "./command.ts";

/** A tenant file as it is written, as far as its parts refer to each other. */
interface WrittenTenant {
  readonly clients?: Readonly<Record<string, { readonly trustedForHandoff?: readonly string[] }>>;
  readonly permissions?: readonly { readonly consumer: string; readonly provider: string }[];
}

/** What the API takes in one request. */
const REQUEST_BYTES = 4_194_304;
// Smaller, because the tenant's object does nothing else while it applies one.
const PART_BYTES = 2_000_000;

/**
 * A tenant file as files that one request each can carry, most often one. Each is right by itself: it has the settings, and
 * every client that its clients and permissions name; so a client may be in several. Applied one after the other, without
 * pruning, they make the tenant that the file declares.
 */
export function tenantParts(written: unknown, limits = { request: REQUEST_BYTES, part: PART_BYTES }): readonly unknown[] {
  if (bytesOf(written) <= limits.request) return [written];
  const { clients = {}, permissions = [], ...settings } = written as WrittenTenant;
  const base = bytesOf(settings);
  const parts: Part[] = [];
  let part = emptyPart(base);
  const put = (ids: readonly string[], permission?: object) => {
    const needed = withTrusted(clients, ids);
    const fits = (taker: Part) => bytesIn(taker, clients, needed) + (permission === undefined ? 0 : bytesOf(permission)) <= limits.part;
    if (!fits(part)) {
      parts.push(part);
      part = emptyPart(base);
      if (!fits(part)) throw new CommandFailed(`${ids.join(" and ")}, with the settings and the clients that they name, are too much for one request`);
    }
    part.bytes = bytesIn(part, clients, needed) + (permission === undefined ? 0 : bytesOf(permission));
    for (const id of needed) part.ids.add(id);
    if (permission !== undefined) part.permissions.push(permission);
  };
  for (const id of Object.keys(clients)) put([id]);
  for (const permission of permissions) put([permission.consumer, permission.provider], permission);
  return [...parts, part].map(({ ids, permissions: some }) => ({ ...settings, clients: Object.fromEntries([...ids].map((id) => [id, clients[id]])), permissions: some }));
}

interface Part {
  bytes: number;
  readonly ids: Set<string>;
  readonly permissions: object[];
}

function emptyPart(bytes: number): Part {
  return { bytes, ids: new Set(), permissions: [] };
}

function bytesIn({ bytes, ids }: Part, clients: NonNullable<WrittenTenant["clients"]>, needed: ReadonlySet<string>): number {
  return [...needed].reduce((sum, id) => sum + (ids.has(id) ? 0 : bytesOf({ [id]: clients[id] })), bytes);
}

// The clients that these name, and whom those name.
function withTrusted(clients: NonNullable<WrittenTenant["clients"]>, ids: readonly string[]): ReadonlySet<string> {
  const found = new Set(ids);
  for (const id of found) for (const trusted of clients[id]?.trustedForHandoff ?? []) found.add(trusted);
  return found;
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value)) + 1;
}
