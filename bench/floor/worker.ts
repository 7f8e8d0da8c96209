// What an operation cannot do without, and nothing else: the cryptography, the object calls and the rows of the same
// operation of Cambio, written straight down. No refusal, no policy, no audit. A JWT's lineage is sealed, by design: that is
// cryptography too.
import { DurableObject } from "cloudflare:workers";

interface Bindings {
  readonly ROWS: DurableObjectNamespace<Rows>;
  readonly SIGNING_KEY: string;
  readonly MAC_KEY: string;
  readonly SEAL_KEY: string;
  readonly SECRET_HASH: string;
}

/** What one operation takes. */
interface Steps {
  readonly jwtIn?: boolean;
  readonly actorIn?: boolean;
  readonly opaqueIn?: boolean;
  readonly successor?: boolean;
  /** `tell`: written after the response, with what else this isolate has to tell that family within 100 ms. */
  readonly call?: "read" | "write" | "tell";
  readonly actorRead?: boolean;
  readonly jwtOut?: boolean;
  readonly opaqueOut?: boolean;
}

const OPERATIONS: Readonly<Record<string, Steps>> = {
  "/exchange": { jwtIn: true, call: "write", jwtOut: true },
  "/exchange-edge": { jwtIn: true, call: "tell", jwtOut: true },
  "/exchange-known": { call: "tell", jwtOut: true },
  "/exchange-to-opaque": { jwtIn: true, call: "write", opaqueOut: true },
  "/exchange-from-opaque": { opaqueIn: true, call: "write", jwtOut: true },
  "/exchange-with-actor": { jwtIn: true, actorIn: true, call: "write", actorRead: true, jwtOut: true },
  "/refresh": { opaqueIn: true, successor: true, call: "write", jwtOut: true, opaqueOut: true },
  "/client-credentials": { jwtOut: true },
  "/introspect-opaque": { opaqueIn: true, call: "read" },
  "/introspect-opaque-edge": { opaqueIn: true },
  "/introspect-jwt": { jwtIn: true, call: "read" },
  "/introspect-jwt-edge": { jwtIn: true },
  "/introspect-known": {},
  "/revoke": { jwtIn: true, call: "write" },
};

const BODY_BYTES = 87;
const MAC_BYTES = 16;
const NONCE_BYTES = 12;
const BATCH_MILLISECONDS = 100;
const ES256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const utf8 = new TextEncoder();

/** One row a call. */
export class Rows extends DurableObject<Bindings> {
  readonly #sql: SqlStorage;

  constructor(state: DurableObjectState, env: Bindings) {
    super(state, env);
    this.#sql = state.storage.sql;
    this.#sql.exec("CREATE TABLE IF NOT EXISTS nodes (parent TEXT, id TEXT, record TEXT, PRIMARY KEY (parent, id)) WITHOUT ROWID");
  }

  // What an opaque token is good for stands in its row.
  look(parent: string, id: string, record: string): { readonly now: number } {
    const [row] = this.#sql.exec<{ readonly record: string }>("SELECT record FROM nodes WHERE parent = ? LIMIT 1", parent).toArray();
    const known = JSON.parse(row?.record ?? "{}") as object;
    return this.write(parent, id, JSON.stringify({ ...known, ...(JSON.parse(record) as object) }));
  }

  write(parent: string, id: string, record: string): { readonly now: number } {
    this.#sql.exec("INSERT INTO nodes (parent, id, record) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", parent, id, record);
    return { now: Date.now() };
  }

  writeAll(rows: readonly (readonly [parent: string, id: string, record: string])[]): void {
    for (const row of rows) this.write(...row);
  }

  read(parent: string): { readonly known: boolean } {
    return { known: this.#sql.exec("SELECT 1 FROM nodes WHERE parent = ? LIMIT 1", parent).toArray().length > 0 };
  }
}

interface Keys {
  readonly sign: CryptoKey;
  readonly verify: CryptoKey;
  readonly mac: CryptoKey;
  readonly seal: CryptoKey;
  readonly header: string;
}

let keys: Keys | undefined;

async function importKeys(env: Bindings): Promise<Keys> {
  const { d, ...half } = JSON.parse(env.SIGNING_KEY) as JsonWebKey;
  const subtle = crypto.subtle;
  return {
    sign: await subtle.importKey("jwk", { ...half, d } as JsonWebKey, ES256, false, ["sign"]),
    verify: await subtle.importKey("jwk", half, ES256, false, ["verify"]),
    mac: await subtle.importKey("raw", Uint8Array.fromBase64(env.MAC_KEY), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]),
    seal: await subtle.importKey("raw", Uint8Array.fromBase64(env.SEAL_KEY), "AES-GCM", false, ["encrypt", "decrypt"]),
    header: base64url(utf8.encode('{"alg":"ES256","kid":"floor","typ":"at+jwt"}')),
  };
}

function base64url(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.fromBase64(text, { alphabet: "base64url" });
}

async function hash(text: string): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", utf8.encode(text))));
}

async function verify(token: string, { verify: key, seal }: Keys): Promise<Readonly<Record<string, unknown>>> {
  const end = token.lastIndexOf(".");
  const holds = await crypto.subtle.verify(ES256, key, bytesOf(token.slice(end + 1)), utf8.encode(token.slice(0, end)));
  if (!holds) throw new Error("signature");
  const { lin, ...claims } = JSON.parse(new TextDecoder().decode(bytesOf(token.slice(token.indexOf(".") + 1, end)))) as Readonly<Record<string, unknown>>;
  const sealed = bytesOf(String(lin));
  const lineage = await crypto.subtle.decrypt({ name: "AES-GCM", iv: sealed.subarray(0, NONCE_BYTES) }, seal, sealed.subarray(NONCE_BYTES));
  return { ...claims, lineage: JSON.parse(new TextDecoder().decode(lineage)) as unknown };
}

async function sealed(lineage: readonly unknown[], key: CryptoKey): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const text = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, utf8.encode(JSON.stringify(lineage))));
  const whole = new Uint8Array(NONCE_BYTES + text.length);
  whole.set(iv);
  whole.set(text, NONCE_BYTES);
  return base64url(whole);
}

async function sign(claims: object, { sign: key, seal, header }: Keys, lineage: readonly unknown[]): Promise<string> {
  const input = `${header}.${base64url(utf8.encode(JSON.stringify({ ...claims, lin: await sealed(lineage, seal) })))}`;
  return `${input}.${base64url(new Uint8Array(await crypto.subtle.sign(ES256, key, utf8.encode(input))))}`;
}

async function mac(body: Uint8Array, key: CryptoKey): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, body), 0, MAC_BYTES);
}

async function opaqueIn(token: string, key: CryptoKey): Promise<string> {
  const bytes = bytesOf(token);
  const body = bytes.subarray(0, BODY_BYTES);
  if (!crypto.subtle.timingSafeEqual(bytes.subarray(BODY_BYTES), await mac(body, key))) throw new Error("mac");
  return await hash(base64url(body.subarray(BODY_BYTES - 16)));
}

async function opaqueOut(key: CryptoKey): Promise<string> {
  const body = crypto.getRandomValues(new Uint8Array(BODY_BYTES));
  const whole = new Uint8Array(BODY_BYTES + MAC_BYTES);
  whole.set(body);
  whole.set(await mac(body, key), BODY_BYTES);
  return base64url(whole);
}

const pending = new Map<string, (readonly [parent: string, id: string, record: string])[]>();

function tell(family: string, row: readonly [parent: string, id: string, record: string], env: Bindings, context: ExecutionContext): void {
  const batch = pending.get(family);
  if (batch !== undefined) return void batch.push(row);
  const rows = [row];
  pending.set(family, rows);
  const send = async () => {
    await new Promise((resolve) => setTimeout(resolve, BATCH_MILLISECONDS));
    pending.delete(family);
    await env.ROWS.get(env.ROWS.idFromName(family)).writeAll(rows);
  };
  context.waitUntil(send());
}

async function perform(steps: Steps, form: URLSearchParams, env: Bindings, context: ExecutionContext): Promise<object> {
  keys ??= await importKeys(env);
  const k = keys;
  const token = form.get("token") ?? "";
  const claims = steps.jwtIn ? await verify(token, k) : {};
  if (steps.actorIn) await verify(form.get("actor") ?? "", k);
  const digest = steps.opaqueIn ? await opaqueIn(token, k.mac) : "";
  if (steps.successor) await hash(base64url(await mac(utf8.encode(token), k.mac)));
  const id = crypto.randomUUID();
  const rows = env.ROWS.get(env.ROWS.idFromName(form.get("family") ?? ""));
  if (steps.call === "write") await (steps.opaqueIn ? rows.look(digest, id, JSON.stringify({ id })) : rows.write(String(claims.jti), id, JSON.stringify({ ...claims, id })));
  if (steps.call === "tell") tell(form.get("family") ?? "", [digest, id, JSON.stringify({ id, scope: "profile", audience: ["api"], client: "app" })], env, context);
  if (steps.call === "read") await rows.read(String(claims.jti ?? digest));
  if (steps.actorRead) await env.ROWS.get(env.ROWS.idFromName("actor")).read(id);
  const now = Math.floor(Date.now() / 1000);
  const issued = { iss: "http://localhost", sub: "dona.moore", aud: "api", client_id: "app", scope: "profile", exp: now + 300, iat: now, jti: id };
  return {
    ...(steps.jwtOut
      ? { access_token: await sign(issued, k, [form.get("family"), claims.jti ?? digest, id, now]), token_type: "Bearer", expires_in: 300 }
      : { active: true, ...claims }),
    ...(steps.opaqueOut ? { refresh_token: await opaqueOut(k.mac), secret_hash: steps.successor ? undefined : await hash(id) } : {}),
  };
}

export default {
  fetch: async (request, env, context) => {
    const { pathname } = new URL(request.url);
    if (request.method === "GET") return Response.json({ keys: [{ kty: "EC", crv: "P-256", x: "x".repeat(43), y: "y".repeat(43), kid: "floor", alg: "ES256", use: "sig" }] });
    const form = new URLSearchParams(await request.text());
    const secret = atob((request.headers.get("authorization") ?? "").slice(6)).split(":")[1] ?? "";
    const steps = OPERATIONS[pathname];
    if (steps === undefined || (await hash(secret)) !== env.SECRET_HASH) return new Response(null, { status: 404 });
    return Response.json(await perform(steps, form, env, context), { headers: { "cache-control": "no-store" } });
  },
} satisfies ExportedHandler<Bindings>;
