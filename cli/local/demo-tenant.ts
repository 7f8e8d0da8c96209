import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../root.ts";

/** The origins that demo/tenant.json is written for. */
export const DEMO_PORTS = { port: 8787, idpPort: 8788, partnerPort: 8798 } as const;

/** The demo tenant with its origins replaced by those of this start; everything else stays as the file has it. */
export function demoTenant(issuer: string, idp: string, partner: string): unknown {
  const text = readFileSync(join(ROOT, "demo", "tenant.json"), "utf8");
  const origins = new Map([
    [`http://localhost:${DEMO_PORTS.port}`, issuer],
    [`http://localhost:${DEMO_PORTS.idpPort}`, idp],
    [`http://localhost:${DEMO_PORTS.partnerPort}`, partner],
  ]);
  // In one pass, so that an origin put in is not itself replaced when somebody swaps two ports.
  return JSON.parse(text.replace(/http:\/\/localhost:\d+/g, (origin) => origins.get(origin) ?? origin));
}
