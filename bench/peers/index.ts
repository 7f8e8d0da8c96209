import type { Contestant } from "../contestant.ts";
import type { Generator } from "../generator.ts";

/** Starts a peer; or says in a sentence why it cannot take part on this machine. */
export type Peer = (folder: string, generator: Generator) => Promise<Contestant | string>;

/** The servers that Cambio is compared with. */
export const PEERS: readonly Peer[] = [];
