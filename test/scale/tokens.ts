// The token service of a server, asked by hand, and proofs of possession of one's own making: what has gone to one server goes to another as the very
// same bytes, which no client library repeats. Every credential is really signed. Knows nothing of what is right.

import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import * as documents from '../../generated/graphql/graphql.ts';
import type { ActorName } from '../../src/demo/cast.ts';
import { PUBLIC_CLIENT, TOKEN_EXCHANGE } from '../../src/oauth/names.ts';
import type { SigningKey } from '../auth/forge.ts';
import { prove } from '../auth/prove.ts';
import { dataOf } from '../kit/answer.ts';
import { type Product, PUBLIC_URL } from './product.ts';

export type TokenAnswer = {
  readonly status: number;
  readonly error?: string;
  readonly access_token: string;
  readonly refresh_token: string;
};

/** Seconds since the epoch. */
export const now = (): number => Math.floor(Date.now() / 1000);

/** As from another address, so that failures of one try do not block the next; for servers with `TRUST_PROXY` 1. */
export const from = (n: number) => ({ 'x-forwarded-for': `10.0.${n >> 8}.${n & 255}` });

/** Posts to the token service; `path` is the endpoint. */
export async function askTokens(
  { origin }: Product,
  parameters: Record<string, string>,
  headers: Record<string, string> = {},
  path = '/oauth/token',
): Promise<TokenAnswer> {
  const init = { method: 'POST', headers, body: new URLSearchParams(parameters) };
  const answer = await fetch(origin + path, init);
  const text = await answer.text();
  return { ...(text === '' ? {} : JSON.parse(text)), status: answer.status } as TokenAnswer;
}

/** What signs somebody in: an exchange of a token of the development issuer. */
export async function signingIn(server: Product, actor: ActorName): Promise<Record<string, string>> {
  const { authorization = '' } = await server.credentials(actor);
  return {
    grant_type: TOKEN_EXCHANGE,
    client_id: PUBLIC_CLIENT,
    subject_token: authorization.slice('Bearer '.length),
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  };
}

export async function signIn(server: Product, actor: ActorName): Promise<TokenAnswer> {
  return await askTokens(server, await signingIn(server, actor));
}

/** What uses a refresh token. */
export const refreshing = (token: string) => ({
  grant_type: 'refresh_token',
  client_id: PUBLIC_CLIENT,
  refresh_token: token,
});

/** A proof for the API, made now, or `ahead` seconds from now. */
export function proofForApi(key: SigningKey, token: string, ahead = 0): string {
  return prove(token, key, { claims: { htu: `${PUBLIC_URL}/graphql`, iat: now() + ahead } });
}

/** A proof for the token endpoint. */
export function proofForTokens(key: SigningKey, ahead = 0): string {
  const claims = { htu: `${PUBLIC_URL}/oauth/token`, iat: now() + ahead, ath: undefined };
  return prove('', key, { claims });
}

/** A client of alice's, and what it signs: each call an assertion that was not used yet, for two minutes. */
export async function registerClient(server: Product): Promise<() => Promise<Record<string, string>>> {
  const keys = await generateKeyPair('ES256', { extractable: true });
  const input = {
    label: 'a client of the tests',
    publicKey: await exportJWK(keys.publicKey),
    capabilities: ['memory:read'],
  };
  const { registerClient: made } = dataOf(
    await server.query('alice', documents.RegisterClientDocument, { input }),
  );
  if (made.__typename !== 'RegisteredClient') {
    throw new Error(`not registered: ${JSON.stringify(made)}`);
  }
  return async () => ({
    grant_type: 'client_credentials',
    scope: 'memory:read',
    client_id: made.clientId,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await new SignJWT({ jti: crypto.randomUUID() })
      .setProtectedHeader({ alg: 'ES256' })
      .setIssuer(made.clientId)
      .setSubject(made.clientId)
      .setAudience(PUBLIC_URL)
      .setIssuedAt()
      .setExpirationTime('2m')
      .sign(keys.privateKey),
  });
}
