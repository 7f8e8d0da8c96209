import { reset } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { providerCache } from "../../src/federation/provider-cache.ts";
import { demoTenant } from "../demo-tenant.ts";
import { stopClock } from "../faults.ts";
import type { Script } from "../idp.ts";
import { ISSUER, type World, world } from "../world.ts";
import { outcomeOf, presentClaims } from "./federation-steps.ts";
import { begin, comeBack, logInAt } from "./login-steps.ts";

beforeEach(reset);
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const KIB = 1024;
const json = (body: BodyInit, headers: Record<string, string> = {}) => new Response(body, { headers: { "content-type": "application/json", ...headers } });

/** What one hostile IdP does with its key set, and how much of it was taken before it was let go. */
interface Hostility {
  readonly script: Script;
  readonly taken: () => number;
}

// 200 MB, made as they are read: whoever reads them all is seen to.
function enormous(headers: Record<string, string> = {}): Hostility {
  let sent = 0;
  const chunk = new Uint8Array(64 * KIB).fill(32);
  const pull = (controller: ReadableStreamDefaultController) => {
    if (sent >= 200_000 * KIB) return controller.close();
    sent += chunk.length;
    controller.enqueue(chunk);
  };
  return { script: () => json(new ReadableStream({ pull }), headers), taken: () => sent };
}

// 64 MiB of blanks, which are 64 KiB on their way.
function bomb(): Hostility {
  let packed = 0;
  let unpacked = 0;
  const blanks = new ReadableStream({
    pull: (controller) => {
      packed += 64 * KIB;
      if (packed > 64 * KIB * KIB) controller.close();
      else controller.enqueue(new Uint8Array(64 * KIB).fill(32));
    },
  });
  const counted = new TransformStream<Uint8Array, Uint8Array>({
    transform: (chunk, controller) => {
      unpacked += chunk.length;
      controller.enqueue(chunk);
    },
  });
  const decoded = blanks.pipeThrough(new CompressionStream("gzip")).pipeThrough(new DecompressionStream("gzip")).pipeThrough(counted);
  return { script: () => json(decoded, { "content-encoding": "gzip" }), taken: () => unpacked };
}

const here = (script: Script): Hostility => ({ script, taken: () => 0 });
const to = (status: number, location: string) => here(() => new Response(null, { status, headers: { location } }));

describe("a hostile IdP's key set", () => {
  it.each<[string, Hostility]>([
    ["FED-13 of 200 MB", enormous()],
    ["FED-13 of 200 MB that says it has ten bytes", enormous({ "content-length": "10" })],
    ["FED-13 that unpacks to a thousand times its size", bomb()],
    ["FED-11 that is elsewhere (301)", to(301, "http://localhost:8788/canary")],
    ["FED-11 that is elsewhere (302)", to(302, "https://canary.example.com/")],
    ["FED-11 that is elsewhere (307)", to(307, "http://169.254.169.254/")],
    ["FED-11 that is elsewhere (308)", to(308, "//canary.example.com/jwks")],
    ["that is a page", here(() => new Response("<html><body>{}</body></html>", { headers: { "content-type": "text/html" } }))],
    ["that is a page by another name", here(() => json("<html>{}</html>"))],
    ["that names its keys twice", here(() => json('{"keys":[{"kty":"RSA"}],"keys":[]}'))],
    ["whose key has a name twice", here(() => json('{"keys":[{"kty":"RSA","kid":"a","kid":"b"}]}'))],
    ["that is nested as deep as it goes", here(() => json(`{"keys":${"[".repeat(90_000)}${"]".repeat(90_000)}}`))],
  ])("%s logs nobody in, and leads nowhere else", async (_name, { script, taken }) => {
    const w = await world();
    w.idp.scripts.keys = script;
    const outcome = outcomeOf(w, await logInAt(w));
    expect(outcome).toMatchObject({ accepted: false, error: "server_error" });
    expect(taken()).toBeLessThan(2048 * KIB);
    expect(w.idp.requests.filter((request) => !request.includes(" http://localhost:8788/") || request.includes("canary"))).toEqual([]);
  });

  it("that drips in is given up when the five seconds are over, with all that came of it", async () => {
    const timers: AbortController[] = [];
    vi.spyOn(AbortSignal, "timeout").mockImplementation(() => {
      timers.push(new AbortController());
      return (timers.at(-1) as AbortController).signal;
    });
    const w = await world();
    let drops = 0;
    const drip = new ReadableStream({
      pull: (controller) => {
        drops += 1;
        if (drops < 4) return controller.enqueue(new TextEncoder().encode(" "));
        timers.at(-1)?.abort(new DOMException("The operation timed out.", "TimeoutError"));
        return new Promise(() => undefined);
      },
    });
    w.idp.scripts.keys = () => json(drip);
    expect(outcomeOf(w, await logInAt(w))).toMatchObject({ accepted: false, error: "temporarily_unavailable" });
    expect(drops).toBe(4);
  });
});

describe("a hostile IdP's ID token", () => {
  it.each([
    ["of another issuer", { iss: "https://accounts.example.com" }],
    ["of our other IdP", { iss: "http://localhost:8798" }],
    ["of ourselves", { iss: ISSUER }],
    ["for another audience", { aud: "another-client" }],
    ["for nobody", { aud: [] }],
  ])("%s logs nobody in", async (_name, claims) => {
    expect(await presentClaims(await world(), claims)).toMatchObject({ accepted: false, reason: "idp_id_token_invalid" });
  });
});

describe("FED-10 our own hosts", () => {
  it("are no IdP in a tenant file", async () => {
    const w = await world();
    const file = demoTenant();
    file.identityProviders.corp.issuer = ISSUER;
    const { problems } = (await (await w.apply(file, "?dry_run=true")).json()) as { problems?: { path: string }[] };
    expect(problems?.map(({ path }) => path)).toEqual(["identityProviders.corp.issuer"]);
  });

  it.each(["token_endpoint", "jwks_uri"])("are where no discovery document leads: %s", async (endpoint) => {
    const w = await world();
    const { issuer } = w.idp;
    const good = { issuer, authorization_endpoint: `${issuer}/auth`, token_endpoint: `${issuer}/token`, jwks_uri: `${issuer}/jwks` };
    w.idp.scripts.discovery = () => Response.json({ ...good, [endpoint]: `${ISSUER}/oauth2/certs` });
    expect(outcomeOf(w, (await begin(w)).response)).toMatchObject({ accepted: false, error: "server_error" });
    expect(w.idp.requests).toHaveLength(1);
  });

  it("are never asked, whoever names them", async () => {
    const w = await world();
    const providers = providerCache(w.service.now, new Set([new URL(ISSUER).host]));
    await expect(providers.metadata(ISSUER)).rejects.toMatchObject({ reason: "idp_discovery_invalid" });
    await expect(providers.keyAt(`${ISSUER}/oauth2/certs`, "k", "ES256")).rejects.toMatchObject({ reason: "idp_keys_invalid" });
    expect(w.idp.requests).toEqual([]);
  });
});

describe("while an IdP is in trouble", () => {
  async function canLogIn(w: World): Promise<boolean> {
    const begun = await begin(w);
    return begun.cookie !== "" && outcomeOf(w, await comeBack(w, begun)).accepted;
  }

  it("FED-28 its bad answers never replace the last good ones: logins go on for an hour, stop, and begin again by themselves", async () => {
    const clock = stopClock();
    const w = await world();
    expect(await canLogIn(w)).toBe(true);
    Object.assign(w.idp.scripts, { discovery: () => json("{}"), keys: () => json('{"keys":[]}') });
    for (let minutes = 0; minutes < 55; minutes += 11) {
      clock.forward(660);
      expect(await canLogIn(w)).toBe(true);
    }
    clock.forward(300);
    expect(await canLogIn(w)).toBe(false);
    Object.assign(w.idp.scripts, { discovery: undefined, keys: undefined });
    clock.forward(30);
    expect(await canLogIn(w)).toBe(true);
  });
});
