// Guarantees of prisma/policies/12-users.sql: who sees and edits a person's profile, and who never does.
// What token and delegation allow in general stands in delegation.test.ts.

import { expect } from 'vitest';
import { USERS } from '../../src/demo/cast.ts';
import { itself, test, through } from '../kit/cast.ts';
import { delegate } from './given.ts';
import { hidesFromTheDead, keepsTenantsApart, takesOnlyColumns } from './guarantees.ts';

const SEEN = 'select id from users';
const RENAME = `update users set display_name = 'Changed'`;
const { alice, bob, ada, mallory } = USERS;

keepsTenantsApart('users');
hidesFromTheDead('users');
takesOnlyColumns('users', { insert: [], update: ['display_name', 'locale', 'time_zone', 'updated_at'] });

test('bob does not see or rename alice', async ({ as }) => {
  await as('bob', itself, async (sql) => {
    expect(await sql.list(SEEN)).toEqual([bob.id]);
    expect(await sql.touched(`${RENAME} where id = $1`, [alice.id])).toBe(0);
    expect(await sql.touched(RENAME)).toBe(1);
    expect(await sql.list(`${SEEN} where display_name = 'Changed'`)).toEqual([bob.id]);
  });
});

test('an agent sees no person as itself, and none through a delegation that does not name users', async ({
  as,
}) => {
  expect(await as('scout', itself, (sql) => sql.list(SEEN))).toEqual([]);
  expect(await as('scribe', through.scribe, (sql) => sql.list(SEEN))).toEqual([]);
  expect(await as('scout', through.scoutInGarden, (sql) => sql.list(SEEN))).toEqual([]);
});

test('an agent that may read users sees its owner alone and changes nothing', async ({ as }) => {
  await as('scout', through.scout, async (sql) => {
    expect(await sql.list(SEEN)).toEqual([alice.id]);
    expect(await sql.touched(RENAME)).toBe(0);
  });
  expect(await as('bobot', through.bobot, (sql) => sql.list(SEEN))).toEqual([bob.id]);
  expect(await as('mimic', through.mimic, (sql) => sql.list(SEEN))).toEqual([mallory.id]);
});

// A role is the key to the whole tenant, an e-mail address to whatever trusts it.
test('nobody gives a role or an e-mail address, not even the administrator', async ({ as }) => {
  for (const who of ['alice', 'ada'] as const) {
    await as(who, itself, async (sql) => {
      expect(await sql.outcome(`update users set role = 'admin'`), who).toBe('42501');
      expect(await sql.outcome(`update users set email = 'a@b.example'`), who).toBe('42501');
    });
  }
});

test('an administrator without a token for administering is a user like others', async ({ as }) => {
  expect(await as('ada', { scopes: ['user:read', 'user:update'] }, (sql) => sql.list(SEEN))).toEqual([
    ada.id,
  ]);
});

test('an administrator sees the users of the tenant and renames herself alone', async ({ as }) => {
  await as('ada', itself, async (sql) => {
    expect(await sql.list(SEEN)).toEqual([ada.id, bob.id, alice.id].sort());
    expect(await sql.touched(RENAME)).toBe(1);
    expect(await sql.list(`${SEEN} where display_name = 'Changed'`)).toEqual([ada.id]);
  });
});

test('alice sees and renames herself, and so does an agent that she lets', async ({ as, migrate }) => {
  expect(await as('alice', itself, (sql) => sql.list(`${RENAME} returning id`))).toEqual([alice.id]);
  const capabilities = ['user:read', 'user:update'];
  const delegation = await migrate((sql) => delegate(sql, { from: 'alice', to: 'scout', capabilities }));
  expect(await as('scout', { delegation }, (sql) => sql.list(`${RENAME} returning id`))).toEqual([alice.id]);
});
