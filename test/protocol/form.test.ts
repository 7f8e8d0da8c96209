import { describe, expect, it } from "vitest";
import { type Form, readForm, readQuery, requireMediaType } from "../../src/protocol/form.ts";
import type { Reason, Rejection } from "../../src/protocol/rejection.ts";

const FORM = "application/x-www-form-urlencoded";
const post = (body: BodyInit, query = "", headers: Record<string, string> = {}): Request =>
  new Request(`https://id.example.com/oauth2/token${query}`, { method: "POST", body, headers: { "content-type": FORM, ...headers } });

async function reasonOf(work: () => Promise<unknown> | unknown): Promise<Reason | undefined> {
  try {
    await work();
    return undefined;
  } catch (cause) {
    return (cause as Rejection).reason;
  }
}

const all = (form: Form) => [...form.entries()];

describe("the media type of a form", () => {
  it.each([
    "application/x-www-form-urlencoded",
    "Application/X-WWW-Form-URLencoded",
    "application/x-www-form-urlencoded;charset=UTF-8",
    'application/x-www-form-urlencoded; charset="utf-8"',
    "application/x-www-form-urlencoded ; Charset=Utf-8 ; v=1",
    "application/x-www-form-urlencoded; v=1; charset=utf-8; charset=utf-8",
  ])("TOK-10 takes %s", async (type) => {
    expect(all(await readForm(post("a=1", "", { "content-type": type })))).toEqual([["a", "1"]]);
  });

  it.each([
    "application/x-www-form-urlencoded;charset=utf-16",
    "application/x-www-form-urlencoded;charset=utf-7",
    "application/x-www-form-urlencoded;charset=iso-8859-1",
    "application/x-www-form-urlencoded;charset=",
    "application/x-www-form-urlencoded;charset",
    'application/x-www-form-urlencoded;charset="utf-8',
    "application/x-www-form-urlencoded;charset=utf-8;charset=utf-16",
    "application/x-www-form-urlencoded;charset =utf-16",
    "application/x-www-form-urlencoded;\tcharset=utf-16",
    "application/x-www-form-urlencoded;charset*=utf-16''x",
    "application/x-www-form-urlencoded, application/json",
    "application/x-www-form-urlencoded/json",
    "x-www-form-urlencoded",
    "application/json",
    "multipart/form-data; boundary=x",
    "text/plain",
    "*/*",
    "",
  ])("TOK-11 refuses %j", async (type) => {
    expect(await reasonOf(() => readForm(post("a=1", "", { "content-type": type })))).toBe("media_type");
  });

  it("TOK-13 refuses a body without one", async () => {
    expect(await reasonOf(() => readForm(new Request("https://id.example.com/", { method: "POST", body: new Uint8Array([97]) })))).toBe("media_type");
  });

  it.each(["gzip", "deflate", "br", "identity, gzip", "x-gzip", ""])("TOK-22 refuses the content encoding %j, and takes none", async (encoding) => {
    expect(await reasonOf(() => readForm(post("a=1", "", { "content-encoding": encoding })))).toBe("media_type");
    expect(await reasonOf(() => readForm(post("a=1", "", { "content-encoding": "identity" })))).toBeUndefined();
  });

  it("names JSON where JSON is meant", async () => {
    const headers = (type: string) => new Headers({ "content-type": type });
    expect(await reasonOf(() => requireMediaType(headers("application/json; charset=utf-8"), "application/json", "json_media_type"))).toBeUndefined();
    expect(await reasonOf(() => requireMediaType(headers(FORM), "application/json", "json_media_type"))).toBe("json_media_type");
  });
});

describe("the parameters of a form", () => {
  it.each<[string, (readonly [string, string])[]]>([
    [
      "a=1&b=2",
      [
        ["a", "1"],
        ["b", "2"],
      ],
    ],
    ["&&a=1&&", [["a", "1"]]],
    ["a=b=c", [["a", "b=c"]]],
    ["a", [["a", ""]]],
    ["=1", [["", "1"]]],
    ["a=+%2B%20", [["a", " + "]]],
    ["a=%2525", [["a", "%25"]]],
    ["a=%C3%A9%F0%9F%94%91", [["a", "é🔑"]]],
    ["a=é", [["a", "é"]]],
    ["a;b=1", [["a;b", "1"]]],
    ["grant_type=x;client_id=y", [["grant_type", "x;client_id=y"]]],
    ["a=%00%0d%0a", [["a", "\u0000\r\n"]]],
    ["%61=1", [["a", "1"]]],
    ["\uFEFFa=1", [["\uFEFFa", "1"]]],
    [
      "audience=x&audience=y&audience=",
      [
        ["audience", "x"],
        ["audience", "y"],
        ["audience", ""],
      ],
    ],
    [
      "resource=x&resource=x",
      [
        ["resource", "x"],
        ["resource", "x"],
      ],
    ],
    [
      "__proto__=1&constructor=2&toString=3",
      [
        ["__proto__", "1"],
        ["constructor", "2"],
        ["toString", "3"],
      ],
    ],
  ])("TOK-27 TOK-28 TOK-35 reads %j once and only once", async (body, expected) => {
    expect(all(await readForm(post(body)))).toEqual(expected);
    expect(all(readQuery(`https://id.example.com/x?${encodeURI(body).replaceAll("%25", "%")}#c=3`))).toEqual(expected);
  });

  it.each(["a=1&a=1", "a=1&a=2", "a=1&a=", "a=&a=", "a=1&%61=2", "client_id=x&client_id=x", "scope=a&scope=b", "Audience=x&Audience=y", "=1&=2", "__proto__=1&__proto__=2"])(
    "TOK-02 TOK-03 TOK-04 refuses the repetition in %j",
    async (body) => {
      expect(await reasonOf(() => readForm(post(body)))).toBe("repeated_parameter");
      expect(await reasonOf(() => readQuery(`https://id.example.com/x?${body}`))).toBe("repeated_parameter");
    },
  );

  it.each(["a=%", "a=%zz", "a=%u0041", "a=%1", "%=1", "a=%C3", "a=%FF%FE", "a=%FE%FF", "a=%ED%A0%80", "a=%C0%AF", "a=%F4%90%80%80"])("TOK-23 TOK-26 refuses %j", async (body) => {
    expect(await reasonOf(() => readForm(post(body)))).toBe("malformed_form");
    expect(await reasonOf(() => readQuery(`https://id.example.com/x?${body}`))).toBe("malformed_form");
  });

  it.each([[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf8, 0x88, 0x80, 0x80, 0x80], [0xc3]])("TOK-23 refuses the raw bytes %j", async (...bytes) => {
    expect(await reasonOf(() => readForm(post(Uint8Array.from([0x61, 0x3d, ...bytes]))))).toBe("malformed_form");
  });

  it("TOK-21 takes 128 parameters and refuses one more, however they are spread", async () => {
    const many = (count: number, name = "p") => Array.from({ length: count }, (_, index) => `${name}${index}=1`).join("&");
    expect(all(await readForm(post(many(128))))).toHaveLength(128);
    expect(await reasonOf(() => readForm(post(many(129))))).toBe("too_many_parameters");
    expect(await reasonOf(() => readForm(post(many(10_000))))).toBe("body_too_large");
    expect(await reasonOf(() => readForm(post(many(5_000))))).toBe("too_many_parameters");
    expect(await reasonOf(() => readForm(post(many(64), `?${many(65, "q")}`)))).toBe("too_many_parameters");
    expect(await reasonOf(() => readForm(post(Array.from({ length: 129 }, () => "audience=x").join("&"))))).toBe("too_many_parameters");
  });

  it("TOK-17 counts an empty value as omitted", async () => {
    const form = await readForm(post("a=&b=1&audience=&audience=x"));
    expect(form.get("a")).toBeUndefined();
    expect(form.get("b")).toBe("1");
    expect(form.get("c")).toBeUndefined();
    expect(form.all("audience")).toEqual(["x"]);
    expect(form.all("a")).toEqual([]);
    expect(await reasonOf(() => form.require("a"))).toBe("missing_parameter");
    expect(form.require("b")).toBe("1");
  });

  it("TOK-29 answers nothing for names of the language that were not given", async () => {
    const form = await readForm(post("a=1"));
    for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty", "size", "get"]) expect(form.get(name)).toBeUndefined();
  });
});

describe("the query of a POST", () => {
  it("is read by the same rules, and says what came from it", async () => {
    const form = await readForm(post("a=1", "?b=2&c=%2B"));
    expect(all(form)).toEqual([
      ["b", "2"],
      ["c", "+"],
      ["a", "1"],
    ]);
    expect([...form.queryNames]).toEqual(["b", "c"]);
  });

  it.each(["a=1", "a=", "%61=2"])("refuses a name that the body has too: %s", async (query) => {
    expect(await reasonOf(() => readForm(post("a=1", `?${query}`)))).toBe("repeated_parameter");
  });

  it("refuses a repeatable name that stands in both: that is two requests in one", async () => {
    expect(await reasonOf(() => readForm(post("audience=x", "?audience=y")))).toBe("repeated_parameter");
    expect(await reasonOf(() => readForm(post("a=1", "?audience=x&audience=y")))).toBeUndefined();
  });

  it.each([
    "client_secret",
    "client_assertion",
    "subject_token",
    "actor_token",
    "assertion",
    "refresh_token",
    "access_token",
    "token",
    "code",
    "code_verifier",
    "password",
    "client%5Fsecret",
  ])("TOK-06 RT-21 refuses %s there before anything else is read", async (name) => {
    const body = new ReadableStream();
    expect(await reasonOf(() => readForm(post(body, `?${name}=x`)))).toBe("secret_in_query");
    expect(await reasonOf(() => readForm(post("a=1", `?${name}=`)))).toBe("secret_in_query");
  });
});
