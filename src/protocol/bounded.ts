/** Forgets the entries of a map that were put first, until no more than `most` are left. */
export function forgetOldest(map: Map<unknown, unknown>, most: number): void {
  for (const key of map.keys()) {
    if (map.size <= most) return;
    map.delete(key);
  }
}

/** The same text in memory of its own. What was cut out of a longer one, as of a request's body, keeps all of that. */
export function detached(text: string): string {
  return ` ${text}`.slice(1);
}
