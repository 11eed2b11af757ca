// Guarantees of prisma/policies/21-credentials.sql: who sees which key, and that nobody reads a digest or writes a row. What keys
// may be made, replaced and ended stands in key-issuing.test.ts and key-ending.test.ts, what one opens in session-keys.test.ts.

import { expect } from 'vitest';
import { TENANTS } from '../../src/demo/cast.ts';
import type { Sql } from '../kit/as.ts';
import { itself, test, through } from '../kit/cast.ts';
import { arrange } from './arrangement.ts';
import { arrangeKeys, KEYS, keyTicket } from './credentials.ts';
import { DEAD, suspend } from './given.ts';
import { keepsTenantsApart, takesOnlyColumns } from './guarantees.ts';

const SEEN = 'select id from credentials';
const ids = (...keys: { id: string }[]) => keys.map(({ id }) => id).sort();
const given = arrangeKeys;

keepsTenantsApart('credentials', { changes: false });
takesOnlyColumns('credentials', { insert: [], update: [] });

test('nobody reads a digest, whoever owns the key, and nobody finds a key by it', async ({ as }) => {
  for (const who of ['alice', 'ada', 'scout'] as const) {
    await as(who, { given }, async (sql) => {
      for (const text of [
        'select digest from credentials',
        'select * from credentials',
        'table credentials',
        'select k from credentials k',
        `select id from credentials where digest = '${KEYS.alice.digest}'`,
        'select id from credentials order by digest',
        'select row_to_json(k) from credentials k',
      ]) {
        expect(await sql.outcome(text), `${who}: ${text}`).toBe('42501');
      }
    });
  }
});

test('an agent sees no key, neither its own nor those of its owner, as itself or through whatever delegation', async ({
  as,
}) => {
  for (const acting of [itself, through.scout, through.scoutInGarden]) {
    expect(await as('scout', { ...acting, given }, (sql) => sql.list(SEEN))).toEqual([]);
  }
  // not even where a delegation names what nobody can delegate
  const wider = async (sql: Sql) => {
    await arrangeKeys(sql);
    await sql.rows(`update delegations set capabilities = capabilities || '{key:read,tenant:administer}'`);
  };
  expect(await as('scout', { ...through.scout, given: wider }, (sql) => sql.list(SEEN))).toEqual([]);
});

test("bob sees none of alice's keys, mallory none of acme's", async ({ as }) => {
  expect(await as('bob', { given }, (sql) => sql.list(SEEN))).toEqual(ids(KEYS.bob));
  expect(await as('mallory', { given }, (sql) => sql.list(SEEN))).toEqual(ids(KEYS.mallory));
});

test('nothing is seen as anybody suspended, in a suspended tenant, or with a token that is not for reading keys', async ({
  as,
}) => {
  const states = { 'the owner is suspended': suspend('alice'), tenant: DEAD['the tenant is suspended'] };
  for (const [state, change] of Object.entries(states)) {
    const both = async (sql: Sql) => {
      await arrangeKeys(sql);
      await change(sql);
    };
    expect(await as('alice', { given: both }, (sql) => sql.list(SEEN)), state).toEqual([]);
  }
  for (const who of ['alice', 'ada'] as const) {
    const scopes = ['memory:read', 'key:create', 'key:update'];
    expect(await as(who, { given, scopes }, (sql) => sql.list(SEEN)), who).toEqual([]);
  }
});

test('the kernel itself may write what ends a key or tells of its use, and delete none', async ({
  migrate,
}) => {
  const writable = await migrate((sql) =>
    sql.list(`select attname from pg_attribute where attrelid = 'credentials'::regclass and attnum > 0
                and has_column_privilege('bailiwick_kernel', 'credentials', attnum, 'update')`),
  );
  expect(writable).toEqual(['expires_at', 'last_used_at', 'replaces_id', 'revoked_at', 'revoked_by']);
  const others = `select p from unnest(array['delete', 'truncate']) p where has_table_privilege('bailiwick_kernel', 'credentials', p)`;
  expect(await migrate((sql) => sql.list(others))).toEqual([]);
});

test('an owner in person sees her keys and those of her agents, with a token and with a key', async ({
  as,
  raw,
  migrate,
}) => {
  expect(await as('alice', { given }, (sql) => sql.list(SEEN))).toEqual(ids(KEYS.alice, KEYS.scout));
  await migrate(arrangeKeys);
  await raw(async (sql) => {
    await sql.rows('begin');
    await sql.rows('select bailiwick.open($1, $2)', keyTicket(KEYS.alice.digest));
    expect(await sql.list(SEEN)).toEqual(ids(KEYS.alice, KEYS.scout));
  });
  await migrate((sql) => sql.rows('delete from credentials; delete from issuers'));
});

test('an administrator sees those of the tenant and of no other', async ({ as }) => {
  await as('ada', { given: arrange }, async (sql) => {
    expect(await sql.list('select distinct tenant_id from credentials')).toEqual([TENANTS.acme.id]);
    expect(await sql.list(SEEN)).toEqual(ids(KEYS.alice, KEYS.bob, KEYS.scout));
  });
});
