import { describe, expect, it } from "vitest";
import type { Config } from "../src/config.ts";
import { hostTable } from "../src/host-table.ts";

const ISSUER = "https://id.example.com/realms/demo";
const LOCAL = "http://localhost:8787";
const ALIAS = "https://mtls.example.com";

const hostOf = hostTable({ issuers: [ISSUER, LOCAL], mtlsAliases: new Map([[ISSUER, ALIAS]]) } as unknown as Config);

describe("the table of hosts", () => {
  it.each([
    ["https://id.example.com/oauth2/token", { issuer: ISSUER, isAlias: false }],
    ["https://id.example.com/?x=https://evil.example/", { issuer: ISSUER, isAlias: false }],
    ["http://localhost:8787/", { issuer: LOCAL, isAlias: false }],
    ["https://mtls.example.com/oauth2/token", { issuer: ISSUER, isAlias: true }],
  ])("finds the issuer of %s", (url, host) => {
    expect(hostOf(url)).toEqual(host);
  });

  it.each(["HTTPS://ID.Example.com/x", "https://id.example.com:443/x", "https://id.example.com", "https://id.example.com?x", "https://anyone@id.example.com/x"])(
    "finds it however the URL is written: %s",
    (url) => {
      expect(hostOf(url)).toEqual({ issuer: ISSUER, isAlias: false });
    },
  );

  it.each([
    "http://id.example.com/",
    "https://id.example.com:8443/",
    "https://id.example.com.evil.example/",
    "https://evil.example/https://id.example.com/",
    "https://id.example.com@evil.example/",
    "https://evil.example\\@id.example.com/",
    "https://localhost:8787/",
    "https://xn--id.example.com/",
    // What workerd makes of `OPTIONS *`: no slash ends the host.
    "https://id.example.com*",
    "https://id.example.comx",
    "http://localhost:8787*",
    "http://localhost:8787x/",
    "",
  ])("finds none for %s", (url) => {
    expect(hostOf(url)).toBeUndefined();
  });
});
