import type { Client } from "../../tenants/client.ts";
import { type ClientAccess, certifiedName, type KnownCertificate, NO_ACCESS, withAccess } from "../../tenants/client-access.ts";
import { authenticationMethods, CERTIFICATES_LIMIT } from "../../tenants/defaults.ts";
import { lookUpsOf, recordName } from "../../tenants/records.ts";
import type { ChangeClient, ClientChange, ClientWritten } from "../tenant-store.ts";
import { keepLifetimes } from "./keys.ts";
import { current, type TenantRows } from "./rows.ts";

const SECRETS_LIMIT = 20;

/** A client as it holds: what its file declares, and what the API decided since. */
export function effectiveClient(rows: TenantRows, id: string): Client | undefined {
  const client = current<Client>(rows, recordName.client(id));
  return client === undefined ? undefined : withAccess(client, current(rows, recordName.access(id)));
}

/** A record as it stands in what is exported: a client as it holds, so that the file makes the same tenant elsewhere. */
export function effectiveRecord(rows: TenantRows, name: string): object {
  return (name.startsWith("client/") ? effectiveClient(rows, name.slice("client/".length)) : current<object>(rows, name)) ?? {};
}

/** What the API decided about clients that are about to go: nobody who is given their name inherits it. */
export function accessOf(rows: TenantRows, gone: readonly string[]): readonly string[] {
  const names = gone.filter((name) => name.startsWith("client/")).map((name) => recordName.access(name.slice("client/".length)));
  return names.filter((name) => rows.record(name) !== undefined);
}

/** Adds a client, switches it off or on, adds or retires a secret or a certificate, in one turn. A call that is repeated changes nothing more. */
export function changeClient(rows: TenantRows, now: number, { operator, id, act }: ChangeClient<ClientChange>): ClientWritten {
  if (rows.version() === 0) return { ok: false, reason: "tenant_unknown" };
  const client = effectiveClient(rows, id);
  const access = current<ClientAccess>(rows, recordName.access(id)) ?? NO_ACCESS;
  if (act.action === "add") return add(rows, now, { operator, id, act });
  if (client === undefined) return { ok: false, reason: "client_absent" };
  const next = changed(now, operator, client, access, act);
  if (typeof next === "string") return { ok: false, reason: next };
  if (act.action === "enable" && current<Client>(rows, recordName.client(id))?.disabled) return { ok: false, reason: "client_disabled_by_file" };
  if (next !== access) write(rows, now, operator, { action: act.action, record: recordName.access(id), to: next }, [[recordName.access(id), next]]);
  return { ok: true, tookSecret: act.action === "add_secret" };
}

function changed(now: number, by: string, client: Client, access: ClientAccess, act: Exclude<ClientChange, { action: "add" }>) {
  const valid = client.secrets.filter(({ expires }) => now < (expires ?? Number.POSITIVE_INFINITY));
  switch (act.action) {
    case "disable":
      return access.disabled === undefined ? { ...access, disabled: { at: now, by } } : access;
    case "enable": {
      const { disabled, ...rest } = access;
      return disabled === undefined ? access : rest;
    }
    case "add_secret": {
      if (access.secrets.some(({ hash }) => hash === act.secretHash)) return access;
      if (!takesSecrets(client)) return "client_takes_no_secret" as const;
      if (valid.length >= Math.min(act.limit, SECRETS_LIMIT)) return "client_secrets_many" as const;
      const kept = access.secrets.filter(({ expires }) => now < (expires ?? Number.POSITIVE_INFINITY));
      return { ...access, secrets: [...kept, { hash: act.secretHash, created: now, by, ...(act.expires === undefined ? {} : { expires: act.expires }) }] };
    }
    case "retire_secret": {
      const [hash, another] = client.secrets.map((secret) => secret.hash).filter((one) => one.startsWith(act.prefix));
      if (hash === undefined && access.retired.some((one) => one.startsWith(act.prefix))) return access;
      if (hash === undefined || another !== undefined) return "client_secret_unknown" as const;
      const isLast = valid.every((secret) => secret.hash === hash) && client.developmentSecret === undefined;
      if (isLast && takesSecrets(client)) return "client_secret_last" as const;
      // Retired also where the file declares it: applying the file again does not bring it back.
      return { ...access, secrets: access.secrets.filter((secret) => secret.hash !== hash), retired: [...access.retired, hash] };
    }
    case "add_certificate": {
      const added = access.certificates ?? [];
      const { certificateId, certificate } = act;
      const method = "thumbprint" in certificate ? "self_signed_tls_client_auth" : "tls_client_auth";
      if (isKnown(client, certificate)) return access;
      if (!authenticationMethods(client).includes(method)) return "client_takes_no_certificate" as const;
      if (client.tlsCertificates.length + client.tlsThumbprints.length >= CERTIFICATES_LIMIT) return "client_certificates_many" as const;
      return { ...access, certificates: [...added, { id: certificateId, certificate, created: now, by }] };
    }
    case "retire_certificate": {
      const [one, another] = (access.certificates ?? []).filter(({ id }) => id.startsWith(act.prefix));
      if (one === undefined || another !== undefined) return "client_certificate_unknown" as const;
      return { ...access, certificates: access.certificates?.filter((kept) => kept !== one) ?? [] };
    }
  }
}

function isKnown({ tlsCertificates, tlsThumbprints }: Client, certificate: KnownCertificate): boolean {
  if ("thumbprint" in certificate) return tlsThumbprints.includes(certificate.thumbprint);
  return tlsCertificates.some((known) => known.issuerKeyId === certificate.issuerKeyId && certifiedName(known) === certifiedName(certificate));
}

function takesSecrets(client: Client): boolean {
  return authenticationMethods(client).some((method) => method.startsWith("client_secret"));
}

interface Addition {
  readonly operator: string;
  readonly id: string;
  readonly act: Extract<ClientChange, { readonly action: "add" }>;
}

// The client was judged as a part of the whole file, as it was at a version: where that has passed, it is to be judged again.
function add(rows: TenantRows, now: number, { operator, id, act }: Addition): ClientWritten {
  if (current<ClientAccess>(rows, recordName.access(id))?.secrets.some(({ hash }) => hash === act.secretHash)) return { ok: true, tookSecret: true };
  if (rows.record(recordName.client(id)) !== undefined) return { ok: false, reason: "client_exists" };
  if (rows.version() !== act.version || act.client === undefined) return "tenant_changed";
  const access: ClientAccess = { secrets: [{ hash: act.secretHash, created: now, by: operator }], retired: [] };
  const records = [[recordName.client(id), act.client] as const, ...lookUpsOf(id, act.client), ...(act.takesSecret ? [[recordName.access(id), access] as const] : [])];
  write(rows, now, operator, { action: "create", record: recordName.client(id) }, records);
  return { ok: true, tookSecret: act.takesSecret };
}

function write(rows: TenantRows, now: number, operator: string, change: object, records: readonly (readonly [string, object])[]): void {
  const version = rows.version() + 1;
  for (const [name, record] of records) rows.put({ name, hash: `client-${version}-${name}`, body: JSON.stringify(record) }, version);
  keepLifetimes(rows, version);
  rows.addHistory({ version, at: now, operator, changes: JSON.stringify([change]) });
}
