import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { demoTenant } from "../demo-tenant.ts";
import { world } from "../world.ts";

beforeEach(reset);

type File = ReturnType<typeof demoTenant>;

describe("what a tenant file says of tokens of other issuers", () => {
  const server = { issuer: "https://b.example.com" };
  const WRONG: Readonly<Record<string, readonly [change: (file: File) => void, path: string]>> = {
    "an IdP without audiences": [
      (file) => Object.assign(file.identityProviders.partner, { subjectTokens: { audiences: [] } }),
      "identityProviders.partner.subjectTokens.audiences",
    ],
    "a user named by an address": [(file) => Object.assign(file.identityProviders.partner.subjectTokens, { subject: "email" }), "identityProviders.partner.subjectTokens.subject"],
    "two IdPs of one issuer and one audience": [
      (file) => Object.assign(file.identityProviders, { twin: file.identityProviders.partner }),
      "identityProviders.twin.subjectTokens.audiences",
    ],
    "our own issuer": [(file) => Object.assign(file.identityProviders.partner, { issuer: file.issuer }), "identityProviders.partner.subjectTokens"],
    "a client that names an IdP which takes none": [(file) => Object.assign(file.clients["orders-api"], { subjectIssuers: ["corp"] }), "clients.orders-api.subjectIssuers.0"],
    "a public client that presents tokens": [(file) => Object.assign(file.clients.spa, { subjectIssuers: ["partner"] }), "clients.spa.subjectIssuers"],
    "a public client that asks for assertions": [(file) => Object.assign(file.clients.spa, { authorizationServers: [server] }), "clients.spa.authorizationServers"],
    "ourselves as another domain": [
      (file) => Object.assign(file.clients["web-app"], { authorizationServers: [{ issuer: file.issuer }] }),
      "clients.web-app.authorizationServers.0.issuer",
    ],
    "a server twice": [(file) => Object.assign(file.clients["web-app"], { authorizationServers: [server, server] }), "clients.web-app.authorizationServers.1.issuer"],
  };

  it("is refused where it could be read in two ways, and names the place", async () => {
    const w = await world();
    for (const [name, [change, path]] of Object.entries(WRONG)) {
      const file = demoTenant();
      change(file);
      const answer = await w.apply(file);
      const { problems = [] } = (await answer.json()) as { problems?: { path: string }[] };
      expect([name, answer.status, problems.map((problem) => problem.path)]).toEqual([name, 400, expect.arrayContaining([path])]);
    }
    const good = demoTenant();
    Object.assign(good.clients["web-app"], { authorizationServers: [server] });
    expect((await w.apply(good)).status).toBe(200);
  });
});
