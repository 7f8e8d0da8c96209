import { existsSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type RunningCambio, startCambio } from "../../cli/local/start-cambio.ts";

const CHROMIUM = process.env.CHROMIUM_PATH ?? "/usr/bin/chromium";
const WEB_REDIRECT = "http://localhost:8789/callback";
const PHONE_REDIRECT = "http://127.0.0.1:49153/callback";
const CHALLENGE = { code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWBuGJSstw-cM", code_challenge_method: "S256" };

// What only a real browser decides: which cookies travel, what a page's policy lets happen, which script runs.
const HAS_CHROMIUM = existsSync(CHROMIUM);

const TITLE = HAS_CHROMIUM ? "in Chromium" : `in Chromium: skipped, there is none at ${CHROMIUM} (CHROMIUM_PATH)`;

// A browser that hangs, as it may on a busy machine, is asked once more; what it has to show stays as strict.
describe.skipIf(!HAS_CHROMIUM)(TITLE, { timeout: 20_000, retry: 1 }, () => {
  let cambio: RunningCambio;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    cambio = await startCambio({ port: 18_817, idpPort: 18_818, partnerPort: 18_918, fresh: true });
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await cambio?.stop();
  });

  beforeEach(async () => {
    context = await browser.newContext();
    page = await context.newPage();
  });

  afterEach(() => context.close());

  test("a user logs in with one click at the identity provider, and the application is called back", async () => {
    await page.goto(authorizeUrl("web-app", WEB_REDIRECT));
    const callback = await calledBack(WEB_REDIRECT, () => page.getByRole("button", { name: "Dona Moore" }).click());
    expect(callback.searchParams.get("code")).toMatch(/^cambio_code_/);
    expect(callback.searchParams.get("iss")).toBe(cambio.issuer);
  });

  test("the session cookie is out of reach for scripts and stays with the site", async () => {
    await logIn();
    const cookies = await context.cookies(cambio.issuer);
    expect(cookies.find(({ name }) => name === "cambio_session_18817")).toMatchObject({ httpOnly: true, sameSite: "Lax", path: "/" });
  });

  test("a second application gets its code without a second login", async () => {
    await logIn();
    const callback = await calledBack(WEB_REDIRECT, () => page.goto(authorizeUrl("front-end-app", WEB_REDIRECT)));
    expect(callback.searchParams.get("code")).toMatch(/^cambio_code_/);
  });

  test("a public application on the device gets its code after one click, and not before", async () => {
    await logIn();
    let early = false;
    page.on("request", (request) => {
      early ||= request.url().startsWith(PHONE_REDIRECT);
    });
    await page.goto(authorizeUrl("mobile-app", PHONE_REDIRECT));
    expect(early).toBe(false);
    const callback = await calledBack(PHONE_REDIRECT, () => page.getByRole("button").click());
    expect(callback.searchParams.get("code")).toMatch(/^cambio_code_/);
  });

  // A policy's form-action holds every redirect behind the form: only an application that answers can tell.
  test.each([
    ["by a redirect after a click", "mobile-app", {}],
    ["by a form, after a login", "web-app", { response_mode: "form_post" }],
  ])("an application that is reached %s may send the browser on to another place", async (_name, clientId, extra) => {
    const application = createServer((request, response) => {
      response.writeHead(request.url?.startsWith("/callback") ? 303 : 200, { location: `http://localhost:${portOf(application)}/welcome` }).end("welcome");
    });
    await new Promise<void>((resolve, reject) => {
      application.once("error", reject).listen(clientId === "web-app" ? 8789 : 0, "127.0.0.1", resolve);
    });
    try {
      await logIn();
      await page.goto(authorizeUrl(clientId, clientId === "web-app" ? WEB_REDIRECT : `http://127.0.0.1:${portOf(application)}/callback`, extra)).catch(() => undefined);
      if (clientId === "mobile-app") await page.getByRole("button").click();
      await page.waitForURL("**/welcome", { timeout: 10_000 });
    } finally {
      application.closeAllConnections();
      application.close();
    }
  });

  test("with response_mode=form_post the browser posts the code to the application", async () => {
    await logIn();
    const posted = page.waitForRequest((request) => request.url().startsWith(WEB_REDIRECT), { timeout: 10_000 });
    await page.goto(authorizeUrl("web-app", WEB_REDIRECT, { response_mode: "form_post" })).catch(() => undefined);
    const request = await posted;
    expect(request.method()).toBe("POST");
    expect(new URLSearchParams(request.postData() ?? "").get("code")).toMatch(/^cambio_code_/);
  });

  test("a logout without a hint asks first, then ends both sessions and comes back", async () => {
    await logIn();
    const back = "http://localhost:8789/";
    await page.goto(`${cambio.issuer}/oauth2/logout?${new URLSearchParams({ client_id: "web-app", post_logout_redirect_uri: back, state: "bye" })}`);
    const called = await calledBack(back, () => page.getByRole("button").click());
    expect(called.searchParams.get("state")).toBe("bye");
    await newPage();
    await page.goto(authorizeUrl("web-app", WEB_REDIRECT));
    expect(await page.getByRole("button", { name: "Dona Moore" }).isVisible()).toBe(true);
  });

  function portOf(server: Server): number {
    return (server.address() as AddressInfo).port;
  }

  async function logIn(): Promise<void> {
    await page.goto(authorizeUrl("web-app", WEB_REDIRECT));
    await calledBack(WEB_REDIRECT, () => page.getByRole("button", { name: "Dona Moore" }).click());
    await newPage();
  }

  // The page before may still be on its way to an application that does not answer.
  async function newPage(): Promise<void> {
    await page.close();
    page = await context.newPage();
  }

  // Nobody listens at the applications' addresses: that the browser goes there is all that is asked.
  async function calledBack(redirectUri: string, act: () => Promise<unknown>): Promise<URL> {
    const request = page.waitForRequest((one) => one.url().startsWith(redirectUri), { timeout: 10_000 });
    const [seen] = await Promise.all([request, act().catch(() => undefined)]);
    return new URL(seen.url());
  }

  function authorizeUrl(clientId: string, redirectUri: string, extra: Readonly<Record<string, string>> = {}): string {
    const query = { response_type: "code", client_id: clientId, redirect_uri: redirectUri, scope: "openid", state: "s", ...CHALLENGE, ...extra };
    return `${cambio.issuer}/oauth2/authorize?${new URLSearchParams(query)}`;
  }
});
