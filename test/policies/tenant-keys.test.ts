// Guarantees of prisma/policies/22-tenant-keys.sql: whoever works in a tenant has its wrapped keys, and nobody else learns that
// there are any. Whoever could change one could have everything that is sealed below it lost, or sealed for himself.

import { expect } from 'vitest';
import { DELEGABLE } from '../../src/capabilities.ts';
import { TENANTS } from '../../src/demo/cast.ts';
import { itself, test, through } from '../kit/cast.ts';
import { arrange } from './arrangement.ts';
import { arrangeKeys, serviceTicket } from './credentials.ts';
import { delegate } from './given.ts';
import { keepsTenantsApart, takesOnlyColumns } from './guarantees.ts';
import {
  clearAway,
  hidesKeysFromTheDead,
  laidOut,
  leavesTheKernel,
  refusesToEverybody,
} from './key-guarantees.ts';
import { arrangeWrapped, TENANT_KEYS } from './wrapped.ts';

const SEEN = laidOut('tenant_keys');
const ACMES = [TENANT_KEYS.acme, TENANT_KEYS.index].sort();
const given = arrangeWrapped;

keepsTenantsApart('tenant_keys', { changes: false });
takesOnlyColumns('tenant_keys', { insert: [], update: [] });

refusesToEverybody('nobody writes, changes or removes a key of a tenant, not even an administrator of it', [
  `insert into tenant_keys (tenant_id, id, purpose, version, wrapped, erasable)
   values ('${TENANTS.acme.id}', gen_random_uuid(), 'wrap', 99, 'x', false)`,
  `update tenant_keys set wrapped = 'mine'`,
  'update tenant_keys set wrapped = null, destroyed_at = now()',
  'delete from tenant_keys',
  'select from tenant_keys for update',
  'select from tenant_keys for key share',
]);

hidesKeysFromTheDead('tenant_keys');

test('nothing is seen with a token that has expired, nor by the server itself, nor without a context', async ({
  as,
  raw,
  migrate,
}) => {
  const tokenExpiresAt = new Date(Date.now() - 1);
  expect(await as('alice', { given, tokenExpiresAt }, (sql) => sql.list(SEEN))).toEqual([]);
  await migrate(arrangeWrapped);
  await migrate(arrangeKeys);
  for (const shown of [serviceTicket(), undefined]) {
    await raw(async (sql) => {
      await sql.rows('begin');
      if (shown !== undefined) {
        await sql.rows('select bailiwick.open($1, $2)', shown);
      }
      expect(await sql.list('select id from tenant_keys')).toEqual([]);
    });
  }
  await migrate(clearAway);
});

leavesTheKernel(
  'the kernel keeps first keys and nothing else: it neither reads what is wrapped nor changes or removes a row',
  'tenant_keys',
  {
    select: ['id', 'purpose', 'tenant_id', 'version'],
    insert: ['erasable', 'id', 'purpose', 'tenant_id', 'wrapped'],
  },
);

test("whoever has any authority in the tenant sees its keys and no other tenant's, whatever it may do", async ({
  as,
  migrate,
}) => {
  for (const [who, acting] of [
    ['alice', itself],
    ['alice', { scopes: [] }],
    ['bob', itself],
    ['ada', itself],
    ['scout', itself],
    ['scout', through.scout],
    ['scout', through.scoutInGarden],
    ['scribe', through.scribe],
  ] as const) {
    const sees = await as(who, { ...acting, given }, (sql) => sql.list(SEEN));
    expect(sees, `${who} ${JSON.stringify(acting)}`).toEqual(ACMES);
  }
  const delegation = await migrate((sql) =>
    delegate(sql, { from: 'alice', to: 'scout', capabilities: DELEGABLE }),
  );
  expect(await as('scout', { delegation, given }, (sql) => sql.list(SEEN))).toEqual(ACMES);
  for (const acting of [itself, through.mimic]) {
    const who = acting === itself ? 'mallory' : 'mimic';
    expect(await as(who, { ...acting, given: arrange }, (sql) => sql.list(SEEN)), who).toEqual([
      TENANT_KEYS.globex,
    ]);
  }
});
