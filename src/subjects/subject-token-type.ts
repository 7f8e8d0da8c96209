import type { Dialect } from "../dialects/dialect.ts";
import type { ClientRequest } from "../service.ts";
import type { Unreadable } from "../tokens/read.ts";
import type { VerifiedToken } from "../tokens/token.ts";

/** One type of token that may be presented: a row of the table in `index.ts`. */
export interface SubjectTokenType {
  /** The identifier of RFC 8693 §3. */
  readonly type: string;
  /** Whether it may stand for an actor too. */
  readonly isActor: boolean;
  /** Set on a type for tokens of other issuers. */
  readonly isExternal?: true;
  /** How it is read; left out for what `readToken` reads. */
  read?(request: ClientRequest, text: string): Promise<VerifiedToken | Unreadable>;
  /** Whether a verified token is of this type: each token of ours is accepted under its own type only. */
  accepts(token: VerifiedToken, dialect: Dialect): boolean;
}
