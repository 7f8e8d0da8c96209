import type { Browser, Exchange } from "./browser.ts";
import type { Transcript } from "./transcript.ts";

/** What a chapter is played on. */
export interface Stage extends Transcript {
  readonly issuer: string;
  /** A new browser whose every request is shown. */
  browser(): Browser;
  /** Posts a form as an application would, shows it, and resolves with the JSON that came back (undefined for no body). */
  post(path: string, form: Readonly<Record<string, string>>, client?: Credentials): Promise<unknown>;
  /** Posts what must be refused with this error, and shows it; rejects when it is not. */
  refused(error: string, path: string, form: Readonly<Record<string, string>>, client?: Credentials): Promise<void>;
}

/** A confidential client's own credentials. */
export interface Credentials {
  readonly id: string;
  readonly secret: string;
}

/** One walk through what Cambio does. */
export interface Chapter {
  /** What it is called on the command line. */
  readonly name: string;
  readonly title: string;
  /** Plays it; rejects when an answer is not what the chapter promises. */
  play(stage: Stage): Promise<void>;
}

/** Shows one exchange of a browser. */
export async function show(transcript: Transcript, { request, body, response }: Exchange): Promise<void> {
  transcript.request(request, body);
  transcript.response(response, await response.clone().text());
}
