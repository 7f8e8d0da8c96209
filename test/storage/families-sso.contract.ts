import { describe, expect, it } from "vitest";
import { randomId } from "../../src/protocol/bytes.ts";
import type { Families } from "../../src/storage/families.ts";
import type { RedeemSso } from "../../src/storage/family/login-ask.ts";
import {
  anotherCode,
  CLIENT,
  DONA,
  exchanging,
  fateOf,
  granted,
  HOUR,
  holderOf,
  newCode,
  newSession,
  opaqueLeaf,
  opaqueQuery,
  pathQuery,
  presenting,
  redemption,
  refreshQuery,
} from "./asks.ts";
import { now, pass, START, stoppedClock } from "./clock.ts";

const HOME = "https://web.example.com/";

/** How an SSO token is redeemed: once, for a session that is no wider than the token. */
export function ssoContract(name: string, make: () => Families): void {
  /** A login, and an SSO token that was exchanged from its refresh token. */
  const withSsoToken = async (families: Families, changes: Parameters<typeof granted>[1] = {}) => {
    const login = await granted(families, changes);
    const leaf = opaqueLeaf(300);
    const subject = { query: refreshQuery(login.token), client: CLIENT, expires: now() + HOUR, hops: 0, deadline: now() + HOUR };
    const { request, ...ask } = exchanging(subject, { accessToken: leaf, sso: { applications: [CLIENT, "web-app"], redirectUris: [HOME], maxHops: 5 } });
    const { chain: _none, ...extension } = { ...ask, request: { ...request, requested: "sso_token", isExplicit: true } as const };
    const answer = await families.extend(login.family, extension);
    if (!answer.ok) throw new Error(answer.reason);
    const place = { parent: login.grant, node: extension.grant, hash: leaf.hash };
    const redeemSso = (other: Partial<RedeemSso> = {}) =>
      families.redeemSso(login.family, { ...place, redirectUri: HOME, session: { id: randomId(), hash: "session", lifetime: 12 * HOUR }, isConfirmed: false, ...other });
    return { ...login, leaf, redeemSso, sso: opaqueQuery(place.node, place.hash, place.parent), place };
  };
  const codeOf = async (families: Families, family: string, session: string, client: string) => {
    const code = newCode({ client, coupled: true });
    const answer = await families.signOn(family, { session, hash: "session", client, code });
    return answer.ok ? code : undefined;
  };

  describe(`${name}: an SSO token`, () => {
    stoppedClock();

    it("is redeemed once: the same operation is answered again, another is refused", async () => {
      const families = make();
      const { family, redeemSso, sso } = await withSsoToken(families);
      const session = { id: "s", hash: "session", lifetime: HOUR };
      expect(await fateOf(families, family, sso)).toBe("alive");
      expect(await redeemSso({ session })).toMatchObject({ ok: true, principal: DONA, needsClick: false });
      expect(await redeemSso({ session })).toMatchObject({ ok: true, needsClick: false });
      expect(await redeemSso()).toMatchObject({ ok: false, reason: "sso_dead" });
      expect(await fateOf(families, family, sso)).toBe("redeemed");
    });

    it("is redeemed once by fifty at a time", async () => {
      const families = make();
      const { redeemSso } = await withSsoToken(families);
      const answers = await Promise.all(Array.from({ length: 50 }, () => redeemSso()));
      expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
    });

    it.each([
      ["another address", { redirectUri: "https://evil.example.com/" }, "sso_redirect_unknown"],
      ["another secret", { hash: "another" }, "sso_dead"],
      ["another place", { parent: "another" }, "sso_dead"],
    ] as const)("is refused with %s, and not used up", async (_what, changes, reason) => {
      const families = make();
      const { redeemSso } = await withSsoToken(families);
      expect(await redeemSso(changes)).toMatchObject({ ok: false, reason });
      expect(await redeemSso()).toMatchObject({ ok: true });
    });

    it("never replaces another user's session without a click, and is not used up by asking", async () => {
      const families = make();
      const { redeemSso } = await withSsoToken(families);
      expect(await redeemSso({ present: "julie" })).toMatchObject({ ok: true, needsClick: true });
      expect(await redeemSso({ present: "julie", isConfirmed: true })).toMatchObject({ ok: true, needsClick: false });
    });

    it("is worth nothing once it has expired, its grant is revoked, its login has ended or its family is revoked", async () => {
      const families = make();
      const ends = [
        async () => pass(300),
        async ({ family, grant }: { readonly family: string; readonly grant: string }) =>
          await families.revoke(family, { kind: "refresh", parent: "", node: grant, client: CLIENT, everyGrant: false }),
        async ({ family, session }: { readonly family: string; readonly session: { readonly id: string } }) => await families.endSession(family, session.id),
        async ({ family }: { readonly family: string }) => await families.revoke(family, { kind: "family" }),
      ];
      for (const end of ends) {
        const login = await withSsoToken(families, { code: { coupled: true } });
        await end(login);
        expect(await login.redeemSso()).toMatchObject({ ok: false, reason: "sso_dead" });
      }
    });

    it("is no access token: it is exchanged for nothing", async () => {
      const families = make();
      const { family, sso } = await withSsoToken(families);
      const subject = { query: sso, client: CLIENT, expires: now() + 60, hops: 1, deadline: now() + HOUR };
      expect(await families.extend(family, exchanging(subject))).toMatchObject({ ok: false, reason: "subject_dead" });
    });
  });

  describe(`${name}: the session that an SSO token opens`, () => {
    stoppedClock();

    it("is for the token's applications and scopes only, one hop further, below the token", async () => {
      const families = make();
      const { family, redeemSso, place, leaf, grant } = await withSsoToken(families, { code: { scope: ["openid"] } });
      await redeemSso({ session: { id: "s", hash: "session", lifetime: 12 * HOUR } });
      expect(await codeOf(families, family, "s", "stranger")).toBeUndefined();
      const code = await codeOf(families, family, "s", "web-app");
      const ask = redemption(code ?? newCode());
      expect(await families.redeem(family, ask)).toMatchObject({
        ok: true,
        record: { scope: ["openid"], hops: 2, path: [grant, place.node, leaf.id, ask.grant], authTime: START },
      });
    });

    it.each([
      ["the token", (place: { readonly leaf: string; readonly grant: string }) => place.leaf],
      ["the grant that it came from", (place: { readonly leaf: string; readonly grant: string }) => place.grant],
    ])("dies when %s is revoked, with everything that was given in it", async (_what, pick) => {
      const families = make();
      const { family, redeemSso, leaf, grant } = await withSsoToken(families);
      await redeemSso({ session: { id: "s", hash: "session", lifetime: HOUR } });
      const ask = redemption((await codeOf(families, family, "s", "web-app")) ?? newCode());
      const answer = await families.redeem(family, ask);
      const query = answer.ok ? pathQuery(answer.record.path, ask.leaves[0]!.id, "s") : refreshQuery(holderOf(ask));
      const late = await codeOf(families, family, "s", "web-app");
      expect(await fateOf(families, family, query)).toBe("alive");
      await families.revoke(family, { kind: "node", node: pick({ leaf: leaf.id, grant }), tenant: "t", expires: now() + HOUR, lazy: false });
      expect(await fateOf(families, family, query)).toBe("node_revoked");
      expect(await codeOf(families, family, "s", "web-app")).toBeUndefined();
      expect(await families.redeem(family, redemption(late ?? newCode()))).toMatchObject({ ok: false, reason: "code_family_dead" });
    });

    it("ends with the login session where the token did, and never outlives it", async () => {
      const families = make();
      const { family, redeemSso, session } = await withSsoToken(families, { session: { lifetime: HOUR }, code: { coupled: true } });
      await redeemSso({ session: { id: "s", hash: "session", lifetime: 12 * HOUR } });
      const ask = redemption((await codeOf(families, family, "s", "web-app")) ?? newCode());
      const answer = await families.redeem(family, ask);
      expect(answer).toMatchObject({ ok: true, record: { sid: "s" }, chain: { expires: START + HOUR } });
      const query = answer.ok ? pathQuery(answer.record.path, ask.leaves[0]!.id, "s") : refreshQuery(holderOf(ask));
      await families.endSession(family, session.id);
      expect(await fateOf(families, family, query)).toBe("session_ended");
      expect(await codeOf(families, family, "s", "web-app")).toBeUndefined();
    });

    it("goes on after the login session where the token did not end with it; its own end leaves the login alone", async () => {
      const families = make();
      const first = await withSsoToken(families);
      await first.redeemSso({ session: { id: "s", hash: "session", lifetime: HOUR } });
      await families.endSession(first.family, first.session.id);
      expect(await codeOf(families, first.family, "s", "web-app")).toBeDefined();
      const second = await withSsoToken(families, { session: newSession({ id: "login", hash: "session" }), code: { coupled: true } });
      await second.redeemSso({ session: { id: "s", hash: "session", lifetime: HOUR } });
      await families.endSession(second.family, "s");
      expect(await families.refresh(second.family, presenting(second.token))).toMatchObject({ ok: true });
      expect(await anotherCode(families, second.family, second.session)).toBeDefined();
    });
  });
}
