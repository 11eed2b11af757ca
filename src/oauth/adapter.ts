// What oidc-provider keeps, on our tables: refresh tokens by their digest, clients and sessions as the credentials they are.
//
// A grant of the library is a session of ours: nothing is stored for it, and whether it is good is asked every time. Access
// tokens are signed and kept nowhere. Using a refresh token up is an update that can fail, so that of two uses at the same
// instant one is the second, and the second ends the family (RFC 9700 section 4.14.2). The library's own memory of used
// assertions looks first and writes later; ours (provider.ts) is one statement.

import { errors } from 'oidc-provider';
import { clientIdOf, readClientId } from '../auth/client-id.ts';
import type { LiveCredential, TokenStore } from '../db/tokens.ts';
import { PUBLIC_CLIENT, readGrantId, sha256, TOKEN_EXCHANGE } from './names.ts';

type Payload = Record<string, unknown>;

/** The library's interface, as far as it is used: `id` is a token itself, so only its digest goes further. */
export type Adapter = {
  find(id: string): Promise<Payload | undefined>;
  upsert(id: string, payload: Payload, expiresIn: number): Promise<void>;
  consume(id: string): Promise<void>;
  destroy(id: string): Promise<void>;
  revokeByGrantId(grantId: string): Promise<void>;
};

export type AdapterSettings = {
  readonly store: TokenStore;
  /** The resource for which all tokens are. */
  readonly audience: string;
  /** Told of each session that was found good, so that what is issued in it does not outlive it. */
  readonly found: (session: LiveCredential) => void;
  /** Told when a refresh token was used a second time. */
  readonly reused: (grantId: string) => void;
};

/** An adapter for a model of the library. */
export function adapterFor(model: string, settings: AdapterSettings): Adapter {
  switch (model) {
    case 'RefreshToken':
      return { ...NOTHING, ...refreshTokens(settings) };
    case 'Grant':
      return { ...NOTHING, ...grants(settings) };
    case 'Client':
      return { ...NOTHING, ...clients(settings) };
    default:
      return NOTHING;
  }
}

const unused = async (): Promise<never> => {
  throw new TypeError('nothing of this kind is kept');
};

/** Of a model that nothing is kept of. */
const NOTHING: Adapter = {
  find: async () => undefined,
  upsert: unused,
  consume: unused,
  destroy: async () => {},
  revokeByGrantId: async () => {},
};

async function endFamily({ store }: AdapterSettings, grantId: string): Promise<void> {
  const { sessionId, tenant } = readGrantId(grantId);
  const session = await store.credential(tenant, sessionId);
  if (session !== undefined) {
    await store.endSession(session.tenantId, sessionId);
  }
}

function refreshTokens(settings: AdapterSettings): Partial<Adapter> {
  const { store, reused } = settings;
  return {
    async find(id) {
      const payload = await store.findRefresh(sha256(id));
      if (payload?.consumed !== undefined) {
        reused(String(payload.grantId));
      }
      return payload && { ...payload, jti: id };
    },
    async upsert(id, { jti: _itself, ...payload }, expiresIn) {
      await store.keepRefresh(sha256(id), payload, new Date(Date.now() + expiresIn * 1000));
    },
    async consume(id) {
      const digest = sha256(id);
      if (!(await store.useRefresh(digest))) {
        const grantId = String((await store.findRefresh(digest))?.grantId);
        reused(grantId);
        await endFamily(settings, grantId);
        throw new errors.InvalidGrant('refresh token already used');
      }
    },
    async destroy(id) {
      await store.useRefresh(sha256(id));
    },
    revokeByGrantId: (grantId) => endFamily(settings, grantId),
  };
}

function grants(settings: AdapterSettings): Partial<Adapter> {
  const { store, audience, found } = settings;
  return {
    async find(grantId) {
      const { sessionId, tenant, clientId } = readGrantId(grantId);
      const session = await store.credential(tenant, sessionId);
      if (session?.kind !== 'session') {
        return undefined;
      }
      found(session);
      return {
        kind: 'Grant',
        jti: grantId,
        accountId: session.entityId,
        clientId,
        resources: { [audience]: session.capabilities.join(' ') },
        exp: Math.floor(session.expiresAt.getTime() / 1000),
      };
    },
    destroy: (grantId) => endFamily(settings, grantId),
  };
}

/** What the library knows of a client besides its own properties. */
export type OurClient = {
  readonly clientId: string;
  readonly entity_id?: string;
  readonly delegation_id?: string;
  readonly ends_at?: number;
};

export const CLIENT_PROPERTIES = ['entity_id', 'delegation_id', 'ends_at'];

function clients({ store }: AdapterSettings): Partial<Adapter> {
  return {
    async find(clientId) {
      const named = readClientId(clientId);
      const client = named && (await store.credential(named.tenant, named.id));
      if (client?.kind !== 'client' || client.publicKey === null) {
        return undefined;
      }
      return {
        client_id: clientIdOf(client.id, client.tenant),
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: client.publicKey.kty === 'EC' ? 'ES256' : 'RS256',
        jwks: { keys: [client.publicKey] },
        grant_types: ['client_credentials', TOKEN_EXCHANGE],
        scope: client.capabilities.join(' '),
        entity_id: client.entityId,
        ...(client.delegationId === null ? {} : { delegation_id: client.delegationId }),
        ends_at: client.expiresAt.getTime(),
      };
    },
  };
}

/** The public client: it has no secret, so that its refresh tokens are bound to its key when it proves to have one. */
export const publicClient = (scopes: readonly string[]) => ({
  client_id: PUBLIC_CLIENT,
  token_endpoint_auth_method: 'none',
  grant_types: ['refresh_token', TOKEN_EXCHANGE],
  scope: scopes.join(' '),
});
