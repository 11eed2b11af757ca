// The real server with its token service, and a real OAuth client in front of it (openid-client): what is tested here is what
// somebody else's software makes of us.

import { exportJWK, generateKeyPair, type JWK } from 'jose';
import {
  allowInsecureRequests,
  type ClientAuth,
  type Configuration,
  discovery,
  genericGrantRequest,
  None,
  PrivateKeyJwt,
} from 'openid-client';
import { test as base, expect } from 'vitest';
import { toGlobalId } from '../../src/api/global-id.ts';
import { SCOPES } from '../../src/capabilities.ts';
import { ACTORS, type ActorName, USERS } from '../../src/demo/cast.ts';
import { PUBLIC_CLIENT } from '../../src/oauth/names.ts';
import { type RunningServer, startServer } from '../kit/server.ts';

export const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';

/** Whom a token names: everything in it that is of ours. */
export type Claims = {
  readonly sub: string;
  readonly tenant: string;
  readonly sid: string;
  readonly scope: string;
  readonly client_id: string;
  readonly jti: string;
  readonly iat: number;
  readonly exp: number;
  readonly act?: { readonly sub: string; readonly act?: object };
  readonly delegation_id?: string;
  readonly cnf?: { readonly jkt: string };
};

export const claimsOf = (token: string): Claims =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Claims;

/** A client as anybody can be one, discovered as RFC 8414 says. */
export async function publicClient({ origin }: RunningServer): Promise<Configuration> {
  return await configuration(origin, PUBLIC_CLIENT, None());
}

async function configuration(origin: string, id: string, auth: ClientAuth): Promise<Configuration> {
  return await discovery(new URL(origin), id, undefined, auth, {
    algorithm: 'oauth2',
    execute: [allowInsecureRequests],
  });
}

/** A token of the development issuer, which the server trusts. */
export async function foreignToken(
  server: RunningServer,
  actor: ActorName,
  scopes: readonly string[] = SCOPES,
  mayAct?: ActorName,
): Promise<string> {
  const { authorization = '' } = await server.credentials(actor, { scopes, ...(mayAct && { mayAct }) });
  return authorization.slice('Bearer '.length);
}

export type SignedIn = { readonly access: string; readonly refresh: string; readonly scope: string };

/** Signs somebody in. */
export async function signIn(
  server: RunningServer,
  actor: ActorName,
  { scopes, scope, client }: { scopes?: readonly string[]; scope?: string; client?: Configuration } = {},
): Promise<SignedIn> {
  const answer = await genericGrantRequest(client ?? (await publicClient(server)), EXCHANGE, {
    subject_token: await foreignToken(server, actor, scopes),
    subject_token_type: TOKEN_TYPE,
    ...(scope === undefined ? {} : { scope }),
  });
  return {
    access: answer.access_token,
    refresh: answer.refresh_token ?? '',
    scope: answer.scope ?? '',
  };
}

export type OwnClient = {
  readonly client: Configuration;
  readonly clientId: string;
  /** Global id of its credential. */
  readonly credential: string;
  readonly keys: CryptoKeyPair;
};

export type Registration = {
  readonly by: ActorName;
  readonly holder?: ActorName;
  /** Global id of a holder who is not of the cast. */
  readonly holderId?: string;
  readonly capabilities?: readonly string[];
  readonly delegation?: string;
  readonly algorithm?: 'ES256' | 'RS256';
};

const REGISTER = `mutation ($input: RegisterClientInput!) {
  registerClient(input: $input) {
    ... on RegisteredClient { clientId credential { id } }
    ... on CredentialRefused { reason }
  }
}`;

/** Registers a client with a fresh key. */
export async function register(
  server: RunningServer,
  { by, holder, holderId, capabilities = ['memory:read'], delegation, algorithm = 'ES256' }: Registration,
): Promise<OwnClient> {
  const keys = await generateKeyPair(algorithm, { extractable: true });
  const publicKey: JWK = await exportJWK(keys.publicKey);
  const input = {
    label: 'a client of the tests',
    publicKey,
    capabilities,
    ...(holder && { holderId: toGlobalId(holder in USERS ? 'User' : 'Agent', ACTORS[holder].id) }),
    ...(holderId && { holderId }),
    ...(delegation && { delegationId: toGlobalId('Delegation', delegation) }),
  };
  const answer = await server.query<{
    registerClient: { clientId: string; credential: { id: string }; reason?: string };
  }>(by, REGISTER, { input });
  expect(answer.body.errors).toBeUndefined();
  const { clientId, credential } = answer.body.data?.registerClient ?? {};
  if (clientId === undefined || credential === undefined) {
    throw new Error(`not registered: ${JSON.stringify(answer.body.data)}`);
  }
  const client = await configuration(server.origin, clientId, PrivateKeyJwt(keys.privateKey));
  return { client, clientId, credential: credential.id, keys };
}

/** What the bearer of a token reads: the contents of its memories; `refused` when it proves nothing. */
export async function memoriesOf(
  server: RunningServer,
  token: string,
  headers: Record<string, string> = {},
): Promise<string[] | 'refused'> {
  const answer = await fetch(`${server.origin}/graphql`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query: '{ memories(first: 100) { edges { node { content } } } }' }),
  });
  const { data } = (await answer.json()) as {
    data?: { memories: { edges: { node: { content: string } }[] } };
  };
  return answer.status === 401 ? 'refused' : (data?.memories.edges.map(({ node }) => node.content) ?? []);
}

/** What the endpoint says to what it refuses: status and `error`. */
export async function refusal(answer: Promise<unknown>): Promise<string> {
  const thrown = await answer.then(
    (taken) => ({ error: `taken: ${JSON.stringify(taken)}`, status: 200 }),
    (error: { status?: number; error?: string }) => error,
  );
  if (thrown.error === undefined) {
    throw thrown;
  }
  return `${thrown.status} ${thrown.error}`;
}

/** vitest's `test` with one such server for the file. */
export const test = base
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern what a fixture needs
  .extend('server', { scope: 'file' }, async ({}, { onCleanup }) => {
    const server = await startServer({ tokenService: true });
    onCleanup(() => server.stop());
    return server;
  });
