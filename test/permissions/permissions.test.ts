// Rules about actions through the API: who makes them, how they are weighed, and what would be if they were others.

import { expect } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { toGlobalId } from '../../src/api/global-id.ts';
import { AGENTS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { PERMISSIONS } from '../../src/demo/permissions.ts';
import { newId } from '../../src/ids.ts';
import { codesOf, dataOf } from '../kit/answer.ts';
import { type Asking, type RunningServer, test } from '../kit/server.ts';

type Query = RunningServer['query'];
const AS_SCOUT: Asking = { delegation: 'scout' };
const SCOUT = toGlobalId('Agent', AGENTS.scout.id);
const SCRIBE = toGlobalId('Agent', AGENTS.scribe.id);

const create = async (query: Query, input: object) =>
  dataOf(
    await query('alice', documents.CreatePermissionDocument, {
      input: input as documents.CreatePermissionInput,
    }),
  ).createPermission;

const preview = async (
  query: Query,
  input: object,
  actor: 'alice' | 'bob' | 'scout' = 'alice',
  asking = {},
) =>
  dataOf(
    await query(
      actor,
      documents.PreviewPermissionDocument,
      { input: input as documents.PreviewPermissionInput },
      asking,
    ),
  ).permissionPreview;

test('an agent makes, changes and removes no rule, whatever its delegation says', async ({
  query,
  server,
}) => {
  const all = () => server.migrate((sql) => sql.list('select permissions::text from permissions order by 1'));
  const before = await all();
  const rule = toGlobalId('Permission', PERMISSIONS[0]?.id ?? '');
  const input = { service: 'x', action: '*', effect: 'ALLOW' as documents.PermissionEffect };
  const made = await query('scout', documents.CreatePermissionDocument, { input }, AS_SCOUT);
  expect(codesOf(made)).toEqual(['FORBIDDEN']);
  const changed = await query(
    'scout',
    documents.UpdatePermissionDocument,
    { input: { id: rule, effect: input.effect } },
    AS_SCOUT,
  );
  expect(dataOf(changed).updatePermission.__typename).toBe('NotFound');
  const removed = await query('scout', documents.DeletePermissionDocument, { input: { id: rule } }, AS_SCOUT);
  expect(dataOf(removed).deletePermission.__typename).toBe('NotFound');
  expect(await all()).toEqual(before);
});

test('a rule about an agent out of sight is refused like one about an absent agent', async ({ query }) => {
  const about = (id: string) =>
    query('alice', documents.CreatePermissionDocument, {
      input: {
        agentId: toGlobalId('Agent', id),
        service: 'x',
        action: 'y',
        effect: 'DENY' as documents.PermissionEffect,
      },
    });
  const absent = await about(newId());
  expect(dataOf(absent).createPermission.__typename).toBe('NotFound');
  for (const agent of [AGENTS.bobot, AGENTS.mimic]) {
    expect((await about(agent.id)).text).toBe(absent.text);
  }
});

test('what is no name and no pattern is refused with the place of the mistake', async ({ query }) => {
  for (const [service, action, place] of [
    ['GitHub', 'x', 'input.service'],
    ['git hub', 'x', 'input.service'],
    ['git*', 'x', 'input.service'],
    ['github', '*.create', 'input.action'],
    ['github', 'issues*', 'input.action'],
    ['github', 'a.b.*.c', 'input.action'],
    ['github', 'x'.repeat(64), 'input.action'],
    ['github', '', 'input.action'],
  ] as const) {
    const answer = await query('alice', documents.CreatePermissionDocument, {
      input: { service, action, effect: 'ALLOW' as documents.PermissionEffect },
    });
    expect(codesOf(answer)).toEqual(['BAD_USER_INPUT']);
    expect(answer.body.errors?.[0]?.message).toContain(place);
  }
});

test('two rules about the same are not made, be it about one agent or about all', async ({ query }) => {
  for (const about of [{}, { agentId: SCOUT }]) {
    const rule = { ...about, service: 'twice', action: 'a.*', effect: 'ASK' };
    expect(await create(query, rule)).toMatchObject({
      __typename: 'Permission',
      everyAgent: !('agentId' in about),
    });
    expect(await create(query, { ...rule, effect: 'DENY' })).toMatchObject({ __typename: 'AlreadyThere' });
  }
});

test('an agent sees the rules about all and about itself, not those about others', async ({ query }) => {
  await create(query, { agentId: SCRIBE, service: 'seen', action: '*', effect: 'DENY' });
  const mine = await create(query, { agentId: SCOUT, service: 'seen', action: '*', effect: 'ALLOW' });
  const filter = { service: 'seen' };
  const seen = async (actor: 'alice' | 'scout' | 'bob' | 'ada', asking: Asking = {}) =>
    dataOf(await query(actor, documents.PermissionsDocument, { filter }, asking)).permissions.edges.map(
      ({ node }) => node.id,
    );
  expect(await seen('alice')).toHaveLength(2);
  expect(await seen('scout', AS_SCOUT)).toEqual(['id' in mine ? mine.id : '']);
  expect(await seen('scout')).toEqual([]);
  expect(await seen('bob')).toEqual([]);
  expect(await seen('ada')).toEqual([]);
});

test('the preview is the owner’s, and for nobody’s agent but theirs', async ({ query }) => {
  const input = { agentId: SCOUT, service: 'weather', action: 'forecast' };
  expect(await preview(query, input)).toMatchObject({ inForce: { effect: 'ALLOW' } });
  expect(await preview(query, input, 'bob')).toBeNull();
  expect(await preview(query, input, 'scout', AS_SCOUT)).toBeNull();
  expect(await preview(query, { ...input, agentId: toGlobalId('Agent', newId()) })).toBeNull();
  const strange = { ...input, delegationId: toGlobalId('Delegation', DELEGATIONS.bobot.id) };
  expect(await preview(query, strange)).toBeNull();
});

test('a preview says what other rules would say, and changes nothing', async ({ query, server }) => {
  const all = () => server.migrate((sql) => sql.list('select permissions::text from permissions order by 1'));
  const before = await all();
  const input = { agentId: SCOUT, service: 'tracker', action: 'issues.list' };
  const rule = PERMISSIONS.find(({ action }) => action === 'issues.list');
  const inForce = { effect: 'ALLOW', rule: { id: toGlobalId('Permission', rule?.id ?? '') } };
  for (const [instead, effect] of [
    [[], 'ALLOW'],
    [[{ agentId: SCOUT, service: 'tracker', action: 'issues.list', effect: 'DENY' }], 'DENY'],
    // taken away: the default of the owner is left
    [[{ agentId: SCOUT, service: 'tracker', action: 'issues.list' }], 'ASK'],
    // less exact in everything: it does not matter
    [[{ service: '*', action: 'issues.*', effect: 'DENY' }], 'ALLOW'],
  ] as const) {
    const said = await preview(query, { ...input, instead });
    expect(said).toMatchObject({ inForce, supposed: { effect } });
  }
  expect(await all()).toEqual(before);
  const twice = { service: 'a', action: 'b', effect: 'DENY' as documents.PermissionEffect };
  const refused = await query('alice', documents.PreviewPermissionDocument, {
    input: { ...input, instead: [twice, { ...twice, effect: 'ALLOW' as documents.PermissionEffect }] },
  });
  expect(codesOf(refused)).toEqual(['BAD_USER_INPUT']);
});

test('an agent below another is bound by the rules about both', async ({ query }) => {
  await create(query, { agentId: SCOUT, service: 'press', action: '*', effect: 'DENY' });
  await create(query, { agentId: SCRIBE, service: 'press', action: '*', effect: 'ALLOW' });
  const input = { agentId: SCRIBE, service: 'press', action: 'articles.publish' };
  expect(await preview(query, input)).toMatchObject({ inForce: { effect: 'ALLOW' } });
  const below = { ...input, delegationId: toGlobalId('Delegation', DELEGATIONS.scribe.id) };
  expect(await preview(query, below)).toMatchObject({ inForce: { effect: 'DENY' } });
});
