// Signing in with a real OpenID provider (oidc-provider) that a tenant trusts: its token begins a session of ours, once somebody
// has said whose it is. That its keys can be exchanged meanwhile: test/auth/provider.test.ts.

import { genericGrantRequest, refreshTokenGrant } from 'openid-client';
import { expect, onTestFinished } from 'vitest';
import { ACTORS, TENANTS } from '../../src/demo/cast.ts';
import { AUDIENCE } from '../auth/forge.ts';
import { privateKey, startOidcProvider } from '../auth/provider.ts';
import {
  claimsOf,
  EXCHANGE,
  foreignToken,
  memoriesOf,
  publicClient,
  refusal,
  TOKEN_TYPE,
  test,
} from './kit.ts';

test("a token of the tenant's own provider begins a session of whoever is registered under its subject", async ({
  server,
}) => {
  const provider = await startOidcProvider(privateKey('first'));
  onTestFinished(() => provider[Symbol.asyncDispose]());
  const { issuer } = provider;
  const settings = {
    audience: AUDIENCE,
    jwksUri: `${issuer}/jwks`,
    tenant: { strategy: 'fixed', tenant: 'acme' },
    tenants: ['acme'],
  };
  await server.migrate((sql) =>
    sql.rows('insert into issuers (tenant_id, id, issuer, settings) values ($1, gen_random_uuid(), $2, $3)', [
      TENANTS.acme.id,
      issuer,
      settings,
    ]),
  );
  const client = await publicClient(server);
  const signIn = async () =>
    await genericGrantRequest(client, EXCHANGE, {
      subject_token: (await provider.issue()).token,
      subject_token_type: TOKEN_TYPE,
    });
  // a subject that nobody is registered under
  expect(await refusal(signIn())).toBe('400 invalid_request');
  await server.migrate((sql) =>
    sql.rows(
      'insert into identities (tenant_id, id, entity_id, issuer, subject) values ($1, gen_random_uuid(), $2, $3, $4)',
      [TENANTS.acme.id, ACTORS.alice.id, issuer, 'app'],
    ),
  );
  const { access_token: access, refresh_token: refresh = '' } = await signIn();
  expect(claimsOf(access)).toMatchObject({ sub: ACTORS.alice.id, tenant: 'acme', scope: 'memory:read' });
  const alices = await memoriesOf(server, await foreignToken(server, 'alice', ['memory:read']));
  expect(await memoriesOf(server, access)).toEqual(alices);
  const next = await refreshTokenGrant(client, refresh);
  expect(await memoriesOf(server, next.access_token)).toEqual(alices);
});
