import type { Form } from "../protocol/form.ts";
import type { Exchange } from "../service.ts";
import type { AuthenticationMethodName, Client } from "../tenants/client.ts";

/** What a client showed to prove who it is. Nothing of it is true yet. */
export interface Presented {
  readonly clientId: string;
  /** Whether it proves the client. Asked for unknown clients too, with no client: the work is the same. */
  proves(client: Client | undefined, exchange: Exchange): Promise<boolean>;
}

/** One way of client authentication: a row of the table in `index.ts`. */
export interface AuthenticationMethod {
  readonly name: AuthenticationMethodName;
  /** Set where the request shows only a client id, and what proves it is around it: the registered method decides which of these is meant. */
  readonly ambient?: true;
  /** What was presented by this method; undefined when it was not used. Throws when it was used badly. */
  presented(form: Form, exchange: Exchange): Presented | undefined;
}
