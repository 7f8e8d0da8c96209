import { ClientAnswer, ClientListAnswer } from "../src/endpoints/api/contract/clients.ts";
import type { Terminal } from "./command.ts";
import { call, type Operator } from "./operator-api.ts";
import { instant, table } from "./table.ts";

/** Stands before a hash, which may begin like an option. */
const HASH = "sha256:";

/** Every client in a line. */
export async function listClients(operator: Operator) {
  return ClientListAnswer.parse(await call(operator, "GET", "/clients"));
}

/** A client, without its secrets. */
export async function showClient(operator: Operator, id: string): Promise<ClientAnswer> {
  return ClientAnswer.parse(await call(operator, "GET", `/clients/${encodeURIComponent(id)}`));
}

/** Adds a client; the answer holds its secret, if one was drawn. */
export async function addClient(operator: Operator, id: string, client: unknown): Promise<ClientAnswer> {
  return ClientAnswer.parse(await call(operator, "POST", "/clients", JSON.stringify({ id, client })));
}

/** Switches a client off or on. */
export async function switchClient(operator: Operator, id: string, action: "disable" | "enable"): Promise<ClientAnswer> {
  return ClientAnswer.parse(await call(operator, "POST", `/clients/${encodeURIComponent(id)}/${action}`, "{}"));
}

/** Draws a secret; the answer holds it. */
export async function addSecret(operator: Operator, id: string, body: object): Promise<ClientAnswer> {
  return ClientAnswer.parse(await call(operator, "POST", `/clients/${encodeURIComponent(id)}/secrets`, JSON.stringify(body)));
}

/** Retires a secret by the beginning of its hash. */
export async function retireSecret(operator: Operator, id: string, prefix: string): Promise<ClientAnswer> {
  return ClientAnswer.parse(await call(operator, "DELETE", `/clients/${encodeURIComponent(id)}/secrets/${encodeURIComponent(prefix.replace(HASH, ""))}`));
}

/** Lets a client authenticate with a certificate. */
export async function addCertificate(operator: Operator, id: string, certificate: object): Promise<ClientAnswer> {
  return ClientAnswer.parse(await call(operator, "POST", `/clients/${encodeURIComponent(id)}/certificates`, JSON.stringify(certificate)));
}

/** Ends a certificate by the beginning of its id. */
export async function retireCertificate(operator: Operator, id: string, prefix: string): Promise<ClientAnswer> {
  return ClientAnswer.parse(await call(operator, "DELETE", `/clients/${encodeURIComponent(id)}/certificates/${encodeURIComponent(prefix.replace(HASH, ""))}`));
}

/** A client as lines: what it is, whether it may, and which secrets and certificates it has. */
export function clientLines({ id, client, disabledBy, secrets, certificates, developmentSecret }: ClientAnswer): readonly string[] {
  const state = disabledBy.length === 0 ? "enabled" : `disabled (${disabledBy.join(", ")})`;
  const rows = secrets.map((secret) => [`${HASH}${secret.hash}`, secret.origin, instant(secret.since), instant(secret.expires), secret.valid ? "yes" : "no", secret.by ?? ""]);
  const proofs = certificates.map((one) => [
    `${HASH}${one.id}`,
    one.origin,
    instant(one.since),
    one.by ?? "",
    one.subjectDn ?? one.subjectAltName ?? "thumbprint",
    one.issuerKeyId ?? "",
  ]);
  return [
    `${id}: ${client.public ? "public" : "confidential"}, ${client.dialect}, ${state}, grants ${client.grants.join(" ") || "none"}`,
    ...(developmentSecret ? ["has a development secret"] : []),
    ...(rows.length === 0 ? [] : table([["SECRET (HASH)", "BY", "SINCE", "EXPIRES", "VALID", "OPERATOR"], ...rows])),
    ...(proofs.length === 0 ? [] : table([["CERTIFICATE", "BY", "SINCE", "OPERATOR", "SUBJECT", "CA (KEY ID)"], ...proofs])),
  ];
}

/** Prints a client; a secret that was drawn alone on standard output, so that it can be piped to where it belongs. */
export function printClient(terminal: Terminal, answer: ClientAnswer, json: boolean): void {
  if (json) terminal.out(JSON.stringify(answer));
  else if (answer.secret === undefined) terminal.out(clientLines(answer).join("\n"));
  else {
    terminal.note(`${clientLines(answer).join("\n")}\nThe secret, which nobody can show again:`);
    terminal.out(answer.secret);
  }
}
