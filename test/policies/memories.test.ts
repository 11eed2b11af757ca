// Guarantees of prisma/policies/18-memories.sql: who reads, writes, changes and deletes what is remembered about an owner.
// The kind of row there will be most of, and the one for whose sake agents are let in at all. What is shared in worlds: sharing.test.ts.

import { expect } from 'vitest';
import { AGENTS, TENANTS, USERS, WORLDS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { MEMORIES } from '../../src/demo/memories.ts';
import { newId } from '../../src/ids.ts';
import type { Sql } from '../kit/as.ts';
import { itself, test, through } from '../kit/cast.ts';
import { arrange, insertion, memoryOf, NARROW, STUDY } from './arrangement.ts';
import { delegate } from './given.ts';
import { hidesFromTheDead, keepsProvenance, keepsTenantsApart, takesOnlyColumns } from './guarantees.ts';

const SEEN = 'select id from memories';
const CHANGE = `update memories set kind = 'changed'`;
const { alice, bob } = USERS;
const { scout } = AGENTS;
const { garden, workshop } = WORLDS;
const of = (owner: string, world?: 'garden') =>
  MEMORIES.filter((note) => note.owner === owner && (world === undefined || note.world === world))
    .map(({ id }) => id)
    .sort();
const write = (sql: Sql, row: Readonly<Record<string, unknown>>) => {
  const { text, values } = insertion('memories', {
    tenant_id: TENANTS.acme.id,
    id: newId(),
    content: 'New.',
    tags: [],
    ...row,
  });
  return sql.outcome(text, values);
};

keepsTenantsApart('memories');
hidesFromTheDead('memories');
keepsProvenance('memories');
takesOnlyColumns('memories', {
  insert: [
    ...['tenant_id', 'id', 'owner_id', 'agent_id', 'world_id', 'shared', 'kind', 'sensitive', 'content'],
    ...['tags', 'metadata', 'created_by', 'delegation_id', 'request_id', 'updated_at'],
  ],
  update: ['shared', 'kind', 'sensitive', 'content', 'tags', 'metadata', 'updated_at'],
  remove: true,
});

test("bob neither reads, changes nor deletes alice's memories, nor writes one for her", async ({ as }) => {
  await as('bob', itself, async (sql) => {
    for (const id of of('alice')) {
      expect(await sql.list(`${SEEN} where id = $1`, [id])).toEqual([]);
      expect(await sql.touched(`${CHANGE} where id = $1`, [id])).toBe(0);
      expect(await sql.touched('delete from memories where id = $1', [id])).toBe(0);
    }
    expect(await write(sql, { owner_id: alice.id })).toBe('42501');
    expect(await sql.touched(CHANGE)).toBe(4);
  });
});

test('a fellow member of a world does not read what another member remembers there, nor does the owner of the world', async ({
  as,
}) => {
  const there = `${SEEN} where world_id = $1`;
  expect(await as('bob', itself, (sql) => sql.list(there, [garden.id]))).toEqual(of('bob', 'garden'));
  expect(await as('alice', itself, (sql) => sql.list(there, [garden.id]))).toEqual(of('alice', 'garden'));
});

test('an administrator reads no memory but her own', async ({ as }) => {
  expect(await as('ada', itself, (sql) => sql.list(SEEN))).toEqual(of('ada'));
});

test("an agent as itself reads its own memories and none of its owner's", async ({ as }) => {
  for (const who of ['scout', 'scribe'] as const) {
    expect(await as(who, itself, (sql) => sql.list(SEEN)), who).toEqual(of(who));
  }
  expect(await as('bobot', itself, (sql) => sql.list(SEEN))).toEqual([]);
  await as('scout', itself, async (sql) => {
    expect(await write(sql, { owner_id: alice.id })).toBe('42501');
  });
});

test("under a delegation an agent reads its owner's memories, none of its own, and writes none for itself", async ({
  as,
}) => {
  await as('scout', through.scout, async (sql) => {
    expect(await sql.list(SEEN)).toEqual(of('alice'));
    expect(await write(sql, { owner_id: scout.id })).toBe('42501');
    expect(await write(sql, { owner_id: bob.id })).toBe('42501');
  });
});

test('a sub-agent with the right to read reads, and neither writes, changes nor deletes', async ({ as }) => {
  await as('scribe', through.scribe, async (sql) => {
    expect(await sql.list(SEEN)).toEqual(of('alice'));
    expect(await write(sql, { owner_id: alice.id })).toBe('42501');
    expect(await sql.touched(CHANGE)).toBe(0);
    expect(await sql.touched('delete from memories')).toBe(0);
  });
});

test('an agent that may write but not change or delete does only that', async ({ as }) => {
  await as('bobot', through.bobot, async (sql) => {
    expect(await write(sql, { owner_id: bob.id })).toBe('1');
    expect(await sql.touched(CHANGE)).toBe(0);
    expect(await sql.touched('delete from memories')).toBe(0);
  });
});

test('each verb needs its own capability', async ({ as, migrate }) => {
  const capabilities = ['memory:read', 'memory:update'];
  const delegation = await migrate((sql) => delegate(sql, { from: 'alice', to: 'scout', capabilities }));
  await as('scout', { delegation }, async (sql) => {
    expect(await sql.touched(CHANGE)).toBe(7);
    expect(await sql.touched('delete from memories')).toBe(0);
    expect(await write(sql, { owner_id: alice.id })).toBe('42501');
  });
});

test('a delegation limited to a world reaches the memories of that world and neither others nor those in no world', async ({
  as,
}) => {
  await as('late', { delegation: NARROW.gardener.id, given: arrange }, async (sql) => {
    expect(await sql.list(`${SEEN} where not shared`)).toEqual(of('alice', 'garden'));
    expect(await sql.touched(`${CHANGE} where id = $1`, [memoryOf('alice')])).toBe(0);
    for (const world_id of [null, STUDY, workshop.id]) {
      expect(await write(sql, { owner_id: alice.id, world_id }), String(world_id)).toBe('42501');
    }
    expect(await write(sql, { owner_id: alice.id, world_id: garden.id })).toBe('1');
    expect(await sql.touched('delete from memories where not shared')).toBe(3);
  });
});

test('nobody writes into a world of which the owner is not a member, or that is not active', async ({
  as,
}) => {
  const given = (sql: Sql) =>
    sql.touched(`update entities set status = 'suspended' where id = $1`, [garden.id]);
  expect(await as('alice', itself, (sql) => write(sql, { owner_id: alice.id, world_id: workshop.id }))).toBe(
    '42501',
  );
  expect(await as('alice', { given }, (sql) => write(sql, { owner_id: alice.id, world_id: garden.id }))).toBe(
    '42501',
  );
  expect(await as('bob', itself, (sql) => write(sql, { owner_id: bob.id, world_id: garden.id }))).toBe('1');
});

// A memory that could be moved could be taken out of its owner's reach, or planted in another's.
test('a memory stays with its owner, its world, its agent and its maker', async ({ as }) => {
  await as('alice', itself, async (sql) => {
    for (const column of [
      'tenant_id',
      'id',
      'owner_id',
      'world_id',
      'agent_id',
      'created_by',
      'created_at',
      'delegation_id',
      'request_id',
    ]) {
      expect(await sql.outcome(`update memories set ${column} = ${column}`), column).toBe('42501');
    }
    expect(await write(sql, { owner_id: alice.id, agent_id: AGENTS.bobot.id })).toBe('23503');
  });
});

test('through a chain nobody writes in the name of the owner, the agent above, or another delegation', async ({
  as,
}) => {
  await as('scout', through.scout, async (sql) => {
    const row = { owner_id: alice.id };
    expect(await write(sql, { ...row, created_by: alice.id })).toBe('42501');
    expect(await write(sql, { ...row, delegation_id: null })).toBe('42501');
    expect(await write(sql, { ...row, delegation_id: DELEGATIONS.scoutInGarden.id })).toBe('42501');
    expect(await write(sql, { ...row, created_by: scout.id, delegation_id: DELEGATIONS.scout.id })).toBe('1');
  });
});

test('alice reads, writes, changes and deletes what is hers, and so does scout for her', async ({ as }) => {
  for (const [who, acting] of [
    ['alice', itself],
    ['scout', through.scout],
  ] as const) {
    await as(who, acting, async (sql) => {
      expect(await sql.list(SEEN)).toEqual(of('alice'));
      expect(await sql.list(`${CHANGE} returning id`)).toEqual(of('alice'));
      expect(await write(sql, { owner_id: alice.id, agent_id: scout.id, world_id: garden.id })).toBe('1');
      expect(await sql.list('delete from memories where id = $1 returning id', [memoryOf('alice')])).toEqual([
        memoryOf('alice'),
      ]);
    });
  }
});
