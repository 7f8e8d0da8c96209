import { CookieJar } from "./cookie-jar.ts";

/** One request and its response, for whoever wants to show them. */
export interface Exchange {
  readonly request: Request;
  readonly body: string;
  readonly response: Response;
}

/** A page: where the browser is now and what it was shown. */
export interface Page {
  readonly url: URL;
  readonly status: number;
  readonly html: string;
}

const MOST_REDIRECTS = 20;

/** A browser without a window: follows redirects, keeps cookies, submits forms; runs no script. */
export class Browser {
  readonly jar = new CookieJar();
  readonly #watch: (exchange: Exchange) => void | Promise<void>;

  constructor(watch: (exchange: Exchange) => void | Promise<void> = () => {}) {
    this.#watch = watch;
  }

  /** Opens an address and follows it to a page, or to the first address that `leaves` says belongs to somebody else. */
  open(url: URL | string, leaves: (url: URL) => boolean = () => false): Promise<Page> {
    return this.#go(new URL(url), undefined, leaves);
  }

  /** Submits the one form of a page, its hidden fields and these, and follows where that leads. */
  submit(page: Page, fields: Readonly<Record<string, string>>, leaves: (url: URL) => boolean = () => false): Promise<Page> {
    const form = /<form\b[^>]*>/i.exec(page.html)?.[0];
    if (form === undefined) throw new Error(`no form at ${page.url.origin}${page.url.pathname} (${page.status}):\n${page.html.slice(0, 500)}`);
    const action = new URL(attribute(form, "action") ?? "", page.url);
    const body = new URLSearchParams({ ...hiddenFields(page.html), ...fields });
    if (attribute(form, "method")?.toLowerCase() !== "post") {
      action.search = body.toString();
      return this.#go(action, undefined, leaves);
    }
    return this.#go(action, body.toString(), leaves);
  }

  async #go(start: URL, form: string | undefined, leaves: (url: URL) => boolean): Promise<Page> {
    let url = start;
    let body = form;
    for (let count = 0; count < MOST_REDIRECTS; count++) {
      if (leaves(url)) return { url, status: 0, html: "" };
      const response = await this.#send(url, body);
      const location = response.headers.get("location");
      if (response.status < 300 || response.status > 399 || location === null) return { url, status: response.status, html: await response.text() };
      url = new URL(location, url);
      body = undefined;
    }
    throw new Error(`more than ${MOST_REDIRECTS} redirects, the last to ${url.origin}${url.pathname}`);
  }

  async #send(url: URL, body: string | undefined): Promise<Response> {
    const cookie = this.jar.header(url);
    const headers: Record<string, string> = { accept: "text/html", ...(cookie !== "" && { cookie }) };
    const request =
      body === undefined
        ? new Request(url, { headers, redirect: "manual" })
        : new Request(url, { method: "POST", body, headers: { ...headers, "content-type": "application/x-www-form-urlencoded" }, redirect: "manual" });
    const response = await fetch(request);
    this.jar.take(url, response);
    await this.#watch({ request, body: body ?? "", response });
    return response;
  }
}

/** Logs in at Cambio through the demo identity provider; resolves with the address that the application is called back at. */
export async function logIn(browser: Browser, authorize: URL | string, login: string, redirectUri: string): Promise<URL> {
  const isCallback = (url: URL) => url.href.startsWith(redirectUri);
  const page = await browser.open(authorize, isCallback);
  // Somebody who is logged in already is called back at once.
  if (isCallback(page.url)) return page.url;
  const answer = await browser.submit(page, { login }, isCallback);
  if (isCallback(answer.url)) return answer.url;
  throw new Error(`the login stopped at ${answer.url.href} (${answer.status}):\n${answer.html.slice(0, 1000)}`);
}

/** Logs out at Cambio and, where it continues there, at the demo identity provider; resolves with the address that comes after. */
export async function logOut(browser: Browser, endSession: URL | string, postLogoutRedirectUri: string): Promise<URL> {
  const isBack = (url: URL) => url.href.startsWith(postLogoutRedirectUri);
  let page = await browser.open(endSession, isBack);
  // The identity provider's page submits itself in a real browser.
  if (!isBack(page.url)) page = await browser.submit(page, { logout: "yes" }, isBack);
  if (isBack(page.url)) return page.url;
  throw new Error(`the logout stopped at ${page.url.href} (${page.status}):\n${page.html.slice(0, 1000)}`);
}

function hiddenFields(html: string): Record<string, string> {
  const inputs = html.match(/<input\b[^>]*>/gi) ?? [];
  const hidden = inputs.filter((input) => attribute(input, "type")?.toLowerCase() === "hidden");
  return Object.fromEntries(hidden.map((input) => [attribute(input, "name") ?? "", attribute(input, "value") ?? ""]));
}

function attribute(tag: string, name: string): string | undefined {
  const match = new RegExp(`\\b${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s>]+))`, "i").exec(tag);
  const value = match?.[1] ?? match?.[2] ?? match?.[3];
  return value?.replace(/&amp;/g, "&").replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
}
