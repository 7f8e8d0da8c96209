import type { TokenSet } from "../dialects/dialect.ts";
import type { ClientRequest } from "../service.ts";
import type { GrantName } from "../tenants/client.ts";

/** One grant: a row of the table in `index.ts`. The endpoint has parsed the form and authenticated the client. */
export interface Grant {
  readonly name: GrantName;
  /** `grant_type` on the wire. */
  readonly grantType: string;
  issue(request: ClientRequest): Promise<TokenSet>;
}
