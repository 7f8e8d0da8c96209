import { describe, expect, it } from "vitest";
import { randomId } from "../../src/protocol/bytes.ts";
import type { Families } from "../../src/storage/families.ts";
import type { Extend } from "../../src/storage/family/exchange-ask.ts";
import {
  CLIENT,
  exchanging,
  fateOf,
  granted,
  HOUR,
  type Holder,
  jwtLeaf,
  lazyQuery,
  opaqueLeaf,
  opaqueQuery,
  pathQuery,
  presenting,
  refreshQuery,
  type SubjectToken,
  successor,
  TENANT,
} from "./asks.ts";
import { now, pass, START, stoppedClock } from "./clock.ts";

/** How a family is extended by an exchange: the subject is alive, there is budget, and the child hangs below it. */
export function exchangeContract(name: string, make: () => Families): void {
  const own = (changes: Partial<SubjectToken> & Pick<SubjectToken, "query">): SubjectToken => ({
    client: CLIENT,
    expires: now() + HOUR,
    hops: 0,
    deadline: now() + 90 * 24 * HOUR,
    ...changes,
  });
  /** A login, and its three kinds of token as subjects of an exchange. */
  const loggedIn = async (families: Families, changes: Parameters<typeof granted>[1] = {}) => {
    const [jwt, opaque] = [jwtLeaf(), opaqueLeaf()];
    const login = await granted(families, { ...changes, redeem: { leaves: [jwt, opaque], ...changes.redeem } });
    const sid = login.answer.record.sid;
    return {
      ...login,
      jwt: own({ query: pathQuery([login.grant], jwt.id, sid), ...(sid === undefined ? {} : { sid }) }),
      opaque: own({ query: opaqueQuery(login.grant, opaque.hash) }),
      refreshToken: own({ query: refreshQuery(login.token) }),
      nodes: { jwt: jwt.id, opaque: opaque.id, refreshToken: login.grant },
    };
  };
  const exchanged = async (families: Families, family: string, ask: Extend) => {
    const answer = await families.extend(family, ask);
    if (!answer.ok) throw new Error(`not exchanged: ${answer.reason}`);
    return { answer, child: pathQuery(answer.record.path, ask.accessToken.id, answer.record.sid) };
  };
  const KINDS = ["jwt", "opaque", "refreshToken"] as const;

  describe(`${name}: an exchange`, () => {
    stoppedClock();

    it.each(KINDS)("of a living %s records the child below it, one hop further, with a chain of its own", async (kind) => {
      const families = make();
      const login = await loggedIn(families);
      const ask = exchanging(login[kind]);
      const { answer, child } = await exchanged(families, login.family, ask);
      const above = kind === "refreshToken" ? [login.grant] : [login.grant, login.nodes[kind]];
      expect(answer).toMatchObject({ ok: true, record: { path: [...above, ask.grant], hops: 1, client: CLIENT }, chain: { generation: 0, expires: START + 12 * HOUR } });
      expect(await fateOf(families, login.family, child)).toBe("alive");
    });

    it.each(KINDS)("of a %s ends with what is revoked above it, wherever that is", async (kind) => {
      const families = make();
      const login = await loggedIn(families);
      const first = await exchanged(families, login.family, exchanging(login[kind]));
      const second = await exchanged(families, login.family, exchanging(own({ query: first.child, hops: 1 })));
      await families.revoke(login.family, { kind: "node", node: first.child.kind === "path" ? first.child.node : "", tenant: TENANT, expires: now() + HOUR, lazy: false });
      expect([await fateOf(families, login.family, first.child), await fateOf(families, login.family, second.child)]).toEqual(["node_revoked", "node_revoked"]);
      const another = await exchanged(families, login.family, exchanging(login[kind]));
      await families.revoke(login.family, { kind: "refresh", parent: "", node: login.grant, client: CLIENT, everyGrant: false });
      expect(await fateOf(families, login.family, another.child)).toBe("node_revoked");
      expect(await families.extend(login.family, exchanging(login[kind]))).toMatchObject({ ok: false, reason: "subject_dead" });
    });

    it.each(KINDS)("of a %s by the same operation answers as the first time and counts once", async (kind) => {
      const families = make();
      const login = await loggedIn(families);
      const ask = exchanging(login[kind], { budget: 2 });
      const first = await families.extend(login.family, ask);
      pass(5);
      for (let again = 0; again < 3; again++) expect(await families.extend(login.family, ask)).toEqual(first);
      expect(await families.extend(login.family, exchanging(login[kind], { budget: 2 }))).toMatchObject({ ok: true });
      expect(await families.extend(login.family, exchanging(login[kind], { budget: 2 }))).toMatchObject({ ok: false, reason: "subject_budget" });
    });

    it.each(KINDS)("CON-04 of a %s fifty times at once is as many as the budget allows, and the budget is one token's own", async (kind) => {
      const families = make();
      const login = await loggedIn(families);
      const answers = await Promise.all(Array.from({ length: 50 }, () => families.extend(login.family, exchanging(login[kind], { budget: 10 }))));
      expect(answers.filter(({ ok }) => ok)).toHaveLength(10);
      for (const answer of answers) expect(answer.ok ? answer.record.hops : answer.reason).toBe(answer.ok ? 1 : "subject_budget");
      for (const other of KINDS.filter((candidate) => candidate !== kind))
        expect(await families.extend(login.family, exchanging(login[other], { budget: 10 }))).toMatchObject({ ok: true });
    });

    it("is not counted against the budget by a refresh that gave an opaque token", async () => {
      const families = make();
      const { family, token, refreshToken } = await loggedIn(families);
      for (let count = 0; count < 5; count++) await families.refresh(family, presenting(token, { leaves: [opaqueLeaf()] }));
      expect(await families.extend(family, exchanging(refreshToken, { budget: 1 }))).toMatchObject({ ok: true });
    });

    it.each(KINDS)("of a %s ends with the login session, unless the requester is independent of it", async (kind) => {
      const families = make();
      const login = await loggedIn(families, { code: { coupled: true } });
      const coupled = exchanging(login[kind]);
      const independent = exchanging(login[kind]);
      const free = { ...independent, request: { ...independent.request, requester: { ...independent.request.requester, isIndependent: true } } };
      const [one, two] = [await exchanged(families, login.family, coupled), await exchanged(families, login.family, free)];
      await families.endSession(login.family, login.session.id);
      expect([await fateOf(families, login.family, one.child), await fateOf(families, login.family, two.child)]).toEqual(["session_ended", "alive"]);
    });

    it("gives nothing that outlives its subject, and no chain that outlives the subject's grant, a hundred times over", async () => {
      const families = make();
      const login = await loggedIn(families, { redeem: { chain: { hash: "h", keyNumber: 1, lifetime: 2 * HOUR } } });
      const { family } = login;
      const subject = own({ query: login.jwt.query, expires: START + 600 });
      for (let count = 0; count < 100; count++) {
        pass(3);
        expect(await families.extend(family, exchanging(subject))).toMatchObject({
          leaves: [{ expires: START + 600 }, { expires: START + 600 }],
          chain: { expires: START + 2 * HOUR },
        });
      }
    });
  });

  describe(`${name}: an exchange of a refresh token`, () => {
    stoppedClock();
    const asSubject = (token: Holder) => exchanging(own({ query: refreshQuery(token) }));

    it("does not use it up, however often", async () => {
      const families = make();
      const { family, token } = await loggedIn(families);
      for (let count = 0; count < 3; count++) expect(await families.extend(family, asSubject(token))).toMatchObject({ ok: true });
      expect(await families.refresh(family, presenting(token))).toMatchObject({ ok: true, chain: { generation: 1 } });
    });

    it("takes the one before within the window, until its successor is used", async () => {
      const families = make();
      const { family, token } = await loggedIn(families);
      await families.refresh(family, presenting(token));
      expect(await families.extend(family, asSubject(token))).toMatchObject({ ok: true });
      expect(await families.extend(family, asSubject(successor(token)))).toMatchObject({ ok: true });
      expect(await families.extend(family, asSubject(token))).toMatchObject({ ok: false });
      expect(await families.refresh(family, presenting(successor(token)))).toEqual({ ok: false, reason: "refresh_revoked" });
    });

    it("that was rotated out before the window is reuse: the grant dies", async () => {
      const families = make();
      const { family, token, grant, ask } = await loggedIn(families);
      await families.refresh(family, presenting(token));
      pass(10);
      expect(await families.extend(family, asSubject(token))).toMatchObject({ ok: false, reason: "subject_dead" });
      expect(await fateOf(families, family, pathQuery([grant], ask.leaves[0]!.id))).toBe("node_revoked");
    });

    it.each([
      ["another client", { requester: "web-app" }, {}],
      ["another client, of an old one", { requester: "web-app" }, { generation: -1 }],
    ] as const)("by %s is refused and changes nothing", async (_what, changes, generation) => {
      const families = make();
      const { family, token } = await loggedIn(families);
      expect(await families.extend(family, exchanging(own({ query: { ...refreshQuery(token), ...generation } as never }), changes))).toMatchObject({ ok: false });
      expect(await families.refresh(family, presenting(token))).toMatchObject({ ok: true });
    });
  });

  describe(`${name}: an exchange of a lazy root`, () => {
    stoppedClock();
    const root = (lifetime = HOUR) => ({ node: randomId(), expires: now() + lifetime });

    it("opens its family: root and child are alive, and revoking the root kills both", async () => {
      const families = make();
      const family = families.create(undefined);
      const { node, expires } = root();
      const { child } = await exchanged(families, family, exchanging(own({ query: lazyQuery(node), expires })));
      expect([await fateOf(families, family, lazyQuery(node)), await fateOf(families, family, child)]).toEqual(["alive", "alive"]);
      await families.revoke(family, { kind: "node", node, tenant: TENANT, expires, lazy: true });
      expect([await fateOf(families, family, lazyQuery(node)), await fateOf(families, family, child)]).toEqual(["node_revoked", "node_revoked"]);
    });

    it("that was revoked gives nothing", async () => {
      const families = make();
      const family = families.create(undefined);
      const { node, expires } = root();
      await families.revoke(family, { kind: "node", node, tenant: TENANT, expires, lazy: true });
      expect(await families.extend(family, exchanging(own({ query: lazyQuery(node), expires })))).toMatchObject({ ok: false, reason: "subject_dead" });
    });

    it("that is refused opens nothing", async () => {
      const families = make();
      const family = families.create(undefined);
      const { node } = root();
      expect(await families.extend(family, exchanging(own({ query: lazyQuery(node), expires: now() })))).toMatchObject({ ok: false });
      expect(await fateOf(families, family, pathQuery([node], randomId()))).toBe("family_unknown");
    });

    it("keeps the family until the root itself has expired, however short the child", async () => {
      const families = make();
      const family = families.create(undefined);
      const { node, expires } = root();
      await exchanged(families, family, exchanging(own({ query: lazyQuery(node), expires }), { accessToken: jwtLeaf(30), idToken: jwtLeaf(30) }));
      pass(HOUR + 119);
      expect(await fateOf(families, family, lazyQuery(node))).toBe("alive");
      pass(1);
      expect(await fateOf(families, family, lazyQuery(node))).toBe("family_closed");
    });

    it("is no way to exchange what hangs below a family that nobody opened", async () => {
      const families = make();
      const ask = exchanging(own({ query: pathQuery(["a"], "b") }));
      expect(await families.extend(families.create(undefined), ask)).toMatchObject({ ok: false, reason: "subject_dead" });
    });
  });

  describe(`${name}: exchanges that were decided at the edge`, () => {
    stoppedClock();

    it("are recorded together, each once, though they are told twice", async () => {
      const families = make();
      const login = await loggedIn(families);
      const asks = Array.from({ length: 5 }, () => exchanging(login.jwt, { budget: 6 }));
      expect([await families.record(login.family, asks), await families.record(login.family, asks)]).toEqual([true, true]);
      expect(await families.trace(login.family)).toMatchObject({ nodes: { length: 6 } });
      expect(await families.extend(login.family, exchanging(login.jwt, { budget: 6 }))).toMatchObject({ ok: true });
      expect(await families.extend(login.family, exchanging(login.jwt, { budget: 6 }))).toMatchObject({ ok: false, reason: "subject_budget" });
    });

    it("of which the family would have refused one are told so, and the others are recorded", async () => {
      const families = make();
      const login = await loggedIn(families);
      const other = await loggedIn(families);
      expect(await families.record(login.family, [exchanging(login.jwt), exchanging(other.opaque), exchanging(login.opaque)])).toBe(false);
      expect(await families.trace(login.family)).toMatchObject({ nodes: { length: 3 } });
    });
  });
}
