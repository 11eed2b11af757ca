// Guarantees of prisma/policies/11-entities.sql: whose existence, status and ceiling one sees, and who decides on them.
// A status is what stops an agent, so most of these are about who cannot lift one.

import { expect } from 'vitest';
import { AGENTS, TENANTS, USERS, WORLDS } from '../../src/demo/cast.ts';
import { type EntityId, newId } from '../../src/ids.ts';
import type { Sql } from '../kit/as.ts';
import { itself, test, through } from '../kit/cast.ts';
import { arrange, insertion, NARROW, STUDY } from './arrangement.ts';
import { suspend } from './given.ts';
import { hidesFromTheDead, keepsTenantsApart, takesOnlyColumns } from './guarantees.ts';

const acme = TENANTS.acme.id;
const { alice, bob, ada } = USERS;
const { scout, scribe, late, rogue, bobot } = AGENTS;
const { garden, workshop } = WORLDS;
const ids = (...entities: { id: EntityId }[]) => entities.map(({ id }) => id).sort();
const seen = (sql: Sql) => sql.list('select id from entities');
const SUSPEND = `update entities set status = 'suspended' where id = $1`;
const make = (sql: Sql, row: Readonly<Record<string, unknown>>) => {
  const { text, values } = insertion('entities', { tenant_id: acme, id: newId(), ...row });
  return sql.outcome(text, values);
};

keepsTenantsApart('entities');
hidesFromTheDead('entities');
takesOnlyColumns('entities', {
  insert: ['tenant_id', 'id', 'kind', 'status', 'owner_id'],
  update: ['status', 'ceiling'],
});

test('bob sees what is his and the world he shares, and cannot suspend what is not his', async ({ as }) => {
  await as('bob', itself, async (sql) => {
    expect(await seen(sql)).toEqual(ids(bob, bobot, workshop, garden));
    for (const { id } of [alice, scout, garden, bob]) {
      expect(await sql.touched(SUSPEND, [id])).toBe(0);
    }
    expect(await sql.touched(`update entities set status = 'suspended'`)).toBe(2);
  });
});

test('an agent as itself sees itself and changes nothing, not even itself', async ({ as }) => {
  await as('scout', itself, async (sql) => {
    expect(await seen(sql)).toEqual(ids(scout));
    expect(await sql.touched(`update entities set status = 'suspended'`)).toBe(0);
  });
});

test('an agent sees the kinds that its delegation names, and within its world', async ({ as }) => {
  expect(await as('scribe', through.scribe, seen)).toEqual([]);
  expect(await as('scout', { ...through.scoutInGarden, given: arrange }, seen)).toEqual(ids(garden));
  expect(await as('bobot', through.bobot, seen)).toEqual(ids(bob));
  expect(await as('scout', through.scout, seen)).toEqual(ids(alice, scout, scribe, late, rogue, garden));
});

// Otherwise an agent could revive itself, or lift its own limits, in its owner's name.
test('no delegation lets an agent change status or ceiling of anything', async ({ as }) => {
  for (const [who, name] of [
    ['rogue', 'maker'],
    ['rogue', 'mapper'],
    ['late', 'gardener'],
    ['late', 'warden'],
  ] as const) {
    await as(who, { delegation: NARROW[name].id, given: arrange }, async (sql) => {
      expect(await sql.touched(`update entities set status = 'active'`), name).toBe(0);
      expect(await sql.touched('update entities set ceiling = null'), name).toBe(0);
    });
  }
});

test('nobody makes an entity for another owner, a person, or one that is not active', async ({ as }) => {
  await as('alice', itself, async (sql) => {
    const person = newId();
    expect(await make(sql, { kind: 'agent', owner_id: bob.id })).toBe('42501');
    expect(await make(sql, { kind: 'world', owner_id: bob.id })).toBe('42501');
    expect(await make(sql, { kind: 'user', id: person, owner_id: person })).toBe('42501');
    expect(await make(sql, { kind: 'agent', owner_id: alice.id, status: 'suspended' })).toBe('42501');
    expect(await make(sql, { kind: 'world', owner_id: alice.id, status: 'archived' })).toBe('42501');
  });
});

test('an agent makes only the kinds that its delegation lets it create, and no world when it is limited to one', async ({
  as,
}) => {
  const outcomes = (who: 'scout' | 'rogue' | 'late', delegation: typeof NARROW.maker.id | undefined) =>
    as(who, { delegation, given: arrange }, async (sql) => [
      await make(sql, { kind: 'agent', owner_id: alice.id }),
      await make(sql, { kind: 'world', owner_id: alice.id }),
    ]);
  expect(await outcomes('scout', through.scout.delegation)).toEqual(['42501', '42501']);
  expect(await outcomes('late', NARROW.gardener.id)).toEqual(['42501', '42501']);
  expect(await outcomes('rogue', NARROW.maker.id)).toEqual(['1', '42501']);
  expect(await outcomes('rogue', NARROW.mapper.id)).toEqual(['42501', '1']);
});

test('what is archived stays archived, for its owner and for the administrator', async ({ as }) => {
  const given = (sql: Sql) =>
    sql.touched(`update entities set status = 'archived' where id = any ($1)`, [[scout.id, garden.id]]);
  for (const who of ['alice', 'ada'] as const) {
    await as(who, { given }, async (sql) => {
      const revive = `update entities set status = 'active' where id = $1`;
      expect(await sql.touched(revive, [scout.id]), who).toBe(0);
      expect(await sql.touched(revive, [garden.id]), who).toBe(0);
    });
  }
});

test('a person cannot lift her own suspension or ceiling', async ({ as }) => {
  await as('alice', { given: suspend('alice') }, async (sql) => {
    expect(await sql.touched(`update entities set status = 'active'`)).toBe(0);
  });
  await as('alice', itself, async (sql) => {
    expect(await sql.touched('update entities set ceiling = null where id = $1', [alice.id])).toBe(0);
  });
});

test('alice in person suspends, limits and archives her agents and worlds', async ({ as }) => {
  await as('alice', itself, async (sql) => {
    expect(await seen(sql)).toEqual(ids(alice, scout, scribe, late, rogue, garden));
    expect(
      await sql.touched(`update entities set ceiling = '["memory:read"]' where id = $1`, [scout.id]),
    ).toBe(1);
    expect(await sql.touched(SUSPEND, [scout.id])).toBe(1);
    expect(await sql.touched(`update entities set status = 'archived' where id = $1`, [garden.id])).toBe(1);
  });
});

test('an administrator sees and suspends everything of the tenant, and nothing without a token for it', async ({
  as,
}) => {
  await as('ada', { given: arrange }, async (sql) => {
    expect(await sql.touched(SUSPEND, [alice.id])).toBe(1);
    expect(await sql.touched(SUSPEND, [scout.id])).toBe(1);
    expect(await sql.touched(SUSPEND, [STUDY])).toBe(1);
    expect(await sql.list('select distinct tenant_id from entities')).toEqual([acme]);
  });
  const scopes = ['user:read', 'agent:read', 'agent:update', 'world:read', 'world:update'];
  await as('ada', { scopes }, async (sql) => {
    expect(await seen(sql)).toEqual(ids(ada));
    expect(await sql.touched(`update entities set status = 'suspended'`)).toBe(0);
  });
});
