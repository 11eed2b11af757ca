// When a key was last used is known soon after, without a write per request, and is lost by no passing failure.

import { expect } from 'vitest';
import { KeyUses } from '../../src/db/key-uses.ts';
import { withSession } from '../../src/db/session.ts';
import { ACTORS, TENANTS } from '../../src/demo/cast.ts';
import { type KeyId, newId } from '../../src/ids.ts';
import { raw } from '../kit/as.ts';
import { test } from '../kit/cast.ts';
import type { TestDatabase } from '../kit/database.ts';
import { openLane } from './lane.ts';

const digest = (id: KeyId) => id.replaceAll('-', '').repeat(2);

async function makeKey(database: TestDatabase): Promise<KeyId> {
  const id = newId<KeyId>();
  await raw(
    database,
    (sql) =>
      sql.rows(
        `insert into credentials (tenant_id, id, owner_id, entity_id, label, hint, digest, capabilities, expires_at, created_by, request_id)
         values ($1, $2, $3, $3, 'test', 'bwk_test', $4, '{memory:read}', now() + interval '1 hour', $3, $2)`,
        [TENANTS.acme.id, id, ACTORS.alice.id, digest(id)],
      ),
    database.migratorUrl,
  );
  return id;
}

const lastUse = (database: TestDatabase, id: KeyId) =>
  raw(
    database,
    (sql) => sql.value('select extract(epoch from last_used_at)::float from credentials where id = $1', [id]),
    database.migratorUrl,
  );

test('a use is told when the server stops, and opening by a key writes nothing by itself', async ({
  database,
}) => {
  const lane = await openLane(database);
  const id = await makeKey(database);
  const failures: unknown[] = [];
  const uses = new KeyUses(lane.database, (error) => failures.push(error));
  const claims = { kind: 'key' as const, digest: digest(id), requestId: newId<never>() };
  const { credential } = await withSession(
    lane.database,
    claims,
    { readOnly: true },
    async (session) => session,
  );
  expect(credential).toBe(`key:${id}`);
  expect(await lastUse(database, id)).toBeNull();
  const before = Date.now() / 1000;
  uses.note(id, TENANTS.acme.id);
  uses.note(id, TENANTS.acme.id);
  await uses.close();
  expect(failures).toEqual([]);
  expect(Number(await lastUse(database, id))).toBeGreaterThan(before - 1);
});

test('a use that could not be told is told with the next ones', async ({ database }) => {
  const lane = await openLane(database);
  const id = await makeKey(database);
  const failures: unknown[] = [];
  let down = true;
  const client = new Proxy(lane.database.client, {
    get: (target, name, receiver) =>
      name === '$transaction' && down
        ? () => Promise.reject(new Error('down'))
        : Reflect.get(target, name, receiver),
  });
  const uses = new KeyUses({ ...lane.database, client }, (error) => failures.push(error));
  uses.note(id, TENANTS.acme.id);
  await uses.close();
  expect([failures.length, await lastUse(database, id)]).toEqual([1, null]);
  down = false;
  await uses.close();
  expect([failures.length, typeof (await lastUse(database, id))]).toEqual([1, 'number']);
});
