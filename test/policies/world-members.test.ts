// Guarantees of prisma/policies/16-world-members.sql: who knows who takes part in a world, and who decides it.
// To be a member is to see the world, so nobody may make a member of themselves.

import { expect } from 'vitest';
import { TENANTS, USERS, WORLDS } from '../../src/demo/cast.ts';
import { newId } from '../../src/ids.ts';
import { itself, test, through } from '../kit/cast.ts';
import { arrange, EXTRA, insertion, MEMBERS, NARROW, STUDY, STUDY_OWNER } from './arrangement.ts';
import { hidesFromTheDead, keepsProvenance, keepsTenantsApart, takesOnlyColumns } from './guarantees.ts';

const SEEN = 'select distinct world_id from world_members';
const { alice, bob, ada } = USERS;
const { garden, workshop } = WORLDS;
const add = (row: Readonly<Record<string, unknown>>) =>
  insertion('world_members', { tenant_id: TENANTS.acme.id, id: newId(), owner_id: alice.id, ...row });

keepsTenantsApart('world_members');
hidesFromTheDead('world_members');
keepsProvenance('world_members');
takesOnlyColumns('world_members', {
  insert: [
    'tenant_id',
    'id',
    'world_id',
    'owner_id',
    'entity_id',
    'role',
    'created_by',
    'delegation_id',
    'request_id',
  ],
  update: ['role'],
  remove: true,
});

test('bob cannot make a member of himself or of anybody in a world that is not his', async ({ as }) => {
  await as('bob', { given: arrange }, async (sql) => {
    for (const entity_id of [bob.id, EXTRA]) {
      const { text, values } = add({ world_id: STUDY, entity_id });
      expect(await sql.outcome(text, values)).toBe('42501');
      const role = entity_id === bob.id ? 'owner' : 'member';
      const claimed = add({ world_id: STUDY, entity_id, owner_id: bob.id, role });
      expect(await sql.outcome(claimed.text, claimed.values)).toBe('23503');
    }
  });
});

test('a member sees its fellows, changes no role, and removes nobody but itself', async ({ as }) => {
  await as('bob', { given: arrange }, async (sql) => {
    expect(await sql.list(`select entity_id from world_members where world_id = $1`, [garden.id])).toEqual(
      [bob.id, alice.id].sort(),
    );
    expect(
      await sql.touched(`update world_members set role = 'guest' where world_id = $1`, [garden.id]),
    ).toBe(0);
    expect(
      await sql.list('delete from world_members where world_id = $1 returning entity_id', [garden.id]),
    ).toEqual([bob.id]);
    expect(await sql.list(`${SEEN} where world_id = $1`, [garden.id])).toEqual([]);
  });
});

test('who is not a member sees no member, not even the administrator', async ({ as }) => {
  expect(await as('ada', itself, (sql) => sql.list(SEEN))).toEqual([]);
  expect(await as('scout', itself, (sql) => sql.list(SEEN))).toEqual([]);
  expect(
    await as('alice', { given: arrange }, (sql) => sql.list(`${SEEN} where world_id = $1`, [workshop.id])),
  ).toEqual([]);
});

test('nobody is removed by an agent for being there: leaving is done in person', async ({ as }) => {
  const given = async (sql: Parameters<typeof arrange>[0]) => {
    await arrange(sql);
    await sql.rows('update world_members set entity_id = $1 where id = $2', [alice.id, MEMBERS.workshop.id]);
  };
  await as('late', { delegation: NARROW.warden.id, given }, async (sql) => {
    expect(await sql.list(`${SEEN} where world_id = $1`, [workshop.id])).toEqual([workshop.id]);
    expect(await sql.touched('delete from world_members where id = $1', [MEMBERS.workshop.id])).toBe(0);
  });
  await as('alice', { given }, async (sql) => {
    expect(await sql.touched('delete from world_members where id = $1', [MEMBERS.workshop.id])).toBe(1);
  });
});

test("the owner's own membership stays as it is, also for the owner", async ({ as }) => {
  await as('alice', { given: arrange }, async (sql) => {
    expect(await sql.touched(`update world_members set role = 'member' where id = $1`, [STUDY_OWNER])).toBe(
      0,
    );
    expect(await sql.touched('delete from world_members where id = $1', [STUDY_OWNER])).toBe(0);
    expect(
      await sql.outcome(`update world_members set role = 'owner' where id = $1`, [MEMBERS.study.id]),
    ).toBe('42501');
  });
});

test('only a person of the tenant becomes a member', async ({ as }) => {
  await as('alice', { given: arrange }, async (sql) => {
    for (const entity_id of [USERS.mallory.id, garden.id, newId()]) {
      const { text, values } = add({ world_id: STUDY, entity_id });
      expect(await sql.outcome(text, values)).toBe('23503');
    }
  });
});

test('an agent that may read members neither adds, changes nor removes one', async ({ as }) => {
  await as('scout', { ...through.scout, given: arrange }, async (sql) => {
    expect(await sql.list(SEEN)).toContain(STUDY);
    const { text, values } = add({ world_id: STUDY, entity_id: bob.id });
    expect(await sql.outcome(text, values)).toBe('42501');
    expect(await sql.touched(`update world_members set role = 'guest'`)).toBe(0);
    expect(await sql.touched('delete from world_members')).toBe(0);
  });
  expect(await as('scribe', through.scribe, (sql) => sql.list(SEEN))).toEqual([]);
  expect(await as('bobot', through.bobot, (sql) => sql.list(SEEN))).toEqual([]);
});

test('a delegation limited to a world reaches the members of that world only', async ({ as }) => {
  expect(await as('scout', { ...through.scoutInGarden, given: arrange }, (sql) => sql.list(SEEN))).toEqual([
    garden.id,
  ]);
  await as('late', { delegation: NARROW.gardener.id, given: arrange }, async (sql) => {
    const elsewhere = add({ world_id: STUDY, entity_id: bob.id });
    expect(await sql.outcome(elsewhere.text, elsewhere.values)).toBe('42501');
    expect(await sql.touched('delete from world_members where id = $1', [MEMBERS.study.id])).toBe(0);
    expect(await sql.touched(`update world_members set role = 'guest'`)).toBe(1);
    const here = add({ world_id: garden.id, entity_id: ada.id });
    expect(await sql.outcome(here.text, here.values)).toBe('1');
  });
});

test('alice adds, changes and removes members of her worlds', async ({ as }) => {
  await as('alice', { given: arrange }, async (sql) => {
    const { text, values } = add({ world_id: STUDY, entity_id: bob.id });
    expect(await sql.outcome(text, values)).toBe('1');
    expect(await sql.touched(`update world_members set role = 'guest' where world_id = $1`, [STUDY])).toBe(2);
    expect(await sql.touched('delete from world_members where world_id = $1', [STUDY])).toBe(2);
    expect(await sql.list('select entity_id from world_members where world_id = $1', [STUDY])).toEqual([
      alice.id,
    ]);
  });
});
