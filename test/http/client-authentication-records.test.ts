import { reset } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { randomId, sha256 } from "../../src/protocol/bytes.ts";
import { demoTenant } from "../demo-tenant.ts";
import { login, type WorldOptions, world } from "../world.ts";
import { bytesOfAnswer, FORM_ENDPOINTS, GOOD_FORM, lastLineOf, refusal, WORKER } from "./wire.ts";

beforeEach(reset);
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const SECOND = 1000;

interface Secret {
  readonly hash: string;
  readonly notBefore?: number;
  readonly expires?: number;
}

/** The demo tenant, where billing-worker's record is changed. */
const changed =
  (change: object): Required<Pick<WorldOptions, "tenant">>["tenant"] =>
  (file) => {
    Object.assign(file.clients["billing-worker"], change);
  };

const withSecrets = (secrets: readonly Secret[]) => ({ tenant: changed({ developmentSecret: undefined, secrets }) });

function clock(): { readonly seconds: number; move(seconds: number): void } {
  vi.useFakeTimers({ toFake: ["Date"] });
  const start = Date.now();
  return { seconds: Math.floor(start / SECOND), move: (seconds) => void vi.setSystemTime(start + seconds * SECOND) };
}

describe("a secret", () => {
  it("CA-17 is valid from its beginning, in the overlap, and not from its end on", async () => {
    const time = clock();
    const [old, fresh, early] = [randomId(32), randomId(32), randomId(32)];
    const secrets = [{ hash: await sha256(old), expires: time.seconds + 100 }, { hash: await sha256(fresh) }, { hash: await sha256(early), notBefore: time.seconds + 50 }];
    const w = await world(withSecrets(secrets));
    const valid = async () => {
      const statuses: number[] = [];
      for (const secret of [old, fresh, early]) statuses.push((await w.post("/oauth2/token", "grant_type=client_credentials", ["billing-worker", secret])).status);
      return statuses;
    };
    expect(await valid()).toEqual([200, 200, 401]);
    time.move(49);
    expect(await valid()).toEqual([200, 200, 401]);
    time.move(51);
    expect(await valid()).toEqual([200, 200, 200]);
    time.move(99);
    expect(await valid()).toEqual([200, 200, 200]);
    time.move(101);
    expect(await valid()).toEqual([401, 200, 200]);
  });

  it("CA-18 is its bytes: no space is trimmed, no letter composed", async () => {
    const w = await world(withSecrets([{ hash: await sha256(" é ".normalize("NFC")) }]));
    const status = async (secret: string) => [
      (await w.post("/oauth2/token", "grant_type=client_credentials", ["billing-worker", secret])).status,
      (await w.post("/oauth2/token", { grant_type: "client_credentials", client_id: "billing-worker", client_secret: secret })).status,
    ];
    expect(await status(" é ".normalize("NFC"))).toEqual([200, 200]);
    for (const wrong of [" é ".normalize("NFD"), "é", "é ", " é", "\u00a0é "]) expect(await status(wrong)).toEqual([401, 401]);
  });

  it("is not its own hash: what is kept proves nothing", async () => {
    const secret = randomId(32);
    const hash = await sha256(secret);
    const w = await world(withSecrets([{ hash }]));
    expect(await refusal(await w.post("/oauth2/token", "grant_type=client_credentials", ["billing-worker", hash]))).toBe("401 invalid_client");
    expect((await w.post("/oauth2/token", "grant_type=client_credentials", ["billing-worker", secret])).status).toBe(200);
  });

  it("CA-19 that a record does not have cannot be guessed: every secret expired, an empty one presented", async () => {
    const time = clock();
    const w = await world(withSecrets([{ hash: await sha256("old"), expires: time.seconds - 1 }]));
    for (const secret of ["old", "", "undefined", "A".repeat(43), "\u0000"]) {
      expect((await w.post("/oauth2/token", "grant_type=client_credentials", ["billing-worker", secret])).status).toBe(401);
      expect((await w.post("/oauth2/token", { grant_type: "client_credentials", client_id: "billing-worker", client_secret: secret })).status).toBe(401);
    }
  });

  it("CA-19 must be declared: a confidential client without one, an empty one or a wrong hash is not applied", async () => {
    const w = await world();
    for (const change of [
      { developmentSecret: undefined },
      { developmentSecret: "" },
      { developmentSecret: undefined, secrets: [] },
      { developmentSecret: undefined, secrets: [{ hash: "" }] },
      { developmentSecret: undefined, secrets: [{ hash: "abc" }] },
      { public: true },
      { authenticationMethods: ["none"] },
      { authenticationMethods: [] },
    ]) {
      const file = demoTenant();
      changed(change)(file);
      expect((await w.apply(file)).status).toBe(400);
    }
    expect((await w.post("/oauth2/token", "grant_type=client_credentials", WORKER)).status).toBe(200);
  });
});

describe("the method that a client registered", () => {
  it.each([
    ["client_secret_basic", 200, 401],
    ["client_secret_post", 401, 200],
  ] as const)("is the only one it may use: %s", async (method, byBasic, inBody) => {
    const w = await world({ tenant: changed({ authenticationMethods: [method] }) });
    const [id, secret] = WORKER;
    for (const endpoint of FORM_ENDPOINTS) {
      const form = GOOD_FORM[endpoint];
      expect((await w.post(endpoint, form, WORKER)).status).toBe(byBasic);
      expect((await w.post(endpoint, `${form}&client_id=${id}&client_secret=${secret}`)).status).toBe(inBody);
    }
    const wrong = await w.post("/oauth2/token", GOOD_FORM["/oauth2/token"], [id, "wrong"]);
    const unknown = await w.post("/oauth2/token", GOOD_FORM["/oauth2/token"], ["nobody", "wrong"]);
    expect(await bytesOfAnswer(wrong)).toBe(await bytesOfAnswer(unknown));
  });
});

describe("a client that is disabled", () => {
  const disabling = async (id: "web-app" | "mobile-app") => {
    const file = demoTenant();
    Object.assign(file.clients[id], { disabled: true });
    return file;
  };

  it("CA-16 is refused at token, introspection and revocation, and gets a page at authorize", async () => {
    const w = await world();
    const tokens = await login(w, "web-app");
    const web = ["web-app", "web-app-secret"] as const;
    expect((await w.apply(await disabling("web-app"))).status).toBe(200);
    expect(await refusal(await w.post("/oauth2/token", { grant_type: "refresh_token", refresh_token: tokens.refresh_token }, web))).toBe("401 invalid_client");
    expect(await refusal(await w.post("/oauth2/introspect", { token: tokens.access_token }, web))).toBe("401 invalid_client");
    expect(await refusal(await w.post("/oauth2/revoke", { token: tokens.access_token }, web))).toBe("401 invalid_client");
    const page = await w.fetch("/oauth2/authorize?client_id=web-app&response_type=code&redirect_uri=http://localhost:8789/callback", { headers: { cookie: tokens.cookie } });
    expect([page.status, page.headers.get("content-type"), page.headers.has("location")]).toEqual([400, "text/html; charset=utf-8", false]);
    expect((await w.fetch("/oauth2/userinfo", { headers: { authorization: `Bearer ${tokens.access_token}` } })).status).toBe(401);
  });

  it("CA-16 is refused in another isolate within ten seconds", async () => {
    const time = clock();
    const here = await world();
    const there = await world();
    const { refresh_token } = await login({ ...there }, "mobile-app");
    const form = { grant_type: "refresh_token", client_id: "mobile-app", refresh_token };
    expect((await there.post("/oauth2/token", form)).status).toBe(200);
    await here.apply(await disabling("mobile-app"));
    time.move(11);
    expect(await refusal(await there.post("/oauth2/token", form))).toBe("401 invalid_client");
    expect(lastLineOf(there)).toMatchObject({ reason: "client_disabled", client: "mobile-app" });
  });
});

describe("a client's new secret", () => {
  it("takes hold here at once and in another isolate within ten seconds, the old one ends as soon", async () => {
    const time = clock();
    const here = await world();
    const there = await world();
    const statuses = async (w: typeof here) => [
      (await w.post("/oauth2/token", "grant_type=client_credentials", WORKER)).status,
      (await w.post("/oauth2/token", "grant_type=client_credentials", ["billing-worker", "fresh"])).status,
    ];
    expect(await statuses(there)).toEqual([200, 401]);
    const file = demoTenant();
    changed({ developmentSecret: "fresh" })(file);
    await here.apply(file);
    expect(await statuses(here)).toEqual([401, 200]);
    time.move(11);
    expect(await statuses(there)).toEqual([401, 200]);
  });
});

describe("the work behind a refusal", () => {
  it("TIM-02 is the same for a client that exists and one that does not: as many hashes, as many comparisons", async () => {
    const w = await world(withSecrets([{ hash: await sha256(randomId(32)) }]));
    const work = async (id: string) => {
      const hashes = vi.spyOn(crypto.subtle, "digest");
      const comparisons = vi.spyOn(crypto.subtle, "timingSafeEqual");
      expect(await refusal(await w.post("/oauth2/token", "grant_type=client_credentials", [id, "wrong"]))).toBe("401 invalid_client");
      const seen = [hashes.mock.calls.length, comparisons.mock.calls.length];
      vi.restoreAllMocks();
      return seen;
    };
    const known = await work("billing-worker");
    expect(known).toEqual([1, 1]);
    expect(await work("nobody")).toEqual(known);
    expect(await work("not an id at all")).toEqual(known);
    expect(await work("mobile-app")).toEqual(known);
  });

  it("TIM-01 does not stop at the first of two secrets: every valid one is compared, in constant time", async () => {
    const [first, second] = [randomId(32), randomId(32)];
    const w = await world(withSecrets([{ hash: await sha256(first) }, { hash: await sha256(second) }]));
    const comparisons = vi.spyOn(crypto.subtle, "timingSafeEqual");
    const compared = async (secret: string) => {
      comparisons.mockClear();
      await w.post("/oauth2/introspect", "token=x", ["billing-worker", secret]);
      return comparisons.mock.calls.length;
    };
    expect([await compared(first), await compared(second), await compared("wrong")]).toEqual([2, 2, 2]);
  });
});
