import { describe, expect, test } from "vitest";
import { drawFamily } from "../../cli/family-tree.ts";
import type { FamilyAnswer, NodeAnswer } from "../../src/endpoints/api/contract/families.ts";

const START = 1_800_000_000;
const NOW = START + 100;

const node = (id: string, path: readonly string[], changes: Partial<NodeAnswer> = {}): NodeAnswer => ({
  ...{ parent: path.at(-1) ?? "", id, client: "front", audience: ["front"], scope: [], hops: 0, path: [...path, id], issued: START, expires: START + 300 },
  leaves: [{ id: `${id}-at`, type: "access_token", issued: START, expires: START + 300 }],
  ...changes,
});
const family = (nodes: readonly NodeAnswer[], changes: Partial<FamilyAnswer> = {}): FamilyAnswer => ({
  ...{ family: "f0", kind: "login", root: START, closes: START + 5000, sessions: [], revokedNodes: [], truncated: false, refusals: [] },
  nodes: [...nodes],
  ...changes,
});
const tree = (answer: FamilyAnswer, drawing: object = {}) => drawFamily(answer, { now: NOW, ...drawing }).slice(3);

describe("the tree of a family", () => {
  test("says of each grant who got it for whom, with which scope, at which depth, when and until when", () => {
    expect(tree(family([node("g1", [], { audience: ["back", "https://back.example.com"], scope: ["openid", "email"], hops: 2 })]))).toEqual([
      "front → back https://back.example.com · openid email · depth 2 · 2027-01-15T08:00:00Z · alive until 2027-01-15T08:05:00Z · [g1]",
    ]);
  });

  test("hangs each grant below the one whose token was exchanged, with lines that lead there", () => {
    const nodes = [
      node("g1", []),
      node("g2", ["g1", "g1-at"], { client: "b" }),
      node("g3", ["g1", "g1-at", "g2", "g2-at"], { client: "c" }),
      node("g4", ["g1", "g1-at", "g2", "g2-at"], { client: "d" }),
      node("g5", ["g1"], { client: "e" }),
      node("g6", [], { client: "f" }),
    ];
    expect(tree(family(nodes)).map((line) => line.split(" · ")[0])).toEqual(["front → front", "├─ b → front", "│  ├─ c → front", "│  └─ d → front", "└─ e → front", "f → front"]);
  });

  test("hangs a grant below the nearest ancestor that is listed, when what lies between is not", () => {
    const nodes = [node("g1", []), node("g9", ["g1", "gone", "gone-too"], { client: "far" })];
    expect(tree(family(nodes)).map((line) => line.split(" · ")[0])).toEqual(["front → front", "└─ far → front"]);
  });

  test.each([
    [{ dead: "node_revoked" }, ["g1"], "dead: revoked"],
    [{ dead: "node_revoked" }, ["g0"], "dead: what it came from is revoked"],
    [{ dead: "session_ended" }, [], "dead: its session has ended"],
    [{ dead: "permission_cut_off" }, [], "dead: the target's owner has cut it off"],
    [{ dead: "something_new" }, [], "dead: something_new"],
    [{ dead: "expired", expires: START + 1 }, [], "dead: expired 2027-01-15T08:00:01Z"],
    [{ expires: NOW }, [], "dead: expired 2027-01-15T08:01:40Z"],
    [{ expires: NOW + 1 }, [], "alive until 2027-01-15T08:01:41Z"],
  ])("says whether a grant lives, and what it died of: %j", (changes, revokedNodes, state) => {
    expect(tree(family([node("g1", [], changes)], { revokedNodes }))[0]?.split(" · ")[4]).toBe(state);
  });

  test("names actors from the newest to the oldest, refreshes, and the token that was asked about", () => {
    const act = { sub: "u2", client_id: "agent", act: { sub: "u1", client_id: "assistant" } };
    const [line] = tree(family([node("g1", [], { act, refresh: { generation: 3, expires: START + 3600 } })]), { grant: "g1" });
    expect(line).toContain(" · acted for by u2 at agent · acted for by u1 at assistant · refreshed 3×, until 2027-01-15T09:00:00Z · [g1]  ← this token");
  });

  test("names every token of a grant when asked to, inside the lines of the tree", () => {
    const nodes = [node("g1", []), node("g2", ["g1", "g1-at"])];
    expect(tree(family(nodes, { revokedNodes: ["g1-at"] }), { tokens: true }).map((line) => line.split(" · ")[0])).toEqual([
      "front → front",
      "│  • access_token revoked [g1-at]",
      "└─ front → front",
      "      • access_token until 2027-01-15T08:05:00Z [g2-at]",
    ]);
  });

  test("begins with whose login it is and its sessions, and ends with what was refused", () => {
    const answer = family([node("g1", [])], {
      principal: { sub: "s1", idp: "corp", loginName: "dona.moore" },
      revoked: START + 50,
      sessions: [
        { id: "s-1", created: START, expires: START + 600, idp: "corp" },
        { id: "s-2", created: START, expires: START + 600, idp: "corp", ended: START + 60 },
      ],
      truncated: true,
      refusals: [{ at: START + 10, client: "front", reason: "subject_depth", targets: ["back", "other"] }],
    });
    expect(drawFamily(answer, { now: NOW })).toEqual([
      "family f0",
      "login of corp/dona.moore (s1), began 2027-01-15T08:00:00Z, closes 2027-01-15T09:23:20Z, revoked 2027-01-15T08:00:50Z",
      "session s-1 at corp, until 2027-01-15T08:10:00Z",
      "session s-2 at corp, ended 2027-01-15T08:01:00Z",
      "",
      expect.stringMatching(/^front → front/),
      "… and more, which are not listed",
      "",
      "refused:",
      "  2027-01-15T08:00:10Z front → back other: subject_depth",
    ]);
  });

  test("lets no text that came from elsewhere command the terminal", () => {
    const principal = { sub: "s", idp: "corp", loginName: "\u001b[2Jeve\u202e\u0007\n" };
    const drawn = drawFamily(family([], { principal }), { now: NOW }).join("|");
    expect(drawn).toContain("corp/?[2Jeve???");
    expect(drawn).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  test("draws an empty family, and one whose nodes name each other, without end or loss", () => {
    expect(tree(family([]))).toEqual([]);
    const odd = [node("g1", ["g2"]), node("g3", [])];
    expect(tree(family(odd)).map((line) => line.split(" · ")[0])).toEqual(["front → front", "front → front"]);
  });
});
