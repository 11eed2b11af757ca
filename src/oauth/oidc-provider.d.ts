// Types for as much of oidc-provider as is used here; the package has none.

declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  export type Client = {
    readonly clientId: string;
    readonly clientAuthMethod: string;
    readonly scope?: string;
  };

  /** What a model is made of; the names are the package's. */
  export type TokenInput = {
    readonly accountId?: string;
    readonly client: Client;
    readonly grantId?: string;
    readonly gty: string;
    readonly scope?: string;
    readonly resource?: string;
  };

  export type Token = {
    readonly kind: string;
    readonly jti: string;
    readonly clientId: string;
    readonly accountId?: string;
    readonly grantId?: string;
    readonly tokenType: string;
    readonly expiration: number;
    jkt?: string;
    scope?: string;
    resourceServer?: ResourceServer;
    setThumbprint(kind: 'jkt', value: string): void;
    /** Signs or stores it; what the client gets. */
    save(): Promise<string>;
  };

  export type ResourceServerInfo = {
    readonly scope: string;
    readonly audience: string;
    readonly accessTokenTTL: number;
    readonly accessTokenFormat: 'jwt';
    readonly jwt: { readonly sign: { readonly alg: string } };
  };
  export type ResourceServer = ResourceServerInfo;

  export type Context = {
    readonly req: IncomingMessage;
    readonly path: string;
    status: number;
    body: unknown;
    readonly oidc: {
      readonly client: Client;
      readonly route: string;
      readonly params: Readonly<Record<string, string | undefined>>;
      readonly requestParamScopes: ReadonlySet<string>;
    };
  };

  type Make = new (input: TokenInput) => Token;

  export class Provider {
    constructor(issuer: string, configuration: object);
    proxy: boolean;
    readonly issuer: string;
    readonly AccessToken: Make;
    readonly RefreshToken: Make;
    readonly ResourceServer: new (
      identifier: string,
      info: ResourceServerInfo,
    ) => ResourceServer;
    readonly ReplayDetection: { unique(issuer: string, id: string, until: number): Promise<boolean> };
    readonly Client: { find(id: string): Promise<Client | undefined> };
    callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>;
    use(middleware: (context: Context, next: () => Promise<void>) => Promise<void>): void;
    on(event: string, listener: (context: Context, error: Error) => void): void;
    registerGrantType(
      name: string,
      handler: (context: Context) => Promise<void>,
      parameters: readonly string[],
    ): void;
  }

  type Make2 = new (description?: string, detail?: string, options?: ErrorOptions) => Error;

  export const errors: {
    readonly OIDCProviderError: new (status: number, message: string) => Error;
    readonly InvalidClient: Make2;
    readonly InvalidClientAuth: new (detail: string) => Error;
    readonly InvalidDpopProof: Make2;
    readonly InvalidGrant: new (detail: string, cause?: unknown) => Error;
    readonly InvalidRequest: Make2;
    readonly InvalidScope: new (description: string, scope?: string) => Error;
    readonly InvalidTarget: Make2;
    readonly UnsupportedTokenType: Make2;
  };
}

declare module 'oidc-provider/lib/helpers/grants.js' {
  import type { Context, Provider } from 'oidc-provider';

  type Proof = { readonly thumbprint: string; readonly jti: string };

  export function validateDpop(provider: Provider, context: Context): Promise<Proof | undefined>;
  export function checkDpopReplay(
    provider: Provider,
    context: Context,
    proof: Proof | undefined,
    clientId: string,
  ): Promise<void>;
  export function buildTokenResponse(provider: Provider, response: object): object;
}
