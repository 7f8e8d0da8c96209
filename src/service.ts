import type { Audit } from "./audit.ts";
import type { Config } from "./config.ts";
import type { ProviderCache } from "./federation/provider-cache.ts";
import type { Confirmation } from "./protocol/confirmation.ts";
import type { Form } from "./protocol/form.ts";
import type { SamlVerifier } from "./saml/verified.ts";
import type { Attempts } from "./storage/attempts.ts";
import type { EdgeRecords } from "./storage/edge-records.ts";
import type { Families } from "./storage/families.ts";
import type { SingleUse } from "./storage/single-use.ts";
import type { StatusMemory } from "./storage/status-memory.ts";
import type { Tenant, TenantDirectory } from "./storage/tenant-directory.ts";
import type { TenantStore } from "./storage/tenant-store.ts";
import type { TokenCopies } from "./storage/token-copies.ts";
import type { Users } from "./storage/users.ts";
import type { Client } from "./tenants/client.ts";
import type { SchemaReader } from "./tenants/schema-reader.ts";
import type { KeyRing, KeyStore } from "./tokens/keys.ts";
import type { SharedAnswers } from "./tokens/shared-answers.ts";

/** Everything that a request may reach. Made once per isolate by the composition root. */
export interface Service {
  readonly config: Config;
  readonly families: Families;
  readonly users: Users;
  readonly singleUse: SingleUse;
  readonly attempts: Attempts;
  readonly tenants: TenantStore;
  readonly directory: TenantDirectory;
  readonly copies: TokenCopies;
  readonly statuses: StatusMemory;
  readonly edgeRecords: EdgeRecords;
  readonly answers: SharedAnswers;
  readonly keys: KeyStore;
  readonly providers: ProviderCache;
  readonly saml: SamlVerifier;
  readonly schemas: SchemaReader;
  /** Seconds since 1970. */
  readonly now: () => number;
}

/** One request on its way: the tenant that it is for, and what it has to tell the audit log. */
export interface Exchange {
  readonly service: Service;
  readonly tenant: Tenant;
  readonly ring: KeyRing;
  readonly request: Request;
  readonly audit: Audit;
  /** Work that the response does not wait for. */
  readonly after: (work: Promise<unknown>) => void;
}

/** An exchange with a form whose sender has been authenticated. */
export interface ClientRequest extends Exchange {
  readonly form: Form;
  readonly clientId: string;
  readonly client: Client;
  /** What it proved to hold with this request; left out for nothing. */
  readonly proven?: Confirmation;
}
