// View-As: an owner runs a query as one of their agents would, through the real server. Who must not gets the one answer to everybody
// who proves nothing; whoever may sees what the agent sees, to the last character, and changes nothing.

import { expect } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { toGlobalId } from '../../src/api/global-id.ts';
import { SCOPES } from '../../src/capabilities.ts';
import { type ActorName, AGENTS, USERS, WORLDS } from '../../src/demo/cast.ts';
import { DELEGATIONS, type DelegationName } from '../../src/demo/delegations.ts';
import { MEMORIES } from '../../src/demo/memories.ts';
import { newId } from '../../src/ids.ts';
import { codesOf, dataOf } from '../kit/answer.ts';
import { type Asking, type Operation, type RunningServer, test } from '../kit/server.ts';
import { listen } from '../kit/stream.ts';

type Query = RunningServer['query'];
const SCOUT = DELEGATIONS.scout.id;
const looking = (viewAs: string, asking: Asking = {}): Asking => ({
  ...asking,
  headers: { 'view-as': viewAs },
});
const ask = (query: Query, actor: ActorName | 'nobody', asking: Asking) =>
  query(actor, documents.ViewerDocument, {}, asking);

/** Every list there is, and what the caller is told about itself. */
const ALL: Readonly<Record<string, Operation<unknown, Record<string, unknown>>>> = Object.fromEntries(
  Object.entries(documents)
    .filter(([name, document]) => name.endsWith('Document') && /^\s*query/m.test(String(document)))
    .map(([name, document]) => [name, document as Operation<unknown, Record<string, unknown>>]),
);

test('everybody but the owner in person hears what nobody hears, and so does the owner of what is not theirs', async ({
  query,
}) => {
  const absent = await ask(query, 'alice', looking(newId()));
  expect([absent.status, ...codesOf(absent)]).toEqual([401, 'UNAUTHENTICATED']);
  const others: readonly (readonly [ActorName | 'nobody', Asking])[] = [
    ['nobody', looking(SCOUT)],
    ['bob', looking(SCOUT)],
    ['ada', looking(SCOUT)],
    ['mallory', looking(SCOUT)],
    ['scout', looking(SCOUT)],
    ['scout', looking(SCOUT, { delegation: 'scout' })],
    ['scout', looking(DELEGATIONS.scribe.id, { delegation: 'scout' })],
    ['scribe', looking(SCOUT)],
    ['alice', looking(DELEGATIONS.bobot.id)],
    ['alice', looking(DELEGATIONS.mimic.id)],
    ['alice', looking(SCOUT, { delegation: 'scout' })],
    ['alice', looking(SCOUT, { scopes: ['memory:read'] })],
  ];
  // side by side, because each of these answers takes its time
  const answers = await Promise.all(others.map(([actor, asking]) => ask(query, actor, asking)));
  expect(answers.map(({ status, text }, place) => [others[place]?.[0], status, text])).toEqual(
    others.map(([actor]) => [actor, 401, absent.text]),
  );
});

test('a View-As that is not one UUID in lower case is called malformed', async ({ query }) => {
  for (const malformed of [
    '7',
    '',
    SCOUT.toUpperCase(),
    `${SCOUT}, ${SCOUT}`,
    toGlobalId('Delegation', SCOUT),
  ]) {
    const answer = await ask(query, 'alice', looking(malformed));
    expect([malformed, answer.status, ...codesOf(answer)]).toEqual([malformed, 400, 'BAD_USER_INPUT']);
  }
});

test('mutations and subscriptions are refused before there is a session', async ({ query, server }) => {
  const all = () =>
    server.migrate((sql) =>
      sql.list('select m::text from memories m union select a::text from audit_entries a'),
    );
  const before = await all();
  const id = toGlobalId('Memory', MEMORIES.find(({ owner }) => owner === 'alice')?.id ?? '');
  const answer = await query('alice', documents.DeleteMemoryDocument, { input: { id } }, looking(SCOUT));
  expect(codesOf(answer)).toEqual(['BAD_USER_INPUT']);
  expect(() => server.cost(answer)).toThrow(/no session/);
  const stream = await listen(server, 'alice', 'subscription { memoryChanged { id } }', looking(SCOUT));
  expect(stream.status).toBe(400);
  stream.close();
  expect(await all()).toEqual(before);
});

test('the rows of the owner outside the delegation are not in its view', async ({ query }) => {
  const list = async (asking: Asking) =>
    dataOf(await query('alice', documents.MemoriesDocument, {}, asking)).memories.edges.map(
      ({ node }) => node.id,
    );
  const own = await list({});
  const garden = await list(looking(DELEGATIONS.scoutInGarden.id));
  expect(garden.length).toBeGreaterThan(0);
  expect(garden.length).toBeLessThan(own.length);
  for (const ended of ['late', 'rogue'] as const) {
    expect(await list(looking(DELEGATIONS[ended].id))).toEqual([]);
    expect(dataOf(await ask(query, 'alice', looking(DELEGATIONS[ended].id))).viewer).toMatchObject({
      live: false,
      capabilities: [],
    });
  }
});

test('the view shows no more than the owner’s own token is for', async ({ query }) => {
  const asking = looking(SCOUT, { scopes: ['delegation:read', 'world:read'] });
  const { viewer } = dataOf(await ask(query, 'alice', asking));
  expect(viewer.capabilities).toEqual(['delegation:read', 'world:read']);
  expect(dataOf(await query('alice', documents.MemoriesDocument, {}, asking)).memories.edges).toEqual([]);
});

const owners: Readonly<Partial<Record<DelegationName, ActorName>>> = {
  scout: 'alice',
  scoutInGarden: 'alice',
  scribe: 'alice',
  bobot: 'bob',
  mimic: 'mallory',
  late: 'alice',
  rogue: 'alice',
};
for (const [name, owner] of Object.entries(owners) as [DelegationName, ActorName][]) {
  test(`the view through the delegation ${name} is what its delegate is answered, in every query`, async ({
    query,
  }) => {
    const { id, delegate } = DELEGATIONS[name];
    const variables: Record<string, unknown> = {
      id: toGlobalId('Agent', AGENTS[delegate].id),
      ids: MEMORIES.map((memory) => toGlobalId('Memory', memory.id)),
      agentId: toGlobalId('Agent', AGENTS[delegate].id),
      worldId: toGlobalId('World', WORLDS.garden.id),
      includeEnded: true,
      verb: 'UPDATE',
      query: 'the or a or in',
      input: { agentId: toGlobalId('Agent', AGENTS[delegate].id), service: 'tracker', action: 'issues.list' },
    };
    let answered = 0;
    for (const [what, document] of Object.entries(ALL)) {
      // when a token ends is the viewer's own business
      const text = (answer: { text: string }) => answer.text.replace(/"tokenExpiresAt":"[^"]*"/, '');
      const given = Object.fromEntries(
        Object.entries(variables).filter(([variable]) =>
          new RegExp(`\\$${variable}\\b`).test(String(document)),
        ),
      );
      const agents = await query(delegate, document, given, { delegation: name });
      const shown = await query(owner, document, given, looking(id));
      expect([what, shown.status, text(shown)]).toEqual([what, agents.status, text(agents)]);
      answered += shown.body.errors === undefined ? 1 : 0;
    }
    expect(answered).toBe(Object.keys(ALL).length);
  });
}

test('the use of a key is noted also where its owner looks on', async ({ query, server }) => {
  const input = {
    label: 'For looking on',
    capabilities: ['delegation:read', 'memory:read'],
    lifetimeSeconds: 600,
  };
  const made = dataOf(await query('alice', documents.CreateApiKeyDocument, { input })).createApiKey;
  const key = 'key' in made ? made.key : '';
  const headers = { 'x-api-key': key, 'view-as': DELEGATIONS.scribe.id };
  const answer = await ask(query, 'nobody', { headers });
  expect(dataOf(answer).viewer.actor.id).toBe(toGlobalId('Agent', AGENTS.scribe.id));
  const noted = server.log.filter(({ requestId }) => requestId === dataOf(answer).viewer.requestId);
  expect(noted.map(({ event }) => event)).toEqual(expect.arrayContaining(['access.viewed', 'key.used']));
});

test('whoever looks on leaves a line in the log that says through which delegation', async ({
  query,
  server,
}) => {
  const { viewer } = dataOf(await ask(query, 'alice', looking(DELEGATIONS.scribe.id)));
  expect(viewer).toMatchObject({
    actor: { id: toGlobalId('Agent', AGENTS.scribe.id) },
    owner: { id: toGlobalId('User', USERS.alice.id) },
  });
  const lines = server.log.filter(
    ({ event, requestId }) => event === 'access.viewed' && requestId === viewer.requestId,
  );
  expect(lines).toMatchObject([{ delegationId: DELEGATIONS.scribe.id }]);
  const without = await ask(query, 'alice', { scopes: SCOPES });
  expect(
    server.log.filter(({ event, requestId }) => event === 'access.viewed' && requestId === without.requestId),
  ).toEqual([]);
});
