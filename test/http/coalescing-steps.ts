import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { sharedAnswers } from "../../src/tokens/shared-answers.ts";
import { type InterceptedWorld, interceptedWorld } from "../worker/intercepted.ts";
import { exchange, type TenantFileInput, type World } from "../world.ts";

/** Changes a tenant file. */
export type Change = (file: TenantFileInput) => void;

/** A world whose clients share answers for five seconds, in this isolate's memory whatever the run says of caches. */
export async function sharing(change: Change = () => undefined): Promise<InterceptedWorld> {
  const w = await interceptedWorld({
    tenant: (file) => {
      Object.assign(file, { tokenPolicy: { coalesceSeconds: 5 } });
      change(file);
    },
  });
  Object.assign(w.service, { answers: sharedAnswers(w.service.now, 1000) });
  return w;
}

/** The last audit line. */
export const lineOf = (w: World) => JSON.parse(w.lines.at(-1) ?? "{}") as Record<string, unknown>;

/** What became of an exchange, and whether its answer was another's. */
export interface Traded {
  readonly status: number;
  readonly error: unknown;
  readonly token: string;
  readonly isShared: boolean;
  readonly body: Record<string, unknown>;
}

/** Exchanges an access token; the parameters come after it in the order given. */
export async function trade(w: World, subject_token: string, form: Record<string, string> | readonly (readonly [string, string])[] = {}, client = "travel-agent"): Promise<Traded> {
  const parameters = Array.isArray(form) ? (form as readonly (readonly [string, string])[]) : Object.entries(form);
  const type = parameters.some(([name]) => name === "subject_token_type") ? [] : [["subject_token_type", TOKEN_TYPE.access_token] as const];
  const { status, body } = await exchange(w, client, [["subject_token", subject_token] as const, ...type, ...parameters]);
  return { status, error: body.error, token: String(body.access_token), isShared: lineOf(w).coalesced === true, body };
}

/** What is called of families while something is done. */
export const familyCallsOf = async (w: InterceptedWorld, work: () => Promise<unknown>) => (await w.during(work)).filter((call) => call.startsWith("family."));
