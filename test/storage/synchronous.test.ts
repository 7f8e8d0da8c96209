import { describe, expect, it } from "vitest";

declare global {
  interface ImportMeta {
    glob(patterns: readonly string[], options: object): Record<string, string>;
  }
}

// The text of the files as they stand in the repository.
const RULES = import.meta.glob(["../../src/storage/family/*.ts", "../../src/storage/tenant/*.ts"], { query: "?raw", import: "default", eager: true });
const OBJECTS = import.meta.glob(["../../src/storage/*-object.ts"], { query: "?raw", import: "default", eager: true });

const ALL = import.meta.glob(["../../src/**/*.ts"], { query: "?raw", import: "default", eager: true });

// What may take its time: it decides nothing that it then writes. Everything else in these files is one turn.
const MAY_WAIT: Readonly<Record<string, readonly string[]>> = {
  // Hashes a file before the turn that applies it.
  "rules.ts": ["prepareTenant"],
  // Sets the cutoff, or writes down what is to be done, in one turn; then asks the families. The alarm goes on with it.
  "user-object.ts": ["revoke", "revokeClient", "endSessions", "registerSession", "alarm", "#begin", "#carryOut", "#revokeFamily", "#act", "#ask"],
  // Tells the user, then looks again.
  "family-object.ts": ["alarm", "#leave"],
  // Inserts in one statement, then sets the alarm.
  "single-use-object.ts": ["use", "alarm"],
  // Hashes a file before the turn.
  "tenant-object.ts": ["apply"],
  // Counts in one turn, then sets the alarm.
  "attempt-object.ts": ["fail", "alarm"],
};

/** The names of the functions and methods of a source that are asynchronous. */
function asyncIn(source: string): readonly string[] {
  const code = source.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
  const named = [...code.matchAll(/async (?:function )?([#\w]+)\s*[(<]/g)].map(([, name]) => name ?? "");
  const others = [...code.matchAll(/async\s*\(|async\s+\w+\s*=>/g)].map(() => "an arrow function");
  return [...named, ...others];
}

const nameOf = (path: string) => path.split("/").at(-1) ?? "";

describe("CON-29 check and write are one turn", () => {
  it("finds the rules and the objects", () => {
    expect(Object.keys(RULES).map(nameOf)).toEqual(
      expect.arrayContaining(["codes.ts", "exchange.ts", "liveness.ts", "opening.ts", "refresh.ts", "revocation.ts", "sql-rows.ts", "rules.ts"]),
    );
    expect(Object.keys(OBJECTS).map(nameOf)).toEqual(expect.arrayContaining(["family-object.ts", "single-use-object.ts", "tenant-object.ts", "user-object.ts"]));
  });

  it.each(Object.entries(RULES).map(([path, source]) => [nameOf(path), source] as const))("the rules know no await and no promise: %s", (name, source) => {
    const code = source.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "").replaceAll(/export async function prepareTenant[\s\S]*?\n}/g, "");
    expect([name, ...(code.match(/\bawait\b|\basync\b|\bPromise\b|\.then\(|setTimeout|queueMicrotask/g) ?? [])]).toEqual([name]);
  });

  it.each(Object.entries(OBJECTS).map(([path, source]) => [nameOf(path), source] as const))("an object waits where it may, and nowhere else: %s", (name, source) => {
    const methods = asyncIn(source).filter((method) => method !== "an arrow function");
    expect(methods.filter((method) => MAY_WAIT[name]?.includes(method) !== true)).toEqual([]);
  });

  it("notices what it is there to notice", () => {
    expect(asyncIn("class A { async redeem(ask: Ask) { await x; } // async no(\n async #turn<T>() {} } async function f() {}")).toEqual(["redeem", "#turn", "f"]);
  });
});

describe("CON-32 what is dead stays dead", () => {
  it("because no code restores an object to an earlier point in time", () => {
    expect(Object.keys(ALL).length).toBeGreaterThan(100);
    const restoring = Object.entries(ALL).filter(([, source]) => /getCurrentBookmark|getBookmarkForTime|onNextSessionRestoreBookmark/.test(source));
    expect(restoring.map(([path]) => path)).toEqual([]);
  });
});
