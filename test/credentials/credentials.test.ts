// API keys through the API: what a key cannot do, cannot make and cannot outlive; how one is replaced and how one ends.

import { expect } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { toGlobalId } from '../../src/api/global-id.ts';
import { type ActorName, AGENTS, type AgentName, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { codesOf, dataOf } from '../kit/answer.ts';
import { type Asking, type RunningServer, test } from '../kit/server.ts';

type Query = RunningServer['query'];
type Terms = {
  readonly holder?: string;
  readonly capabilities?: readonly string[];
  readonly delegation?: string;
  readonly lifetimeSeconds?: number;
};

const agent = (name: AgentName) => toGlobalId('Agent', AGENTS[name].id);
const delegation = (name: keyof typeof DELEGATIONS) => toGlobalId('Delegation', DELEGATIONS[name].id);
const withKey = (key: string, more: Record<string, string> = {}): Asking => ({
  headers: { 'x-api-key': key, ...more },
});

async function create(query: Query, who: ActorName | 'nobody', terms: Terms = {}, asking: Asking = {}) {
  const input = {
    label: 'for a test',
    capabilities: [...(terms.capabilities ?? ['memory:read', 'user:read'])],
    holderId: terms.holder ?? null,
    delegationId: terms.delegation ?? null,
    lifetimeSeconds: terms.lifetimeSeconds ?? 3600,
  };
  return dataOf(await query(who, documents.CreateApiKeyDocument, { input }, asking)).createApiKey;
}

/** A key that was made. */
async function made(...args: Parameters<typeof create>) {
  const answer = await create(...args);
  if (answer.__typename !== 'IssuedApiKey') {
    throw new Error(`no key: ${JSON.stringify(answer)}`);
  }
  return { key: answer.key, ...answer.credential };
}

const refusedFor = (answer: Awaited<ReturnType<typeof create>>) =>
  answer.__typename === 'CredentialRefused' ? answer.reason : answer.__typename;

const memories = (query: Query, asking: Asking) => query('nobody', documents.MemoriesDocument, {}, asking);
const countOf = async (query: Query, asking: Asking) =>
  dataOf(await memories(query, asking)).memories.edges.length;
const accepted = async (query: Query, key: string) => (await memories(query, withKey(key))).status === 200;
const revoke = async (query: Query, who: ActorName, id: string, asking: Asking = {}) =>
  dataOf(await query(who, documents.RevokeCredentialDocument, { input: { id } }, asking)).revokeCredential;
const listed = async (query: Query, who: ActorName | 'nobody', asking: Asking = {}) =>
  dataOf(await query(who, documents.CredentialsDocument, { first: 50 }, asking)).credentials.edges.map(
    ({ node }) => node.id,
  );

test('nobody makes a key under a delegation, as an agent, or with a token that is not for it', async ({
  query,
}) => {
  const cases: [ActorName, Asking][] = [
    ['scout', { delegation: 'scout' }],
    ['scribe', { delegation: 'scribe' }],
    ['scout', {}],
    ['alice', { scopes: ['memory:read', 'user:read', 'key:read', 'key:update'] }],
  ];
  for (const [who, asking] of cases) {
    expect([who, refusedFor(await create(query, who, {}, asking))]).toEqual([who, 'AUTHORITY']);
  }
  const anonymous = await query('nobody', documents.CreateApiKeyDocument, {
    input: { label: 'x', capabilities: ['memory:read'] },
  } as never);
  expect([anonymous.status, codesOf(anonymous)]).toEqual([401, ['UNAUTHENTICATED']]);
});

test('nobody makes a key for somebody else, be they near, far or absent', async ({ query }) => {
  for (const holder of [
    toGlobalId('User', USERS.bob.id),
    agent('bobot'),
    agent('mimic'),
    toGlobalId('User', USERS.mallory.id),
    toGlobalId('User', '019a0000-0000-7001-8000-00000000dead'),
  ]) {
    expect(refusedFor(await create(query, 'alice', { holder }))).toBe('ENTITY');
  }
  expect(refusedFor(await create(query, 'ada', { holder: toGlobalId('User', USERS.alice.id) }))).toBe(
    'ENTITY',
  );
});

test('a key never allows more than what it was made with, and an agent’s nothing that is personal', async ({
  query,
}) => {
  const scopes = ['key:create', 'key:read', 'memory:read'];
  for (const capabilities of [['memory:read', 'memory:create'], ['tenant:administer'], ['key:update']]) {
    expect(refusedFor(await create(query, 'alice', { capabilities }, { scopes }))).toBe('CAPABILITIES');
  }
  const personal = { holder: agent('scout'), capabilities: ['key:create'] };
  expect(refusedFor(await create(query, 'alice', personal))).toBe('CAPABILITIES');
});

test('a key that makes keys gives each at most its own capabilities and its own time', async ({ query }) => {
  const capabilities = ['key:create', 'key:read', 'memory:read'];
  const parent = await made(query, 'alice', { capabilities, lifetimeSeconds: 600 });
  const asking = withKey(parent.key);
  const more = { capabilities: ['memory:read', 'memory:update'], lifetimeSeconds: 60 };
  expect(refusedFor(await create(query, 'nobody', more, asking))).toBe('CAPABILITIES');
  const longer = { capabilities: ['memory:read'], lifetimeSeconds: 3600 };
  expect(refusedFor(await create(query, 'nobody', longer, asking))).toBe('LIFETIME');
  const child = await made(query, 'nobody', { capabilities: ['memory:read'], lifetimeSeconds: 60 }, asking);
  expect(await countOf(query, withKey(child.key))).toBeGreaterThan(0);
  // and it cannot go on making them
  expect(
    refusedFor(
      await create(
        query,
        'nobody',
        { capabilities: ['memory:read'], lifetimeSeconds: 60 },
        withKey(child.key),
      ),
    ),
  ).toBe('AUTHORITY');
});

test('a key lasts a year at most, and begins in no past', async ({ query }) => {
  expect(refusedFor(await create(query, 'alice', { lifetimeSeconds: 366 * 86_400 }))).toBe('LIFETIME');
  const answer = await query('alice', documents.CreateApiKeyDocument, {
    input: { label: 'x', capabilities: ['memory:read'], lifetimeSeconds: -5 },
  } as never);
  expect(codesOf(answer)).toEqual(['BAD_USER_INPUT']);
});

test('a key that nobody made, that is mistyped or revoked gets the one 401', async ({ query }) => {
  const { key, id } = await made(query, 'alice');
  expect(await accepted(query, key)).toBe(true);
  await revoke(query, 'alice', id);
  const last = key.at(-1) === 'a' ? 'b' : 'a';
  const answers = await Promise.all(
    [key, `${key.slice(0, -1)}${last}`, 'bwk_short', ''].map((wrong) => memories(query, withKey(wrong))),
  );
  for (const { status, body, headers } of answers) {
    expect(status).toBe(401);
    expect(headers.get('www-authenticate')).toContain('Bearer');
    expect(codesOf({ body } as never)).toEqual(['UNAUTHENTICATED']);
  }
});

test('a key is what its owner is, as far as its capabilities go, and sees no other owner', async ({
  query,
}) => {
  const { key } = await made(query, 'alice', { capabilities: ['memory:read'] });
  const { viewer } = dataOf(await query('nobody', documents.ViewerDocument, {}, withKey(key)));
  expect(viewer).toMatchObject({
    actor: { id: toGlobalId('User', USERS.alice.id) },
    capabilities: ['memory:read'],
    administrator: false,
  });
  const own = await countOf(query, withKey(key));
  expect(own).toBe(dataOf(await query('alice', documents.MemoriesDocument, {})).memories.edges.length);
  const answer = await query(
    'nobody',
    documents.CreateMemoryDocument,
    { input: { content: 'x' } },
    withKey(key),
  );
  expect(codesOf(answer)).toEqual(['FORBIDDEN']);
});

test('a key that is bound to a delegation works under that one and nothing else', async ({ query }) => {
  const { key } = await made(query, 'alice', {
    holder: agent('scout'),
    capabilities: ['memory:read'],
    delegation: delegation('scoutInGarden'),
  });
  const { viewer } = dataOf(await query('nobody', documents.ViewerDocument, {}, withKey(key)));
  expect(viewer.chain.map(({ delegationId }) => delegationId)).toEqual([delegation('scoutInGarden')]);
  const other = await memories(query, withKey(key, { 'delegation-id': DELEGATIONS.scout.id }));
  expect([other.status, codesOf(other)]).toEqual([401, ['UNAUTHENTICATED']]);
  const foreign = { holder: agent('scout'), delegation: delegation('bobot'), capabilities: ['memory:read'] };
  expect(refusedFor(await create(query, 'alice', foreign))).toBe('DELEGATION');
});

test('an agent’s key names the delegation under which it acts, as its token would', async ({ query }) => {
  const { key } = await made(query, 'alice', { holder: agent('scout'), capabilities: ['memory:read'] });
  const owners = { 'delegation-id': DELEGATIONS.scout.id };
  const asking = { delegation: 'scout', scopes: ['memory:read'] } as const;
  const expected = dataOf(await query('scout', documents.MemoriesDocument, {}, asking)).memories.edges.length;
  expect(await countOf(query, withKey(key, owners))).toBe(expected);
  expect(await countOf(query, withKey(key))).not.toBe(expected);
});

test('nobody lists or ends somebody else’s keys; an administrator lists and ends those of the tenant', async ({
  query,
}) => {
  const { id, key } = await made(query, 'alice');
  for (const [who, asking] of [
    ['bob', {}],
    ['mallory', {}],
    ['scout', {}],
    ['scout', { delegation: 'scout' }],
  ] as [ActorName, Asking][]) {
    expect([who, await listed(query, who, asking)]).toEqual([who, expect.not.arrayContaining([id])]);
    expect([who, (await revoke(query, who, id, asking)).__typename]).toEqual([who, 'NotFound']);
  }
  expect(await accepted(query, key)).toBe(true);
  expect(await listed(query, 'alice')).toContain(id);
  expect(await listed(query, 'ada')).toContain(id);
  expect((await revoke(query, 'ada', id)).__typename).toBe('RevokedCredential');
  expect(await accepted(query, key)).toBe(false);
});

test('a key that is replaced works for the overlap, beside the new one; without an overlap it ends at once', async ({
  query,
}) => {
  const rotate = async (id: string, overlapSeconds: number) =>
    dataOf(
      await query('alice', documents.RotateApiKeyDocument, {
        input: { id, overlapSeconds, lifetimeSeconds: 3600 },
      }),
    ).rotateApiKey;
  const first = await made(query, 'alice', { capabilities: ['memory:read'] });
  const second = await rotate(first.id, 600);
  if (second.__typename !== 'IssuedApiKey') {
    throw new Error(JSON.stringify(second));
  }
  expect(second.credential).toMatchObject({
    replacesId: first.id,
    capabilities: ['memory:read'],
    label: first.label,
  });
  expect([await accepted(query, first.key), await accepted(query, second.key)]).toEqual([true, true]);
  const third = await rotate(second.credential.id, 0);
  expect(third.__typename).toBe('IssuedApiKey');
  expect(await accepted(query, second.key)).toBe(false);
  expect((await rotate(second.credential.id, 0)).__typename).toBe('NotFound');
  const { __typename, ...refusal } = await rotate(first.id, 8 * 86_400);
  expect([__typename, refusal]).toEqual([
    'CredentialRefused',
    expect.objectContaining({ reason: 'OVERLAP' }),
  ]);
});

test('the kill switch ends an agent’s keys too', async ({ query }) => {
  const { key } = await made(query, 'bob', { holder: agent('bobot'), capabilities: ['memory:read'] });
  expect(await accepted(query, key)).toBe(true);
  await query('bob', documents.RevokeAgentDocument, { input: { agentId: agent('bobot') } });
  expect(await accepted(query, key)).toBe(false);
});

test('ending somebody’s credentials refuses every key and every token they had, from the next request on', async ({
  query,
  server,
}) => {
  const { key } = await made(query, 'mallory', { capabilities: ['memory:read'] });
  const token = await server.credentials('mallory');
  const holderId = toGlobalId('User', USERS.mallory.id);
  const end = async (who: ActorName, asking: Asking = {}) =>
    dataOf(await query(who, documents.EndCredentialsDocument, { input: { holderId } }, asking))
      .endCredentials;
  expect((await end('alice')).__typename).toBe('NotFound');
  expect((await end('ada')).__typename).toBe('NotFound');
  expect((await end('mallory', { scopes: ['key:read'] })).__typename).toBe('NotFound');
  expect((await end('mallory')).__typename).toBe('EndedCredentials');
  expect(await accepted(query, key)).toBe(false);
  expect((await memories(query, { headers: token })).status).toBe(401);
});

test('neither a key nor its digest stands in the log or in the table that can be read', async ({
  query,
  server,
}) => {
  const { key, hint, id } = await made(query, 'alice');
  await accepted(query, key);
  const digest = await server.migrate((sql) =>
    sql.value('select digest from credentials where id = $1', [
      Buffer.from(id, 'base64url').toString().split(':')[1],
    ]),
  );
  expect(digest).toMatch(/^[0-9a-f]{64}$/);
  const log = JSON.stringify(server.log);
  expect([hint?.length, key.startsWith(hint ?? key)]).toEqual([8, true]);
  expect([log.includes(key), log.includes(String(digest))]).toEqual([false, false]);
  expect(server.log).toContainEqual(expect.objectContaining({ event: 'key.used' }));
});

test('making, replacing, ending and being refused each leave an entry in the log of changes', async ({
  query,
  server,
}) => {
  const events = async () => {
    const all = await server.migrate((sql) =>
      sql.value(
        `select string_agg(event, ' ' order by id) from audit_entries where event ~ '^(key|credential)'`,
      ),
    );
    return String(all).split(' ');
  };
  const before = (await events()).length;
  const { id } = await made(query, 'alice');
  await create(query, 'alice', { capabilities: ['key:read'], lifetimeSeconds: 366 * 86_400 });
  await revoke(query, 'bob', id);
  await revoke(query, 'alice', id);
  expect((await events()).slice(before)).toEqual([
    'key.created',
    'key.create_refused',
    'credential.revoke_refused',
    'credential.revoked',
  ]);
});
