// Guarantees of prisma/policies/15-worlds.sql: who sees a world, makes one, edits one.
// Membership itself stands in world-members.test.ts, a world's status in entities.test.ts.

import { expect } from 'vitest';
import { AGENTS, TENANTS, USERS, WORLDS } from '../../src/demo/cast.ts';
import { itself, test, through } from '../kit/cast.ts';
import { ATTIC, arrange, insertion, NARROW, SPARES, STUDY } from './arrangement.ts';
import { suspend } from './given.ts';
import { hidesFromTheDead, keepsProvenance, keepsTenantsApart, takesOnlyColumns } from './guarantees.ts';

const SEEN = 'select id from worlds';
const RENAME = `update worlds set name = 'Changed'`;
const { garden, workshop, vault } = WORLDS;
const make = (of: 'alice' | 'bob') =>
  insertion('worlds', {
    tenant_id: TENANTS.acme.id,
    id: SPARES[of].worldEntity,
    owner_id: USERS[of].id,
    name: 'New',
  });

keepsTenantsApart('worlds');
hidesFromTheDead('worlds');
keepsProvenance('worlds');
takesOnlyColumns('worlds', {
  insert: [
    'tenant_id',
    'id',
    'owner_id',
    'name',
    'description',
    'updated_at',
    'created_by',
    'delegation_id',
    'request_id',
  ],
  update: ['name', 'description', 'updated_at'],
});

test('a member sees the world and does not rename it; who is not one does not see it', async ({ as }) => {
  await as('bob', { given: arrange }, async (sql) => {
    expect(await sql.list(SEEN)).toEqual([garden.id, workshop.id].sort());
    expect(await sql.touched(`${RENAME} where id = $1`, [garden.id])).toBe(0);
    expect(await sql.touched(RENAME)).toBe(1);
  });
  expect(
    await as('alice', { given: arrange }, (sql) => sql.list(`${SEEN} where id = $1`, [workshop.id])),
  ).toEqual([]);
  expect(await as('ada', { given: arrange }, (sql) => sql.list(SEEN))).toEqual([STUDY]);
  expect(await as('mallory', itself, (sql) => sql.list(SEEN))).toEqual([vault.id]);
});

test('a member no longer sees a world that is suspended or archived, or that he has left', async ({ as }) => {
  expect(await as('bob', { given: suspend('garden') }, (sql) => sql.list(SEEN))).toEqual([workshop.id]);
  expect(await as('bob', { given: arrange }, (sql) => sql.list(`${SEEN} where id = $1`, [ATTIC]))).toEqual(
    [],
  );
  await as('bob', itself, async (sql) => {
    await sql.rows('delete from world_members where world_id = $1 and entity_id = $2', [
      garden.id,
      USERS.bob.id,
    ]);
    expect(await sql.list(SEEN)).toEqual([workshop.id]);
  });
});

test('nobody makes a world for somebody else', async ({ as }) => {
  await as('bob', { given: arrange }, async (sql) => {
    const { text, values } = make('alice');
    expect(await sql.outcome(text, values)).toBe('42501');
  });
});

test('an agent as itself sees no world', async ({ as }) => {
  expect(await as('scout', itself, (sql) => sql.list(SEEN))).toEqual([]);
});

test('through a delegation that does not name worlds an agent sees none', async ({ as }) => {
  expect(await as('scribe', through.scribe, (sql) => sql.list(SEEN))).toEqual([]);
  expect(await as('bobot', through.bobot, (sql) => sql.list(SEEN))).toEqual([]);
});

test('an agent that may read worlds neither renames nor makes one', async ({ as }) => {
  await as('scout', { ...through.scout, given: arrange }, async (sql) => {
    expect(await sql.list(SEEN)).toEqual([garden.id, STUDY, ATTIC].sort());
    expect(await sql.touched(RENAME)).toBe(0);
    const { text, values } = make('alice');
    expect(await sql.outcome(text, values)).toBe('42501');
  });
});

test('a delegation limited to a world sees and renames that one only, and makes none', async ({ as }) => {
  await as('late', { delegation: NARROW.gardener.id, given: arrange }, async (sql) => {
    expect(await sql.list(SEEN)).toEqual([garden.id]);
    expect(await sql.touched(RENAME)).toBe(1);
    const { text, values } = make('alice');
    expect(await sql.outcome(text, values)).toBe('42501');
  });
});

test("a member's agent sees the world that the member sees, when it may read worlds", async ({
  as,
  migrate,
}) => {
  const delegation = await migrate((sql) =>
    sql.value(
      `insert into delegations (tenant_id, id, owner_id, delegator_id, delegate_id, capabilities, expires_at, created_by, request_id)
       values ($1, gen_random_uuid(), $2, $2, $3, '{world:read}', now() + interval '1 hour', $2, $2) returning id`,
      [TENANTS.acme.id, USERS.bob.id, AGENTS.bobot.id],
    ),
  );
  const acting = { delegation: delegation as typeof NARROW.maker.id };
  expect(await as('bobot', acting, (sql) => sql.list(SEEN))).toEqual([garden.id, workshop.id].sort());
});

test('alice, and an agent that may, makes and renames worlds; the agent says that it did', async ({ as }) => {
  const { text, values } = make('alice');
  await as('alice', { given: arrange }, async (sql) => {
    expect(await sql.outcome(text, values)).toBe('1');
    expect(await sql.touched(`${RENAME} where id = $1`, [garden.id])).toBe(1);
  });
  await as('rogue', { delegation: NARROW.mapper.id, given: arrange }, async (sql) => {
    expect(await sql.rows(`${text} returning created_by, delegation_id`, values)).toEqual([
      { created_by: AGENTS.rogue.id, delegation_id: NARROW.mapper.id },
    ]);
    expect(await sql.touched(`${RENAME} where id = $1`, [STUDY])).toBe(1);
  });
});
