import { describe, expect, it } from "vitest";
import type { CodeRow, FamilyRow, FamilyRows, NodeRow, SessionRow } from "../../src/storage/family/rows.ts";
import { DONA } from "./asks.ts";

const FAMILY: FamilyRow = { op: "op", tenant: "t", kind: "login", root: 100, closes: 500 };
const SESSION: SessionRow = { id: "s", hash: "h", created: 1, expires: 2, authTime: 0, idp: "corp" };
const CODE: CodeRow = { id: "c", hash: "h", expires: 9, client: "a", redirectUri: "http://x", challenge: "ch", scope: [], session: "s", coupled: false };
const NODE: NodeRow = { parent: "", id: "n", client: "a", issued: 1, expires: 2, record: { client: "a", audience: [], scope: [], path: ["n"], hops: 0, deadline: 9 }, leaves: [] };
const LEAF = { id: "l", type: "access_token", issued: 1, expires: 2 } as const;

/** The rows of one family: what is put is found again, exactly. `within` runs a test over the rows of an empty family. */
export function familyRowsContract(name: string, within: (test: (rows: FamilyRows) => void) => Promise<void>): void {
  describe(`${name}: rows`, () => {
    it("are none at first, however they are asked for", () =>
      within((rows) => {
        expect([rows.family(), rows.session("s"), rows.code("c"), rows.node("", "n")]).toEqual([undefined, undefined, undefined, undefined]);
        expect([rows.children("", 9), rows.nodesOf("a"), rows.nodes(9), rows.sessions(), rows.revokedNodes(9), rows.refusals()]).toEqual([[], [], [], [], [], []]);
        expect([rows.exchanges("", 9), rows.anyRevoked([]), rows.anyRevoked(["n"])]).toEqual([0, false, false]);
      }));

    it.each([
      FAMILY,
      { ...FAMILY, user: "u" },
      { ...FAMILY, principal: DONA },
      { ...FAMILY, kind: "external", revoked: 7, user: "u", principal: { ...DONA, name: "D\u00f6na \u0000 🙂" } },
    ] as const)("give the family as it was put: %j", (family) =>
      within((rows) => {
        rows.putFamily(family);
        expect(rows.family()).toEqual(family);
      }),
    );

    it("have one family: what is put again replaces what may change of it", () =>
      within((rows) => {
        rows.putFamily(FAMILY);
        rows.putFamily({ ...FAMILY, closes: 900 });
        rows.putFamily({ ...FAMILY, closes: 900, revoked: 300 });
        expect(rows.family()).toEqual({ ...FAMILY, closes: 900, revoked: 300 });
      }));

    it("give sessions and codes as they were put last", () =>
      within((rows) => {
        rows.putSession(SESSION);
        rows.putSession({ ...SESSION, ended: 5, idpSid: "sid", idpTokens: "sealed" });
        rows.putSession({ ...SESSION, id: "r" });
        rows.putCode(CODE);
        rows.putCode({ ...CODE, grant: "g", nonce: "n", scope: ["a", "b"] });
        expect(rows.session("s")).toEqual({ ...SESSION, ended: 5, idpSid: "sid", idpTokens: "sealed" });
        expect(rows.sessions().map(({ id }) => id)).toEqual(["r", "s"]);
        expect(rows.code("c")).toEqual({ ...CODE, grant: "g", nonce: "n", scope: ["a", "b"] });
        expect(rows.code("s")).toBeUndefined();
      }));

    it("count exchanges up to a limit, whatever was counted before: what is added, what is put again, leaves not at all", () =>
      within((rows) => {
        const child = (id: string): NodeRow => ({ ...NODE, parent: "p", id });
        for (const id of ["a", "b"]) rows.addNode(child(id));
        expect([rows.exchanges("p", 2), rows.exchanges("p", 9), rows.exchanges("p", 1)]).toEqual([2, 2, 1]);
        rows.addNode(child("c"));
        rows.addNode({ ...child("l"), kind: "leaf" });
        expect([rows.exchanges("p", 9), rows.exchanges("q", 9), rows.exchanges("p", 3)]).toEqual([3, 0, 3]);
        rows.putNode({ ...child("c"), redeemed: "s" });
        rows.putNode(child("d"));
        expect(rows.exchanges("p", 9)).toBe(4);
        expect(rows.node("p", "c")).toEqual({ ...child("c"), redeemed: "s" });
      }));

    it("count nothing below leaves that were just drawn, and then what is added there", () =>
      within((rows) => {
        rows.putNode(NODE);
        rows.addLeaves([LEAF, { ...LEAF, id: "m" }]);
        rows.addNode({ ...NODE, parent: "l", id: "x" });
        expect([rows.exchanges("l", 9), rows.exchanges("m", 9), rows.exchanges("l", 1)]).toEqual([1, 0, 1]);
      }));

    it("add a node once: the one that stands is given, whatever comes second", () =>
      within((rows) => {
        const second = { ...NODE, issued: 5, leaves: [LEAF] };
        expect([rows.addNode(NODE), rows.addNode(second), rows.node("", "n")]).toEqual([NODE, NODE, NODE]);
        expect(rows.exchanges("", 9)).toBe(1);
      }));

    it("renew a node's leaves, chain and expiry, and give them back", () =>
      within((rows) => {
        rows.putNode(NODE);
        const renewed = { ...NODE, expires: 9, leaves: [LEAF], chain: { generation: 1, hash: "h", keyNumber: 1, expires: 9, rotated: 4, op: "op" } };
        rows.renewNode(renewed);
        expect([rows.node("", "n"), rows.children("", 9)]).toEqual([renewed, [renewed]]);
      }));

    it("give what was put by hundreds, however few of them are remembered", () =>
      within((rows) => {
        const ids = Array.from({ length: 150 }, (_none, index) => `n${index}`);
        for (const id of ids) rows.addNode({ ...NODE, id });
        for (const id of ids) rows.putSession({ ...SESSION, id });
        expect(ids.every((id) => rows.node("", id)?.id === id && rows.session(id)?.id === id)).toBe(true);
        expect([rows.addNode({ ...NODE, id: "n0", issued: 7 }).issued, rows.exchanges("", 999)]).toEqual([NODE.issued, 150]);
      }));

    const nodes: readonly NodeRow[] = [
      NODE,
      { ...NODE, leaves: [LEAF, { ...LEAF, id: "o", hash: "h" }] },
      { ...NODE, chain: { generation: 0, hash: "h", keyNumber: 1, expires: 5 } },
      { ...NODE, kind: "leaf", chain: { generation: 3, hash: "h", keyNumber: 1, expires: 5, rotated: 4, op: "op" } },
      { ...NODE, redeemed: "s", record: { ...NODE.record, sid: "s", authTime: 3, format: "opaque" }, sso: { applications: ["a"], redirectUris: [], maxHops: 5 } },
    ];
    it.each(nodes)("give a node as it was put: %j", (node) =>
      within((rows) => {
        rows.putNode(node);
        expect(rows.node("", "n")).toEqual(node);
      }),
    );

    it.each(nodes)("give a node as it was put the second time: %j", (node) =>
      within((rows) => {
        rows.putNode({ ...NODE, issued: 0, expires: 0, leaves: [LEAF] });
        rows.putNode(node);
        expect(rows.node("", "n")).toEqual(node);
      }),
    );

    it("tell the same id below two parents apart", () =>
      within((rows) => {
        rows.putNode({ ...NODE, parent: "p", id: "n", issued: 5 });
        rows.putNode({ ...NODE, parent: "q", id: "n", issued: 6 });
        expect([rows.node("p", "n")?.issued, rows.node("q", "n")?.issued, rows.node("", "n")]).toEqual([5, 6, undefined]);
      }));

    it("list the children of a node by id, as many as are wanted, and count its exchanges without the leaves of refreshes", () =>
      within((rows) => {
        for (const id of ["d", "B", "_", "a", "-", "0"]) rows.putNode({ ...NODE, parent: "p", id });
        rows.putNode({ ...NODE, parent: "p", id: "e", kind: "leaf" });
        rows.putNode({ ...NODE, parent: "pp", id: "f" });
        expect(rows.children("p", 99).map(({ id }) => id)).toEqual(["-", "0", "B", "_", "a", "d", "e"]);
        expect(rows.children("p", 2).map(({ id }) => id)).toEqual(["-", "0"]);
        expect([rows.exchanges("p", 99), rows.exchanges("p", 4), rows.exchanges("pp", 4), rows.exchanges("", 4)]).toEqual([6, 4, 1, 0]);
      }));

    it("list the grants of a client, and all of them, oldest first", () =>
      within((rows) => {
        rows.putNode({ ...NODE, id: "z", issued: 1 });
        rows.putNode({ ...NODE, id: "y", issued: 3 });
        rows.putNode({ ...NODE, id: "x", issued: 2, parent: "z" });
        rows.putNode({ ...NODE, id: "w", issued: 2, parent: "y" });
        rows.putNode({ ...NODE, id: "v", issued: 0, client: "b" });
        expect(rows.nodesOf("a").map(({ id }) => id)).toEqual(["z", "w", "x", "y"]);
        expect(rows.nodesOf("b").map(({ id }) => id)).toEqual(["v"]);
        expect(rows.nodes(99).map(({ id }) => id)).toEqual(["v", "z", "w", "x", "y"]);
        expect(rows.nodes(2).map(({ id }) => id)).toEqual(["v", "z"]);
      }));

    it("know a node as revoked once it is, among up to seventeen", () =>
      within((rows) => {
        const path = Array.from({ length: 17 }, (_value, index) => `n${index}`);
        rows.revoke("n16", 5);
        rows.revoke("n16", 6);
        rows.revoke("n3", 6);
        expect([rows.anyRevoked(path), rows.anyRevoked(path.slice(4, 16)), rows.anyRevoked([]), rows.anyRevoked(["N16"])]).toEqual([true, false, false, false]);
        expect([rows.revokedNodes(9), rows.revokedNodes(1)]).toEqual([["n16", "n3"], ["n16"]]);
      }));

    it("give the refusals as they were put last", () =>
      within((rows) => {
        const refusal = { at: 1, client: "a", reason: "subject_dead", targets: ["b"] };
        rows.putRefusals([refusal]);
        rows.putRefusals([refusal, { ...refusal, at: 2 }]);
        expect(rows.refusals()).toEqual([refusal, { ...refusal, at: 2 }]);
      }));
  });
}
