import { startCambio } from "../cambio.ts";
import type { Generator } from "../generator.ts";
import { asking } from "./asking.ts";
import { chainCurves } from "./chains.ts";
import { type GrownCurve, measureCurves, type Rounds } from "./curve.ts";
import { familyCurves } from "./families.ts";
import { fillTenant, tenantCurves } from "./tenants.ts";

const FAMILY_NODES = [1, 100, 1000, 10_000];
const DEPTHS = [1, 3, 6];
const TENANTS = [
  { clients: 10, permissions: 10 },
  { clients: 1000, permissions: 1000 },
  { clients: 10_000, permissions: 100_000 },
];
// As many as there is time for, but no fewer.
const ROUNDS: Rounds = { least: 5, most: 9, milliseconds: 100_000 };

/** Measures what requests cost as a family, a chain and a tenant grow, against the smallest of each. One Cambio for each size of a tenant. */
export async function growth(folder: string, generator: Generator, note: (text: string) => void): Promise<readonly GrownCurve[]> {
  const started: Awaited<ReturnType<typeof startCambio>>[] = [];
  try {
    const tenants = [];
    for (const size of TENANTS) {
      note(`starting Cambio with ${size.clients} clients and ${size.permissions} permissions`);
      const cambio = await startCambio(folder);
      started.push(cambio);
      cambio.tenant.permissions.push({ consumer: "api-opaque", provider: "api-strong", name: "api-strong", scopes: ["profile"] });
      cambio.tenant.tokenPolicy = { maxHops: 7 };
      await fillTenant(cambio, size, note);
      tenants.push({ ...size, asking: asking(cambio, generator) });
    }
    const [smallest] = tenants;
    const inSmallest = smallest === undefined ? [] : [...(await chainCurves(smallest.asking, DEPTHS)), ...(await familyCurves(smallest.asking, FAMILY_NODES, note))];
    return await measureCurves([...(await tenantCurves(tenants)), ...inSmallest], generator, ROUNDS, note);
  } finally {
    await Promise.all(started.map((cambio) => cambio.stop()));
  }
}
