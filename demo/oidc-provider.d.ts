// The package carries no types; these are the parts of it that the demo identity provider uses.
declare module "oidc-provider" {
  import type { IncomingMessage, ServerResponse } from "node:http";
  import type { JWK } from "jose";

  export interface Grant {
    addOIDCScope(scope: string): void;
    save(): Promise<string>;
  }

  export interface Context {
    type: string;
    body: string;
    readonly oidc: {
      readonly provider: Provider;
      readonly client?: { readonly clientId: string };
      readonly session?: { readonly accountId?: string };
      readonly params?: Readonly<Record<string, unknown>>;
    };
  }

  export interface Interaction {
    readonly uid: string;
    readonly prompt: { readonly name: string };
    readonly params: Readonly<Record<string, unknown>>;
  }

  export interface Configuration {
    readonly adapter?: unknown;
    readonly clients: readonly Readonly<Record<string, unknown>>[];
    readonly jwks: { readonly keys: readonly JWK[] };
    readonly cookies: { readonly keys: readonly string[]; readonly names: Readonly<Record<string, string>> };
    readonly scopes: readonly string[];
    readonly claims: Readonly<Record<string, readonly string[]>>;
    readonly conformIdTokenClaims: boolean;
    readonly responseTypes: readonly string[];
    readonly ttl: Readonly<Record<string, number>>;
    readonly features: Readonly<Record<string, unknown>>;
    fetch(url: string, init: RequestInit & { readonly dispatcher?: unknown }): Promise<Response>;
    readonly interactions: { url(context: Context, interaction: Interaction): string };
    findAccount(context: Context, id: string): { readonly accountId: string; claims(): { readonly sub: string } } | undefined;
    issueRefreshToken(): boolean;
    loadExistingGrant(context: Context): Promise<Grant | undefined>;
    renderError(context: Context, out: Readonly<Record<string, unknown>>): void;
  }

  export class Provider {
    constructor(issuer: string, configuration: Configuration);
    readonly Grant: new (of: {
      readonly clientId: string;
      readonly accountId: string;
    }) => Grant;
    callback(): (request: IncomingMessage, response: ServerResponse) => void;
    interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<Interaction>;
    interactionFinished(
      request: IncomingMessage,
      response: ServerResponse,
      result: Readonly<Record<string, unknown>>,
      options?: { readonly mergeWithLastSubmission?: boolean },
    ): Promise<void>;
  }
}
