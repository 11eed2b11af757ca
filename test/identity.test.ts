// A tenant's own issuer, from the operator's row to an answered query: whom it may speak for, and how that ends.

import { expect, onTestFinished } from 'vitest';
import * as documents from '../generated/graphql/graphql.ts';
import { ACTORS, TENANTS, type TenantSlug } from '../src/demo/cast.ts';
import { newId } from '../src/ids.ts';
import { claims, ecKey, forge } from './auth/forge.ts';
import { startKeyServer } from './auth/key-server.ts';
import { dataOf } from './kit/answer.ts';
import { type RunningServer, test } from './kit/server.ts';

type Settings = Readonly<Record<string, unknown>>;

/** An issuer that publishes one key, registered for a tenant, in which it calls alice `A-1`. */
async function register({ migrate }: RunningServer, of: TenantSlug, settings: Settings = {}) {
  const key = ecKey('one');
  const keys = await startKeyServer(key.jwk);
  onTestFinished(() => keys[Symbol.asyncDispose]());
  const issuer = `https://id-${newId()}.example`;
  const id = newId();
  const all = { audience: 'api', jwksUri: keys.uri, tenant: { strategy: 'fixed', tenant: of }, ...settings };
  await migrate(async (sql) => {
    await sql.rows('insert into issuers (tenant_id, id, issuer, settings) values ($1, $2, $3, $4)', [
      TENANTS[of].id,
      id,
      issuer,
      JSON.stringify(all),
    ]);
    await sql.rows(
      `insert into identities (tenant_id, id, entity_id, issuer, subject) values ($1, $2, $3, $4, 'A-1')`,
      [TENANTS.acme.id, newId(), ACTORS.alice.id, issuer],
    );
  });
  const token = (more: Settings = {}) => {
    const now = Math.floor(Date.now() / 1000);
    const said = {
      iss: issuer,
      aud: 'api',
      sub: 'A-1',
      iat: now,
      exp: now + 300,
      tenant: undefined,
      ...more,
    };
    return forge(key, { claims: claims(said) as Settings });
  };
  return { id, issuer, token };
}

const ask = async ({ query }: RunningServer, token: string) =>
  query('nobody', documents.MemoriesDocument, {}, { headers: { authorization: `Bearer ${token}` } });

test('an issuer of one tenant does not speak for another, whatever its tokens say', async ({ server }) => {
  const own = await register(server, 'globex');
  // the row is globex's, and alice of acme goes by its name
  expect((await ask(server, own.token())).status).toBe(401);
  const claiming = await register(server, 'globex', {
    tenant: { strategy: 'provider_claim', claim: 'tenant' },
  });
  expect((await ask(server, claiming.token({ tenant: 'acme' }))).status).toBe(401);
});

test('a token of a registered issuer is who its issuer says, and stops counting with its issuer at once', async ({
  server,
}) => {
  const { id, token } = await register(server, 'acme');
  const answer = await ask(server, token());
  expect(dataOf(answer).memories.edges.length).toBeGreaterThan(0);
  // the server still remembers the issuer; the database does not
  await server.migrate((sql) => sql.rows(`update issuers set status = 'suspended' where id = $1`, [id]));
  expect((await ask(server, token())).status).toBe(401);
});

test('a row that says what cannot be trusted is no issuer, and the log says so', async ({ server }) => {
  const { issuer, token } = await register(server, 'acme', { jwksUri: 'http://169.254.169.254/latest' });
  expect((await ask(server, token())).status).toBe(401);
  expect(server.log).toContainEqual(expect.objectContaining({ event: 'issuer.unusable', issuer }));
});

test('a tenant in a header, a query or a variable is never read', async ({ server }) => {
  const { token } = await register(server, 'acme');
  const headers = {
    authorization: `Bearer ${token()}`,
    'x-tenant': 'globex',
    'x-tenant-id': TENANTS.globex.id,
  };
  const answer = await server.post(
    JSON.stringify({ query: '{ viewer { tenant { slug } } }', variables: { tenant: 'globex' } }),
    {
      headers,
      path: '/graphql?tenant=globex',
    },
  );
  expect(answer.body).toMatchObject({ data: { viewer: { tenant: { slug: 'acme' } } } });
});
