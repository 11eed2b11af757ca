// What is asked of both servers: the same rows, the same fields, each in its own schema's words. To the peer the tenant and owner are said too,
// as whoever uses it well would, because its schema knows no caller.

import { toGlobalId } from '../../src/api/global-id.ts';
import { TENANTS, USERS } from '../../src/demo/cast.ts';
import { alices, idOf, WORLDS } from './filling.ts';
import { FRESH_ID } from './measured.ts';
import { ALICE, type Caller, chained } from './stage.ts';

type Asked = { readonly query: string; readonly variables: Readonly<Record<string, unknown>> };
export type Operation = {
  readonly name: string;
  readonly kind: 'read' | 'write';
  readonly caller: Caller;
  /** Whether what is read is written down, for its owner: the peer does nothing of the kind. */
  readonly receipts?: boolean;
  /** The nth request. */
  readonly ours: (n: number) => Asked;
  readonly peer: (n: number) => Asked;
};

const tenantId = TENANTS.acme.id;
const ownerId = USERS.alice.id;
const OWN = { tenantId, ownerId };
const WORDS = [
  'budget',
  'garden',
  'meeting',
  'invoice',
  'travel',
  'recipe',
  'deadline',
  'contract',
  'idea',
  'birthday',
];

const PAGE = {
  ours: {
    query: `query Page { memories(first: 20) {
      edges { cursor node { id kind content createdAt agent { id name } } } pageInfo { hasNextPage endCursor } } }`,
    variables: {},
  },
  peer: {
    query: `query Page($own: MemoryCondition!) { allMemories(first: 20, orderBy: PRIMARY_KEY_DESC, condition: $own) {
      edges { cursor node { rowId kind content createdAt agentByTenantIdAndAgentIdAndOwnerId { rowId name } } } pageInfo { hasNextPage endCursor } } }`,
    variables: { own: OWN },
  },
};

const page = (name: string, caller: Caller, receipts = false): Operation => ({
  name,
  receipts,
  kind: 'read',
  caller,
  ours: () => PAGE.ours,
  peer: () => PAGE.peer,
});

const written = (n: number) => `Written for the comparison, the ${n}th of many, about nothing in particular`;

/** @param memories How many there are. */
export const operations = (memories: number): readonly Operation[] => {
  const memory = (n: number) => idOf('memory', alices(memories, n * 7919));
  return [
    {
      name: 'single row by id',
      kind: 'read',
      caller: ALICE,
      ours: (n) => ({
        query: 'query One($id: ID!) { node(id: $id) { id ... on Memory { kind content tags createdAt } } }',
        variables: { id: toGlobalId('Memory', memory(n)) },
      }),
      peer: (n) => ({
        query:
          'query One($tenantId: UUID!, $id: UUID!) { memoryByTenantIdAndRowId(tenantId: $tenantId, rowId: $id) { rowId kind content tags createdAt } }',
        variables: { tenantId, id: memory(n) },
      }),
    },
    page('page of 20 with a relation', ALICE),
    {
      name: 'nested 20 x 20',
      kind: 'read',
      caller: ALICE,
      ours: () => ({
        query: `query Nested { worlds(first: 20) { edges { node { id name memories(first: 20) { edges { node { id content } } } } } } }`,
        variables: {},
      }),
      peer: () => ({
        query: `query Nested($of: WorldCondition!, $own: MemoryCondition!) { allWorlds(first: 20, orderBy: PRIMARY_KEY_ASC, condition: $of) {
          edges { node { rowId name memoriesByTenantIdAndWorldId(first: 20, orderBy: PRIMARY_KEY_DESC, condition: $own) { edges { node { rowId content } } } } } } }`,
        variables: { of: OWN, own: { ownerId } },
      }),
    },
    {
      name: 'filtered and ordered page of a large owner',
      kind: 'read',
      caller: ALICE,
      ours: (n) => ({
        query: `query Filtered($filter: MemoryFilter!) { memories(first: 20, filter: $filter, orderBy: { field: CREATED, direction: DESC }) {
          edges { node { id kind content createdAt } } } }`,
        variables: {
          filter: { kind: 'fact', agentId: toGlobalId('Agent', idOf('agent', 1 + (n % WORLDS))) },
        },
      }),
      peer: (n) => ({
        query: `query Filtered($own: MemoryCondition!) { allMemories(first: 20, orderBy: PRIMARY_KEY_DESC, condition: $own) {
          edges { node { rowId kind content createdAt } } } }`,
        variables: { own: { ...OWN, kind: 'fact', agentId: idOf('agent', 1 + (n % WORLDS)) } },
      }),
    },
    {
      name: 'full-text search',
      kind: 'read',
      caller: ALICE,
      ours: (n) => ({
        query:
          'query Search($words: String!) { searchMemories(query: $words, first: 20) { edges { node { id content } } } }',
        variables: { words: wordsAt(n) },
      }),
      peer: (n) => ({
        query:
          'query Search($words: String!) { benchSearchMemories(words: $words, most: 20) { edges { node { rowId content } } } }',
        variables: { words: wordsAt(n) },
      }),
    },
    {
      name: 'insert one',
      kind: 'write',
      caller: ALICE,
      ours: (n) => ({
        query:
          'mutation Insert($memory: CreateMemoryInput!) { createMemory(input: $memory) { __typename ... on Memory { id content createdAt } } }',
        variables: { memory: { content: written(n), kind: 'written', tags: ['bench'] } },
      }),
      peer: (n) => ({
        query:
          'mutation Insert($memory: MemoryInput!) { createMemory(input: { memory: $memory }) { memory { rowId content createdAt } } }',
        variables: {
          memory: { ...OWN, rowId: FRESH_ID, content: written(n), kind: 'written', tags: ['bench'] },
        },
      }),
    },
    {
      name: 'insert 100',
      kind: 'write',
      caller: ALICE,
      ours: (n) => ({
        query:
          'mutation Insert($memories: [CreateMemoryInput!]!) { createMemories(input: { memories: $memories }) { __typename } }',
        variables: {
          memories: Array.from({ length: 100 }, (_, at) => ({ content: written(n + at), kind: 'written' })),
        },
      }),
      // it has no input for many
      peer: (n) => ({
        query: `mutation Insert(${Array.from({ length: 100 }, (_, at) => `$m${at}: MemoryInput!`)}) {
          ${Array.from({ length: 100 }, (_, at) => `m${at}: createMemory(input: { memory: $m${at} }) { memory { rowId } }`).join(' ')} }`,
        variables: Object.fromEntries(
          Array.from({ length: 100 }, (_, at) => [
            `m${at}`,
            { ...OWN, rowId: FRESH_ID, content: written(n + at), kind: 'written' },
          ]),
        ),
      }),
    },
    {
      name: 'update one',
      kind: 'write',
      caller: ALICE,
      ours: (n) => ({
        query:
          'mutation Update($change: UpdateMemoryInput!) { updateMemory(input: $change) { __typename ... on Memory { id updatedAt } } }',
        variables: { change: { id: toGlobalId('Memory', memory(n)), content: written(n) } },
      }),
      peer: (n) => ({
        query: `mutation Update($change: UpdateMemoryByTenantIdAndRowIdInput!) { updateMemoryByTenantIdAndRowId(input: $change) { memory { rowId updatedAt } } }`,
        variables: {
          change: {
            tenantId,
            rowId: memory(n),
            memoryPatch: { content: written(n), updatedAt: '2026-11-22T00:00:00Z' },
          },
        },
      }),
    },
    page('delegated page of 20, depth 1', chained(1)),
    page('delegated page of 20, depth 4', chained(4)),
    page('the same with receipts of what is read', chained(4), true),
  ];
};

/** Two words, which a hundredth of the rows or so have. */
const wordsAt = (n: number) => `${WORDS[n % 10]} ${WORDS[Math.floor(n / 10) % 10]}`;

/** What the page of 20 comes to in SQL. */
export const PAGE_SQL = {
  text: `select m.id, m.kind, m.content, m.created_at, a.id, a.name
    from public.memories m left join public.agents a on a.tenant_id = m.tenant_id and a.id = m.agent_id and a.owner_id = m.owner_id
   where m.tenant_id = $1::uuid and m.owner_id = $2::uuid order by m.id desc limit 21`,
  values: [tenantId, ownerId],
};
