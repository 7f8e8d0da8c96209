import * as z from "zod/mini";
import { AuthenticationMethodName, Client, GrantName } from "../../../tenants/client.ts";
import { CertificateAddition, ClientAddition, SecretAddition } from "../../../tenants/client-ask.ts";
import { ClientId, Seconds } from "../../../tenants/primitives.ts";
import type { Named, Operation, Parameter } from "./operation.ts";

/** A secret as it may be told: the beginning of its hash, whose it is, since when and until when. */
const SecretAnswer = z.object({
  hash: z.string(),
  origin: z.enum(["file", "api"]),
  since: z.optional(Seconds),
  by: z.optional(z.string()),
  expires: z.optional(Seconds),
  valid: z.boolean(),
});

/** A certificate that the client may authenticate with: what it is known by, whose word that is, and since when. */
const CertificateAnswer = z.object({
  id: z.string(),
  subjectDn: z.optional(z.string()),
  subjectAltName: z.optional(z.string()),
  issuerKeyId: z.optional(z.string()),
  thumbprint: z.optional(z.string()),
  origin: z.enum(["file", "api"]),
  since: z.optional(Seconds),
  by: z.optional(z.string()),
});

/** A client as it holds, without its secrets. `secret` stands in the one answer that drew it. */
export const ClientAnswer = z.object({
  id: ClientId,
  client: z.omit(Client, { secrets: true, developmentSecret: true }),
  disabled: z.boolean(),
  disabledBy: z.array(z.enum(["file", "api"])),
  developmentSecret: z.boolean(),
  secrets: z.array(SecretAnswer),
  certificates: z.array(CertificateAnswer),
  secret: z.optional(z.string()),
});
export type ClientAnswer = z.output<typeof ClientAnswer>;

export const ClientListAnswer = z.object({
  clients: z.array(
    z.object({
      id: ClientId,
      displayName: z.optional(z.string()),
      dialect: z.string(),
      public: z.boolean(),
      disabled: z.boolean(),
      authenticationMethods: z.array(AuthenticationMethodName),
      grants: z.array(GrantName),
      validSecrets: z.int(),
    }),
  ),
});

const answer: Named = { name: "Client", schema: ClientAnswer };
const NOTHING: Named = { name: "Nothing", schema: z.strictObject({}) };
const ID: Parameter = { name: "id", in: "path", description: "The client; percent-encoded", schema: ClientId };
const PREFIX: Parameter = { name: "prefix", in: "path", description: "The beginning of the secret's hash, 8 characters at least", schema: z.string() };

const CERTIFICATE: Parameter = { name: "prefix", in: "path", description: "The beginning of the certificate's id, 8 characters at least", schema: z.string() };

/** Clients, their secrets and their certificates. */
export const CLIENT_OPERATIONS: readonly Operation[] = [
  {
    method: "get",
    path: "/api/v1/clients",
    id: "listClients",
    summary: "Every client in a line.",
    who: ["operator"],
    answer: { name: "ClientList", schema: ClientListAnswer },
    refusals: [],
  },
  {
    method: "post",
    path: "/api/v1/clients",
    id: "addClient",
    summary: "Adds a client. One that needs a secret is given one, which this answer alone holds.",
    who: ["operator"],
    body: { name: "ClientAddition", schema: ClientAddition },
    answer,
    refusals: [409],
  },
  { method: "get", path: "/api/v1/clients/{id}", id: "readClient", summary: "A client, without its secrets.", who: ["operator"], parameters: [ID], answer, refusals: [404] },
  {
    method: "post",
    path: "/api/v1/clients/{id}/disable",
    id: "disableClient",
    summary: "Switches a client off, everywhere within ten seconds, whatever its file says.",
    who: ["operator"],
    parameters: [ID],
    body: NOTHING,
    answer,
    refusals: [404],
  },
  {
    method: "post",
    path: "/api/v1/clients/{id}/enable",
    id: "enableClient",
    summary: "Takes back that the API has switched a client off. Not against its file.",
    who: ["operator"],
    parameters: [ID],
    body: NOTHING,
    answer,
    refusals: [404, 409],
  },
  {
    method: "post",
    path: "/api/v1/clients/{id}/secrets",
    id: "addSecret",
    summary: "Draws a secret of 256 bits, which this answer alone holds. Two may be valid at once, unless `limit` says otherwise.",
    who: ["operator"],
    parameters: [ID],
    body: { name: "SecretAddition", schema: SecretAddition },
    answer,
    refusals: [404, 409],
  },
  {
    method: "delete",
    path: "/api/v1/clients/{id}/secrets/{prefix}",
    id: "retireSecret",
    summary: "Retires a secret, whoever declared it. Not the last one.",
    who: ["operator"],
    parameters: [ID, PREFIX],
    answer,
    refusals: [404, 409],
  },
  {
    method: "post",
    path: "/api/v1/clients/{id}/certificates",
    id: "addCertificate",
    summary: "Adds a certificate that the client may authenticate with: of a CA by its subject, or self-signed by its thumbprint. At most 80.",
    who: ["operator"],
    parameters: [ID],
    body: { name: "CertificateAddition", schema: CertificateAddition },
    answer,
    refusals: [404, 409],
  },
  {
    method: "delete",
    path: "/api/v1/clients/{id}/certificates/{prefix}",
    id: "retireCertificate",
    summary: "Takes a certificate away that this API has added. One that its file declares goes with the file.",
    who: ["operator"],
    parameters: [ID, CERTIFICATE],
    answer,
    refusals: [404],
  },
];
