import { env } from "cloudflare:workers";
import type { Bindings } from "../../src/config.ts";
import { createService } from "../../src/index.ts";
import { BINDINGS, type World, type WorldOptions, world } from "../world.ts";

/** One call that leaves the Worker for an object or for KV: "family.refresh", "kv.get". */
export type Call = string;

/** Decides what becomes of a call: `run` carries it out. */
export type Intercept = (call: Call, run: () => Promise<unknown>) => Promise<unknown>;

/** A world whose every call to an object or to KV passes through the test. */
export interface InterceptedWorld extends World {
  /** Every call, in the order in which they began. */
  readonly calls: Call[];
  /** What becomes of the calls from now on. */
  intercept: Intercept;
  /** What the Worker calls while something is done; only names that begin with one of these, if any are given. */
  during(work: () => Promise<unknown>): Promise<readonly Call[]>;
}

/** Makes a world whose calls are counted and can be disturbed. Nothing is disturbed at first. */
export async function interceptedWorld(options: Omit<WorldOptions, "service"> = {}): Promise<InterceptedWorld> {
  const calls: Call[] = [];
  const seen = { intercept: (async (_call, run) => await run()) as Intercept };
  const through = (target: string) => (method: string, run: () => Promise<unknown>) => {
    calls.push(`${target}.${method}`);
    return seen.intercept(`${target}.${method}`, run);
  };
  const bindings = {
    ...BINDINGS,
    FAMILIES: namespaceThrough(env.FAMILIES, through("family")),
    USERS: namespaceThrough(env.USERS, through("user")),
    SINGLE_USE: namespaceThrough(env.SINGLE_USE, through("single-use")),
    TENANTS: namespaceThrough(env.TENANTS, through("tenant")),
    TOKENS: callsThrough(env.TOKENS, through("kv")),
  } as Bindings;
  const service = await createService(bindings);
  const w = await world({ ...options, service: () => service });
  return Object.assign(seen, w, {
    calls,
    during: async (work: () => Promise<unknown>) => {
      const before = calls.length;
      await work();
      return calls.slice(before);
    },
  });
}

type Through = (method: string, run: () => Promise<unknown>) => Promise<unknown>;

function namespaceThrough<Namespace extends object>(namespace: Namespace, through: Through): Namespace {
  return new Proxy(namespace, {
    get: (target, name) => {
      const member = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      const isStub = name === "get" || name === "getByName";
      return (...values: unknown[]) => {
        const made = member.apply(target, values);
        return isStub ? callsThrough(made as object, through) : made;
      };
    },
  });
}

// A member of a stub is called as `stub[name](...)`: `apply` on it would be taken for an RPC name.
function callsThrough<Target extends object>(target: Target, through: Through): Target {
  const members = target as Record<string, (...values: unknown[]) => Promise<unknown>>;
  return new Proxy(target, {
    get: (_target, name) => (name === "then" ? undefined : (...values: unknown[]) => through(String(name), async () => await members[String(name)]?.(...values))),
  });
}
