import type { Params, Result, Router } from "hono/router";

/** A path with names in it, by its segments. */
interface Pattern<T> {
  readonly segments: readonly string[];
  readonly handler: T;
}

/**
 * Finds what answers at a path: whole paths in a map, paths with a `:name` in a list. Knows no methods, because a route takes
 * all of them and judges for itself, and no wildcard: with one handler for each path Hono has nothing to compose. Its own routers
 * compile all paths with the first request; this one has nothing to compile, and a new isolate answers sooner.
 */
export class PathTable<T> implements Router<T> {
  readonly name = "PathTable";
  readonly #paths = new Map<string, Result<T>>();
  readonly #patterns: Pattern<T>[] = [];

  add(method: string, path: string, handler: T): void {
    if (method !== "ALL" || this.#paths.has(path)) throw new Error(`a route takes every method, and has its path for itself: ${path}`);
    if (path.includes("/:")) this.#patterns.push({ segments: path.split("/"), handler });
    else this.#paths.set(path, [[[handler, {}]]]);
  }

  match(_method: string, path: string): Result<T> {
    return this.#paths.get(path) ?? [this.#byPattern(path.split("/"))];
  }

  #byPattern(given: readonly string[]): [T, Params][] {
    const fits = (segment: string, place: number) => (segment.startsWith(":") ? given[place] !== "" : segment === given[place]);
    const pattern = this.#patterns.find(({ segments }) => segments.length === given.length && segments.every(fits));
    if (pattern === undefined) return [];
    const named = pattern.segments.flatMap((segment, place) => (segment.startsWith(":") ? [[segment.slice(1), given[place] ?? ""]] : []));
    return [[pattern.handler, Object.fromEntries(named)]];
  }
}
