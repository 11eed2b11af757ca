// Profiles: seen and changed by their user, by a delegate that was allowed to, and seen by administrators.

import { expect } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { toGlobalId } from '../../src/api/global-id.ts';
import { type ActorName, USERS, type UserName } from '../../src/demo/cast.ts';
import type { DelegationId } from '../../src/ids.ts';
import { codesOf, dataOf } from '../kit/answer.ts';
import { type Asking, type RunningServer, test } from '../kit/server.ts';

const PROFILE = `query ($id: ID!) { node(id: $id) { ... on User { displayName email locale timeZone administrator status } } }`;

const profile = async (query: RunningServer['query'], actor: ActorName, of: UserName, asking: Asking = {}) =>
  (
    dataOf(await query(actor, PROFILE, { id: toGlobalId('User', USERS[of].id) }, asking)) as {
      node: Record<string, unknown> | null;
    }
  ).node;
const update = (
  query: RunningServer['query'],
  actor: ActorName,
  input: documents.UpdateProfileInput,
  asking: Asking = {},
) => query(actor, documents.UpdateProfileDocument, { input }, asking);

test('no profile is seen by another user, by an agent as itself, or without the capability', async ({
  query,
}) => {
  expect(await profile(query, 'bob', 'alice')).toBeNull();
  expect(await profile(query, 'mallory', 'alice')).toBeNull();
  expect(await profile(query, 'ada', 'mallory')).toBeNull();
  expect(await profile(query, 'scout', 'alice')).toBeNull();
  expect(await profile(query, 'scribe', 'alice', { delegation: 'scribe' })).toBeNull();
  expect(await profile(query, 'rogue', 'alice', { delegation: 'rogue' })).toBeNull();
  expect(await profile(query, 'alice', 'alice', { scopes: ['memory:read'] })).toBeNull();
  expect(await profile(query, 'ada', 'alice', { scopes: ['user:read'] })).toBeNull();
});

test('a delegate without the capability, and an agent as itself, change no profile', async ({
  server,
  query,
}) => {
  const before = await server.migrate((sql) => sql.rows('select * from users order by id'));
  for (const [actor, asking] of [
    ['scout', { delegation: 'scout' }],
    ['scout', {}],
    ['rogue', { delegation: 'rogue' }],
    ['alice', { scopes: ['user:read'] }],
  ] as [ActorName, Asking][]) {
    expect(
      dataOf(await update(query, actor, { displayName: 'Taken' }, asking)).updateProfile.__typename,
    ).toBe('NotFound');
  }
  expect(await server.migrate((sql) => sql.rows('select * from users order by id'))).toEqual(before);
});

test('what cannot be in a profile is refused with the place of the fault, and role and e-mail cannot be sent', async ({
  query,
}) => {
  const wrong: [documents.UpdateProfileInput, string][] = [
    [{ displayName: '' }, 'input.displayName'],
    [{ displayName: null }, 'input.displayName'],
    [{ displayName: 'x'.repeat(201) }, 'input.displayName'],
    [{ locale: 'not a tag' }, 'input.locale'],
    [{ timeZone: 'Mars/Olympus' }, 'input.timeZone'],
  ];
  for (const [input, place] of wrong) {
    const answer = await update(query, 'alice', input);
    expect([place, ...codesOf(answer)]).toEqual([place, 'BAD_USER_INPUT']);
    expect(answer.body.errors?.[0]?.message).toContain(place);
  }
  for (const input of [
    { role: 'admin' },
    { email: 'x@acme.example' },
    { id: 'x' },
    { administrator: true },
  ]) {
    expect(codesOf(await update(query, 'alice', input as documents.UpdateProfileInput))).toEqual([
      'BAD_USER_INPUT',
    ]);
  }
});

test('a user sees its own profile, and a delegate and an administrator see it where they may', async ({
  query,
}) => {
  const { displayName, email, locale, timeZone } = USERS.alice;
  const alice = { displayName, email, locale, timeZone, administrator: false, status: 'ACTIVE' };
  expect(await profile(query, 'alice', 'alice')).toEqual(alice);
  expect(await profile(query, 'scout', 'alice', { delegation: 'scout' })).toEqual(alice);
  expect(await profile(query, 'ada', 'alice')).toEqual(alice);
  expect(await profile(query, 'ada', 'ada')).toMatchObject({ administrator: true });
});

test('a user changes its profile in part', async ({ query }) => {
  expect(dataOf(await update(query, 'bob', { displayName: 'Robert' })).updateProfile).toMatchObject({
    displayName: 'Robert',
    locale: 'en-US',
  });
  expect(
    dataOf(await update(query, 'bob', { locale: null, timeZone: 'Europe/Oslo' })).updateProfile,
  ).toMatchObject({ displayName: 'Robert', locale: null, timeZone: 'Europe/Oslo' });
  expect(dataOf(await update(query, 'bob', {})).updateProfile).toMatchObject({ displayName: 'Robert' });
});

test('a delegate that may, changes the profile of its owner', async ({ query }) => {
  const agents = dataOf(await query('bob', documents.AgentsDocument, {})).agents;
  const terms = {
    delegateId: agents.edges[0]?.node.id ?? '',
    capabilities: ['user:read', 'user:update'],
    lifetimeSeconds: 600,
  };
  const granted = dataOf(
    await query('bob', documents.GrantDelegationDocument, { input: terms }),
  ).grantDelegation;
  const [, id] = Buffer.from(granted.__typename === 'Delegation' ? granted.id : '', 'base64url')
    .toString()
    .split(':');
  const changed = await update(
    query,
    'bobot',
    { displayName: 'Bob by bobot' },
    { delegation: id as DelegationId },
  );
  expect(dataOf(changed).updateProfile).toMatchObject({
    displayName: 'Bob by bobot',
    id: toGlobalId('User', USERS.bob.id),
  });
});
