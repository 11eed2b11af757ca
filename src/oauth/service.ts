// The token service as the server mounts it: three endpoints of oidc-provider, its metadata (RFC 8414), and the keys.
//
// The library, and with it Koa, is loaded when somebody first asks for a token. It has one name for itself, PUBLIC_URL, however a
// request has come here. Errors are the RFCs' own; what led to them is logged with the request id. Decides nothing itself.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Provider } from 'oidc-provider';
import type { TrustedIssuer } from '../auth/directory.ts';
import { ALGORITHMS } from '../auth/jwk.ts';
import type { Verifier } from '../auth/token.ts';
import { SCOPES } from '../capabilities.ts';
import type { KeyProvider } from '../crypto/provider.ts';
import type { Database } from '../db/session.ts';
import { type TokenStore, tokenStore } from '../db/tokens.ts';
import { BailiwickError } from '../errors.ts';
import { ENDPOINTS, TOKEN_EXCHANGE } from './names.ts';
import { provesNothing } from './presented.ts';
import { type Request, requests } from './request.ts';
import { type KeyRing, openKeyRing } from './signing-keys.ts';

export type TokenServiceSettings = {
  /** Our name as an issuer: the origin by which clients know this server. */
  readonly issuer: string;
  readonly database: Database;
  /** Wraps private keys. */
  readonly provider: KeyProvider;
};

/** What of the service is needed to verify its tokens. */
export type OwnIssuer = TrustedIssuer & {
  readonly ring: KeyRing;
  readonly store: TokenStore;
  readonly settings: TokenServiceSettings;
};

/** What came of a request: whether a credential failed in it. */
export type Outcome = { readonly failed: boolean };

export type TokenService = {
  /** Answers a POST to one of the endpoints. */
  handle(
    request: IncomingMessage,
    response: ServerResponse,
    arrival: Pick<Request, 'requestId' | 'log'>,
  ): Promise<Outcome>;
  /** The paths of the endpoints. */
  readonly endpoints: ReadonlySet<string>;
  /** `/.well-known/...` and what stands there. */
  readonly documents: ReadonlyMap<string, () => Promise<object>>;
};

/** The service as an issuer of tokens that this server trusts. */
export function ownIssuer(settings: TokenServiceSettings): OwnIssuer {
  const { issuer, database, provider } = settings;
  const store = tokenStore(database);
  const ring = openKeyRing(store, provider);
  return {
    settings,
    store,
    ring,
    keys: ring.source,
    config: {
      issuer,
      // the resource for which tokens are issued (RFC 8707): the API
      audience: `${issuer}/graphql`,
      jwksUri: `${issuer}/.well-known/jwks.json`,
      types: ['at+jwt'],
      algorithms: [...ALGORITHMS],
      tenant: { strategy: 'provider_claim', claim: 'tenant' },
    },
  };
}

export function createTokenService(own: OwnIssuer, verifier: Verifier): TokenService {
  const { settings, store, ring } = own;
  const { issuer, database } = settings;
  const { audience } = own.config;
  const origin = new URL(issuer);
  let made: { readonly kids: string; readonly answer: ReturnType<Provider['callback']> } | undefined;

  /** The library, made with the keys that sign now. */
  const current = async (): Promise<ReturnType<Provider['callback']>> => {
    const keys = await ring.signing();
    const kids = keys.map(({ kid }) => kid).join();
    if (made?.kids !== kids) {
      const [{ makeProvider }, { addTokenExchange }, structured] = await Promise.all([
        import('./provider.ts'),
        import('./exchange.ts'),
        import('./structured.ts'),
      ]);
      const provider = makeProvider({ issuer, audience, store, keys });
      addTokenExchange(provider, { issuer, audience, database, verifier });
      provider.use(async (context, next) => {
        await next();
        const request = requests.getStore();
        if (request !== undefined && structured.isUnanswered(context)) {
          await structured.answer(
            context,
            { issuer, audience, database, verifier, store },
            request.requestId,
          );
        }
      });
      note(provider);
      made = { kids, answer: provider.callback() };
    }
    return made.answer;
  };

  return {
    async handle(request, response, arrival) {
      const answer = await current();
      // one name, one form of answer
      request.headers.host = origin.host;
      request.headers['x-forwarded-host'] = origin.host;
      request.headers['x-forwarded-proto'] = origin.protocol.slice(0, -1);
      request.headers.accept = 'application/json';
      const state: Request = { ...arrival };
      await requests.run(state, () => answer(request, response));
      return { failed: state.refused === true };
    },
    endpoints: new Set(Object.values(ENDPOINTS)),
    documents: new Map<string, () => Promise<object>>([
      ['/.well-known/jwks.json', () => ring.published()],
      ['/.well-known/oauth-authorization-server', async () => metadata(issuer)],
    ]),
  };
}

/** Errors that tell of a credential that is not good: whoever guesses collects them. */
const FAILURES = new Set(['invalid_client', 'invalid_grant']);

/** Has a provider tell of its errors, each with the id of the request. */
function note(provider: Provider): void {
  const refused = (event: string) => (_context: unknown, error: Error & { error_detail?: string }) => {
    const request = requests.getStore();
    if (request !== undefined) {
      const { message, error_detail: detail, cause } = error;
      const why =
        cause instanceof Error ? (cause.cause instanceof Error ? cause.cause : cause).message : detail;
      request.refused ||= FAILURES.has(message) || provesNothing(cause);
      request.log.warn({ event, error: message, detail: why }, 'refused');
    }
  };
  for (const event of ['grant', 'revocation', 'introspection']) {
    provider.on(`${event}.error`, refused(`${event}.refused`));
  }
  provider.on('server_error', (context, error) => {
    requests.getStore()?.log.error({ err: error }, 'the token service failed');
    if (error instanceof BailiwickError) {
      context.status = error.status;
    }
  });
}

/** RFC 8414 section 2, of what there is. */
function metadata(issuer: string): object {
  const endpoints = Object.entries(ENDPOINTS).map(([name, path]) => [`${name}_endpoint`, issuer + path]);
  const authentication = Object.keys(ENDPOINTS).flatMap((name) => [
    [
      `${name}_endpoint_auth_methods_supported`,
      name === 'introspection' ? ['private_key_jwt'] : ['private_key_jwt', 'none'],
    ],
    [`${name}_endpoint_auth_signing_alg_values_supported`, ALGORITHMS],
  ]);
  return {
    issuer,
    ...Object.fromEntries(endpoints),
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    scopes_supported: SCOPES,
    response_types_supported: [],
    grant_types_supported: ['refresh_token', 'client_credentials', TOKEN_EXCHANGE],
    ...Object.fromEntries(authentication),
    dpop_signing_alg_values_supported: ALGORITHMS,
  };
}

/** Minutes for which the documents may be remembered; less than a key is published before it signs. */
const REMEMBERED = 5;

/** The service's documents as pages of the server. */
export function documentPages({ documents }: TokenService) {
  return [...documents].map(
    ([path, document]) =>
      [
        `GET ${path}`,
        async () => ({
          status: 200,
          headers: {
            'content-type': 'application/json',
            'cache-control': `public, max-age=${REMEMBERED * 60}`,
          },
          body: JSON.stringify(await document()),
        }),
      ] as const,
  );
}
