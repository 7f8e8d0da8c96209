import { areaOf, OUTSIDE } from "./areas.ts";
import type { Profile } from "./inspector.ts";
import type { Source, sourcesOf } from "./sources.ts";

/** A profile of one Worker, and how its functions are called where they were written. */
export interface Taken {
  readonly profile: Profile;
  readonly sourceOf: ReturnType<typeof sourcesOf>;
  readonly isState: boolean;
}

/** Where CPU time went, as shares of the whole process'; the largest first. */
export interface Spent {
  readonly areas: readonly (readonly [area: string, share: number])[];
  readonly functions: readonly FunctionShare[];
}

/** One function's time. */
export interface FunctionShare {
  readonly place: string;
  /** In the function itself. What is asynchronous goes on in rows of its own. */
  readonly own: number;
  /** In the function and in whatever it called before its first await. */
  readonly total: number;
}

type Times = Map<string, number>;

/** Adds profiles up. `cpu`: milliseconds of the whole process meanwhile; what no isolate was seen at is what lies outside of JavaScript. */
export function sharesOf(taken: readonly Taken[], cpu: number): Spent {
  const [areas, own, total]: readonly [Times, Times, Times] = [new Map(), new Map(), new Map()];
  const time = interval(taken) / 1000 / cpu;
  for (const { profile, sourceOf, isState } of taken) {
    const sources = new Map(profile.nodes.map(({ id, callFrame }) => [id, sourceOf(callFrame)]));
    const parents = new Map(profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
    for (const sample of profile.samples) {
      const stack = stackOf(sample, sources, parents);
      if (stack[0] === undefined || stack[0].name === "(idle)") continue;
      add(areas, areaOf(stack, isState), time);
      add(own, placeOf(stack[0]), time);
      for (const place of new Set(stack.map(placeOf))) add(total, place, time);
    }
  }
  const seen = [...areas.values()].reduce((sum, one) => sum + one, 0);
  add(areas, OUTSIDE, Math.max(0, 1 - seen));
  return {
    areas: [...areas].toSorted(([, a], [, b]) => b - a),
    functions: [...total].map(([place, share]) => ({ place, own: own.get(place) ?? 0, total: share })).toSorted((a, b) => b.total - a.total),
  };
}

function stackOf(sample: number, sources: ReadonlyMap<number, Source>, parents: ReadonlyMap<number, number>): readonly Source[] {
  const stack: Source[] = [];
  for (let node: number | undefined = sample; node !== undefined; node = parents.get(node)) {
    const source = sources.get(node);
    if (source !== undefined && source.name !== "(root)") stack.push(source);
  }
  return stack;
}

function placeOf({ name, file, line }: Source): string {
  if (file !== "") return `${name}  ${file}:${line}`;
  return name.startsWith("(") ? name : `${name || "unnamed"}  native`;
}

// An isolate is sampled only while it works, so what lies between two samples may be anything: the usual distance is the weight of each.
function interval(taken: readonly Taken[]): number {
  const deltas = taken.flatMap(({ profile }) => profile.timeDeltas).toSorted((a, b) => a - b);
  return deltas[Math.floor(deltas.length / 2)] ?? 0;
}

function add(times: Times, name: string, time: number): void {
  times.set(name, (times.get(name) ?? 0) + time);
}
