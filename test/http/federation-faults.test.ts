import { describe, expect, it, vi } from "vitest";
import { stoppedClock } from "../faults.ts";
import type { Script } from "../idp.ts";
import { type World, world } from "../world.ts";
import { outcomeOf, presentClaims } from "./federation-steps.ts";
import { begin, comeBack } from "./login-steps.ts";

// What is left of a deadline is told to the millisecond.
stoppedClock();

const LIMIT = 262_144;

function streamed(next: () => Uint8Array | undefined, ended: () => void = () => undefined): ReadableStream {
  return new ReadableStream({
    pull: (controller) => {
      const chunk = next();
      if (chunk === undefined) controller.close();
      else controller.enqueue(chunk);
    },
    cancel: ended,
  });
}

const json = (body: BodyInit, headers: Record<string, string> = {}) => new Response(body, { headers: { "content-type": "application/json", ...headers } });
const padded = (length: number) => `{"padding":"${"x".repeat(length - 14)}"}`;

/** What an IdP may do instead of answering, and what the application is told. */
const FAULTS: Readonly<Record<string, readonly [Script, string]>> = {
  "is down": [() => Promise.reject(new TypeError("connection refused")), "temporarily_unavailable"],
  "answers 500": [() => new Response("oops", { status: 500 }), "temporarily_unavailable"],
  "answers 503 in JSON": [() => Response.json({ error: "busy" }, { status: 503 }), "temporarily_unavailable"],
  "breaks off in the middle": [
    () =>
      json(
        new ReadableStream({
          pull: (controller) => {
            controller.enqueue(new TextEncoder().encode(`{"issuer":`));
            controller.error(new Error("connection reset"));
          },
        }),
      ),
    "temporarily_unavailable",
  ],
  "answers a page": [() => new Response("<!doctype html><title>Log in</title>", { headers: { "content-type": "text/html" } }), "server_error"],
  "answers JSON that says it is a page": [() => new Response("{}", { headers: { "content-type": "text/html" } }), "server_error"],
  "answers without a type": [() => new Response(new TextEncoder().encode("{}")), "server_error"],
  "answers half of its JSON": [() => json(`{"issuer": "http://localhost:8788"`), "server_error"],
  "answers nothing": [() => json(""), "server_error"],
  "answers a list": [() => json("[]"), "server_error"],
  "answers null": [() => json("null"), "server_error"],
  "answers an empty object": [() => json("{}"), "server_error"],
  "names a member twice": [() => json(`{"issuer":"http://localhost:8788","issuer":"http://localhost:8788"}`), "server_error"],
  "answers bytes that are no UTF-8": [() => json(Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d)), "server_error"],
  "answers 300 KB": [() => json(padded(300_000)), "server_error"],
  "answers 300 KB and announces 10 bytes": [() => json(streamed(once(padded(300_000))), { "content-length": "10" }), "server_error"],
  "answers one byte too much": [() => json(padded(LIMIT + 1)), "server_error"],
  "sends us on to another place": [() => new Response(null, { status: 302, headers: { location: "http://localhost:8788/elsewhere" } }), "server_error"],
  "sends us on for good": [() => new Response(null, { status: 301, headers: { location: "http://localhost:8788/elsewhere" } }), "server_error"],
  "sends us on with our request": [() => new Response(null, { status: 307, headers: { location: "http://localhost:8788/elsewhere" } }), "server_error"],
  "answers 404": [() => Response.json({ error: "not_found" }, { status: 404 }), "server_error"],
  "answers 204": [() => new Response(null, { status: 204 }), "server_error"],
};

function once(text: string): () => Uint8Array | undefined {
  let given = false;
  return () => {
    if (given) return undefined;
    given = true;
    return new TextEncoder().encode(text);
  };
}

/** Logs in with one endpoint of the IdP in trouble. */
async function logInWith(w: World, endpoint: "discovery" | "token" | "keys" | "userinfo", script: Script) {
  if (endpoint === "userinfo") for (const user of Object.values(w.idp.users)) delete user.email;
  // The keys come in while the user is at the IdP: they are in trouble before.
  if (endpoint === "discovery" || endpoint === "keys") w.idp.scripts[endpoint] = script;
  if (endpoint === "discovery") {
    return outcomeOf(w, (await begin(w)).response);
  }
  const begun = await begin(w);
  w.idp.scripts[endpoint] = script;
  return outcomeOf(w, await comeBack(w, begun));
}

describe.each(["discovery", "token", "keys", "userinfo"] as const)("when the IdP's %s endpoint", (endpoint) => {
  it.each(Object.entries(FAULTS))("%s, the application is told, nobody is logged in, and nothing else is asked", async (_name, [script, error]) => {
    const w = await world();
    const outcome = await logInWith(w, endpoint, script);
    expect(outcome).toMatchObject({ accepted: false, error });
    expect(outcome.response.status).toBe(303);
    expect(outcome.response.headers.get("location")).toMatch(/^http:\/\/localhost:8789\/callback\?/);
    expect(outcome.response.headers.get("set-cookie") ?? "").not.toContain("cambio_session");
    expect(w.idp.requests.filter((request) => request.includes("elsewhere"))).toEqual([]);
  });

  it("FED-13 sends without end, it is read as far as the limit and let go", async () => {
    const w = await world();
    let sent = 0;
    let ended = false;
    const endless = streamed(
      () => {
        sent += 16_384;
        return new Uint8Array(16_384).fill(32);
      },
      () => {
        ended = true;
      },
    );
    const outcome = await logInWith(w, endpoint, () => json(endless));
    expect(outcome).toMatchObject({ accepted: false, error: "server_error" });
    expect(ended).toBe(true);
    expect(sent).toBeLessThan(LIMIT + 200_000);
  });

  it("CON-56 does not answer, it is given up after five seconds, and the application may try again", async () => {
    const w = await world();
    const timers: { readonly milliseconds: number; readonly controller: AbortController }[] = [];
    vi.spyOn(AbortSignal, "timeout").mockImplementation((milliseconds) => {
      const controller = new AbortController();
      timers.push({ milliseconds, controller });
      return controller.signal;
    });
    const outcome = await logInWith(w, endpoint, () => {
      // The clock that the Worker set for this very request runs out.
      const { controller } = timers.at(-1) ?? { controller: new AbortController() };
      controller.abort(new DOMException("The operation timed out.", "TimeoutError"));
      return Promise.reject(controller.signal.reason);
    });
    expect(outcome).toMatchObject({ accepted: false, error: "temporarily_unavailable" });
    expect(new Set(timers.map(({ milliseconds }) => milliseconds))).toEqual(new Set([5000]));
    // Userinfo has what the token endpoint left of them.
    expect(timers).toHaveLength(w.idp.requests.length - (endpoint === "userinfo" ? 1 : 0));
  });

  it("works again, so does the login", async () => {
    const w = await world();
    if (endpoint === "userinfo") Object.assign(w.idp.scripts, { userinfo: () => Response.json({ sub: "sub-dona.moore", email: "x@example.com" }) });
    expect(await presentClaims(w, endpoint === "userinfo" ? { email: undefined } : {})).toMatchObject({ accepted: true });
  });
});

describe("a discovery document", () => {
  const GOOD = {
    issuer: "http://localhost:8788",
    authorization_endpoint: "http://localhost:8788/auth",
    token_endpoint: "http://localhost:8788/token",
    jwks_uri: "http://localhost:8788/jwks",
  };

  it("needs no more than issuer, endpoints and keys", async () => {
    const w = await world();
    w.idp.scripts.discovery = () => Response.json(GOOD);
    expect(outcomeOf(w, await comeBack(w, await begin(w)))).toMatchObject({ accepted: true });
  });

  it.each([
    ["another issuer", { issuer: "http://localhost:8789" }],
    ["the issuer with a slash", { issuer: "http://localhost:8788/" }],
    ["no issuer", { issuer: undefined }],
    ["no keys", { jwks_uri: undefined }],
    ["no token endpoint", { token_endpoint: undefined }],
    ["an endpoint that is no URL", { token_endpoint: "/token" }],
    ["an endpoint that is a number", { authorization_endpoint: 1 }],
    ["a script to run in the browser", { authorization_endpoint: "javascript:alert(1)" }],
    ["a script at the end of a session", { end_session_endpoint: "javascript:alert(1)" }],
    ["http to another host", { token_endpoint: "http://idp.example.com/token" }],
    ["a file", { jwks_uri: "file:///etc/passwd" }],
    ["user info in a URL", { token_endpoint: "https://a:b@idp.example.com/token" }],
    ["a promise that is no yes or no", { authorization_response_iss_parameter_supported: "true" }],
  ])("with %s is not used", async (_name, change) => {
    const w = await world();
    w.idp.scripts.discovery = () => Response.json({ ...GOOD, ...change });
    const begun = await begin(w);
    expect(outcomeOf(w, begun.response)).toMatchObject({ accepted: false, error: "server_error" });
    expect(begun.cookie).toBe("");
    expect(w.idp.requests).toEqual(["GET http://localhost:8788/.well-known/openid-configuration"]);
  });
});
