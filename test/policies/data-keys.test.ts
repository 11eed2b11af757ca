// Guarantees of prisma/policies/23-data-keys.sql: who has the wrapped keys of whom. They open nothing without the key provider; but
// whoever had those of another would need only that to read everything of theirs that is sealed.

import { expect } from 'vitest';
import { DELEGABLE } from '../../src/capabilities.ts';
import { AGENTS, TENANTS, USERS } from '../../src/demo/cast.ts';
import type { Sql } from '../kit/as.ts';
import { test, through } from '../kit/cast.ts';
import { arrange, SPARES } from './arrangement.ts';
import { arrangeKeys, KEYS, keyTicket, serviceTicket } from './credentials.ts';
import { delegate, suspend } from './given.ts';
import { keepsTenantsApart, takesOnlyColumns } from './guarantees.ts';
import {
  clearAway,
  hidesKeysFromTheDead,
  laidOut,
  leavesTheKernel,
  refusesToEverybody,
} from './key-guarantees.ts';
import { arrangeWrapped, DATA_KEYS, DESTROYED, keyOf, RETIRED_LONG_AGO } from './wrapped.ts';

/** Those that are laid out for tests. */
const SEEN = laidOut('data_keys');
const given = arrangeWrapped;
const { alice, bob } = USERS;
const ALICES = [DATA_KEYS.alice, DESTROYED, RETIRED_LONG_AGO].sort();
const OF_HER_AGENTS = [DATA_KEYS.scout, DATA_KEYS.scribe, DATA_KEYS.late, DATA_KEYS.rogue];

keepsTenantsApart('data_keys', { changes: false });
takesOnlyColumns('data_keys', { insert: [], update: [] });

refusesToEverybody('nobody writes, changes or removes a data key, neither of its own nor of others', [
  `insert into data_keys (tenant_id, id, owner_id, holder_id, tenant_key_id, version, wrapped, erasable)
   select tenant_id, gen_random_uuid(), owner_id, holder_id, tenant_key_id, 99, 'x', false from data_keys`,
  `update data_keys set wrapped = 'mine'`,
  'update data_keys set wrapped = null, destroyed_at = now()',
  'update data_keys set retired_at = null',
  'delete from data_keys',
  'select from data_keys for update',
  'select from data_keys for key share',
]);

test('a colleague, an administrator and somebody of another tenant see their own keys and no other', async ({
  as,
}) => {
  expect(await as('bob', { given }, (sql) => sql.list(SEEN))).toEqual(
    [DATA_KEYS.bob, DATA_KEYS.bobot].sort(),
  );
  expect(await as('ada', { given }, (sql) => sql.list(SEEN))).toEqual([DATA_KEYS.ada]);
  const mallorys = [DATA_KEYS.mallory, DATA_KEYS.mimic, keyOf(SPARES.mallory.agent)].sort();
  expect(await as('mallory', { given: arrange }, (sql) => sql.list(SEEN))).toEqual(mallorys);
});

test("an agent as itself sees its own keys, and neither its owner's nor those of an agent above or below it", async ({
  as,
}) => {
  for (const who of ['scout', 'scribe', 'bobot'] as const) {
    expect(await as(who, { given }, (sql) => sql.list(SEEN)), who).toEqual([DATA_KEYS[who]]);
  }
});

test("through a delegation an agent sees its owner's keys, and those of no agent, not even its own", async ({
  as,
  migrate,
}) => {
  const delegation = await migrate((sql) =>
    delegate(sql, { from: 'alice', to: 'scout', capabilities: DELEGABLE }),
  );
  for (const [who, acting] of [
    ['scout', { delegation }],
    ['scout', through.scout],
    ['scout', through.scoutInGarden],
    ['scribe', through.scribe],
  ] as const) {
    expect(await as(who, { ...acting, given }, (sql) => sql.list(SEEN)), who).toEqual(ALICES);
  }
});

hidesKeysFromTheDead('data_keys');

test('nothing is seen as somebody suspended, with a token that has expired, or by the server itself', async ({
  as,
  raw,
  migrate,
}) => {
  const suspended = async (sql: Sql) => {
    await arrangeWrapped(sql);
    await suspend('alice')(sql);
  };
  expect(await as('alice', { given: suspended }, (sql) => sql.list(SEEN))).toEqual([]);
  expect(await as('scout', { given: suspended }, (sql) => sql.list(SEEN))).toEqual([]);
  const tokenExpiresAt = new Date(Date.now() - 1);
  expect(await as('alice', { given, tokenExpiresAt }, (sql) => sql.list(SEEN))).toEqual([]);
  await migrate(arrangeWrapped);
  await migrate(arrangeKeys);
  const open = 'select bailiwick.open($1, $2)';
  for (const [shown, sees] of [
    [serviceTicket(), []],
    [keyTicket(KEYS.bob.digest), [DATA_KEYS.bob, DATA_KEYS.bobot].sort()],
  ] as const) {
    await raw(async (sql) => {
      await sql.rows('begin');
      await sql.rows(open, shown);
      expect(await sql.list(SEEN)).toEqual(sees);
    });
  }
  await migrate(clearAway);
});

test('with a token that is not for reading agents, the owner sees her own keys and not those of her agents', async ({
  as,
}) => {
  expect(
    await as('alice', { given, scopes: ['memory:read', 'agent:update'] }, (sql) => sql.list(SEEN)),
  ).toEqual(ALICES);
});

leavesTheKernel('the kernel keeps first keys and nothing else: it changes and removes no row', 'data_keys', {
  select: ['holder_id', 'id', 'owner_id', 'tenant_id', 'version', 'wrapped'],
  insert: ['erasable', 'holder_id', 'id', 'owner_id', 'tenant_id', 'tenant_key_id', 'wrapped'],
});

// The operator's columns: what even he cannot write, because no program could make sense of it.
test('a data key is there or destroyed, is of an entity and its owner, and below a key of the same tenant', async ({
  migrate,
}) => {
  const wrong = {
    'wrapped = null': '23514',
    'destroyed_at = now()': '23514',
    'version = 0': '23514',
    "wrapped = repeat('x', 1001)": '23514',
    [`owner_id = '${bob.id}'`]: '23503',
    [`holder_id = '${AGENTS.bobot.id}'`]: '23503',
    [`tenant_key_id = (select id from tenant_keys where tenant_id = '${TENANTS.globex.id}' limit 1)`]:
      '23503',
  };
  await migrate(async (sql) => {
    await sql.rows('begin');
    await arrangeWrapped(sql);
    const one = `where id = '${DATA_KEYS.alice}' and tenant_id = '${TENANTS.acme.id}'`;
    for (const [set, code] of Object.entries(wrong)) {
      expect(await sql.outcome(`update data_keys set ${set} ${one}`), set).toBe(code);
    }
    expect(await sql.outcome(`delete from entities where id = '${alice.id}'`)).toBe('23001');
    await sql.rows('rollback');
  });
});

test('alice in person sees her own keys, live or not, and those of her agents', async ({ as }) => {
  expect(await as('alice', { given }, (sql) => sql.list(SEEN))).toEqual([...ALICES, ...OF_HER_AGENTS].sort());
});
