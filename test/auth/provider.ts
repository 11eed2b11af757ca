// A real OpenID provider (oidc-provider) on loopback, whose keys can be exchanged while it runs.
//
// Each exchange is a new provider behind the same port, as if it had been restarted with other keys: the first key
// signs, all of them are published. Its access tokens are at+jwt for one resource, by client credentials.

import { generateKeyPairSync, type JsonWebKey } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AUDIENCE } from './forge.ts';

export type OidcProvider = AsyncDisposable & {
  readonly issuer: string;
  /** Starts anew with these private keys, of which the first signs. */
  use(...keys: readonly JsonWebKey[]): void;
  /** A fresh access token, and the id of the key that signed it. */
  issue(): Promise<{ token: string; kid: string }>;
};

type ProviderModule = {
  readonly default: new (issuer: string, configuration: object) => { callback(): RequestListener };
};

// The package describes no types; named indirectly, so that nobody looks for them.
const PACKAGE: string = 'oidc-provider';

export function privateKey(kid: string): JsonWebKey {
  const { privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...key.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' };
}

export async function startOidcProvider(...first: readonly JsonWebKey[]): Promise<OidcProvider> {
  const { default: Provider } = (await import(PACKAGE)) as ProviderModule;
  let listener: RequestListener = () => {};
  const server = createServer((request, response) => listener(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const provider: OidcProvider = {
    issuer,
    use(...keys) {
      listener = new Provider(issuer, configuration(keys)).callback();
    },
    async issue() {
      const response = await fetch(`${issuer}/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa('app:secret-of-the-test')}` },
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          resource: AUDIENCE,
          scope: 'memory:read',
        }),
      });
      const body = (await response.json()) as { access_token?: string };
      const [header = ''] = body.access_token?.split('.') ?? [];
      const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString() || '{}') as { kid?: string };
      if (body.access_token === undefined || kid === undefined) {
        throw new Error(`The provider issued no token: ${JSON.stringify(body)}`);
      }
      return { token: body.access_token, kid };
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  provider.use(...first);
  return provider;
}

function configuration(keys: readonly JsonWebKey[]): object {
  return {
    jwks: { keys },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    clients: [
      {
        client_id: 'app',
        client_secret: 'secret-of-the-test',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    scopes: ['memory:read'],
    extraTokenClaims: () => ({ tenant: 'acme' }),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({
          scope: 'memory:read',
          audience: AUDIENCE,
          accessTokenFormat: 'jwt',
          accessTokenTTL: 4 * 60 * 60,
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  };
}
