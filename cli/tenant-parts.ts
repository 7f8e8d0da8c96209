import { CommandFailed } from "./command.ts";

/** A tenant file that one request carries. */
export interface TenantPart {
  readonly file: unknown;
  /** Of which clients and permissions it is the whole: what pruning it concerns. Both left out: of all. */
  readonly from?: string;
  readonly to?: string;
}

/** A tenant file as it is written, as far as its parts refer to each other. */
interface WrittenTenant {
  readonly clients: Clients;
  readonly permissions: readonly Permission[];
}

type Clients = Readonly<Record<string, { readonly trustedForHandoff?: readonly string[] }>>;

interface Permission {
  readonly consumer: string;
  readonly provider: string;
}

// Half of what the API takes in one request: with every default filled in a file is many times as long, and the tenant's
// object does nothing else while it applies one.
const PART_BYTES = 2_000_000;

/**
 * A tenant file as files that one request each can carry, most often one. Each is right by itself: it has the settings, and
 * every client that its clients and permissions name; so a client may be in several. Applied one after the other, each
 * pruning within its bounds or none at all, they make the tenant that the file declares.
 */
export function tenantParts(written: unknown, most = PART_BYTES): readonly TenantPart[] {
  if (bytesOf(written) <= most) return [{ file: written }];
  const { clients, permissions, ...settings } = { clients: {}, permissions: [], ...(written as Partial<WrittenTenant>) };
  const parts: Part[] = [];
  for (const item of itemsOf({ clients, permissions })) {
    const needed = withTrusted(clients, item.names);
    const last = parts.at(-1);
    if (last !== undefined && add(last, clients, needed, item, most)) continue;
    const next: Part = { from: item.place, bytes: bytesOf(settings), ids: new Set(), permissions: [] };
    if (!add(next, clients, needed, item, most))
      throw new CommandFailed(`${item.names.join(" and ")}, with the settings and the clients that they trust, are too much for one request`);
    parts.push(next);
  }
  // Settings alone are never several.
  if (parts.length === 0) return [{ file: written }];
  return parts.map(({ from, ids, permissions: some }, index) => {
    const [first, next] = [index === 0 ? undefined : from, parts[index + 1]?.from];
    const file = { ...settings, clients: Object.fromEntries([...ids].map((id) => [id, clients[id]])), permissions: some };
    return { file, ...(first === undefined ? {} : { from: first }), ...(next === undefined ? {} : { to: next }) };
  });
}

/** What goes into a part together: a client, or a permission with both of its clients. */
interface Item {
  readonly place: string;
  readonly names: readonly string[];
  readonly permission?: Permission;
}

interface Part {
  readonly from: string;
  bytes: number;
  readonly ids: Set<string>;
  readonly permissions: Permission[];
}

// In the order of their places, so that each part is the whole of what lies between its first and the next one's.
function itemsOf({ clients, permissions }: WrittenTenant): readonly Item[] {
  const items: Item[] = [
    ...Object.keys(clients).map((id) => ({ place: `${id} `, names: [id] })),
    ...permissions.map((permission) => ({ place: `${permission.consumer} ${permission.provider}`, names: [permission.consumer, permission.provider], permission })),
  ];
  return items.toSorted((a, b) => (a.place < b.place ? -1 : 1));
}

// False where there is no room, and then nothing was added.
function add(part: Part, clients: Clients, needed: ReadonlySet<string>, { permission }: Item, most: number): boolean {
  const missing = [...needed].filter((id) => !part.ids.has(id));
  const bytes = part.bytes + missing.reduce((sum, id) => sum + bytesOf({ [id]: clients[id] }), permission === undefined ? 0 : bytesOf(permission));
  if (bytes > most) return false;
  part.bytes = bytes;
  for (const id of missing) part.ids.add(id);
  if (permission !== undefined) part.permissions.push(permission);
  return true;
}

// The clients that these name, and whom those trust.
function withTrusted(clients: Clients, ids: readonly string[]): ReadonlySet<string> {
  const found = new Set(ids);
  for (const id of found) for (const trusted of clients[id]?.trustedForHandoff ?? []) found.add(trusted);
  return found;
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value)) + 1;
}
