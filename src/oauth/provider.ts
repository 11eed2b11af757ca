// oidc-provider, configured to be the token service and nothing else: no page, no cookie, no sign-in of its own.
//
// The library speaks the protocol (client authentication, refresh, client credentials, proofs of possession, errors); here is
// what it is told about our tokens: signed, at+jwt (RFC 9068), fifteen minutes at most and never longer than what they hang
// on, with the claims that the verifier reads. Its keys are fixed when it is made, so rotation makes another one.

import { type Context, errors, Provider, type Token } from 'oidc-provider';
import { readClientId } from '../auth/client-id.ts';
import { ALGORITHMS } from '../auth/jwk.ts';
import { SCOPES } from '../capabilities.ts';
import type { LiveCredential, TokenStore } from '../db/tokens.ts';
import type { KeyId } from '../ids.ts';
import { adapterFor, CLIENT_PROPERTIES, type OurClient, publicClient } from './adapter.ts';
import { ENDPOINTS, readGrantId, sha256 } from './names.ts';
import { requests } from './request.ts';
import type { SigningKey } from './signing-keys.ts';

/** The life of an access token, in seconds. */
export const ACCESS_SECONDS = 15 * 60;

/** How long a refresh token can wait to be used, in seconds; a session may end earlier. */
const REFRESH_SECONDS = 14 * 24 * 3600;

/** How long an assertion of a client may be good for, in seconds (RFC 7523 section 3). */
const ASSERTION_SECONDS = 5 * 60;

/**
 * Seconds for which used proofs and assertions are remembered beyond what the library says. It counts from the use, and takes a
 * proof whose time is as far ahead as another's may lie back; and a server whose clock is behind would take either for longer
 * (`WINDOW` in src/auth/dpop.ts).
 */
const REMEMBERED_LONGER = 5 * 60 + 20;

/** What a token says besides what the library makes it say. */
export type OurClaims = {
  readonly sub: string;
  readonly tenant: string;
  /** Id of the credential that it hangs on. */
  readonly sid: KeyId;
  readonly act?: object;
  readonly delegation_id?: string;
};

export type ProviderSettings = {
  readonly issuer: string;
  readonly audience: string;
  readonly store: TokenStore;
  /** The one key of each algorithm that signs. */
  readonly keys: readonly SigningKey[];
};

const claims = new WeakMap<Token, OurClaims>();

/** Says what a token that is about to be saved is to say. */
export function say(token: Token, ours: OurClaims): void {
  claims.set(token, ours);
}

/** Seconds until a moment, at least one, at most `most`. */
export function secondsUntil(moment: Date | undefined, most: number): number {
  const left = moment === undefined ? most : Math.floor((moment.getTime() - Date.now()) / 1000);
  return Math.max(1, Math.min(left, most));
}

/** What tokens are for: this server's API. */
export const resourceInfo = (audience: string, seconds: number) => ({
  scope: SCOPES.join(' '),
  audience,
  accessTokenTTL: seconds,
  accessTokenFormat: 'jwt' as const,
  jwt: { sign: { alg: 'ES256' } },
});

export function makeProvider({ issuer, audience, store, keys }: ProviderSettings): Provider {
  const settings = {
    store,
    audience,
    found: (session: LiveCredential) => {
      const request = requests.getStore();
      if (request !== undefined) {
        request.session = session;
      }
    },
    reused: (grantId: string) => {
      const { sessionId, tenant } = readGrantId(grantId);
      requests
        .getStore()
        ?.log.warn(
          { event: 'refresh.reused', sessionId, tenant },
          'a refresh token was used twice: its session ends',
        );
    },
  };
  const provider = new Provider(issuer, {
    adapter: (model: string) => adapterFor(model, settings),
    jwks: { keys },
    clients: [publicClient(SCOPES)],
    clientAuthMethods: ['none', 'private_key_jwt'],
    clientDefaults: {
      grant_types: [],
      response_types: [],
      redirect_uris: [],
      id_token_signed_response_alg: 'ES256',
    },
    extraClientMetadata: { properties: CLIENT_PROPERTIES },
    enabledJWA: {
      clientAuthSigningAlgValues: ALGORITHMS,
      dPoPSigningAlgValues: ALGORITHMS,
      idTokenSigningAlgValues: ALGORITHMS,
    },
    assertJwtClientAuthClaimsAndHeader: boundedAssertion,
    scopes: SCOPES,
    routes: ENDPOINTS,
    // only an exchange issues the first one; that this is set at all makes refreshing one of the grants
    issueRefreshToken: () => false,
    rotateRefreshToken: true,
    ttl: {
      AccessToken: timeOf,
      ClientCredentials: timeOf,
      RefreshToken: () => secondsUntil(requests.getStore()?.session?.expiresAt, REFRESH_SECONDS),
      Grant: () => REFRESH_SECONDS,
    },
    findAccount: (_context: Context, id: string) => ({ accountId: id, claims: () => ({ sub: id }) }),
    extraTokenClaims: (context: Context, token: Token) => extraOf(context, token),
    formats: {
      customizers: {
        jwt(context: Context, token: Token, jwt: { payload: Record<string, unknown> }) {
          jwt.payload.sub = claimsOf(context, token).sub;
        },
      },
    },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      clientCredentials: { enabled: true },
      revocation: { enabled: true },
      introspection: { enabled: true },
      dPoP: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => audience,
        useGrantedResource: () => true,
        getResourceServerInfo(_context: Context, resource: string, client: OurClient) {
          if (resource !== audience) {
            throw new errors.InvalidTarget();
          }
          const ends = client.ends_at === undefined ? undefined : new Date(client.ends_at);
          const session = requests.getStore()?.session?.expiresAt;
          return resourceInfo(audience, secondsUntil(session ?? ends, ACCESS_SECONDS));
        },
      },
    },
  });
  // behind whatever stands in front, it is known by one name
  provider.proxy = true;
  // the library's own asks first and writes later
  Object.defineProperty(provider.ReplayDetection, 'unique', {
    value: (of: string, id: string, until: number) =>
      store.spend(sha256(`used ${JSON.stringify([of, id])}`), new Date((until + REMEMBERED_LONGER) * 1000)),
  });
  return provider;
}

const timeOf = (_context: Context, token: Token) => token.resourceServer?.accessTokenTTL ?? ACCESS_SECONDS;

function claimsOf({ oidc }: Context, token: Token): OurClaims {
  const said = claims.get(token);
  if (said !== undefined) {
    return said;
  }
  if (token.grantId !== undefined) {
    const { sessionId, tenant } = readGrantId(token.grantId);
    return { sub: token.accountId ?? '', tenant, sid: sessionId };
  }
  const client = oidc.client as OurClient;
  const named = readClientId(client.clientId);
  if (named === undefined || client.entity_id === undefined) {
    throw new TypeError('a token of nobody');
  }
  return {
    sub: client.entity_id,
    tenant: named.tenant,
    sid: named.id,
    ...(client.delegation_id === undefined ? {} : { delegation_id: client.delegation_id }),
  };
}

/** The library adds these to its own; `sub`, which is one of its own, is set afterwards. */
function extraOf(context: Context, token: Token): Omit<OurClaims, 'sub'> {
  if (!token.scope) {
    throw new errors.InvalidScope('say which scope: a token without any allows nothing');
  }
  const { sub: _itself, ...extra } = claimsOf(context, token);
  return extra;
}

/** An assertion is remembered until it expires, so that cannot be in ten years. */
function boundedAssertion(_context: Context, payload: { exp: number }): void {
  if (payload.exp > Date.now() / 1000 + ASSERTION_SECONDS) {
    throw new errors.InvalidClientAuth(`an assertion may be good for ${ASSERTION_SECONDS} seconds at most`);
  }
}
