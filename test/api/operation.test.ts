// One operation, one transaction: what is kept together, what is undone together, and what is recorded of it either way.

import { expect } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { toGlobalId } from '../../src/api/global-id.ts';
import { ACTORS, AGENTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { newId } from '../../src/ids.ts';
import { type Answer, codesOf, dataOf } from '../kit/answer.ts';
import { type Asking, type RunningServer, test } from '../kit/server.ts';

const TWO = `mutation ($first: CreateMemoryInput!, $second: CreateMemoryInput!) {
  first: createMemory(input: $first) { __typename ... on Memory { id } }
  second: createMemory(input: $second) { __typename ... on Memory { id } }
}`;

const contents = ({ migrate }: RunningServer, content: string) =>
  migrate((sql) => sql.list('select id from memories where content = $1', [content]));

type Entry = Record<'event' | 'actor_id' | 'owner_id' | 'target_kind' | 'policy_checksum', string> & {
  chain: string[];
  target_id: string | null;
  detail: Record<string, unknown>;
};
const audit = ({ migrate }: RunningServer, { requestId }: Answer<unknown>) =>
  migrate((sql) =>
    sql.rows<Entry>('select * from audit_entries where request_id = $1 order by id', [requestId]),
  );

test('an error in one field undoes the others, and the answer has no data that was not kept', async ({
  server,
  query,
}) => {
  const answer = await query('alice', TWO, {
    first: { content: 'undone' },
    second: { content: 'x', kind: 'NOT A KIND' },
  });
  expect(codesOf(answer)).toEqual(['BAD_USER_INPUT']);
  expect(answer.body).toMatchObject({ data: null, errors: [{ path: ['second'] }] });
  expect(await contents(server, 'undone')).toEqual([]);
  expect(await audit(server, answer)).toEqual([]);
});

test('what the database refuses in one field undoes the others', async ({ server, query }) => {
  const answer = await query(
    'scout',
    `mutation { a: createMemory(input: { content: "undone too" }) { __typename }
                b: createWorld(input: { name: "Not allowed" }) { __typename } }`,
    undefined,
    { delegation: 'scout' },
  );
  expect([answer.status, ...codesOf(answer)]).toEqual([403, 'FORBIDDEN']);
  expect(answer.body.data ?? null).toBeNull();
  expect(await contents(server, 'undone too')).toEqual([]);
});

test('an outcome that was to be expected undoes nothing', async ({ server, query }) => {
  const answer = await query('alice', TWO, {
    first: { content: 'kept' },
    second: { content: 'x', agentId: toGlobalId('Agent', newId()) },
  });
  expect(dataOf(answer)).toMatchObject({
    first: { __typename: 'Memory' },
    second: { __typename: 'NotFound' },
  });
  expect(await contents(server, 'kept')).toHaveLength(1);
  expect((await audit(server, answer)).map(({ event }) => event)).toEqual([
    'memory.created',
    'memory.create_refused',
  ]);
});

test('fields of one mutation see what those before them did', async ({ query }) => {
  const answer = await query(
    'alice',
    `mutation ($id: ID!) {
       suspend: setAgentStatus(input: { id: $id, status: SUSPENDED }) { ... on Agent { status } }
       resume: setAgentStatus(input: { id: $id, status: ACTIVE }) { ... on Agent { status } } }`,
    { id: toGlobalId('Agent', AGENTS.late.id) },
  );
  expect(dataOf(answer)).toEqual({ suspend: { status: 'SUSPENDED' }, resume: { status: 'ACTIVE' } });
});

test('what was refused with FORBIDDEN leaves an entry that names who, for whom, through what and which fields', async ({
  server,
  query,
}) => {
  const answer = await query(
    'scribe',
    'mutation { ...Hidden } fragment Hidden on Mutation { a: createMemory(input: { content: "no" }) { __typename } }',
    undefined,
    { delegation: 'scribe' },
  );
  expect(codesOf(answer)).toEqual(['FORBIDDEN']);
  expect(await audit(server, answer)).toMatchObject([
    {
      event: 'operation.refused',
      actor_id: AGENTS.scribe.id,
      owner_id: USERS.alice.id,
      chain: [DELEGATIONS.scout.id, DELEGATIONS.scribe.id],
      target_kind: 'operation',
      target_id: null,
      detail: { outcome: 'FORBIDDEN', fields: ['createMemory'] },
      policy_checksum: await server.migrate((sql) =>
        sql.value('select checksum from bailiwick.policy_state'),
      ),
    },
  ]);
});

test('every change leaves an entry with actor, owner, chain, request and policies', async ({
  server,
  query,
}) => {
  const inPerson = {};
  const through: Asking = { delegation: 'scout' };
  const checksum = await server.migrate((sql) => sql.value('select checksum from bailiwick.policy_state'));
  const done = async (
    actor: 'alice' | 'scout',
    event: string,
    asking: Asking,
    document: { toString(): string },
    input: object,
  ) => {
    const answer = await query(actor, document, { input }, asking);
    const [field] = Object.values(dataOf(answer) as Record<string, { __typename: string; id?: string }>);
    expect([event, field?.__typename]).not.toEqual([event, 'NotFound']);
    const entries = await audit(server, answer);
    expect(entries).toMatchObject([
      {
        event,
        actor_id: ACTORS[actor].id,
        owner_id: USERS.alice.id,
        chain: actor === 'scout' ? [DELEGATIONS.scout.id] : [],
        policy_checksum: checksum,
      },
    ]);
    return field?.id ?? '';
  };
  const agent = await done('alice', 'agent.created', inPerson, documents.CreateAgentDocument, {
    name: 'Temp',
  });
  await done('alice', 'agent.updated', inPerson, documents.UpdateAgentDocument, {
    id: agent,
    name: 'Temporary',
  });
  await done('alice', 'agent.status_set', inPerson, documents.SetAgentStatusDocument, {
    id: agent,
    status: 'ACTIVE',
  });
  await done('alice', 'agent.ceiling_set', inPerson, documents.SetAgentCeilingDocument, {
    id: agent,
    capabilities: null,
  });
  const terms = { delegateId: agent, capabilities: ['memory:read'], lifetimeSeconds: 600 };
  const delegation = await done(
    'alice',
    'delegation.granted',
    inPerson,
    documents.GrantDelegationDocument,
    terms,
  );
  const expiresAt = new Date(Date.now() + 60_000).toISOString();
  await done('alice', 'delegation.narrowed', inPerson, documents.NarrowDelegationDocument, {
    id: delegation,
    expiresAt,
  });
  await done('scout', 'delegation.granted', through, documents.RedelegateDocument, terms);
  await done('alice', 'delegation.revoked', inPerson, documents.RevokeDelegationDocument, { id: delegation });
  await done('alice', 'agent.revoked', inPerson, documents.RevokeAgentDocument, { agentId: agent });
  await done('alice', 'agent.deleted', inPerson, documents.DeleteAgentDocument, { id: agent });
  const memory = await done('scout', 'memory.created', through, documents.CreateMemoryDocument, {
    content: 'x',
  });
  await done('scout', 'memory.updated', through, documents.UpdateMemoryDocument, {
    id: memory,
    content: 'y',
  });
  await done('scout', 'memory.deleted', through, documents.DeleteMemoryDocument, { id: memory });
  await done('scout', 'memory.created', through, documents.CreateMemoriesDocument, {
    memories: [{ content: 'x' }],
  });
  const world = await done('alice', 'world.created', inPerson, documents.CreateWorldDocument, {
    name: 'Temp',
  });
  await done('alice', 'world.updated', inPerson, documents.UpdateWorldDocument, {
    id: world,
    name: 'Temporary',
  });
  const guest = { worldId: world, userId: toGlobalId('User', USERS.bob.id), role: 'GUEST' };
  const member = await done('alice', 'member.added', inPerson, documents.AddWorldMemberDocument, guest);
  await done('alice', 'member.updated', inPerson, documents.UpdateWorldMemberDocument, {
    id: member,
    role: 'MEMBER',
  });
  await done('alice', 'member.removed', inPerson, documents.RemoveWorldMemberDocument, { id: member });
  await done('alice', 'world.deleted', inPerson, documents.DeleteWorldDocument, { id: world });
  await done('alice', 'user.updated', inPerson, documents.UpdateProfileDocument, { locale: 'en-GB' });
});

test('a change by a delegate says in the row itself who made it, through what, in which request', async ({
  server,
  query,
}) => {
  const answer = await query(
    'scout',
    documents.CreateMemoryDocument,
    { input: { content: 'by scout' } },
    { delegation: 'scout' },
  );
  dataOf(answer);
  const [row] = await server.migrate((sql) =>
    sql.rows('select * from memories where content = $1', ['by scout']),
  );
  expect(row).toMatchObject({
    owner_id: USERS.alice.id,
    agent_id: AGENTS.scout.id,
    created_by: AGENTS.scout.id,
    delegation_id: DELEGATIONS.scout.id,
    request_id: answer.requestId,
  });
});

test('errors of the database reach the caller as a code and a sentence of ours', async ({
  server,
  query,
}) => {
  await server.migrate((sql) =>
    sql.touched(
      `alter table memories add constraint memories_no_secret_word check (content <> 'secret word')`,
    ),
  );
  const answer = await query('alice', documents.CreateMemoryDocument, { input: { content: 'secret word' } });
  expect([answer.status, ...codesOf(answer)]).toEqual([400, 'BAD_USER_INPUT']);
  expect(answer.text).not.toMatch(/secret|memories|check/);
});

test('a statement that takes too long ends with TIMEOUT, and nothing of it is kept', async ({
  server,
  query,
}) => {
  await server.migrate(async (sql) => {
    await sql.client.query('begin');
    await sql.client.query('lock table worlds in access exclusive mode');
    try {
      const answer = await query('alice', documents.CreateWorldDocument, { input: { name: 'Too late' } });
      expect([answer.status, ...codesOf(answer)]).toEqual([504, 'TIMEOUT']);
    } finally {
      await sql.client.query('rollback');
    }
    expect(await sql.list("select id from worlds where name = 'Too late'")).toEqual([]);
  });
});
