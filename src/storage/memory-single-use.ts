import type { SingleUse } from "./single-use.ts";

/** The memory twin of the things that may be used once. */
export function memorySingleUse(): SingleUse {
  const used = new Set<string>();
  return {
    use: async ({ tenant, issuer, kind }, id) => {
      const key = JSON.stringify([tenant, issuer, kind, id]);
      if (used.has(key)) return false;
      used.add(key);
      return true;
    },
  };
}
