// Guarantees of prisma/policies/20-issuers.sql: whom a tenant trusts to say who is who is the operator's to write and the
// server's to read, in nobody's name. Whoever could write here could become anybody of the tenant.

import { expect } from 'vitest';
import { TENANTS, USERS } from '../../src/demo/cast.ts';
import { newId } from '../../src/ids.ts';
import { itself, test, through } from '../kit/cast.ts';
import { arrangeKeys, ISSUERS, KEYS, keyTicket, serviceTicket } from './credentials.ts';
import { takesOnlyColumns } from './guarantees.ts';

const SEEN = 'select id from issuers';

takesOnlyColumns('issuers', { insert: [], update: [] });

test('nobody who asks sees an issuer, not even of the own tenant, not even an administrator', async ({
  as,
}) => {
  for (const [who, acting] of [
    ['alice', itself],
    ['scout', itself],
    ['scout', through.scout],
    ['ada', itself],
    ['mallory', itself],
  ] as const) {
    expect(await as(who, { ...acting, given: arrangeKeys }, (sql) => sql.list(SEEN)), who).toEqual([]);
  }
});

test('nor does the bearer of a key, nor whoever has no context', async ({ as, raw, migrate }) => {
  await as('alice', itself, async () => undefined);
  await migrate(arrangeKeys);
  for (const shown of [keyTicket(KEYS.alice.digest), keyTicket(KEYS.scout.digest), undefined]) {
    await raw(async (sql) => {
      await sql.rows('begin');
      if (shown !== undefined) {
        await sql.rows('select bailiwick.open($1, $2)', shown);
      }
      expect(await sql.list(SEEN)).toEqual([]);
    });
  }
});

test('the kernel reads issuers and writes none', async ({ migrate }) => {
  const rights = `select p from unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) p
                   where has_table_privilege('bailiwick_kernel', 'issuers', p)
                      or p in ('insert', 'update') and has_any_column_privilege('bailiwick_kernel', 'issuers', p)`;
  expect(await migrate((sql) => sql.list(rights))).toEqual(['select']);
});

// Two tenants with one issuer could each say who somebody of the other is.
test('an issuer is of one tenant in the whole installation', async ({ migrate }) => {
  const twice = migrate((sql) =>
    sql.rows(`insert into issuers (tenant_id, id, issuer, settings) values ($1, $2, $3, '{}')`, [
      TENANTS.globex.id,
      newId(),
      ISSUERS.acme.issuer,
    ]),
  );
  await expect(twice).rejects.toMatchObject({ code: '23505', constraint: 'issuers_issuer_key' });
});

test('the server itself sees the issuers of all tenants, and can change none', async ({ raw }) => {
  await raw(async (sql) => {
    await sql.rows('begin');
    await sql.rows('select bailiwick.open($1, $2)', serviceTicket());
    expect(await sql.list(SEEN)).toEqual(
      Object.values(ISSUERS)
        .map(({ id }) => id)
        .sort(),
    );
    expect(await sql.outcome(`update issuers set status = 'suspended'`)).toBe('42501');
    expect(await sql.outcome('delete from issuers')).toBe('42501');
    expect(await sql.outcome(`select from users where id = $1`, [USERS.alice.id])).toBe('0');
  });
});
