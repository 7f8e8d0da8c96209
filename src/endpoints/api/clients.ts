import { isClientId } from "../../clients/index.ts";
import { randomId, sha256 } from "../../protocol/bytes.ts";
import { Rejection } from "../../protocol/rejection.ts";
import type { Exchange } from "../../service.ts";
import type { ClientAct, ClientChanged } from "../../storage/tenant-store.ts";
import type { Client } from "../../tenants/client.ts";
import { type ClientAccess, certifiedName, type KnownCertificate, NO_ACCESS, withAccess } from "../../tenants/client-access.ts";
import { authenticationMethods } from "../../tenants/defaults.ts";
import { recordName } from "../../tenants/records.ts";
import { json } from "../response.ts";
import { problemsAnswer, readJson } from "./body.ts";
import { operatorOnly } from "./operator-only.ts";

const SECRET_BYTES = 32;
const PREFIX_CHARACTERS = 12;
const ID_PREFIX = /^[A-Za-z0-9_-]{8,43}$/;

/** `GET /api/v1/clients`: every client in a line. */
export async function listClients(exchange: Exchange): Promise<Response> {
  await operatorOnly(exchange);
  const { service, tenant, audit } = exchange;
  const { file } = await service.tenants.export(tenant.issuer, "permissions");
  const now = service.now();
  const clients = Object.entries(file?.clients ?? {}).map(([id, client]) => ({
    ...{ id, displayName: client.displayName, dialect: client.dialect, public: client.public, disabled: client.disabled },
    ...{ authenticationMethods: authenticationMethods(client), grants: client.grants, validSecrets: client.secrets.filter((secret) => isValid(secret, now)).length },
  }));
  audit.write({ status: 200, issued: "list" });
  return json({ clients });
}

/** `GET /api/v1/clients/{id}`: everything but secrets, of which it says that they are there, and since when. */
export async function readClient(exchange: Exchange, id: string): Promise<Response> {
  await operatorOnly(exchange);
  const answer = await clientAnswer(exchange, known(exchange, id));
  exchange.audit.write({ status: 200 });
  return json(answer);
}

/** `POST /api/v1/clients`: adds a client; one that needs a secret is given one, which this answer alone holds. */
export async function addClient(exchange: Exchange): Promise<Response> {
  const { operator, body } = await operatorOnly(exchange);
  const read = await readJson(exchange, body, "clientAddition");
  if (!read.ok) return problemsAnswer(exchange.audit, read.problems);
  const { id, client } = read.value;
  if (!isClientId(id)) return problemsAnswer(exchange.audit, [{ path: "id", message: "a client id is 1 to 128 of A-Z a-z 0-9 . _ : / @ -" }]);
  const secret = randomId(SECRET_BYTES);
  return await change(exchange, operator, id, { action: "add", client, secretHash: await sha256(secret) }, secret);
}

/** `POST /api/v1/clients/{id}/{disable|enable}`. */
export async function switchClient(exchange: Exchange, action: "disable" | "enable", id: string): Promise<Response> {
  const { operator, body } = await operatorOnly(exchange);
  const read = await readJson(exchange, body, "nothing");
  return read.ok ? await change(exchange, operator, known(exchange, id), { action }) : problemsAnswer(exchange.audit, read.problems);
}

/** `POST /api/v1/clients/{id}/secrets`: adds a secret of 256 bits, which this answer alone holds; its hash is kept. */
export async function addSecret(exchange: Exchange, id: string): Promise<Response> {
  const { operator, body } = await operatorOnly(exchange);
  const read = await readJson(exchange, body, "secretAddition");
  if (!read.ok) return problemsAnswer(exchange.audit, read.problems);
  const { limit, expiresIn } = read.value;
  const secret = randomId(SECRET_BYTES);
  const expires = expiresIn === undefined ? {} : { expires: exchange.service.now() + expiresIn };
  return await change(exchange, operator, known(exchange, id), { action: "add_secret", secretHash: await sha256(secret), limit, ...expires }, secret);
}

/** `DELETE /api/v1/clients/{id}/secrets/{hash prefix}`: the secret is valid no longer, whoever declared it. */
export async function retireSecret(exchange: Exchange, id: string, prefix: string): Promise<Response> {
  const { operator } = await operatorOnly(exchange);
  if (!ID_PREFIX.test(prefix)) throw new Rejection("client_secret_unknown");
  return await change(exchange, operator, known(exchange, id), { action: "retire_secret", prefix });
}

/** `POST /api/v1/clients/{id}/certificates`: adds a certificate that the client may authenticate with. */
export async function addCertificate(exchange: Exchange, id: string): Promise<Response> {
  const { operator, body } = await operatorOnly(exchange);
  const read = await readJson(exchange, body, "certificateAddition");
  if (!read.ok) return problemsAnswer(exchange.audit, read.problems);
  const certificate = read.value;
  return await change(exchange, operator, known(exchange, id), { action: "add_certificate", certificateId: await certificateId(certificate), certificate });
}

/** `DELETE /api/v1/clients/{id}/certificates/{id prefix}`: takes one away that the API has added. */
export async function retireCertificate(exchange: Exchange, id: string, prefix: string): Promise<Response> {
  const { operator } = await operatorOnly(exchange);
  if (!ID_PREFIX.test(prefix)) throw new Rejection("client_certificate_unknown");
  return await change(exchange, operator, known(exchange, id), { action: "retire_certificate", prefix });
}

// A thumbprint names its certificate; a subject is named with its CA.
async function certificateId(certificate: KnownCertificate): Promise<string> {
  return "thumbprint" in certificate ? certificate.thumbprint : await sha256(`${certificate.issuerKeyId} ${certifiedName(certificate)}`);
}

async function change(exchange: Exchange, operator: string, id: string, act: ClientAct, secret?: string): Promise<Response> {
  const { service, tenant, audit } = exchange;
  audit.note({ client: id });
  const changed: ClientChanged = await service.tenants.changeClient(tenant.issuer, { operator, id, act });
  if (!changed.ok && "problems" in changed) return problemsAnswer(audit, changed.problems);
  if (!changed.ok) throw new Rejection(changed.reason);
  service.directory.forget(tenant.issuer);
  const answer = await clientAnswer(exchange, id);
  audit.write({ status: 200, issued: act.action });
  return json({ ...answer, ...(changed.tookSecret ? { secret } : {}) });
}

function known({ audit }: Exchange, id: string): string {
  if (!isClientId(id)) throw new Rejection("client_absent");
  audit.note({ client: id });
  return id;
}

async function clientAnswer({ service, tenant }: Exchange, id: string) {
  const names = [recordName.client(id), recordName.access(id)] as const;
  const { records } = await service.tenants.read(tenant.issuer, names);
  const declared = (records[names[0]] ?? undefined) as Client | undefined;
  if (declared === undefined) throw new Rejection("client_absent");
  const access = (records[names[1]] ?? NO_ACCESS) as ClientAccess;
  const { secrets, developmentSecret, ...client } = withAccess(declared, access);
  const now = service.now();
  const certificates = [...client.tlsCertificates, ...client.tlsThumbprints.map((thumbprint) => ({ thumbprint }))];
  return {
    id,
    client,
    disabled: client.disabled,
    disabledBy: [...(declared.disabled ? ["file"] : []), ...(access.disabled === undefined ? [] : ["api"])],
    developmentSecret: developmentSecret !== undefined,
    certificates: await Promise.all(
      certificates.map(async (certificate) => {
        const certified = await certificateId(certificate);
        const added = access.certificates?.find((one) => one.id === certified);
        return { ...certificate, id: certified.slice(0, PREFIX_CHARACTERS), origin: added === undefined ? "file" : "api", since: added?.created, by: added?.by };
      }),
    ),
    secrets: secrets.map((secret) => {
      const added = access.secrets.find(({ hash }) => hash === secret.hash);
      const isDeclared = declared.secrets.some(({ hash }) => hash === secret.hash);
      const since = added?.created ?? secret.notBefore;
      return { hash: secret.hash.slice(0, PREFIX_CHARACTERS), origin: isDeclared ? "file" : "api", since, by: added?.by, expires: secret.expires, valid: isValid(secret, now) };
    }),
  };
}

function isValid({ notBefore, expires }: { readonly notBefore?: number | undefined; readonly expires?: number | undefined }, now: number): boolean {
  return (notBefore ?? 0) <= now && now < (expires ?? Number.POSITIVE_INFINITY);
}
