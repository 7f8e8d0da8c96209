import { describe, expect, it } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { consistently, stoppedClock } from "../faults.ts";
import { arrive, exchange, ISSUER, introspect, login, redeem, refresh, type Tokens, type World } from "../world.ts";
import { type InterceptedWorld, interceptedWorld } from "./intercepted.ts";

const clock = stoppedClock();

/** A world in which this isolate has seen every client, key and IdP of the demo before: its configuration is warm. */
async function warmWorld(consistency: "strong" | "edge" | "eventual" = "strong"): Promise<InterceptedWorld> {
  const w = await interceptedWorld({ tenant: consistently(consistency) });
  const { access_token, refresh_token } = await login(w, "mobile-app");
  await refresh(w, "mobile-app", refresh_token);
  await introspect(w, "web-app", access_token);
  const page = await login(w, "front-end-app");
  await exchange(w, "front-end-app", { subject_token: page.access_token, subject_token_type: TOKEN_TYPE.access_token, audience: "back-end-api" });
  await introspect(w, "back-end-api", page.access_token);
  await credentials(w);
  return w;
}

const credentials = (w: World, extra: Record<string, string> = {}) =>
  w.post("/oauth2/token", { grant_type: "client_credentials", ...extra }, ["billing-worker", "billing-worker-secret"]);

const handOver = async (w: World) => (await (await refresh(w, "mobile-app", (await login(w, "mobile-app")).refresh_token)).json()) as Tokens;

describe("what a request costs when the configuration is warm", () => {
  it("client credentials as a JWT: no object call at all, no KV", async () => {
    const w = await warmWorld();
    expect(await w.during(async () => expect((await credentials(w)).status).toBe(200))).toEqual([]);
  });

  it("metadata, keys and the first page: nothing", async () => {
    const w = await warmWorld();
    for (const path of ["/", "/oauth2/certs", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/health/alive"]) {
      expect([path, ...(await w.during(async () => expect((await w.fetch(path)).status).toBe(200)))]).toEqual([path]);
    }
  });

  it("a login: its state once, the user once, the session at the IdP once, the family once", async () => {
    const w = await warmWorld();
    expect(await w.during(() => arrive(w, "web-app"))).toEqual(["single-use.use", "user.register", "user.registerSession", "family.open"]);
  });

  it("a single sign-on: one", async () => {
    const w = await warmWorld();
    const { cookie } = await login(w, "web-app");
    expect(await w.during(async () => expect((await arrive(w, "front-end-app", { cookie })).code).not.toBe(""))).toEqual(["family.signOn"]);
  });

  it("the redemption of a code: one", async () => {
    const w = await warmWorld();
    const arrived = await arrive(w, "mobile-app");
    expect(await w.during(async () => expect((await redeem(w, "mobile-app", arrived)).status).toBe(200))).toEqual(["family.redeem"]);
  });

  it("a refresh: one", async () => {
    const w = await warmWorld();
    const { refresh_token } = await login(w, "mobile-app");
    expect(await w.during(async () => expect((await refresh(w, "mobile-app", refresh_token)).status).toBe(200))).toEqual(["family.refresh"]);
  });

  it("an exchange: one", async () => {
    const w = await warmWorld();
    const { access_token } = await login(w, "front-end-app");
    const ask = { subject_token: access_token, subject_token_type: TOKEN_TYPE.access_token, audience: "back-end-api" };
    expect(await w.during(async () => expect((await exchange(w, "front-end-app", ask)).status).toBe(200))).toEqual(["family.extend"]);
  });

  it.each(["access_token", "refresh_token", "id_token"] as const)("a revocation of a %s: one", async (kind) => {
    const w = await warmWorld();
    const token = (await login(w, "mobile-app"))[kind];
    expect(await w.during(async () => expect((await w.post("/oauth2/revoke", { token, client_id: "mobile-app" })).status).toBe(200))).toEqual(["family.revoke"]);
  });

  it("userinfo: one", async () => {
    const w = await warmWorld();
    const { access_token } = await login(w, "mobile-app");
    expect(await w.during(() => w.fetch("/oauth2/userinfo", { headers: { authorization: `Bearer ${access_token}` } }))).toEqual(["family.status"]);
  });

  it("the IdP's own tokens: one; and two more for the one who refreshes them", async () => {
    const w = await warmWorld();
    w.idp.expiresIn = 60;
    const { access_token: assertion } = await login(w, "web-app");
    const ask = async () => expect((await w.post("/oauth2/exchange/corporateidp", { assertion }, ["web-app", "web-app-secret"])).status).toBe(200);
    await ask();
    expect(await w.during(ask)).toEqual(["family.providerTokens"]);
    clock.forward(60);
    // A minute later the configuration is asked for again, too.
    const families = async () => (await w.during(ask)).filter((call) => call.startsWith("family."));
    expect(await families()).toEqual(["family.providerTokens", "family.beginProviderRefresh", "family.endProviderRefresh"]);
    expect(await families()).toEqual(["family.providerTokens"]);
  });

  it("junk of any kind: nothing, whatever it claims to be", async () => {
    const w = await warmWorld();
    const { refresh_token, access_token } = await login(w, "mobile-app");
    for (const token of [
      "x",
      "cambio_at_AAAA",
      `${refresh_token}A`,
      `${access_token}A`,
      refresh_token.replace("cambio_rt_", "cambio_at_"),
      access_token.replace(/\.[^.]*$/, ".AAAA"),
    ]) {
      expect(await w.during(() => introspect(w, "web-app", token))).toEqual([]);
      expect(await w.during(() => refresh(w, "mobile-app", token))).toEqual([]);
      expect(await w.during(() => w.post("/oauth2/revoke", { token, client_id: "mobile-app" }))).toEqual([]);
      expect(await w.during(() => w.fetch("/oauth2/userinfo", { headers: { authorization: `Bearer ${token}` } }))).toEqual([]);
    }
  });
});

describe("what an introspection costs when the configuration is warm", () => {
  const seeing = (w: InterceptedWorld, token: string, consistency: string) =>
    w.during(async () => expect(await introspect(w, "web-app", token)).toMatchObject({ active: true, cambio_consistency: consistency }));

  it("strong: one object call each time, no KV", async () => {
    const w = await warmWorld("strong");
    const { access_token } = await handOver(w);
    for (let time = 0; time < 3; time++) expect(await seeing(w, access_token, "strong")).toEqual(["family.status"]);
  });

  it("edge: one object call the first time, then none for five seconds; no KV", async () => {
    const w = await warmWorld("edge");
    const { access_token } = await handOver(w);
    expect(await seeing(w, access_token, "strong")).toEqual(["family.status"]);
    for (let time = 0; time < 3; time++) expect(await seeing(w, access_token, "edge")).toEqual([]);
    clock.forward(4);
    expect(await seeing(w, access_token, "edge")).toEqual([]);
    clock.forward(1);
    expect((await seeing(w, access_token, "strong")).filter((call) => call.startsWith("family."))).toEqual(["family.status"]);
  });

  it("eventual: no object call, one read of KV; the copy was written when the token was issued", async () => {
    const w = await warmWorld("eventual");
    const { refresh_token } = await login(w, "mobile-app");
    let renewed: Tokens | undefined;
    expect(
      await w.during(async () => {
        renewed = (await (await refresh(w, "mobile-app", refresh_token)).json()) as Tokens;
      }),
    ).toEqual(["family.refresh", "kv.put"]);
    for (let time = 0; time < 3; time++) expect(await seeing(w, renewed?.access_token ?? "", "eventual")).toEqual(["kv.get"]);
  });

  it("of what another client's record does not allow to be weaker: the stronger one's price", async () => {
    const w = await interceptedWorld({
      tenant: (file) => {
        consistently("eventual")(file);
        Object.assign(file.clients["mobile-app"], { consistency: "strong" });
      },
    });
    await introspect(w, "web-app", (await handOver(w)).access_token);
    const { access_token } = await handOver(w);
    expect(await seeing(w, access_token, "strong")).toContain("family.status");
  });
});

describe("what the configuration costs", () => {
  it("nothing for five seconds, one call after a response for the next five, and one before it from the tenth on", async () => {
    const w = await warmWorld();
    const costs: (readonly string[])[] = [];
    for (const age of [0, 4, 1, 1, 9, 10]) {
      clock.forward(age);
      costs.push(await w.during(() => credentials(w)));
    }
    expect(costs).toEqual([[], [], ["tenant.confirm"], [], ["tenant.confirm"], ["tenant.confirm"]]);
  });

  it("one read for a record that changed, when it is next needed", async () => {
    const w = await warmWorld();
    const { file } = await w.service.tenants.export(ISSUER);
    Object.assign(file?.clients["billing-worker"] ?? {}, { displayName: "renamed" });
    await w.service.tenants.apply(ISSUER, { operator: "olga", file, deployed: { signing: [], token: [] }, prune: false, dryRun: false });
    clock.forward(10);
    expect(await w.during(() => credentials(w))).toEqual(["tenant.confirm", "tenant.read"]);
    expect(await w.during(() => credentials(w))).toEqual([]);
  });
});

describe("what follows a response", () => {
  /** Sends a form and answers as soon as there is a response, whatever is still under way. */
  const atOnce = async (w: World, path: string, form: Record<string, string>) => {
    const after: Promise<unknown>[] = [];
    const body = new URLSearchParams(form).toString();
    const request = new Request(new URL(path, ISSUER), { method: "POST", body, headers: { "content-type": "application/x-www-form-urlencoded" } });
    return { response: await w.app.fetch(request, { after: (work) => void after.push(work) }), after };
  };

  it("is never waited for: a copy that KV never takes, one that it never deletes, a confirmation that never comes", async () => {
    const w = await warmWorld("eventual");
    const { refresh_token } = await login(w, "mobile-app");
    w.intercept = async (call, run) => (call === "kv.put" || call === "kv.delete" || call === "tenant.confirm" ? await new Promise(() => undefined) : await run());
    const renewed = await atOnce(w, "/oauth2/token", { grant_type: "refresh_token", refresh_token, client_id: "mobile-app" });
    expect([renewed.response.status, renewed.after.length]).toEqual([200, 1]);
    const { access_token } = (await renewed.response.json()) as Tokens;
    const revoked = await atOnce(w, "/oauth2/revoke", { token: access_token, client_id: "mobile-app" });
    expect([revoked.response.status, revoked.after.length]).toEqual([200, 1]);
    clock.forward(6);
    const asked = await atOnce(w, "/oauth2/revoke", { token: "x", client_id: "mobile-app" });
    expect([asked.response.status, asked.after.length]).toEqual([200, 1]);
  });

  it("spoils nothing when it fails", async () => {
    const w = await warmWorld("eventual");
    const { refresh_token } = await login(w, "mobile-app");
    w.intercept = async (call, run) => {
      if (call.startsWith("kv.")) throw new Error("429 Too Many Requests");
      return await run();
    };
    const renewed = await atOnce(w, "/oauth2/token", { grant_type: "refresh_token", refresh_token, client_id: "mobile-app" });
    expect(renewed.response.status).toBe(200);
    await expect(Promise.all(renewed.after)).resolves.toBeDefined();
  });
});
