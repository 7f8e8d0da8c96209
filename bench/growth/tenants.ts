import { createHash } from "node:crypto";
import { applyTenant } from "../../cli/operator-api.ts";
import { type BenchTenant, type MeasuredCambio, secretOf } from "../cambio.ts";
import { type Asking, awake } from "./asking.ts";
import type { Curve, Job, Point } from "./curve.ts";

/** How many clients and permissions a tenant has. */
export interface TenantSize {
  readonly clients: number;
  readonly permissions: number;
}

// What is measured itself: three applications and three APIs.
const OWN_CLIENTS = 6;
const LOGINS = 4;

/** The secret of every client that a tenant was filled up with. */
export const FILLER_SECRET = "filler-secret";

/** The clients that a tenant was filled up with. */
export function fillerName(index: number): string {
  return `client-${index}`;
}

/** Makes a tenant one of so many clients and permissions, through the operator's API: what is measured, and fillers. */
export async function fillTenant({ operator, tenant }: MeasuredCambio, size: TenantSize, progress: (text: string) => void): Promise<void> {
  const own = Object.fromEntries(Object.entries(tenant.clients).filter(([id]) => /^(app|api)-(strong|edge|opaque)$/.test(id)));
  const permissions = tenant.permissions.filter((permission) => "provider" in permission && String(permission.provider) in own);
  const file: BenchTenant = { ...tenant, clients: own, permissions };
  await applyTenant(operator, file, { prune: true, dryRun: false });
  const fillers = size.clients - Object.keys(own).length;
  for (let index = 0; index < fillers; index++) own[fillerName(index)] = filler(index);
  for (let index = 0; permissions.length < size.permissions; index++) permissions.push(permission(index, fillers));
  await applyTenant(operator, { ...tenant, clients: own, permissions }, { prune: false, dryRun: false }, progress);
}

function filler(index: number): object {
  return {
    displayName: `Client ${index}`,
    secrets: [{ hash: createHash("sha256").update(FILLER_SECRET).digest("base64url") }],
    grants: ["token_exchange", "client_credentials"],
    ownScopes: ["profile"],
  };
}

// The application that is measured has one for every client; the others hold as many as each other, for different providers.
function permission(index: number, fillers: number): object {
  const [round, at] = [Math.floor(index / fillers), index % fillers];
  const consumer = round === 0 ? "app-strong" : fillerName(at);
  const provider = round === 0 ? at : (at + round * 7 + 1) % fillers;
  return { consumer, provider: fillerName(provider), name: `to-${provider}`, scopes: ["profile"] };
}

const EACH = 60;
const JOBS = 5;
// As many fillers ask in turn, where a tenant has them.
const FILLERS = 200;

/** What requests cost in tenants of so many clients: of the same clients everywhere, and of hundreds in turn. */
export async function tenantCurves(tenants: readonly (TenantSize & { readonly asking: Asking })[]): Promise<readonly Curve[]> {
  const measured = await Promise.all(tenants.map(async ({ clients, asking }) => ({ clients, asking, logins: await logIns(asking) })));
  const curve = (title: string, act: (tenant: (typeof measured)[number]) => Promise<readonly Job[]>): Curve => ({
    ...{ title, grows: "tenant clients" },
    points: measured.map((tenant): Point => ({ size: tenant.clients, served: tenant.asking.cambio.served, supply: async () => await act(tenant) })),
  });
  const credentialsForm = { grant_type: "client_credentials" };
  return [
    curve("exchange JWT→JWT, strong", async ({ asking, logins }) => {
      const requests = (await logins()).map((token) => asking.exchanging("app-strong", "api-strong", token));
      return await awake(asking, requests, LOGINS * EACH, JOBS);
    }),
    curve("introspect JWT, strong", async ({ asking, logins }) => {
      const requests = (await logins()).map((token) => asking.form("/oauth2/introspect", ["app-strong", secretOf("app-strong")], { token }));
      return await awake(asking, requests, LOGINS * EACH, JOBS);
    }),
    curve("client_credentials → JWT, many clients", async ({ clients, asking }) => {
      const fillers = Array.from({ length: Math.min(FILLERS, clients - OWN_CLIENTS) }, (_none, index) => fillerName(index));
      const requests = fillers.map((id) => asking.form("/oauth2/token", [id, FILLER_SECRET], credentialsForm));
      return await awake(asking, requests, FILLERS, JOBS);
    }),
  ];
}

// One new access token of each of some logins.
async function logIns({ cambio, refresh }: Asking): Promise<() => Promise<readonly string[]>> {
  let chains: readonly string[] = (await Promise.all(Array.from({ length: LOGINS }, () => cambio.logIn("app-strong")))).map((tokens) => tokens.refresh_token);
  return async () => {
    const refreshed = await refresh("app-strong", chains);
    chains = refreshed.chains;
    return refreshed.tokens;
  };
}
