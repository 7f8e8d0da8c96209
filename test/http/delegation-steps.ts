import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { exchange, type TenantFileInput, type Tokens, type World } from "../world.ts";

/** Six clients that may obtain tokens of their own for the travel agent, who lets them act. */
export const AGENTS = Array.from({ length: 6 }, (_, index) => `agent-${index + 1}`);

/** Adds the agents to a tenant file. */
export function withAgents(file: TenantFileInput): void {
  for (const agent of AGENTS) {
    Object.assign(file.clients, { [agent]: { developmentSecret: `${agent}-secret`, grants: ["client_credentials"] } });
    file.permissions.push({ consumer: agent, provider: "travel-agent", name: "travel-agent" });
  }
}

/** A client's own token: for the travel agent, or for another audience. Costs no call of an object. */
export async function agentToken(w: World, agent: string, form: Record<string, string> = { audience: "travel-agent" }): Promise<string> {
  const answer = await w.post("/oauth2/token", { grant_type: "client_credentials", ...form }, [agent, `${agent}-secret`]);
  return ((await answer.json()) as Tokens).access_token;
}

/** What became of an exchange. */
export interface Traded {
  readonly status: number;
  readonly error: unknown;
  readonly token: string;
  /** The precise reason, as the audit log has it. */
  readonly reason: unknown;
}

/** The travel agent trades an access token, for itself unless something else is said; with an actor's, where one is given. */
export async function trade(w: World, subject: string, actor?: string, form: Record<string, string> = {}, client = "travel-agent"): Promise<Traded> {
  const acting = actor === undefined ? {} : { actor_token: actor, actor_token_type: TOKEN_TYPE.access_token };
  const { status, body } = await exchange(w, client, { subject_token: subject, subject_token_type: TOKEN_TYPE.access_token, ...acting, ...form });
  const { reason } = JSON.parse(w.lines.at(-1) ?? "{}") as { readonly reason?: unknown };
  return { status, error: body.error, token: String(body.access_token), reason };
}
