import type { Client } from "./client.ts";

/** A client secret that was added through the API: its hash, since when, by whom, until when. */
export interface AddedSecret {
  readonly hash: string;
  readonly created: number;
  readonly by: string;
  readonly expires?: number;
}

/** What a client certificate is known by: its subject or an alternative name and its CA, or its own thumbprint. */
export type KnownCertificate = Client["tlsCertificates"][number] | { readonly thumbprint: string };

/** What a certificate of a CA names. */
export function certifiedName(certificate: Client["tlsCertificates"][number]): string {
  return "subjectDn" in certificate ? `subject:${certificate.subjectDn}` : certificate.subjectAltName;
}

/** A certificate that was added through the API; `id` names it, base64url. */
export interface AddedCertificate {
  readonly id: string;
  readonly certificate: KnownCertificate;
  readonly created: number;
  readonly by: string;
}

/** What was decided about a client's access through the API, apart from what its file declares: no file touches it. */
export interface ClientAccess {
  readonly secrets: readonly AddedSecret[];
  /** Hashes of secrets that are no longer valid, whoever declares them. */
  readonly retired: readonly string[];
  readonly certificates?: readonly AddedCertificate[];
  readonly disabled?: { readonly at: number; readonly by: string };
}

/** A client of which the API has decided nothing. */
export const NO_ACCESS: ClientAccess = { secrets: [], retired: [] };

// Records are immutable: what else is kept of a client is found again as long as its records are the same.
const merged = new WeakMap<Client, { readonly access: ClientAccess; readonly client: Client }>();

/**
 * A client as it holds: secrets and certificates of both, less those retired; disabled where either says so. Of the same two
 * records it is the same object.
 */
export function withAccess(declared: Client, access: ClientAccess | undefined): Client {
  if (access === undefined) return declared;
  const known = merged.get(declared);
  if (known?.access === access) return known.client;
  const client = merge(declared, access);
  merged.set(declared, { access, client });
  return client;
}

function merge(client: Client, access: ClientAccess): Client {
  const added = access.secrets.filter(({ hash }) => !client.secrets.some((declared) => declared.hash === hash));
  const secrets: Client["secrets"] = [...client.secrets, ...added.map(({ hash, expires }) => ({ hash, ...(expires === undefined ? {} : { expires }) }))];
  const certificates = (access.certificates ?? []).map(({ certificate }) => certificate);
  return {
    ...client,
    secrets: secrets.filter(({ hash }) => !access.retired.includes(hash)),
    tlsCertificates: [...client.tlsCertificates, ...certificates.filter((one) => "issuerKeyId" in one)],
    tlsThumbprints: [...client.tlsThumbprints, ...certificates.flatMap((one) => ("thumbprint" in one ? one.thumbprint : []))],
    disabled: client.disabled || access.disabled !== undefined,
  };
}
