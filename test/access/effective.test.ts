// What an agent can do, as the kernel works it out (bailiwick.effective in 85-explaining.sql): told to whom it concerns, and the same,
// to the letter, that the agent is told itself when it acts under each delegation.

import { expect } from 'vitest';
import { SCOPES } from '../../src/capabilities.ts';
import { type ActorName, AGENTS, USERS, WORLDS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { type EntityId, newId } from '../../src/ids.ts';
import type { Acting, Sql } from '../kit/as.ts';
import { itself, test, through } from '../kit/cast.ts';
import { CLOSE, COURSES, REVOKED, set } from './courses.ts';

type Effective = {
  id: string;
  capabilities: string[];
  until: string;
  worldId: string | null;
  redelegate: number;
  chain: { id: string }[];
  ended: { reason: string; id: string | null }[];
};

const { alice } = USERS;
const { scout, scribe } = AGENTS;
const { garden } = WORLDS;

const effective = (sql: Sql, agent: string, ended = true) =>
  sql.value('select bailiwick.effective($1, $2, 100)', [agent, ended]) as Promise<Effective[] | null>;

const pick = (authority?: { live: boolean; capabilities: string[]; chain: unknown[] }) => ({
  live: authority?.live,
  capabilities: authority?.capabilities,
  chain: authority?.chain,
});

test('what an agent can do is told to nobody but its owner in person and itself', async ({ as }) => {
  const asking = async (actor: ActorName, acting: Acting, agent: string) =>
    as(actor, acting, (sql) => effective(sql, agent));
  for (const [actor, acting] of [
    ['bob', itself],
    ['ada', itself],
    ['mallory', itself],
    ['scribe', itself],
    ['scribe', through.scribe],
    ['bobot', through.bobot],
    ['alice', { scopes: SCOPES.filter((scope) => scope !== 'delegation:read') }],
    ['alice', { scopes: SCOPES.filter((scope) => scope !== 'agent:read') }],
    ['scout', { scopes: SCOPES.filter((scope) => scope !== 'delegation:read') }],
  ] as const) {
    expect([actor, await asking(actor, acting, scout.id)]).toEqual([actor, null]);
  }
  // an agent about its owner's others, whatever its delegation lets it read
  expect(await asking('scout', through.scout, scribe.id)).toBeNull();
  for (const nobody of [newId<EntityId>(), alice.id, garden.id]) {
    expect(await asking('alice', itself, nobody)).toBeNull();
  }
  const ids = (list: Effective[] | null) => list?.map(({ id }) => id).sort();
  const own = [DELEGATIONS.scout.id, DELEGATIONS.scoutInGarden.id].sort();
  expect(ids(await asking('alice', itself, scout.id))).toEqual(own);
  expect(ids(await asking('scout', itself, scout.id))).toEqual(own);
  expect(ids(await asking('scout', through.scoutInGarden, scout.id))).toEqual(own);
});

for (const [course, given] of Object.entries(COURSES)) {
  test(`what an agent can do is what it is told itself under each delegation, ${course}`, async ({ as }) => {
    const told = new Map<string, { live: boolean; capabilities: string[]; chain: unknown[] }>();
    for (const [actor, { delegation }] of CLOSE) {
      if (delegation !== undefined) {
        const authority = await as(actor, { delegation, given }, (sql) =>
          sql.value('select bailiwick.describe()'),
        );
        told.set(delegation, authority as { live: boolean; capabilities: string[]; chain: unknown[] });
      }
    }
    await as('alice', { given }, async (sql) => {
      const lists = { scout: await effective(sql, scout.id), scribe: await effective(sql, scribe.id) };
      const said = [...(lists.scout ?? []), ...(lists.scribe ?? [])];
      // who is no owner any more, or may do nothing, is not told
      const asked = (Object.keys(lists) as (keyof typeof lists)[]).filter((name) => lists[name] !== null);
      expect(asked).toEqual(
        /(owner|tenant) suspended/.test(course)
          ? []
          : /another owner/.test(course)
            ? ['scribe']
            : ['scout', 'scribe'],
      );
      const theirs = CLOSE.flatMap(([actor, { delegation }]) =>
        delegation !== undefined && (asked as string[]).includes(actor) ? [delegation] : [],
      );
      expect(said.map(({ id }) => id).sort()).toEqual(theirs.sort());
      for (const { id, capabilities, chain, ended } of said) {
        expect({ id, live: ended.length === 0, capabilities, chain }).toMatchObject({
          id,
          ...pick(told.get(id)),
        });
      }
      const inForce = (await effective(sql, scribe.id, false)) ?? undefined;
      expect(inForce).toEqual(lists.scribe?.filter(({ ended }) => ended.length === 0));
    });
  });
}

test('a limit of delegations is kept, and what is in force comes first', async ({ as }) => {
  await as('alice', { given: set('delegations', REVOKED, DELEGATIONS.scoutInGarden.id) }, async (sql) => {
    const list = await effective(sql, scout.id);
    expect(list?.map(({ id }) => id)).toEqual([DELEGATIONS.scout.id, DELEGATIONS.scoutInGarden.id]);
    const ended = await sql.value('select revoked_at from delegations where id = $1', [
      DELEGATIONS.scoutInGarden.id,
    ]);
    expect(new Date(list?.[1]?.until ?? 0)).toEqual(ended);
    const one = (await sql.value('select bailiwick.effective($1, true, 1)', [scout.id])) as Effective[];
    expect(one.map(({ id }) => id)).toEqual([DELEGATIONS.scout.id]);
  });
});

test('what a delegation can do ends with the first of its hops, and says which hop has ended', async ({
  as,
}) => {
  await as('alice', itself, async (sql) => {
    const [scribes] = (await effective(sql, scribe.id)) ?? [];
    const ends = await sql.value('select expires_at from delegations where id = $1', [DELEGATIONS.scribe.id]);
    expect(new Date(scribes?.until ?? 0)).toEqual(ends);
    expect(scribes).toMatchObject({ capabilities: ['memory:read'], redelegate: 0, ended: [] });
    expect(scribes?.chain.map(({ id }) => id)).toEqual([DELEGATIONS.scout.id, DELEGATIONS.scribe.id]);
  });
  for (const [course, ended] of [
    ['after the root was revoked', [{ reason: 'revoked', id: DELEGATIONS.scout.id }]],
    ['after the second hop has expired', [{ reason: 'expired', id: DELEGATIONS.scribe.id }]],
    ['before the root begins', [{ reason: 'pending', id: DELEGATIONS.scout.id }]],
    ['with the agent in the middle suspended', [{ reason: 'suspended', id: DELEGATIONS.scout.id }]],
    [
      'with the second hop limited to another world',
      [
        { reason: 'world', id: DELEGATIONS.scout.id },
        { reason: 'world', id: DELEGATIONS.scribe.id },
      ],
    ],
  ] as const) {
    await as('alice', { given: COURSES[course] ?? (async () => undefined) }, async (sql) => {
      expect((await effective(sql, scribe.id))?.map((one) => one.ended)).toEqual([ended]);
      expect(await effective(sql, scribe.id, false)).toEqual([]);
    });
  }
});
