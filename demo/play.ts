import { Browser } from "./browser.ts";
import { type Credentials, type Stage, show } from "./stage.ts";
import type { Transcript } from "./transcript.ts";

/** A stage in front of a running Cambio. */
export function stage(issuer: string, transcript: Transcript): Stage {
  const send: Send = async (path, form, client) => {
    const body = new URLSearchParams(form).toString();
    const headers = { "content-type": "application/x-www-form-urlencoded", ...(client !== undefined && { authorization: basic(client) }) };
    const request = new Request(`${issuer}${path}`, { method: "POST", headers, body });
    const response = await fetch(request);
    await show(transcript, { request, body, response });
    return response;
  };
  return {
    ...transcript,
    issuer,
    browser: () => new Browser((exchange) => show(transcript, exchange)),
    async post(path, form, client) {
      const response = await send(path, form, client);
      const text = await response.text();
      if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`);
      return text === "" ? undefined : JSON.parse(text);
    },
    async refused(error, path, form, client) {
      const response = await send(path, form, client);
      const text = await response.text();
      if (response.ok || !text.includes(`"error":"${error}"`)) throw new Error(`${path} was to be refused with ${error}, and answered ${response.status}: ${text}`);
    },
  };
}

type Send = (path: string, form: Readonly<Record<string, string>>, client?: Credentials) => Promise<Response>;

// RFC 6749 §2.3.1: both parts are form-encoded before they are joined.
function basic({ id, secret }: Credentials): string {
  return `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString("base64")}`;
}
