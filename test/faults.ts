import { reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, vi } from "vitest";
import { createApp } from "../src/app.ts";
import { createService } from "../src/index.ts";
import type { Service } from "../src/service.ts";
import { sqlTenantRows } from "../src/storage/tenant/sql-rows.ts";
import type { KeyRoles } from "../src/tenants/key-roles.ts";
import type { TenantFile } from "../src/tenants/tenant.ts";
import { BINDINGS, basic, ISSUER, login, refresh, type TenantFileInput, type Tokens, type World } from "./world.ts";

/** A clock that stands still until it is moved. Worker, objects and jose see it; the lifetimes of KV do not. */
export interface Clock {
  /** Seconds since 1970. */
  now(): number;
  forward(seconds: number): void;
}

const CLOCK: Clock = {
  now: () => Math.floor(Date.now() / 1000),
  forward: (seconds) => void vi.setSystemTime(Date.now() + seconds * 1000),
};

/** Stops the clock at a whole second. End it with `vi.useRealTimers()`. */
export function stopClock(): Clock {
  vi.useFakeTimers({ toFake: ["Date"], now: Math.ceil(Date.now() / 1000) * 1000 });
  return CLOCK;
}

/**
 * For a file of tests: before each of them storage is empty and the clock stands still, after it mocks and the clock are
 * given back.
 */
export function stoppedClock(): Clock {
  beforeEach(async () => {
    await reset();
    stopClock();
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });
  return CLOCK;
}

/** A spy on every call of a token family: one call of `get` for each attempt. End it with `vi.restoreAllMocks()`. */
export function familyCalls() {
  return vi.spyOn(env.FAMILIES, "get");
}

/** Makes every token family unreachable, until the function that it answers is called. */
export function familiesDown(): () => void {
  const spy = familyCalls().mockImplementation(() => {
    throw Object.assign(new Error("Network connection lost."), { remote: false });
  });
  return () => spy.mockRestore();
}

/** Lets token families do what they are asked and loses the answer, until the function that it answers is called. */
export function answersLost(): () => void {
  const get = env.FAMILIES.get.bind(env.FAMILIES);
  const spy = familyCalls().mockImplementation(((id: DurableObjectId) => {
    const stub = get(id) as unknown as Record<string, (...values: unknown[]) => Promise<unknown>>;
    return new Proxy(stub, {
      get:
        (target, name) =>
        async (...values: unknown[]) => {
          await target[String(name)]?.(...values);
          throw new Error("The answer was lost.");
        },
    });
  }) as never);
  return () => spy.mockRestore();
}

/** Another isolate beside the one of a world: the same objects and KV, nothing remembered. */
export async function anotherIsolate(w: World, change: (service: Service) => Service = (service) => service): Promise<World> {
  const service = change(await createService(BINDINGS));
  const app = createApp(service, (line) => void w.lines.push(line));
  const fetch = async (url: string, init: RequestInit = {}): Promise<Response> => {
    const after: Promise<unknown>[] = [];
    const response = await app.fetch(new Request(new URL(url, ISSUER), { redirect: "manual", ...init }), { after: (work) => void after.push(work) });
    await Promise.all(after);
    return response;
  };
  const post: World["post"] = (path, form, as, headers = {}) =>
    fetch(path, {
      method: "POST",
      body: typeof form === "string" ? form : new URLSearchParams(form).toString(),
      headers: { "content-type": "application/x-www-form-urlencoded", ...(as === undefined ? {} : { authorization: basic(...as) }), ...headers },
    });
  return { ...w, app, service, fetch, post };
}

/** Changes the roles of a tenant's keys, as a rotation does: a new version of the record `keys`. */
export async function changeKeys(change: (roles: KeyRoles) => KeyRoles, issuer = ISSUER): Promise<void> {
  await runInDurableObject(env.TENANTS.getByName(issuer), (_object, state) => {
    const rows = sqlTenantRows(state.storage.sql);
    const version = rows.version() + 1;
    const roles = JSON.parse(rows.record("keys")?.body ?? "") as KeyRoles;
    rows.put({ name: "keys", hash: `keys-${version}`, body: JSON.stringify(change(roles)) }, version);
    rows.addHistory({ version, at: 0, operator: "test", changes: "[]" });
  });
}

/** Changes the tenant as an operator does: reads the file that is current, changes it, applies it. */
export async function editTenant(w: World, change: (file: TenantFile) => void, issuer = ISSUER): Promise<void> {
  const { file } = await w.service.tenants.export(issuer);
  if (file === undefined) throw new Error("there is no tenant to change");
  change(file);
  const applied = await w.apply(file);
  if (applied.status !== 200) throw new Error(`the tenant was not changed: ${await applied.text()}`);
}

/** What every answer says when nobody can tell: 503, when to try again, and no verdict. */
export const UNAVAILABLE = { status: 503, retryAfter: "2", error: "temporarily_unavailable" };

/** The parts of an answer that `UNAVAILABLE` speaks of. */
export async function outcomeOf(response: Response): Promise<{ readonly status: number; readonly retryAfter: string | null; readonly error: unknown }> {
  const text = await response.text();
  const error = text.startsWith("{") ? (JSON.parse(text) as { readonly error?: unknown }).error : text;
  return { status: response.status, retryAfter: response.headers.get("retry-after"), error };
}

/** Gives a tenant and all of its clients one consistency. */
export function consistently(consistency: "strong" | "edge" | "eventual") {
  return (file: TenantFileInput): void => {
    for (const holder of [file, ...Object.values(file.clients)]) Object.assign(holder, { consistency });
  };
}

/** An opaque token that the demo's mobile app hands over to the web app; of a fresh login. */
export async function handedOver(w: World): Promise<string> {
  const { refresh_token } = await login(w, "mobile-app");
  const answer = await refresh(w, "mobile-app", refresh_token);
  return ((await answer.json()) as Tokens).access_token;
}
