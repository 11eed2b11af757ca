// Credentials for services through the API: who knows of which, who makes, changes, replaces and deletes them, and who reads a secret.

import { expect } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { fromGlobalId, toGlobalId } from '../../src/api/global-id.ts';
import { SCOPES } from '../../src/capabilities.ts';
import { AGENTS } from '../../src/demo/cast.ts';
import { type HeldName, SERVICES } from '../../src/demo/services.ts';
import { codesOf, dataOf } from '../kit/answer.ts';
import { type Asking, type RunningServer, test } from '../kit/server.ts';

const idOf = (name: HeldName) => toGlobalId('ServiceCredential', SERVICES[name].id);
const AS_SCOUT: Asking = { delegation: 'scout' };
const AS_MIMIC: Asking = { delegation: 'mimic' };

const INPUT = {
  service: 'github',
  label: 'Repositories',
  kind: 'PERSONAL_ACCESS_TOKEN',
  secret: 'ghp_canary_0123456789',
  origin: 'https://api.github.com',
  calls: [{ name: 'issues.create', method: 'POST', path: '/repos/{owner}/{repo}/issues' }],
} as const satisfies documents.CreateServiceCredentialInput;

async function labels(
  query: RunningServer['query'],
  actor: Parameters<RunningServer['query']>[0],
  asking: Asking = {},
  filter: documents.ServiceCredentialFilter = {},
): Promise<string[]> {
  const answer = await query(actor, documents.ServiceCredentialsDocument, { first: 50, filter }, asking);
  return dataOf(answer)
    .serviceCredentials.edges.map(({ node }) => node.service)
    .sort();
}

/** Null is the same as leaving out. */
const NULLS = { scopes: null, ownerOnly: null, agentId: null, expiresAt: null };

async function keep(query: RunningServer['query'], input: object = NULLS): Promise<string> {
  const made = dataOf(
    await query('alice', documents.CreateServiceCredentialDocument, { input: { ...INPUT, ...input } }),
  ).createServiceCredential;
  expect(made.__typename).toBe('ServiceCredential');
  return 'id' in made ? made.id : '';
}

async function reveal(
  query: RunningServer['query'],
  actor: Parameters<RunningServer['query']>[0],
  id: string,
  asking: Asking = {},
): Promise<string | null> {
  const answer = dataOf(await query(actor, documents.RevealServiceSecretDocument, { input: { id } }, asking));
  const { revealServiceSecret: outcome } = answer;
  return outcome.__typename === 'RevealedSecret' ? outcome.secret : outcome.__typename;
}

test('nobody sees a credential of somebody else', async ({ query }) => {
  expect(await labels(query, 'bob')).toEqual(['parts']);
  expect(await labels(query, 'ada')).toEqual([]);
  expect(await labels(query, 'mallory')).toEqual(['exchange']);
  expect(await labels(query, 'scout')).toEqual([]);
  expect(await labels(query, 'bobot', { delegation: 'bobot' })).toEqual([]);
  expect(await labels(query, 'scout', { delegation: 'scoutInGarden' })).toEqual([]);
  expect(await labels(query, 'rogue', { delegation: 'rogue' })).toEqual([]);
});

test('an agent that may read credentials sees what is for all agents, and not what is for another', async ({
  query,
}) => {
  expect(await labels(query, 'alice')).toEqual(['post', 'tracker', 'weather']);
  expect(await labels(query, 'scout', AS_SCOUT)).toEqual(['tracker', 'weather']);
  expect(await labels(query, 'mimic', AS_MIMIC)).toEqual(['exchange']);
});

test('no answer about credentials holds a secret or what stands for it', async ({ query }) => {
  const answer = await query('alice', documents.ServiceCredentialsDocument, { first: 50 });
  for (const { secret } of Object.values(SERVICES)) {
    expect(answer.text).not.toContain(secret);
  }
  expect(answer.text).not.toContain('bwe1');
});

test('an agent reads no secret that is its owner’s alone, and none without the capability for it', async ({
  query,
}) => {
  expect(await reveal(query, 'scout', idOf('tracker'), AS_SCOUT)).toBe('NotFound');
  expect(await reveal(query, 'scout', idOf('weather'), AS_SCOUT)).toBe('NotFound');
  expect(await reveal(query, 'scout', idOf('post'), AS_SCOUT)).toBe('NotFound');
  expect(await reveal(query, 'bob', idOf('weather'))).toBe('NotFound');
  expect(await reveal(query, 'ada', idOf('weather'))).toBe('NotFound');
  expect(await reveal(query, 'mallory', idOf('weather'))).toBe('NotFound');
  expect(await reveal(query, 'alice', idOf('weather'), { scopes: ['credential:read'] })).toBe('NotFound');
});

test('a secret is read by its owner, and by an agent that may read secrets where it is not the owner’s alone; each leaves a trace', async ({
  server,
  query,
}) => {
  expect(await reveal(query, 'alice', idOf('tracker'))).toBe(SERVICES.tracker.secret);
  expect(await reveal(query, 'mimic', idOf('exchange'), AS_MIMIC)).toBe(SERVICES.exchange.secret);
  const traces = await server.migrate((sql) =>
    sql.rows<{ actor_id: string; target_id: string; detail: object }>(
      `select actor_id, target_id, detail from audit_entries where event = 'service_credential.revealed' order by id`,
    ),
  );
  expect(traces.slice(-2)).toMatchObject([
    { target_id: SERVICES.tracker.id },
    { target_id: SERVICES.exchange.id, actor_id: AGENTS.mimic.id },
  ]);
  expect(JSON.stringify(traces)).not.toContain(SERVICES.tracker.secret);
});

test('nobody makes, changes, replaces or deletes one through a delegation, or without the right to', async ({
  query,
}) => {
  const id = idOf('tracker');
  for (const [actor, asking] of [
    ['scout', AS_SCOUT],
    ['mimic', AS_MIMIC],
    ['scout', {}],
  ] as const) {
    const made = await query(actor, documents.CreateServiceCredentialDocument, { input: INPUT }, asking);
    expect(codesOf(made)).toEqual(['FORBIDDEN']);
  }
  const reading = { scopes: ['credential:read', 'credential:execute', 'secret:read'] };
  const made = await query('alice', documents.CreateServiceCredentialDocument, { input: INPUT }, reading);
  expect(codesOf(made)).toEqual(['FORBIDDEN']);
  for (const [actor, asking] of [
    ['scout', AS_SCOUT],
    ['bob', {}],
    ['ada', {}],
    ['mallory', {}],
    ['alice', reading],
  ] as const) {
    const changed = await query(
      actor,
      documents.UpdateServiceCredentialDocument,
      { input: { id, label: 'Mine' } },
      asking,
    );
    expect(dataOf(changed).updateServiceCredential.__typename).toBe('NotFound');
    const rotated = await query(
      actor,
      documents.RotateServiceCredentialDocument,
      { input: { id, secret: 'stolen-0123456789' } },
      asking,
    );
    expect(dataOf(rotated).rotateServiceCredential.__typename).toBe('NotFound');
    const deleted = await query(actor, documents.DeleteServiceCredentialDocument, { input: { id } }, asking);
    expect(dataOf(deleted).deleteServiceCredential.__typename).toBe('NotFound');
  }
  expect(await reveal(query, 'alice', id)).toBe(SERVICES.tracker.secret);
});

test.for([
  ['an origin with a path', { origin: 'https://api.github.com/v3' }],
  ['an origin with a user', { origin: 'https://me@api.github.com' }],
  ['an origin that is none', { origin: 'ftp://api.github.com' }],
  ['a header that HTTP needs', { header: 'content-length' }],
  ['a header with a line feed', { header: 'x\r\ny' }],
  ['a prefix with a line feed', { prefix: 'x\r\ny' }],
  ['a short secret', { secret: 'short' }],
  ['a secret with a line feed', { secret: 'ghp_0123456789\nx: y' }],
  ['a service in capitals', { service: 'GitHub' }],
  ['an empty label', { label: '' }],
  ['a call that leaves its path', { calls: [{ name: 'x', method: 'GET', path: '/a/../b' }] }],
  [
    '51 calls',
    { calls: Array.from({ length: 51 }, (_, n) => ({ name: `c${n}`, method: 'GET', path: '/' })) },
  ],
] as const)('%s is a mistake that is named, and nothing is kept', async ([_, wrong], { query }) => {
  const answer = await query('bob', documents.CreateServiceCredentialDocument, {
    input: { ...INPUT, ...wrong } as documents.CreateServiceCredentialInput,
  });
  expect(codesOf(answer)).toEqual(['BAD_USER_INPUT']);
  expect(answer.text).not.toContain('0123456789');
  expect(await labels(query, 'bob')).toEqual(['parts']);
});

test('an agent of somebody else is not found, whoever it is', async ({ query }) => {
  for (const agentId of [AGENTS.bobot.id, AGENTS.mimic.id, '019a0000-0000-7002-8000-00000000dead']) {
    const input = { ...INPUT, agentId: toGlobalId('Agent', agentId) };
    const answer = await query('alice', documents.CreateServiceCredentialDocument, { input });
    expect(dataOf(answer).createServiceCredential).toMatchObject({ __typename: 'NotFound' });
  }
});

test('a credential is kept, changed, replaced and deleted by its owner, and its secret stands nowhere in clear', async ({
  server,
  query,
}) => {
  const id = await keep(query);
  const stored = await server.migrate((sql) =>
    sql.value(
      `select s.secret || ' ' || s.secret_index || ' ' || row_to_json(c)
         from service_secrets s join service_credentials c using (tenant_id, id) where id = '${fromGlobalId(id).id}'`,
    ),
  );
  expect(stored).toMatch(/^bwe1\./);
  expect(stored).not.toContain('canary');
  expect(JSON.stringify(server.log)).not.toContain('canary');
  expect(await reveal(query, 'alice', id)).toBe(INPUT.secret);

  const soon = new Date(Date.now() + 3 * 86_400_000).toISOString();
  const update = {
    id,
    label: 'All repositories',
    expiresAt: soon,
    agentId: toGlobalId('Agent', AGENTS.scribe.id),
  };
  const changed = dataOf(
    await query('alice', documents.UpdateServiceCredentialDocument, { input: update }),
  ).updateServiceCredential;
  expect(changed).toMatchObject({
    label: 'All repositories',
    state: 'EXPIRING',
    ownerOnly: true,
    agent: { name: AGENTS.scribe.name },
    calls: INPUT.calls,
  });
  expect(await labels(query, 'scout', AS_SCOUT)).toEqual(['tracker', 'weather']);

  const rotated = dataOf(
    await query('alice', documents.RotateServiceCredentialDocument, {
      input: { id, secret: 'ghp_second_0123456789' },
    }),
  ).rotateServiceCredential;
  expect(rotated).toMatchObject({ state: 'ACTIVE', expiresAt: null, rotatedAt: expect.any(String) });
  expect(await reveal(query, 'alice', id)).toBe('ghp_second_0123456789');

  const gone = dataOf(await query('alice', documents.DeleteServiceCredentialDocument, { input: { id } }));
  expect(gone.deleteServiceCredential).toEqual({ __typename: 'DeletedServiceCredential', deletedId: id });
  expect(await reveal(query, 'alice', id)).toBe('NotFound');
  expect(await labels(query, 'alice')).toEqual(['post', 'tracker', 'weather']);
});

test('a token that may not read secrets replaces and deletes none, because a write must see what it touches', async ({
  query,
}) => {
  const id = await keep(query);
  const asking = { scopes: SCOPES.filter((scope) => scope !== 'secret:read') };
  const input = { id, secret: 'ghp_third_0123456789' };
  const rotated = await query('alice', documents.RotateServiceCredentialDocument, { input }, asking);
  expect(dataOf(rotated).rotateServiceCredential.__typename).toBe('NotFound');
  const deleted = await query('alice', documents.DeleteServiceCredentialDocument, { input: { id } }, asking);
  expect(dataOf(deleted).deleteServiceCredential.__typename).toBe('NotFound');
  expect(await reveal(query, 'alice', id)).toBe(INPUT.secret);
  await query('alice', documents.DeleteServiceCredentialDocument, { input: { id } });
});

test('a token that may delete and not see credentials takes no secret away from one', async ({ query }) => {
  const id = await keep(query);
  const asking = { scopes: ['credential:delete', 'secret:read'] };
  const deleted = await query('alice', documents.DeleteServiceCredentialDocument, { input: { id } }, asking);
  expect(codesOf(deleted)).toEqual(['FORBIDDEN']);
  expect(await reveal(query, 'alice', id)).toBe(INPUT.secret);
  await query('alice', documents.DeleteServiceCredentialDocument, { input: { id } });
});

test('what a leaked secret belongs to is found by its owner alone', async ({ query }) => {
  const { secret } = SERVICES.tracker;
  expect(await labels(query, 'bob', {}, { holding: secret })).toEqual([]);
  expect(await labels(query, 'mallory', {}, { holding: secret })).toEqual([]);
  expect(await labels(query, 'scout', AS_SCOUT, { holding: secret })).toEqual([]);
  expect(await labels(query, 'alice', { scopes: ['credential:read'] }, { holding: secret })).toEqual([]);
  expect(await labels(query, 'alice', {}, { holding: secret.slice(0, -1) })).toEqual([]);
  expect(await labels(query, 'alice', {}, { holding: secret })).toEqual(['tracker']);
  expect(await labels(query, 'mimic', AS_MIMIC, { holding: SERVICES.exchange.secret })).toEqual(['exchange']);
  const id = await keep(query, { secret: 'ghp_leaked_0123456789' });
  expect(await labels(query, 'alice', {}, { holding: 'ghp_leaked_0123456789' })).toEqual(['github']);
  const input = { id, secret: 'ghp_fresh_0123456789' };
  await query('alice', documents.RotateServiceCredentialDocument, { input });
  expect(await labels(query, 'alice', {}, { holding: 'ghp_leaked_0123456789' })).toEqual([]);
  expect(await labels(query, 'alice', {}, { holding: 'ghp_fresh_0123456789' })).toEqual(['github']);
  await query('alice', documents.DeleteServiceCredentialDocument, { input: { id } });
});

test('credentials are filtered by service, agent and end, and found by their global id', async ({
  query,
}) => {
  const past = new Date(Date.now() - 1000).toISOString();
  const id = await keep(query, { expiresAt: past });
  expect(await labels(query, 'alice', {}, { service: 'tracker' })).toEqual(['tracker']);
  expect(await labels(query, 'alice', {}, { agentId: toGlobalId('Agent', AGENTS.scribe.id) })).toEqual([
    'post',
  ]);
  expect(await labels(query, 'alice', {}, { expiresBefore: new Date().toISOString() })).toEqual(['github']);
  const one = await query('alice', documents.ServiceCredentialsDocument, { filter: { service: 'github' } });
  expect(dataOf(one).serviceCredentials.edges[0]?.node).toMatchObject({ id, state: 'EXPIRED' });
  await query('alice', documents.DeleteServiceCredentialDocument, { input: { id } });
});
