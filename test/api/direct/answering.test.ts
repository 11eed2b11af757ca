// What is answered by one statement, without resolvers, is to the letter what resolvers answer. Which of the two answers is told by the
// statement; a directive that says nothing sends an operation to the resolvers.

import fc from 'fast-check';
import { expect } from 'vitest';
import { toGlobalId } from '../../../src/api/global-id.ts';
import { type ActorName, AGENTS, WORLDS } from '../../../src/demo/cast.ts';
import type { DelegationName } from '../../../src/demo/delegations.ts';
import { MEMORIES } from '../../../src/demo/memories.ts';
import { test } from '../../kit/server.ts';

const CALLERS: readonly (readonly [ActorName, DelegationName?])[] = [
  ['alice'],
  ['bob'],
  ['ada'],
  ['mallory'],
  ['scout'],
  ['scout', 'scout'],
  ['scout', 'scoutInGarden'],
  ['scribe', 'scribe'],
  ['late', 'late'],
  ['rogue', 'rogue'],
  ['mimic', 'mimic'],
];

const caller = fc.constantFrom(...CALLERS);

/** Some of these fields in some order, an alias here and there, and at least one. */
const some = (...fields: string[]) =>
  fc
    .uniqueArray(fc.constantFrom(...fields), { minLength: 1 })
    .chain((chosen) =>
      fc
        .array(fc.boolean(), { minLength: chosen.length, maxLength: chosen.length })
        .map((aliased) =>
          chosen
            .map((one, at) => (aliased[at] ? one.replace(/^\w+/, (name) => `my_${name}: ${name}`) : one))
            .join(' '),
        ),
    );

const SCALARS = {
  agent: [
    'id',
    'name',
    'icon',
    'description',
    'model',
    'settings',
    'status',
    'createdAt',
    'updatedAt',
    '__typename',
  ],
  world: ['id', 'name', 'description', 'ownerId', 'status', 'createdAt', 'updatedAt', '__typename'],
  memory: [
    'id',
    'ownerId',
    'shared',
    'kind',
    'sensitive',
    'tags',
    'createdAt',
    'updatedAt',
    '__typename',
    '... on Node { id }',
    '... { kind }',
  ],
  open: ['content', 'metadata'],
};

const agent = some(...SCALARS.agent, 'parent { id name }');
const world = some(...SCALARS.world);
const memory = fc
  .tuple(some(...SCALARS.memory), agent, world, fc.boolean())
  .chain(([own, kept, placed, open]) =>
    some(`... { ${own} }`, `agent { ${kept} }`, `world { ${placed} }`, ...(open ? SCALARS.open : [])),
  );

const first = fc.integer({ min: 0, max: 8 });
const size = fc.oneof(
  first.map((n) => `first: ${n}`),
  first.map((n) => `last: ${n}`),
);
const filter = fc.constantFrom(
  '',
  'filter: { kind: "note" }',
  'filter: { sensitive: false }',
  'filter: { tags: ["home"] }',
  `filter: { agentId: "${toGlobalId('Agent', AGENTS.scout.id)}", createdAfter: "2020-01-01T00:00:00Z" }`,
  `filter: { worldId: "${toGlobalId('World', WORLDS.garden.id)}", createdBefore: "2100-01-01T00:00:00Z" }`,
);
const order = fc.constantFrom(
  '',
  'orderBy: { field: UPDATED }',
  'orderBy: { field: CREATED, direction: ASC }',
);
const info = 'pageInfo { hasNextPage endCursor startCursor hasPreviousPage }';

const page = (name: string, args: string, node: string) =>
  `${name}(${args}) { edges { cursor node { ${node} } } ${info} __typename }`;

const memories = fc
  .tuple(size, filter, order, memory)
  .map(([size, filter, order, node]) => page('memories', [size, filter, order].join(' '), node));
const member = fc
  .tuple(some('id', 'userId', 'role', 'createdAt', '__typename'), world)
  .chain(([own, taken]) => some(`... { ${own} }`, `world { ${taken} }`));
const which = fc.constantFrom('', 'filter: { role: OWNER }', 'filter: { role: MEMBER }');
const since = fc.constantFrom('', 'orderBy: { direction: DESC }');
const members = fc
  .tuple(size, which, since, member)
  .map(([size, which, since, node]) => page('members', `${size} ${which} ${since}`, node));
const below = fc
  .tuple(fc.constantFrom('name', 'id', 'status', 'createdAt'), memories)
  .map((all) => all.join(' '));
const taking = fc.tuple(fc.constantFrom('name', 'id', 'status'), members).map((all) => all.join(' '));
const byName = fc.constantFrom('', 'orderBy: { field: NAME }', 'orderBy: { field: NAME, direction: DESC }');
const root = fc.oneof(
  // nothing of what it is
  fc.constant(`node(id: "${toGlobalId('Agent', AGENTS.scout.id)}") { ... on World { name } }`),
  memories,
  fc.tuple(size, byName, world).map(([size, by, node]) => page('worlds', `${size} ${by}`, node)),
  fc.tuple(size, byName, below).map(([size, by, node]) => page('worlds', `${size} ${by}`, node)),
  members,
  fc.tuple(size, byName, taking).map(([size, by, node]) => page('worlds', `${size} ${by}`, node)),
  fc.tuple(size, byName, below).map(([size, by, node]) => page('agents', `${size} ${by}`, node)),
  fc
    .tuple(size, memory)
    .map(([size, node]) =>
      page('sharedMemories', `${size} worldId: "${toGlobalId('World', WORLDS.garden.id)}"`, node),
    ),
  fc
    .tuple(fc.constantFrom(...MEMORIES), memory)
    .map(([{ id }, fields]) => `node(id: "${toGlobalId('Memory', id)}") { id ... on Memory { ${fields} } }`),
  fc
    .tuple(fc.constantFrom(...Object.values(AGENTS)), agent)
    .map(
      ([{ id }, fields]) =>
        `node(id: "${toGlobalId('Agent', id)}") { __typename ... on Agent { ${fields} } }`,
    ),
);
const query = fc
  .array(root, { minLength: 1, maxLength: 2 })
  .map((roots) => roots.map((one, at) => `r${at}: ${one}`));

const isDirect = (statement: string | undefined) => statement?.startsWith('select p.') ?? false;

test('an operation that is not resolved is answered as if it were', { timeout: 120_000 }, async ({
  server,
  query: ask,
}) => {
  let direct = 0;
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(caller, query, async ([actor, delegation], roots) => {
      const under = delegation && { delegation };
      const document = `{ ${roots.join('\n')} }`;
      const resolved = await ask(
        actor,
        document.replace(/^\{ (r0: \w+\([^)]*\))/, '{ $1 @include(if: true)'),
        undefined,
        under,
      );
      const answer = await ask(actor, document, undefined, under);
      expect(server.cost(resolved).statements.some(isDirect)).toBe(false);
      expect(without(answer.text)).toBe(without(resolved.text));
      runs += 1;
      direct += server.cost(answer).statements.every(isDirect) ? 1 : 0;
    }),
    { numRuns: 80 },
  );
  // what remains asks for what others share, or for a key that was not remembered yet
  expect(direct / runs).toBeGreaterThan(0.5);
});

/** Without what differs from request to request. */
const without = (text: string) => text.replaceAll(/"requestId":"[^"]+"/g, '');
