import type { Params, Result, Router } from "hono/router";

/** A path with names in it, by its segments. */
interface Pattern<T> {
  readonly segments: readonly string[];
  readonly handler: T;
}

/**
 * Finds what answers at a path: whole paths in a map, paths with a `:name` in a list. Knows no methods, because a route takes
 * all of them and judges for itself, and no wildcard but the `*` of what stands before every route. Hono's own routers
 * compile all paths with the first request; this one has nothing to compile, and a new isolate answers sooner.
 */
export class PathTable<T> implements Router<T> {
  readonly name = "PathTable";
  readonly #always: [T, Params][] = [];
  readonly #paths = new Map<string, T>();
  readonly #patterns: Pattern<T>[] = [];

  add(method: string, path: string, handler: T): void {
    if (method !== "ALL" || this.#paths.has(path)) throw new Error(`a route takes every method, and has its path for itself: ${path}`);
    if (path === "/*") this.#always.push([handler, {}]);
    else if (path.includes("/:")) this.#patterns.push({ segments: path.split("/"), handler });
    else this.#paths.set(path, handler);
  }

  match(_method: string, path: string): Result<T> {
    const handler = this.#paths.get(path);
    const found = handler === undefined ? this.#byPattern(path.split("/")) : ([handler, {}] satisfies [T, Params]);
    return [found === undefined ? this.#always : [...this.#always, found]];
  }

  #byPattern(given: readonly string[]): [T, Params] | undefined {
    const fits = (segment: string, place: number) => (segment.startsWith(":") ? given[place] !== "" : segment === given[place]);
    const pattern = this.#patterns.find(({ segments }) => segments.length === given.length && segments.every(fits));
    if (pattern === undefined) return undefined;
    const named = pattern.segments.flatMap((segment, place) => (segment.startsWith(":") ? [[segment.slice(1), given[place] ?? ""]] : []));
    return [pattern.handler, Object.fromEntries(named)];
  }
}
