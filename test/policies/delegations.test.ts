// Guarantees of prisma/policies/17-delegations.sql: who sees which delegation. What may be granted, and who ends one, stand
// in delegation-granting.test.ts and delegation-ending.test.ts, what a chain allows in delegation.test.ts.

import { expect } from 'vitest';
import { TENANTS, USERS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { itself, test, through } from '../kit/cast.ts';
import { arrange } from './arrangement.ts';
import { DEAD, suspend } from './given.ts';
import { keepsProvenance, keepsTenantsApart, takesOnlyColumns } from './guarantees.ts';

const SEEN = 'select id from delegations';
const { scout, scoutInGarden, scribe, bobot, mimic, late, rogue } = DELEGATIONS;
const ids = (...delegations: { id: string }[]) => delegations.map(({ id }) => id).sort();

keepsTenantsApart('delegations', { changes: false });
keepsProvenance('delegations');
takesOnlyColumns('delegations', {
  insert: [
    ...[
      'tenant_id',
      'id',
      'owner_id',
      'delegator_id',
      'delegate_id',
      'parent_id',
      'depth',
      'redelegate',
      'capabilities',
    ],
    ...['world_id', 'purpose', 'not_before', 'expires_at', 'created_by', 'delegation_id', 'request_id'],
  ],
  update: [],
});

test("bob and his agent see none of alice's delegations, mallory none of acme's", async ({ as }) => {
  expect(await as('bob', itself, (sql) => sql.list(SEEN))).toEqual(ids(bobot));
  expect(await as('bobot', through.bobot, (sql) => sql.list(SEEN))).toEqual(ids(bobot));
  expect(await as('mallory', itself, (sql) => sql.list(SEEN))).toEqual(ids(mimic));
});

test('an agent that may not read delegations sees the ones it granted and holds, and no others', async ({
  as,
}) => {
  expect(await as('scribe', through.scribe, (sql) => sql.list(SEEN))).toEqual(ids(scribe));
  expect(await as('scout', through.scoutInGarden, (sql) => sql.list(SEEN))).toEqual(
    ids(scout, scoutInGarden, scribe),
  );
  expect(await as('scout', itself, (sql) => sql.list(SEEN))).toEqual(ids(scout, scoutInGarden, scribe));
  expect(await as('late', itself, (sql) => sql.list(SEEN))).toEqual(ids(late));
});

test('nothing is seen through a delegation that is dead, nor as anybody suspended, nor with a token not for reading them', async ({
  as,
}) => {
  for (const [state, given] of Object.entries(DEAD)) {
    expect(await as('scout', { ...through.scout, given }, (sql) => sql.list(SEEN)), state).toEqual([]);
  }
  expect(await as('late', through.late, (sql) => sql.list(SEEN))).toEqual([]);
  expect(await as('scout', { given: suspend('scout') }, (sql) => sql.list(SEEN))).toEqual([]);
  expect(await as('alice', { given: suspend('alice') }, (sql) => sql.list(SEEN))).toEqual([]);
  for (const who of ['alice', 'scout', 'ada'] as const) {
    expect(
      await as(who, { scopes: ['memory:read', 'delegation:create'] }, (sql) => sql.list(SEEN)),
      who,
    ).toEqual([]);
  }
});

test('an owner sees every delegation of her authority, past ones and those that agents made, and an agent that she lets does', async ({
  as,
}) => {
  const all = ids(scout, scoutInGarden, scribe, late, rogue);
  expect(await as('alice', itself, (sql) => sql.list(SEEN))).toEqual(all);
  expect(await as('scout', through.scout, (sql) => sql.list(SEEN))).toEqual(all);
});

test('an administrator sees those of the tenant and of no other', async ({ as }) => {
  await as('ada', { given: arrange }, async (sql) => {
    expect(await sql.list('select distinct tenant_id from delegations')).toEqual([TENANTS.acme.id]);
    expect(await sql.list('select distinct owner_id from delegations')).toEqual(
      [USERS.alice.id, USERS.bob.id].sort(),
    );
  });
});
