import type { Result } from "./load.ts";
import type { Served } from "./served.ts";

/** What is measured: one row of the table each. `floor` is the operation of the bare Worker that it is compared with. */
export const OPERATIONS = {
  exchange: "exchange JWT→JWT, strong",
  exchangeFirst: "exchange JWT→JWT, edge, token not seen before",
  exchangeEdge: "exchange JWT→JWT, edge, token verified anew",
  exchangeKnown: "exchange JWT→JWT, edge, token seen before",
  exchangeToOpaque: "exchange JWT→opaque",
  exchangeFromOpaque: "exchange opaque→JWT",
  exchangeWithActor: "exchange JWT→JWT with actor token",
  refresh: "refresh with rotation",
  clientCredentials: "client_credentials → JWT",
  introspectOpaque: "introspect opaque, strong",
  introspectOpaqueEdge: "introspect opaque, edge, token verified anew",
  introspectOpaqueKnown: "introspect opaque, edge, token seen before",
  introspectJwt: "introspect JWT, strong",
  introspectJwtEdge: "introspect JWT, edge, token verified anew",
  introspectJwtKnown: "introspect JWT, edge, token seen before",
  revoke: "revoke",
  samlAssertion: "SAML assertion, beside its RSA signature",
  keySet: "key set",
  discovery: "discovery",
} as const;

/** The name of an operation. */
export type Operation = keyof typeof OPERATIONS;

/** What one round sends: so many whole requests, or chains of them. */
export interface Work {
  readonly requests: readonly string[];
  readonly chains?: readonly string[];
  /** How often one request does what is measured; once where it is left out. */
  readonly each?: number;
  /** Told what came of it: where each chain has got to. */
  readonly took?: (result: Result) => void;
}

/** Makes the work of one round; what it costs is not measured. */
export type Supply = (count: number) => Promise<Work>;

/** A server that takes part, and the operations that it can be asked for. */
export interface Contestant {
  readonly name: string;
  /** How what it does differs from what Cambio does: a footnote of the table. */
  readonly note?: string;
  readonly served: Served;
  readonly supplies: Readonly<Partial<Record<Operation, Supply>>>;
  stop(): Promise<void>;
}

/** The same requests in every round. */
export function always(...requests: readonly string[]): Supply {
  return async () => ({ requests });
}

/** Work that is made once, for what it sends may be sent again and again. */
export function kept(make: () => Promise<Work>): Supply {
  let work: Work | undefined;
  return async () => {
    work ??= await make();
    return work;
  };
}

/** How many connections are open at once; a chain has one of its own. */
export const CONNECTIONS = 8;
