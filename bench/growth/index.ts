import { startCambio } from "../cambio.ts";
import type { Generator } from "../generator.ts";
import { asking } from "./asking.ts";
import { chainCurves } from "./chains.ts";
import { type GrownCurve, measureCurves, type Rounds } from "./curve.ts";
import { familyCurves } from "./families.ts";
import { fillTenant, type TenantSize, tenantCurves } from "./tenants.ts";

const FAMILY_NODES = [1, 100, 1000, 10_000];
const DEPTHS = [1, 3, 6];
const SMALL: TenantSize = { clients: 10, permissions: 10 };
const TENANTS: readonly TenantSize[] = [SMALL, { clients: 1000, permissions: 1000 }, { clients: 10_000, permissions: 100_000 }];
// As many as there is time for, but no fewer.
const ROUNDS: Rounds = { least: 5, most: 9, milliseconds: 100_000 };

/** Measures what requests cost as a family, a chain and a tenant grow, against the smallest of each. One Cambio for each size of a tenant, and one for families and chains. */
export async function growth(folder: string, generator: Generator, note: (text: string) => void): Promise<readonly GrownCurve[]> {
  const started: Awaited<ReturnType<typeof startCambio>>[] = [];
  try {
    const start = async (size: TenantSize) => {
      note(`starting Cambio with ${size.clients} clients and ${size.permissions} permissions`);
      const cambio = await startCambio(folder);
      started.push(cambio);
      cambio.tenant.permissions.push({ consumer: "api-opaque", provider: "api-strong", name: "api-strong", scopes: ["profile"] });
      cambio.tenant.tokenPolicy = { maxHops: 7 };
      await fillTenant(cambio, size, note);
      return { ...size, asking: asking(cambio, generator) };
    };
    const tenants = [];
    for (const size of TENANTS) tenants.push(await start(size));
    // In a Cambio of their own: making families of thousands of nodes compiles what the tenants are measured by.
    const { asking: other } = await start(SMALL);
    const curves = [...(await tenantCurves(tenants)), ...(await chainCurves(other, DEPTHS)), ...(await familyCurves(other, FAMILY_NODES, note))];
    return await measureCurves(curves, generator, ROUNDS, note);
  } finally {
    await Promise.all(started.map((cambio) => cambio.stop()));
  }
}
