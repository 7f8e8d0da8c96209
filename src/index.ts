import { type App, createApp } from "./app.ts";
import { type Bindings, readConfig } from "./config.ts";
import { providerCache } from "./federation/provider-cache.ts";
import { boundVerifier } from "./saml/bound-verifier.ts";
import type { Service } from "./service.ts";
import { durableAttempts } from "./storage/durable-attempts.ts";
import { durableFamilies } from "./storage/durable-families.ts";
import { durableSingleUse } from "./storage/durable-single-use.ts";
import { durableTenants } from "./storage/durable-tenants.ts";
import { durableUsers } from "./storage/durable-users.ts";
import { edgeRecords } from "./storage/edge-records.ts";
import { statusMemory } from "./storage/status-memory.ts";
import { tenantDirectory } from "./storage/tenant-directory.ts";
import { kvTokenCopies } from "./storage/token-copies.ts";
import { boundSchemaReader } from "./tenants/bound-schema-reader.ts";
import { keyStore } from "./tokens/keys.ts";
import { sharedAnswers } from "./tokens/shared-answers.ts";

/** The composition root: from what the platform binds to what a request may reach. */
export async function createService(env: Bindings): Promise<Service> {
  const config = await readConfig(env);
  const now = () => Math.floor(Date.now() / 1000);
  const schemas = boundSchemaReader(env.SCHEMAS);
  const tenants = durableTenants(env.TENANTS, schemas);
  const families = durableFamilies(env.FAMILIES);
  const statuses = statusMemory(now, config.edgeStatusSeconds);
  return {
    config,
    tenants,
    now,
    families,
    users: durableUsers(env.USERS),
    singleUse: durableSingleUse(env.SINGLE_USE),
    attempts: durableAttempts(env.ATTEMPTS, now),
    directory: tenantDirectory(tenants, now, config.configOutageSeconds),
    copies: kvTokenCopies(env.TOKENS, now),
    statuses,
    edgeRecords: edgeRecords(families, statuses, (family) => console.error(JSON.stringify({ time: now(), alert: "edge_records_lost", family }))),
    answers: sharedAnswers(now, config.sharedAnswersKept),
    keys: keyStore(config),
    providers: providerCache(now, new Set(config.issuers.map((issuer) => new URL(issuer).host))),
    saml: boundVerifier(env.SAML),
    schemas,
  };
}

// A value of the isolate, not a promise: two first requests may both build it, and the later one is kept.
let app: App | undefined;

export default {
  fetch: async (request, env, context) => {
    app ??= createApp(await createService(env), (line) => console.log(line));
    return app.fetch(request, { after: (work) => context.waitUntil(work) });
  },
} satisfies ExportedHandler<Bindings>;
