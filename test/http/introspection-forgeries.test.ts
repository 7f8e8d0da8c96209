import { listDurableObjectIds } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { CompactSign, exportJWK, generateKeyPair, importJWK } from "jose";
import { describe, expect, it, vi } from "vitest";
import { anotherIsolate, familyCalls, stoppedClock } from "../faults.ts";
import { introspect, login, payloadOf, refresh, type Tokens, world } from "../world.ts";

const clock = stoppedClock();

const APP = "front-end-app";
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

const encode = (value: object | string) =>
  btoa(typeof value === "string" ? value : JSON.stringify(value))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
const headerOf = (jwt: string) => JSON.parse(atob((jwt.split(".")[0] ?? "").replaceAll("-", "+").replaceAll("_", "/"))) as Record<string, string>;
const strayBits = (part: string) => part.slice(0, -1) + ALPHABET[ALPHABET.indexOf(part.at(-1) ?? "") ^ 1];

/** The key that this deployment signs with: what an attacker must not have, to see what holds even then. */
async function ownKey() {
  return await importJWK(JSON.parse((env as unknown as { readonly SIGNING_KEY_1: string }).SIGNING_KEY_1), "ES256");
}

const signed = async (header: object, payload: object, key: Awaited<ReturnType<typeof ownKey>>) =>
  await new CompactSign(new TextEncoder().encode(JSON.stringify(payload))).setProtectedHeader(header as { alg: string }).sign(key, { crit: { exp: true } });

/** The other signature of the same content that ECDSA always has: (r, n - s). */
function malleated(jwt: string): string {
  const [header, payload, signature = ""] = jwt.split(".");
  const bytes = Uint8Array.from(atob(signature.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
  const s = BigInt(`0x${Array.from(bytes.slice(32), (byte) => byte.toString(16).padStart(2, "0")).join("")}`);
  const other = (ORDER - s).toString(16).padStart(64, "0");
  bytes.set(
    Uint8Array.from(other.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)),
    32,
  );
  return `${header}.${payload}.${encode(String.fromCharCode(...bytes))}`;
}

describe("a JWT that we did not sign as it is", () => {
  it("INT-09 is inactive whatever was changed, before any object is asked; the real one is active", async () => {
    const w = await world();
    const { access_token: jwt } = await login(w, APP);
    const [h = "", p = "", s = ""] = jwt.split(".");
    const [header, payload] = [headerOf(jwt), payloadOf(jwt)];
    const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
    const certs = (await (await w.fetch("/oauth2/certs")).json()) as { readonly keys: readonly { readonly kid: string; readonly alg: string }[] };
    const ours = certs.keys.find(({ kid }) => kid === header.kid);
    const asSecret = new TextEncoder().encode(JSON.stringify(ours));
    const rsaKid = certs.keys.find(({ alg }) => alg === "RS256")?.kid;
    const forged = {
      "a flipped byte in the payload": `${h}.${p.slice(0, 20)}${p[20] === "A" ? "B" : "A"}${p.slice(21)}.${s}`,
      "another subject": `${h}.${encode({ ...payload, sub: "someone" })}.${s}`,
      "a longer life": `${h}.${encode({ ...payload, exp: Number(payload.exp) + 3600 })}.${s}`,
      "alg none": `${encode({ ...header, alg: "none" })}.${p}.`,
      "alg none with the signature": `${encode({ ...header, alg: "none" })}.${p}.${s}`,
      "no signature": `${h}.${p}.`,
      "no signature and no dot": `${h}.${p}`,
      "HS256 by our public key": await signed({ ...header, alg: "HS256" }, payload, asSecret),
      "HS256 in the header only": `${encode({ ...header, alg: "HS256" })}.${p}.${s}`,
      "RS256 in the header only": `${encode({ ...header, alg: "RS256" })}.${p}.${s}`,
      "the kid of another key of ours": `${encode({ ...header, kid: rsaKid })}.${p}.${s}`,
      "a foreign key under our kid": await signed(header, payload, privateKey),
      "a foreign key under its own kid": await signed({ ...header, kid: "foreign" }, payload, privateKey),
      "a foreign key in the header": await signed({ ...header, jwk: await exportJWK(publicKey) }, payload, privateKey),
      "no kid": await signed({ alg: "ES256", typ: "at+jwt" }, payload, await ownKey()),
      "an all-zero signature": `${h}.${p}.${encode(String.fromCharCode(...new Uint8Array(64)))}`,
      "four parts": `${jwt}.${s}`,
      "five parts": `${h}..${p}.${s}.${s}`,
    };
    const calls = familyCalls();
    for (const [name, token] of Object.entries(forged)) expect(await introspect(w, APP, token), name).toEqual({ active: false });
    expect(calls).not.toHaveBeenCalled();
    expect(await introspect(w, APP, jwt)).toMatchObject({ active: true });
  });

  it("is inactive even by our own key when issuer, type, times or lineage are not ours", async () => {
    const w = await world();
    const tokens = await login(w, APP);
    const other = await login(w, APP);
    const [header, payload, key] = [headerOf(tokens.access_token), payloadOf(tokens.access_token), await ownKey()];
    const sign = (changes: object, head: object = {}) => signed({ ...header, ...head }, { ...payload, ...changes }, key);
    const wrong = {
      "another issuer": await sign({ iss: "https://id.example.com" }),
      "an issuer with a slash": await sign({ iss: "http://localhost:8787/" }),
      "no lineage": await sign({ lin: undefined }),
      "a lineage of nonsense": await sign({ lin: "AAEA" }),
      "the lineage of an ID token": await sign({ lin: payloadOf(tokens.id_token).lin }),
      "no expiry": await sign({ exp: undefined }),
      "an expiry that is text": await sign({ exp: String(payload.exp) }),
      "an expiry beyond every number": await sign({ exp: Number.MAX_SAFE_INTEGER + 1 }),
      expired: await sign({ exp: clock.now() }),
      "no audience": await sign({ aud: [] }),
      "an audience of a number": await sign({ aud: 7 }),
      "the type of an operator's token": await sign({}, { typ: "operator+jwt" }),
      "the type of an introspection answer": await sign({}, { typ: "token-introspection+jwt" }),
      "the type of an ID token": await sign({}, { typ: "JWT" }),
      "no type": await signed({ alg: "ES256", kid: header.kid }, payload, key),
      "a critical extension": await sign({}, { crit: ["exp"], exp: 1 }),
      "the address of a key": await sign({}, { jku: "https://evil.example.com/keys" }),
      "a content type": await sign({}, { cty: "JWT" }),
    };
    for (const [name, token] of Object.entries(wrong)) expect(await introspect(w, APP, token), name).toEqual({ active: false });
    expect(await introspect(w, APP, await sign({}))).toMatchObject({ active: true });
    expect(await introspect(w, APP, other.access_token)).toMatchObject({ active: true });
  });

  it("never answers from what is known of the real one: in edge, a forgery is judged before anything is recalled", async () => {
    const w = await world({ tenant: (file) => Object.assign(file, { consistency: "edge" }) && Object.assign(file.clients[APP], { consistency: "edge" }) });
    const { access_token: jwt } = await login(w, APP);
    await introspect(w, APP, jwt);
    expect(await introspect(w, APP, jwt)).toMatchObject({ active: true, cambio_consistency: "edge" });
    const [h, p, s = ""] = jwt.split(".");
    for (const token of [`${h}.${p}.`, `${h}.${p}.${"A".repeat(86)}`, `${encode({ ...headerOf(jwt), alg: "none" })}.${p}.${s}`])
      expect(await introspect(w, APP, token)).toEqual({ active: false });
  });

  it("INT-17 is inactive in every other spelling of the same bytes", async () => {
    const w = await world();
    const tokens = await login(w, "web-app");
    const { access_token: opaque } = (await (await refresh(w, "web-app", tokens.refresh_token)).json()) as Tokens;
    for (const token of [tokens.access_token, opaque]) {
      const parts = token.split(".");
      const spellings = [
        `${token}\n`,
        `${token} `,
        ` ${token}`,
        `${token}==`,
        `${token}=`,
        `${token}%00`,
        `${token}.`,
        [...parts.slice(0, -1), strayBits(parts.at(-1) ?? "")].join("."),
        `"${token}"`,
        `Bearer ${token}`,
      ];
      if (parts.length === 3)
        spellings.push(
          `${parts[0]}.${parts[1]}=.${parts[2]}`,
          `${parts[0]}==.${parts[1]}.${parts[2]}`,
          parts
            .map((part) => part.replaceAll("-", "+").replaceAll("_", "/"))
            .join(".")
            .concat("+"),
        );
      for (const text of spellings) expect(await introspect(w, "web-app", text), text.slice(-12)).toEqual({ active: false });
      expect(await introspect(w, "web-app", token)).toMatchObject({ active: true });
    }
  });

  it("INT-17 that carries the other ECDSA signature of the same content dies with the original", async () => {
    const w = await world();
    const { access_token } = await login(w, APP);
    const twin = malleated(access_token);
    expect(twin).not.toBe(access_token);
    expect(await introspect(w, APP, twin)).toMatchObject({ active: true });
    await w.post("/oauth2/revoke", { token: access_token }, [APP, `${APP}-secret`]);
    for (const token of [access_token, twin]) expect(await introspect(w, APP, token)).toEqual({ active: false });
  });
});

describe("an opaque token that we did not write", () => {
  it("INT-18 costs nothing: a thousand well-formed ones ask no object and read no copy", async () => {
    const w = await world({ tenant: (file) => Object.assign(file, { consistency: "eventual" }) && Object.assign(file.clients["web-app"], { consistency: "eventual" }) });
    const before = await listDurableObjectIds(env.FAMILIES);
    const calls = familyCalls();
    const reads = vi.spyOn(env.TOKENS, "get");
    for (let i = 0; i < 1000; i++) {
      const bytes = crypto.getRandomValues(new Uint8Array(103));
      bytes.set([1, 0, 1]);
      const answer = await w.post("/oauth2/introspect", { token: `cambio_${i % 2 === 0 ? "at" : "rt"}_${encode(String.fromCharCode(...bytes))}` }, ["web-app", "web-app-secret"]);
      if ((await answer.text()) !== '{"active":false}') throw new Error(`guess ${i} was answered otherwise`);
    }
    expect(calls).not.toHaveBeenCalled();
    expect(reads).not.toHaveBeenCalled();
    expect(await listDurableObjectIds(env.FAMILIES)).toEqual(before);
  });

  it("is told by its MAC: a family, a place or a secret of one's own choice is inactive", async () => {
    const w = await world();
    const tokens = await login(w, "web-app");
    const { access_token } = (await (await refresh(w, "web-app", tokens.refresh_token)).json()) as Tokens;
    const calls = familyCalls();
    const body = access_token.slice("cambio_at_".length);
    for (let at = 0; at < body.length; at++) {
      const changed = `cambio_at_${body.slice(0, at)}${body[at] === "A" ? "B" : "A"}${body.slice(at + 1)}`;
      const answer = await w.post("/oauth2/introspect", { token: changed }, ["web-app", "web-app-secret"]);
      expect(await answer.text(), `character ${at}`).toBe('{"active":false}');
    }
    expect(calls).not.toHaveBeenCalled();
  });
});

describe("a token's last second", () => {
  it.each(["jwt", "opaque"])("INT-12 is the one before its expiry: at exp and after it is inactive, while every row still exists (%s)", async (accessTokenFormat) => {
    const w = await world({ tenant: (file) => Object.assign(file.clients[APP], { tokenPolicy: { accessTokenFormat, opaqueTokenLifetime: 300 } }) });
    const { access_token, refresh_token } = await login(w, APP);
    const other = await anotherIsolate(w);
    clock.forward(299);
    expect(await introspect(w, APP, access_token)).toMatchObject({ active: true, exp: clock.now() + 1 });
    clock.forward(1);
    for (const isolate of [w, other]) expect(await introspect(isolate, APP, access_token)).toEqual({ active: false });
    clock.forward(1);
    for (const isolate of [w, other]) expect(await introspect(isolate, APP, access_token)).toEqual({ active: false });
    expect(await introspect(w, APP, refresh_token)).toMatchObject({ active: true });
  });
});
