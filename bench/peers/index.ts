import type { Contestant } from "../contestant.ts";
import { glewlwyd } from "./glewlwyd.ts";
import { oidcProvider, oidcProviderOnRedis } from "./oidc-provider.ts";
import { workersOauthProvider } from "./workers-oauth-provider.ts";

/** Starts a peer in a folder; or says in a sentence why it cannot take part on this machine. */
export type Peer = (folder: string) => Promise<Contestant | string>;

/** The servers that Cambio is compared with. */
export const PEERS: readonly Peer[] = [oidcProvider, oidcProviderOnRedis, workersOauthProvider, glewlwyd];
