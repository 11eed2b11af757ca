// explainAccess and effectivePermissions through the API: hidden and absent are one answer at one price, an agent that is not the
// caller's is like none, and otherwise everybody hears which clause, which hop and which capability.

import { expect } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { toGlobalId } from '../../src/api/global-id.ts';
import { type ActorName, AGENTS, USERS, WORLDS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { MEMORIES } from '../../src/demo/memories.ts';
import { newId } from '../../src/ids.ts';
import { schema } from '../../src/schema.ts';
import { absent, HIDDEN } from '../api/attempts.ts';
import { codesOf, dataOf } from '../kit/answer.ts';
import { type Asking, type Operation, type RunningServer, test } from '../kit/server.ts';

type Query = RunningServer['query'];
const VERBS: readonly documents.AccessVerb[] = ['READ', 'UPDATE', 'DELETE'];
const MINE = toGlobalId('Memory', MEMORIES.find(({ owner }) => owner === 'alice')?.id ?? '');
const gid = (name: keyof typeof DELEGATIONS) => toGlobalId('Delegation', DELEGATIONS[name].id);

const explain = (
  query: Query,
  actor: ActorName,
  id: string,
  verb: documents.AccessVerb,
  asking: Asking = {},
) => query(actor, documents.ExplainAccessDocument, { id, verb }, asking);
const explained = async (...asked: Parameters<typeof explain>) =>
  dataOf(await explain(...asked)).explainAccess;
const effective = (
  query: Query,
  actor: ActorName,
  agent: string,
  asking: Asking = {},
  includeEnded = false,
) =>
  query(
    actor,
    documents.EffectivePermissionsDocument,
    { agentId: toGlobalId('Agent', agent), includeEnded },
    asking,
  );

test('a hidden row of any type is answered like an absent one, to the character and to the statement', async ({
  query,
  server,
}) => {
  const strangers: readonly (readonly [ActorName, Asking])[] = [
    ['bob', {}],
    ['mallory', {}],
    ['rogue', { delegation: 'rogue' }],
  ];
  const nothing = absent();
  for (const [actor, asking] of strangers) {
    // bob belongs to alice's garden, and sees it and who else does
    const kinds = (Object.keys(HIDDEN) as (keyof typeof HIDDEN)[]).filter(
      (kind) => actor !== 'bob' || !['world', 'member'].includes(kind),
    );
    for (const verb of VERBS) {
      const all = (ids: typeof HIDDEN) => query(actor, explainingAll(kinds, ids, verb), {}, asking);
      const [hidden, none] = [await all(HIDDEN), await all(nothing)];
      for (const kind of kinds) {
        const said = { known: false, allowed: false, clauses: [] };
        expect([kind, dataOf(hidden)[kind]]).toMatchObject([kind, said]);
      }
      expect([actor, verb, hidden.text]).toEqual([actor, verb, none.text]);
      expect(server.cost(hidden).statements).toHaveLength(2 * kinds.length);
      expect(server.cost(hidden).statements).toEqual(server.cost(none).statements);
    }
  }
});

/** One operation that asks about a row of each kind. */
function explainingAll(
  kinds: readonly (keyof typeof HIDDEN)[],
  ids: typeof HIDDEN,
  verb: documents.AccessVerb,
): Operation<Record<string, unknown>, Record<string, unknown>> {
  const fields = String(documents.ExplainAccessDocument)
    .replace(/^[\s\S]*?explainAccess\([^)]*\)/, '')
    .replace(/\}\s*$/, '');
  return `query { ${kinds.map((kind) => `${kind}: explainAccess(id: "${ids[kind]}", verb: ${verb}) ${fields}`).join('\n')} }`;
}

test('what is no id, or of a type that has no rows, is the client’s mistake', async ({ query }) => {
  for (const id of ['', 'x', toGlobalId('Secret', newId()), toGlobalId('toString', newId())]) {
    expect(codesOf(await explain(query, 'alice', id, 'READ'))).toEqual(['BAD_USER_INPUT']);
  }
});

test('an agent that is not the caller’s is answered like one that does not exist', async ({ query }) => {
  const none = await effective(query, 'alice', newId());
  expect(dataOf(none).effectivePermissions).toBeNull();
  for (const [actor, agent, asking] of [
    ['alice', AGENTS.bobot.id, {}],
    ['alice', AGENTS.mimic.id, {}],
    ['alice', USERS.alice.id, {}],
    ['bob', AGENTS.scout.id, {}],
    ['ada', AGENTS.scout.id, {}],
    ['mallory', AGENTS.scout.id, {}],
    ['scribe', AGENTS.scout.id, {}],
    ['scout', AGENTS.scribe.id, { delegation: 'scout' }],
    ['alice', AGENTS.scout.id, { scopes: ['delegation:read'] }],
    ['alice', AGENTS.scout.id, { scopes: ['agent:read'] }],
  ] as const) {
    const answer = await effective(query, actor, agent, asking, true);
    expect([actor, agent, answer.status, answer.text]).toEqual([actor, agent, none.status, none.text]);
  }
});

test('who may not is told which hop does not carry which capability', async ({ query }) => {
  const said = await explained(query, 'scribe', MINE, 'UPDATE', { delegation: 'scribe' });
  expect(said).toMatchObject({ known: true, allowed: false, granted: true });
  expect(said.clauses.find(({ restrictive }) => !restrictive)).toEqual({
    policy: 'update_own',
    sentence: 'The owner changes memories, or an agent that may update them.',
    restrictive: false,
    holds: false,
    capabilities: ['memory:update'],
  });
  expect(said.requirements).toEqual([
    {
      capability: 'memory:update',
      means: 'OWNER',
      held: false,
      hops: [
        { delegationId: gid('scout'), carries: true },
        { delegationId: gid('scribe'), carries: false },
      ],
      missing: [{ where: 'DELEGATION', id: gid('scribe') }],
    },
  ]);
});

test('who may not see a row is still told what is missing for any row of its type', async ({ query }) => {
  const asked = await explained(query, 'scout', MINE, 'READ', {
    delegation: 'scout',
    scopes: ['agent:read'],
  });
  expect(asked).toMatchObject({ known: false, allowed: false, clauses: [] });
  expect(asked.requirements).toMatchObject([
    { capability: 'memory:read', means: 'OWNER', held: false, missing: [{ where: 'SCOPE', id: null }] },
    {
      capability: 'memory:read',
      means: 'SHARED_WITH',
      held: false,
      missing: [
        { where: 'SCOPE', id: null },
        { where: 'WORLD', id: null },
      ],
    },
  ]);
  const ended = await explained(query, 'rogue', MINE, 'READ', { delegation: 'rogue' });
  expect(ended.requirements[0]?.missing).toEqual([{ where: 'DELEGATION', id: gid('rogue') }]);
});

test('what is done in person only is explained as that, and what nobody does as never granted', async ({
  query,
}) => {
  const credential = await serviceOf(query);
  const said = await explained(query, 'scout', credential, 'DELETE', { delegation: 'scout' });
  expect(said).toMatchObject({ known: true, allowed: false });
  expect(said.requirements).toMatchObject([
    { capability: 'credential:delete', means: 'IN_PERSON', held: false },
  ]);
  expect(said.requirements[0]?.missing).toContainEqual({ where: 'PERSON', id: null });
  expect(await explained(query, 'alice', credential, 'DELETE')).toMatchObject({ allowed: true });
  const delegation = await explained(query, 'ada', gid('scout'), 'DELETE');
  expect(delegation).toMatchObject({ known: true, allowed: false, granted: false });
});

async function serviceOf(query: Query): Promise<string> {
  const page = dataOf(
    await query('scout', documents.ServiceCredentialsDocument, {}, { delegation: 'scout' }),
  );
  return page.serviceCredentials.edges[0]?.node.id ?? '';
}

test('every type that has a global id can be explained', async ({ query }) => {
  const node = schema.getType('Node');
  const types = schema.getPossibleTypes(node as Parameters<typeof schema.getPossibleTypes>[0]);
  expect(types.length).toBeGreaterThan(11);
  for (const { name } of types) {
    for (const verb of VERBS) {
      expect(await explained(query, 'alice', toGlobalId(name, newId()), verb)).toMatchObject({
        known: false,
      });
    }
  }
});

test('an owner is told what an agent can do, for whom, until when and through which delegations', async ({
  query,
}) => {
  const list = dataOf(await effective(query, 'alice', AGENTS.scribe.id)).effectivePermissions;
  expect(list).toMatchObject([
    {
      delegationId: gid('scribe'),
      ownerId: toGlobalId('User', USERS.alice.id),
      capabilities: ['memory:read'],
      worldId: null,
      redelegate: 0,
      chain: [
        { delegationId: gid('scout'), depth: 1 },
        { delegationId: gid('scribe'), depth: 2 },
      ],
      ended: [],
    },
  ]);
  const own = await effective(query, 'scribe', AGENTS.scribe.id);
  expect(dataOf(own).effectivePermissions).toEqual(list);
  const scouts = dataOf(await effective(query, 'alice', AGENTS.scout.id)).effectivePermissions ?? [];
  expect(scouts.find(({ delegationId }) => delegationId === gid('scoutInGarden'))).toMatchObject({
    worldId: toGlobalId('World', WORLDS.garden.id),
    capabilities: [...DELEGATIONS.scoutInGarden.capabilities].sort(),
  });
});

test('what has ended is left out unless asked for, and then says why', async ({ query }) => {
  for (const [agent, reason] of [
    ['late', 'EXPIRED'],
    ['rogue', 'REVOKED'],
  ] as const) {
    expect(dataOf(await effective(query, 'alice', AGENTS[agent].id)).effectivePermissions).toEqual([]);
    expect(
      dataOf(await effective(query, 'alice', AGENTS[agent].id, {}, true)).effectivePermissions,
    ).toMatchObject([
      { delegationId: gid(agent), capabilities: [], ended: [{ reason, delegationId: gid(agent) }] },
    ]);
  }
});

test('more than a hundred delegations in force are never cut short', async ({ query, server }) => {
  const made = await server.migrate((sql) =>
    sql.list(
      `insert into delegations (tenant_id, id, owner_id, delegator_id, delegate_id, depth, redelegate, capabilities, not_before,
         expires_at, created_by, request_id)
       select tenant_id, gen_random_uuid(), owner_id, delegator_id, delegate_id, depth, redelegate, capabilities, not_before,
              expires_at, created_by, request_id
         from delegations, generate_series(1, 100) where id = $1
       returning id`,
      [DELEGATIONS.bobot.id],
    ),
  );
  expect(codesOf(await effective(query, 'bob', AGENTS.bobot.id))).toEqual(['LIMIT_EXCEEDED']);
  await server.migrate((sql) =>
    sql.touched('update delegations set revoked_at = now(), revoked_by = owner_id where id = any ($1)', [
      made.slice(1),
    ]),
  );
  expect(dataOf(await effective(query, 'bob', AGENTS.bobot.id)).effectivePermissions).toHaveLength(2);
  expect(dataOf(await effective(query, 'bob', AGENTS.bobot.id, {}, true)).effectivePermissions).toHaveLength(
    100,
  );
});

test('each of the two is answered in two statements at most', async ({ query, server }) => {
  const one = await explain(query, 'alice', MINE, 'UPDATE');
  expect(server.cost(one).statements).toHaveLength(2);
  expect(server.cost(await effective(query, 'alice', AGENTS.scout.id)).statements).toHaveLength(1);
});
