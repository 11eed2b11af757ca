// What is ended through one server process is ended at the other with its very next request, although that one has just served it: nothing that a
// server remembers of a caller lets anybody in. Each case asks the other server until everything it could remember is warm, and then once.

import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, expect, test, vi } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { toGlobalId } from '../../src/api/global-id.ts';
import { AGENTS, TENANTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { startKeyServer } from '../auth/key-server.ts';
import { transcript } from '../cli/transcript.ts';
import { dataOf } from '../kit/answer.ts';
import { migrate } from '../kit/as.ts';
import { claimsOf } from '../oauth/kit.ts';
import { install, PUBLIC_URL } from './product.ts';
import { askTokens, refreshing, signIn } from './tokens.ts';

const installation = await install();
afterAll(() => installation.end());
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const [a, b] = await Promise.all([installation.spawn({ PUBLIC_URL }), installation.spawn({ PUBLIC_URL })]);

// one that is written and one that is resolved (src/api/direct)
const READS = [
  '{ memories(first: 50) { edges { node { id } } } }',
  '{ viewer { live } memories(first: 50) { edges { node { id } } } }',
];

type Seen = { memories: { edges: readonly unknown[] } };

/** What the other server shows: so many rows, by either way, or 401. */
async function seen(headers: Readonly<Record<string, string>>): Promise<number[]> {
  const answers = await Promise.all(READS.map((query) => b.post(headers, JSON.stringify({ query }))));
  return answers.map(({ status, body }) =>
    status === 200 ? ((body.data as Seen | null)?.memories.edges.length ?? 0) : status,
  );
}

/** Has somebody see rows at the other server. */
async function sees(headers: Readonly<Record<string, string>>): Promise<void> {
  for (const rows of await seen(headers)) {
    expect(rows).toBeGreaterThan(0);
    expect(rows).toBeLessThan(50);
  }
}

/** Has somebody see rows at the other server, ends it through the first, and returns what the next request sees. */
async function afterwards(
  headers: Readonly<Record<string, string>>,
  end: () => Promise<unknown>,
): Promise<number[]> {
  for (let n = 0; n < 3; n += 1) {
    await sees(headers);
  }
  await end();
  return await seen(headers);
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

const setStatus = (table: 'entities' | 'tenants', column: 'id' | 'tenant_id', id: string, status: string) =>
  migrate(installation.database, async ({ touched }) => {
    expect(await touched(`update ${table} set status = $2 where ${column} = $1`, [id, status])).toBe(1);
  });

test('an agent that is suspended sees nothing more, and at once again what it saw when it takes part again', async () => {
  const scout = { ...(await b.credentials('scout')), 'delegation-id': DELEGATIONS.scout.id };
  const set = (status: documents.Status) =>
    a.query('alice', documents.SetAgentStatusDocument, {
      input: { id: toGlobalId('Agent', AGENTS.scout.id), status },
    });
  expect(await afterwards(scout, async () => dataOf(await set('SUSPENDED')))).toEqual([0, 0]);
  dataOf(await set('ACTIVE'));
  await sees(scout);
});

test('a delegation that is revoked shows nothing more, nor does what hangs below it', async () => {
  const [scout, scribe] = [
    { ...(await b.credentials('scout')), 'delegation-id': DELEGATIONS.scout.id },
    { ...(await b.credentials('scribe')), 'delegation-id': DELEGATIONS.scribe.id },
  ];
  const input = { id: toGlobalId('Delegation', DELEGATIONS.scout.id) };
  await sees(scribe);
  const revoke = async () => dataOf(await a.query('alice', documents.RevokeDelegationDocument, { input }));
  expect(await afterwards(scout, revoke)).toEqual([0, 0]);
  expect(await seen(scribe)).toEqual([0, 0]);
});

test('an API key that is revoked is refused', async () => {
  const { createApiKey: made } = dataOf(
    await a.query('alice', documents.CreateApiKeyDocument, {
      input: { label: 'a key of the tests', capabilities: ['memory:read'] },
    }),
  );
  const { key, credential } = made as Extract<typeof made, { __typename: 'IssuedApiKey' }>;
  const revoke = () => a.query('alice', documents.RevokeCredentialDocument, { input: { id: credential.id } });
  expect(await afterwards({ 'x-api-key': key }, revoke)).toEqual([401, 401]);
});

test('a session that is ended takes its access tokens and its refresh token with it', async () => {
  const { access_token: access, refresh_token: refresh } = await signIn(a, 'alice');
  const input = { id: toGlobalId('Credential', claimsOf(access).sid) };
  const revoke = () => a.query('alice', documents.RevokeCredentialDocument, { input });
  expect(await afterwards(bearer(access), revoke)).toEqual([401, 401]);
  expect(await askTokens(b, refreshing(refresh))).toMatchObject({ status: 400, error: 'invalid_grant' });
});

test('an access token that is revoked is refused, and its session goes on', async () => {
  const { access_token: access, refresh_token: refresh } = await signIn(a, 'alice');
  const revoke = () => askTokens(a, { client_id: 'bailiwick', token: access }, {}, '/oauth/revoke');
  expect(await afterwards(bearer(access), revoke)).toEqual([401, 401]);
  const next = await askTokens(b, refreshing(refresh));
  await sees(bearer(next.access_token));
});

test('whoever has all credentials ended is refused with each, tokens of other issuers too', async () => {
  const bob = await b.credentials('bob');
  const { access_token: access } = await signIn(b, 'bob');
  const end = async () =>
    dataOf(
      await a.query('ada', documents.EndCredentialsDocument, {
        input: { holderId: toGlobalId('User', USERS.bob.id) },
      }),
    );
  await sees(bearer(access));
  expect(await afterwards(bob, end)).toEqual([401, 401]);
  expect(await seen(bearer(access))).toEqual([401, 401]);
});

test('a user who is suspended sees nothing more, nor does anybody of a tenant that is', async () => {
  const { access_token: access } = await signIn(a, 'mallory');
  for (const headers of [await b.credentials('mallory'), bearer(access)]) {
    for (const [table, column, id] of [
      ['entities', 'id', USERS.mallory.id],
      ['tenants', 'tenant_id', TENANTS.globex.id],
    ] as const) {
      expect(await afterwards(headers, () => setStatus(table, column, id, 'suspended'))).toEqual([0, 0]);
      await setStatus(table, column, id, 'active');
    }
  }
});

test('an issuer of a tenant that is suspended counts no more, although both servers remember it', async () => {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  await using keys = await startKeyServer({
    ...(await exportJWK(publicKey)),
    kid: 'of acme',
    alg: 'ES256',
    use: 'sig',
  });
  const [issuer, audience] = ['https://id.acme.example', 'https://api.acme.example'];
  const bailiwick = async (line: string) => {
    const { code, err } = await transcript(`issuers ${line} --issuer ${issuer}`, { ...installation.env });
    expect([code, err]).toEqual([0, '']);
  };
  await bailiwick(`add --tenant acme --audience ${audience} --jwks ${keys.uri} --tenant-from fixed:acme`);
  await migrate(installation.database, ({ touched }) =>
    touched(
      `insert into identities (tenant_id, id, entity_id, issuer, subject) values ($1, gen_random_uuid(), $2, $3, 'alice of acme')`,
      [TENANTS.acme.id, USERS.alice.id, issuer],
    ),
  );
  const token = await new SignJWT({ scope: 'memory:read' })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'of acme' })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject('alice of acme')
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(privateKey);
  expect(await afterwards(bearer(token), () => bailiwick('suspend'))).toEqual([401, 401]);
});
