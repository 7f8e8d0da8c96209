import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { basic, login, type World, world } from "../world.ts";
import { bytesOfAnswer, FORM_ENDPOINTS, GOOD_FORM, lastLineOf, refusal, WORKER } from "./wire.ts";

beforeEach(reset);

const [ID, SECRET] = WORKER;
const raw = (text: string) => ({ authorization: text });
const encoded = (text: string) => raw(`Basic ${btoa(text)}`);

/** Asks for client credentials as whoever the headers and the rest of the form say. */
const ask = (w: World, headers: Record<string, string>, extra = "") => w.post("/oauth2/token", `grant_type=client_credentials${extra}`, undefined, headers);

describe.each(FORM_ENDPOINTS)("a confidential client at %s", (endpoint) => {
  const form = GOOD_FORM[endpoint];

  it("proves itself by Basic or in the body", async () => {
    const w = await world();
    expect((await w.post(endpoint, form, WORKER)).status).toBe(200);
    expect((await w.post(endpoint, `${form}&client_id=${ID}&client_secret=${SECRET}`)).status).toBe(200);
    expect((await w.post(endpoint, `${form}&client_id=${ID}`, WORKER)).status).toBe(200);
  });

  it("CA-01 CA-14 is refused without credentials, named or not, and no scheme is asked for", async () => {
    const w = await world();
    for (const body of [form, `${form}&client_id=${ID}`, `${form}&client_secret=${SECRET}`, `${form}&client_id=${ID}&client_secret=`]) {
      const answer = await w.post(endpoint, body);
      expect(answer.headers.has("www-authenticate")).toBe(false);
      expect(["401 invalid_client", "400 invalid_request"]).toContain(await refusal(answer));
    }
    expect(await refusal(await w.post(endpoint, `${form}&client_id=${ID}`))).toBe("401 invalid_client");
  });

  it("CA-05 is refused with a wrong secret, and Basic is asked for where Basic was tried", async () => {
    const w = await world();
    for (const wrong of ["wrong", `${SECRET} `, ` ${SECRET}`, SECRET.toUpperCase(), SECRET.slice(0, -1), `${SECRET}x`, `${SECRET}\u0000`, `${SECRET}\n`]) {
      const answer = await w.post(endpoint, form, [ID, wrong]);
      expect(answer.headers.get("www-authenticate")).toBe('Basic realm="cambio", charset="UTF-8"');
      expect(await refusal(answer)).toBe("401 invalid_client");
      const inBody = await w.post(endpoint, `${form}&${new URLSearchParams({ client_id: ID, client_secret: wrong })}`);
      expect(inBody.headers.has("www-authenticate")).toBe(false);
      expect(await refusal(inBody)).toBe("401 invalid_client");
    }
  });

  it("CA-02, regression 22: is refused when it proves itself in two ways, both right or not", async () => {
    const w = await world();
    const refused = ["400 invalid_request", "401 invalid_client"];
    const assertion = "client_assertion=e30.e30.AAAA&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    const inBody = `client_id=${ID}&client_secret=${SECRET}`;
    for (const extra of [inBody, `client_id=${ID}&client_secret=wrong`, assertion, "client_assertion=x", `${inBody}&${assertion}`]) {
      expect(refused).toContain(await refusal(await w.post(endpoint, `${form}&${extra}`, WORKER)));
    }
    for (const extra of [
      `${inBody}&${assertion}`,
      `${inBody}&client_assertion=x`,
      `client_id=${ID}&${assertion}`,
      `client_id=mobile-app&${assertion}`,
      "client_id=mobile-app&client_assertion=x",
    ]) {
      expect(refused).toContain(await refusal(await w.post(endpoint, `${form}&${extra}`)));
    }
    expect(await refusal(await w.post(endpoint, `${form}&${inBody}`, [ID, "wrong"]))).toBe("400 invalid_request");
  });

  it("CA-03 is refused when the body names another", async () => {
    const w = await world();
    for (const other of ["stranger", "web-app", "mobile-app", "nobody", ID.toUpperCase()]) {
      expect(["400 invalid_request", "401 invalid_client"]).toContain(await refusal(await w.post(endpoint, `${form}&client_id=${other}`, WORKER)));
    }
    expect(await refusal(await w.post(endpoint, `${form}&client_id=mobile-app`, ["stranger", "stranger-secret"]))).toBe("400 invalid_request");
  });

  it("CA-06 ENU-01 that does not exist is refused byte for byte as one with a wrong secret, a disabled one, and a public one with a secret", async () => {
    const w = await world({
      tenant: (file) => {
        Object.assign(file.clients.stranger, { disabled: true });
      },
    });
    const tries = async (id: string, secret: string) => [
      await bytesOfAnswer(await w.post(endpoint, form, [id, secret])),
      await bytesOfAnswer(await w.post(endpoint, `${form}&client_id=${id}&client_secret=${secret}`)),
    ];
    const unknown = await tries("nobody", "x");
    expect(await tries(ID, "wrong")).toEqual(unknown);
    expect(await tries("stranger", "stranger-secret")).toEqual(unknown);
    expect(await tries("stranger", "wrong")).toEqual(unknown);
    expect(await tries("mobile-app", "x")).toEqual(unknown);
    expect(await tries("__proto__", "x")).toEqual(unknown);
    expect(await tries("-".repeat(500), "x")).toEqual(unknown);
  });
});

describe("HTTP Basic", () => {
  it.each<[string, string]>([
    ["no base64 at all", "Basic !!!"],
    ["nothing", "Basic"],
    ["nothing but a space", "Basic "],
    ["no colon", `Basic ${btoa(ID)}`],
    ["an empty id", `Basic ${btoa(`:${SECRET}`)}`],
    ["an empty secret", `Basic ${btoa(`${ID}:`)}`],
    ["both empty", `Basic ${btoa(":")}`],
    ["the alphabet of base64url", `Basic ${btoa(`${ID}:\u00fb\u00ff\u00fe`).replaceAll("+", "-").replaceAll("/", "_")}`],
    ["bytes behind the padding", `Basic ${btoa("a:b1")}====AAAA`],
    ["a newline within", `Basic ${btoa(`${ID}:${SECRET}`).replace(/^(....)/, "$1 ")}`],
    ["bytes that are not UTF-8", `Basic ${btoa(`${ID}:\u00ff\u00fe`)}`],
    ["a stray percent sign", `Basic ${btoa(`${ID}:100%`)}`],
    ["an escape that is none", `Basic ${btoa(`${ID}:%u0041`)}`],
    ["a NUL behind the secret", `Basic ${btoa(`${ID}:${SECRET}\u0000`)}`],
    ["a byte order mark", `Basic ${btoa(`\u00ef\u00bb\u00bf${ID}:${SECRET}`)}`],
    ["a space before the id", `Basic ${btoa(` ${ID}:${SECRET}`)}`],
    ["another scheme", `Foo ${btoa(`${ID}:${SECRET}`)}`],
    ["a scheme that begins alike", `BasicX ${btoa(`${ID}:${SECRET}`)}`],
    ["the credentials without a scheme", btoa(`${ID}:${SECRET}`)],
    ["a quoted text", `Basic "${btoa(`${ID}:${SECRET}`)}"`],
    ["a comma and more", `Basic ${btoa(`${ID}:${SECRET}`)}, Bearer x`],
    ["100 KB", `Basic ${btoa(`${ID}:${"a".repeat(100_000)}`)}`],
  ])("CA-07 CA-09 CA-11 with %s is 401, and never a failure", async (_name, header) => {
    const w = await world();
    expect(await refusal(await ask(w, raw(header)))).toBe("401 invalid_client");
    expect((await ask(w, encoded(`${ID}:${SECRET}`))).status).toBe(200);
  });

  it("CA-09 of another scheme is not overlooked in favour of the body", async () => {
    const w = await world();
    const body = `&client_id=${ID}&client_secret=${SECRET}`;
    for (const header of ["Bearer abc", `Foo ${btoa(`${ID}:${SECRET}`)}`, "Negotiate x", "DPoP x"])
      expect(await refusal(await ask(w, raw(header), body))).toBe("401 invalid_client");
    expect((await ask(w, {}, body)).status).toBe(200);
  });

  it("CA-09 of another scheme makes no public client of a caller", async () => {
    const w = await world();
    const { refresh_token } = await login(w, "mobile-app");
    const form = `grant_type=refresh_token&client_id=mobile-app&refresh_token=${refresh_token}`;
    for (const header of ["Bearer abc", "Basic", `Basic ${btoa("mobile-app:")}`, "x"])
      expect(await refusal(await w.post("/oauth2/token", form, undefined, raw(header)))).toBe("401 invalid_client");
    expect((await w.post("/oauth2/token", form)).status).toBe(200);
  });

  it("CA-10 is a scheme without regard to case, with one space behind it", async () => {
    const w = await world();
    const credentials = btoa(`${ID}:${SECRET}`);
    for (const scheme of ["Basic", "bAsIc", "BASIC"]) expect((await ask(w, raw(`${scheme} ${credentials}`))).status).toBe(200);
    expect(await refusal(await ask(w, raw(`Basic  ${credentials}`)))).toBe("401 invalid_client");
    expect(await refusal(await ask(w, raw(`Basic\t${credentials}`)))).toBe("401 invalid_client");
  });

  it("CA-11 given twice is refused, in either order", async () => {
    const w = await world();
    const good = `Basic ${btoa(`${ID}:${SECRET}`)}`;
    for (const [first, second] of [
      [good, "Bearer b"],
      ["Bearer b", good],
      [good, good],
    ] as const) {
      const headers = new Headers({ "content-type": "application/x-www-form-urlencoded" });
      headers.append("authorization", first);
      headers.append("authorization", second);
      const answer = await w.fetch("/oauth2/token", { method: "POST", body: "grant_type=client_credentials", headers });
      expect(await refusal(answer)).toBe("401 invalid_client");
    }
  });

  it.each(["a:b%c+d e", "é🔑", "100%25", "+%2B ", ":::", "a\tb"])("CA-08 carries the secret %j form-encoded, decoded once", async (secret) => {
    const w = await world({
      tenant: (file) => {
        file.clients["billing-worker"].developmentSecret = secret;
      },
    });
    expect((await ask(w, raw(basic(ID, secret)))).status).toBe(200);
    expect((await ask(w, {}, `&${new URLSearchParams({ client_id: ID, client_secret: secret })}`)).status).toBe(200);
    expect(await refusal(await ask(w, raw(basic(ID, encodeURIComponent(secret)))))).toBe("401 invalid_client");
    // Not form-encoded, as many write it, it is right only where encoding would change nothing.
    const plain = String.fromCharCode(...new TextEncoder().encode(`${ID}:${secret}`));
    expect((await ask(w, encoded(plain))).status).toBe(/[%+]/.test(secret) ? 401 : 200);
  });

  it("splits at the first colon, so that an id cannot swallow a part of its secret", async () => {
    const w = await world({
      tenant: (file) => {
        file.clients["billing-worker"].developmentSecret = "x:y";
        Object.assign(file.clients, { "billing-worker:x": { developmentSecret: "y", grants: ["client_credentials"] } });
      },
    });
    await ask(w, encoded("billing-worker:x:y"));
    expect(lastLineOf(w)).toMatchObject({ client: "billing-worker", status: 200 });
    await ask(w, raw(basic("billing-worker:x", "y")));
    expect(lastLineOf(w)).toMatchObject({ client: "billing-worker:x", status: 200 });
  });
});

describe("a public client", () => {
  it("names itself, and has no secret that could be right", async () => {
    const w = await world();
    const { refresh_token } = await login(w, "mobile-app");
    const form = { grant_type: "refresh_token", refresh_token };
    for (const secret of ["x", "mobile-app-secret", "undefined", "null"]) {
      expect(await refusal(await w.post("/oauth2/token", form, ["mobile-app", secret]))).toBe("401 invalid_client");
      expect(await refusal(await w.post("/oauth2/token", { ...form, client_id: "mobile-app", client_secret: secret }))).toBe("401 invalid_client");
    }
    expect((await w.post("/oauth2/token", { ...form, client_id: "mobile-app" })).status).toBe(200);
  });

  it("is not to introspect, and has no client credentials", async () => {
    const w = await world();
    expect(await refusal(await w.post("/oauth2/introspect", { token: "x", client_id: "mobile-app" }))).toBe("403 access_denied");
    expect(await refusal(await w.post("/oauth2/token", { grant_type: "client_credentials", client_id: "mobile-app" }))).toBe("400 unauthorized_client");
  });

  it("CA-15 exchanges nothing, unless its record says so", async () => {
    const status = async (publicExchange: boolean) => {
      const w = await world({
        tenant: (file) => {
          file.clients["mobile-app"].publicExchange = publicExchange;
        },
      });
      const { access_token } = await login(w, "mobile-app");
      const type = "urn:ietf:params:oauth:token-type:access_token";
      const form = { grant_type: "urn:ietf:params:oauth:grant-type:token-exchange", subject_token: access_token, subject_token_type: type, requested_token_type: type };
      const answer = await w.post("/oauth2/token", { ...form, client_id: "mobile-app" });
      return answer.status === 200 ? 200 : await refusal(answer);
    };
    expect(await status(true)).toBe(200);
    expect(await status(false)).toBe("400 unauthorized_client");
  });

  it("CA-46 is not made a confidential one by what a proxy would say of a certificate", async () => {
    const w = await world();
    const headers = {
      "client-cert": ":AAAA:",
      "client-cert-chain": ":AAAA:",
      "cf-client-cert-der-base64": "AAAA",
      "x-ssl-client-verify": "SUCCESS",
      "x-ssl-client-s-dn": "CN=billing-worker",
      "x-client-dn": "CN=billing-worker",
      "x-client-secret": SECRET,
    };
    expect(await refusal(await ask(w, headers, `&client_id=${ID}`))).toBe("401 invalid_client");
  });
});
