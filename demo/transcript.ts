/** Prints what a demo does: headings, sentences, and requests with their responses, secrets shortened. */
export interface Transcript {
  heading(text: string): void;
  say(text: string): void;
  request(request: Request, body: string): void;
  response(response: Response, body: string): void;
}

const SECRET_NAMES = new Set([
  "client_secret",
  "code",
  "code_verifier",
  "refresh_token",
  "access_token",
  "id_token",
  "token",
  "subject_token",
  "actor_token",
  "assertion",
  "sso_token",
]);
const SHOWN_HEADERS = ["content-type", "location", "retry-after", "www-authenticate"];
const LONGEST_SHOWN = 24;

/** A transcript that writes lines; `write` decides where they go. */
export function transcript(write: (line: string) => void): Transcript {
  return {
    heading: (text) => write(`\n━━ ${text}`),
    say: (text) => write(`\n${text}`),
    request(request, body) {
      const url = new URL(request.url);
      write(`\n  → ${request.method} ${url.origin}${url.pathname}`);
      for (const [name, value] of url.searchParams) write(`      ${name}=${shortened(name, value)}`);
      const authorization = request.headers.get("authorization");
      if (authorization !== null) write(`    Authorization: ${shortenedCredentials(authorization)}`);
      for (const [name, value] of new URLSearchParams(body)) write(`      ${name}=${shortened(name, value)}`);
    },
    response(response, body) {
      write(`  ← ${response.status}${response.statusText === "" ? "" : ` ${response.statusText}`}`);
      for (const name of SHOWN_HEADERS) {
        const value = response.headers.get(name);
        if (value !== null) write(`    ${name}: ${name === "location" ? shortenedUrl(value) : value}`);
      }
      for (const line of bodyLines(response, body)) write(`    ${line}`);
    },
  };
}

/** A secret's beginning and end: enough to tell two apart and too little to use. */
function shorten(secret: string): string {
  const kept = secret.startsWith("cambio_") ? 15 : 8;
  return secret.length <= kept + 4 ? `${secret.slice(0, 4)}…` : `${secret.slice(0, kept)}…${secret.slice(-4)}`;
}

function shortened(name: string, value: string): string {
  if (SECRET_NAMES.has(name)) return shorten(value);
  return value.length > LONGEST_SHOWN * 4 ? `${value.slice(0, LONGEST_SHOWN)}…` : value;
}

function shortenedUrl(text: string): string {
  if (!URL.canParse(text)) return text;
  const url = new URL(text);
  const query = [...url.searchParams].map(([name, value]) => `${name}=${shortened(name, value)}`).join("&");
  return `${text.split("?")[0]}${query === "" ? "" : `?${query}`}`;
}

function shortenedCredentials(header: string): string {
  const [scheme = "", credentials = ""] = header.split(" ");
  if (scheme !== "Basic") return `${scheme} ${shorten(credentials)}`;
  return `Basic ${Buffer.from(credentials, "base64").toString().split(":")[0]}:…`;
}

function bodyLines(response: Response, body: string): readonly string[] {
  const type = response.headers.get("content-type") ?? "";
  if (body === "") return [];
  if (!type.includes("json")) return [`(${type.split(";")[0]}, ${body.length} characters)`];
  const value: unknown = JSON.parse(body);
  return JSON.stringify(value, (name, member: unknown) => (typeof member === "string" ? shortened(name, member) : member), 2).split("\n");
}
