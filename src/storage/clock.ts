/** Seconds since 1970, by a clock that never goes back while it runs: the only time that an object decides by. */
export function steadyClock(read: () => number = Date.now): () => number {
  let latest = 0;
  return () => {
    latest = Math.max(latest, Math.floor(read() / 1000));
    return latest;
  };
}
