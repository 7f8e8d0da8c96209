import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll } from "vitest";
import { durableFamilies } from "../../src/storage/durable-families.ts";
import type { Families } from "../../src/storage/families.ts";
import { memoryFamilies } from "../../src/storage/memory-families.ts";
import { codesContract } from "./families-codes.contract.ts";
import { exchangeContract } from "./families-exchange.contract.ts";
import { externalContract } from "./families-external.contract.ts";
import { openingContract } from "./families-opening.contract.ts";
import { providerTokensContract } from "./families-provider-tokens.contract.ts";
import { refreshContract } from "./families-refresh.contract.ts";
import { reuseContract } from "./families-reuse.contract.ts";
import { revocationContract } from "./families-revocation.contract.ts";
import { ssoContract } from "./families-sso.contract.ts";

beforeAll(reset);

const FORMS: readonly (readonly [string, () => Families])[] = [
  ["durable families", () => durableFamilies(env.FAMILIES)],
  ["families in memory", () => memoryFamilies()],
];

for (const [name, make] of FORMS) {
  openingContract(name, make);
  codesContract(name, make);
  refreshContract(name, make);
  reuseContract(name, make);
  revocationContract(name, make);
  exchangeContract(name, make);
  ssoContract(name, make);
  externalContract(name, make);
  providerTokensContract(name, make);
}
