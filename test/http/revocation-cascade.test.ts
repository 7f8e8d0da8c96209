import { describe, expect, it } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { consistently, stoppedClock } from "../faults.ts";
import { exchange, introspect, login, refresh, type Tokens, type World, world } from "../world.ts";

const clock = stoppedClock();

const HOUR = 3600;
const FRONT = "front-end-app";
const BACK = "back-end-api";

const revoke = (w: World, client: string, token: string) => w.post("/oauth2/revoke", { token }, [client, `${client}-secret`]);
const isActive = async (w: World, client: string, token: string) => (await introspect(w, client, token)).active;

async function exchanged(w: World, client: string, subject_token: string, form: Record<string, string>): Promise<Tokens> {
  const { status, body } = await exchange(w, client, { subject_token, subject_token_type: TOKEN_TYPE.access_token, requested_token_type: TOKEN_TYPE.access_token, ...form });
  if (status !== 200) throw new Error(`the exchange was refused: ${JSON.stringify(body)} ${w.lines.at(-1)}`);
  return body as unknown as Tokens;
}

/** A login's token, what the front end exchanged from it, and what the back end exchanged from that. */
async function chain(w: World) {
  const root = await login(w, FRONT);
  const middle = await exchanged(w, FRONT, root.access_token, { audience: BACK });
  const sibling = await exchanged(w, FRONT, root.access_token, { audience: BACK });
  const leaf = await exchanged(w, BACK, middle.access_token, { audience: BACK });
  const seen = async () => ({
    root: await isActive(w, FRONT, root.access_token),
    middle: await isActive(w, BACK, middle.access_token),
    sibling: await isActive(w, BACK, sibling.access_token),
    leaf: await isActive(w, BACK, leaf.access_token),
  });
  expect(await seen()).toEqual({ root: true, middle: true, sibling: true, leaf: true });
  return { root, middle, sibling, leaf, seen };
}

describe("what hangs below a revoked token", () => {
  it("REV-06 dies with the refresh token's grant, however often it was exchanged", async () => {
    const w = await world();
    const { root, seen } = await chain(w);
    await revoke(w, FRONT, root.refresh_token);
    expect(await seen()).toEqual({ root: false, middle: false, sibling: false, leaf: false });
  });

  it("REV-07 dies with the access token that it was exchanged from; the grant and its other tokens live", async () => {
    const w = await world();
    const { root, seen } = await chain(w);
    const next = (await (await refresh(w, FRONT, root.refresh_token)).json()) as Tokens;
    const beside = await exchanged(w, FRONT, next.access_token, { audience: BACK });
    await revoke(w, FRONT, root.access_token);
    expect(await seen()).toEqual({ root: false, middle: false, sibling: false, leaf: false });
    expect(await isActive(w, FRONT, next.access_token)).toBe(true);
    expect(await isActive(w, BACK, beside.access_token)).toBe(true);
    expect((await refresh(w, FRONT, next.refresh_token)).status).toBe(200);
  });

  it("REV-08 dies with a token in the middle; what is above and beside it lives", async () => {
    const w = await world();
    const { middle, seen } = await chain(w);
    await revoke(w, FRONT, middle.access_token);
    expect(await seen()).toEqual({ root: true, middle: false, sibling: true, leaf: false });
  });

  it("REV-08 is its owner's to revoke: the client that exchanged, not the one that it is for", async () => {
    const w = await world();
    const { middle, leaf, seen } = await chain(w);
    await revoke(w, BACK, middle.access_token);
    expect(await seen()).toEqual({ root: true, middle: true, sibling: true, leaf: true });
    await revoke(w, BACK, leaf.access_token);
    expect(await seen()).toEqual({ root: true, middle: true, sibling: true, leaf: false });
  });

  it("cannot be exchanged further, nor can what was revoked", async () => {
    const w = await world();
    const { middle, leaf } = await chain(w);
    await revoke(w, FRONT, middle.access_token);
    for (const token of [middle.access_token, leaf.access_token]) {
      const { status, body } = await exchange(w, BACK, { subject_token: token, subject_token_type: TOKEN_TYPE.access_token, audience: BACK });
      expect([status, body.error]).toEqual([400, "invalid_request"]);
    }
  });

  it("dies with an exchanged refresh token's grant too, and not with the login's access token's sibling", async () => {
    const w = await world();
    const root = await login(w, FRONT);
    const grant = await exchanged(w, FRONT, root.access_token, { audience: BACK, requested_token_type: TOKEN_TYPE.refresh_token });
    const renewed = (await (await refresh(w, FRONT, grant.refresh_token)).json()) as Tokens;
    const below = await exchanged(w, BACK, renewed.access_token, { audience: BACK });
    await revoke(w, FRONT, grant.refresh_token);
    for (const token of [grant.access_token, renewed.access_token, below.access_token]) expect(await isActive(w, BACK, token)).toBe(false);
    expect((await refresh(w, FRONT, renewed.refresh_token)).status).toBe(400);
    expect(await isActive(w, FRONT, root.access_token)).toBe(true);
  });
});

describe("a revocation beside work in flight", () => {
  it("leaves nothing alive that a refresh or an exchange gave at the same time", async () => {
    const w = await world();
    for (let turn = 0; turn < 5; turn++) {
      const root = await login(w, FRONT);
      const [refreshed, exchangedNow, done] = await Promise.all([
        refresh(w, FRONT, root.refresh_token),
        exchange(w, FRONT, { subject_token: root.access_token, subject_token_type: TOKEN_TYPE.access_token, audience: BACK }),
        revoke(w, FRONT, root.refresh_token),
      ]);
      expect(done.status).toBe(200);
      const next = (await refreshed.json()) as Partial<Tokens>;
      const given = [next.access_token, next.refresh_token, exchangedNow.body.access_token].filter((token) => typeof token === "string");
      for (const token of given) for (const client of [FRONT, BACK]) expect(await isActive(w, client, token)).toBe(false);
    }
  });
});

describe("any token of a client of the SAP dialect", () => {
  const APP = "web-app";

  it.each(["access_token", "refresh_token", "id_token", "opaque"] as const)("revokes every grant of that client in the session: %s", async (by) => {
    const w = await world({ tenant: (file) => Object.assign(file.clients[APP], { tokenPolicy: { refreshParallel: 5 } }) });
    const one = await login(w, APP);
    const two = await login(w, APP, { cookie: one.cookie });
    const other = await login(w, FRONT, { cookie: one.cookie });
    const elsewhere = await login(w, APP);
    const renewed = (await (await refresh(w, APP, one.refresh_token)).json()) as Tokens;
    await revoke(w, APP, { access_token: one.access_token, refresh_token: renewed.refresh_token, id_token: one.id_token, opaque: renewed.access_token }[by]);
    for (const tokens of [one, two, renewed]) for (const token of [tokens.access_token, tokens.refresh_token, tokens.id_token]) expect(await isActive(w, APP, token)).toBe(false);
    expect((await refresh(w, APP, two.refresh_token)).status).toBe(400);
    expect(await isActive(w, FRONT, other.access_token)).toBe(true);
    expect(await isActive(w, APP, elsewhere.access_token)).toBe(true);
  });

  it("is dead too when it outlived the refresh token that it came from", async () => {
    const w = await world({ tenant: (file) => Object.assign(file.clients[APP], { tokenPolicy: { refreshTokenLifetime: HOUR, accessTokenLifetime: 2 * HOUR } }) });
    const first = await login(w, APP);
    clock.forward(HOUR - 1);
    const last = (await (await refresh(w, APP, first.refresh_token, { token_format: "jwt" })).json()) as Tokens;
    clock.forward(2 * HOUR - 10);
    expect(await isActive(w, APP, last.access_token)).toBe(true);
    await revoke(w, APP, last.access_token);
    expect(await isActive(w, APP, last.access_token)).toBe(false);
  });

  it("is dead though its family was never told of it: issued in edge, and the line was lost", async () => {
    const w = await world({
      tenant: (file) => {
        consistently("edge")(file);
        Object.assign(file.clients["hr-service"], { dialect: "sap" });
      },
      service: (service) => ({ ...service, edgeRecords: { tell: () => undefined } }),
    });
    const root = await login(w, "travel-agent");
    const given = await exchanged(w, "travel-agent", root.access_token, { scope: "hr-service|level:read" });
    const again = () => exchanged(w, "hr-service", given.access_token, { token_format: "jwt", scope: "level:read" });
    await again();
    const untold = await again();
    expect(w.lines.at(-1)).toContain('"consistency":"edge"');
    expect(await isActive(w, "hr-service", untold.access_token)).toBe(true);
    await revoke(w, "hr-service", untold.access_token);
    expect(await isActive(w, "hr-service", untold.access_token)).toBe(false);
    expect(await isActive(w, "hr-service", given.access_token)).toBe(true);
  });
});
