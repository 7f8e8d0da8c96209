import type { World } from "../world.ts";

export const PATH = "/oauth2/exchange/corporateidp";

/** An answer of `/oauth2/exchange/corporateidp`. */
export interface HandedOut {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly response: Response;
}

/** Trades a token for those of the IdP, as the demo's web app unless another client is named. */
export async function handOut(w: World, assertion: string, form: Record<string, string> = {}, as: readonly [string, string] = ["web-app", "web-app-secret"]): Promise<HandedOut> {
  const response = await w.post(PATH, { assertion, ...form }, as);
  return { status: response.status, body: (await response.clone().json()) as Record<string, unknown>, response };
}

/** Status and error of an answer, and the reason that the audit log has. */
export function refusalOf(w: World, { status, body }: Pick<HandedOut, "status" | "body">): readonly [number, unknown, unknown] {
  return [status, body.error, (JSON.parse(w.lines.at(-1) ?? "{}") as { readonly reason?: unknown }).reason];
}

/** The requests for tokens that reached an IdP. */
export function tokenRequests(w: World): number {
  return w.idp.requests.filter((request) => request.startsWith("POST")).length;
}
