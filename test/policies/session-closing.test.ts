// Closing (bailiwick.close, rule S14): the server learns whether the transaction is still its own before its answer leaves,
// and the connection goes back as if nobody had used it.

import { expect } from 'vitest';
import { ACTORS } from '../../src/demo/cast.ts';
import { newId, type RequestId } from '../../src/ids.ts';
import { open, type Sql } from '../kit/as.ts';
import { itself, test } from '../kit/cast.ts';

const CHANGE = `update memories set kind = 'changed' where owner_id = $1`;

/** Begins anew on the same connection, as the next one to use it would. */
async function next(sql: Sql): Promise<void> {
  await sql.rows('commit');
  await sql.rows('begin');
}

test('closing with the id of another request aborts the transaction, and its commit keeps nothing', async ({
  as,
  migrate,
}) => {
  await as('alice', itself, async (sql) => {
    expect(await sql.touched(CHANGE, [ACTORS.alice.id])).toBe(7);
    await expect(sql.rows('select bailiwick.close($1)', [newId()])).rejects.toMatchObject({ code: '28000' });
    const { command } = await sql.client.query('commit');
    expect(command).toBe('ROLLBACK');
  });
  expect(await migrate((sql) => sql.list(`select id from memories where kind = 'changed'`))).toEqual([]);
});

test('closing without a context is refused', async ({ raw }) => {
  await raw(async (sql) => {
    await sql.rows('begin');
    expect(await sql.outcome('select bailiwick.close($1)', [newId()])).toBe('28000');
  });
});

test('after closing, the rest of the transaction sees nothing', async ({ as }) => {
  const requestId = newId<RequestId>();
  await as('alice', { requestId }, async (sql) => {
    expect(await sql.value('select bailiwick.close($1)', [requestId])).toBe(requestId);
    expect(await sql.list('select id from memories')).toEqual([]);
  });
});

test('closing with the right id answers with it and lets the change be committed', async ({
  as,
  migrate,
}) => {
  const kind = await migrate((sql) =>
    sql.value('select kind from memories where owner_id = $1', [ACTORS.ada.id]),
  );
  await as('ada', { commit: true }, (sql) => sql.touched(CHANGE, [ACTORS.ada.id]));
  const changed = await migrate((sql) => sql.list(`select owner_id from memories where kind = 'changed'`));
  expect(changed).toEqual([ACTORS.ada.id]);
  await migrate((sql) =>
    sql.rows('update memories set kind = $1 where owner_id = $2', [kind, ACTORS.ada.id]),
  );
});

// A cursor that is held, or a setting of the session, would carry one request's rows or limits into the next.
test('closing leaves no setting, cursor, channel or lock behind', async ({ as }) => {
  const requestId = newId<RequestId>();
  await as('alice', { requestId }, async (sql) => {
    await sql.rows('declare kept cursor with hold for select id from memories');
    await sql.rows('listen rumours');
    await sql.rows('select pg_advisory_lock(4711)');
    await sql.rows(`set statement_timeout = '1h'`);
    await sql.rows(`set default_transaction_read_only = on`);
    await sql.rows(`select set_config('bailiwick.note', 'kept', false)`);
    await sql.rows('select bailiwick.close($1)', [requestId]);
    await next(sql);
    expect(await sql.list('select name from pg_cursors')).toEqual([]);
    expect(await sql.list('select pg_listening_channels()')).toEqual([]);
    expect(
      await sql.list(`select objid from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()`),
    ).toEqual([]);
    expect(await sql.value('show statement_timeout')).toBe('30s');
    expect(await sql.value('show transaction_read_only')).toBe('off');
    expect(await sql.value(`select coalesce(current_setting('bailiwick.note', true), '')`)).toBe('');
    expect(await sql.value(`select coalesce(current_setting('bailiwick.context', true), '')`)).toBe('');
  });
});

test('the next transaction on the connection begins without a context', async ({ as }) => {
  const requestId = newId<RequestId>();
  await as('alice', { requestId }, async (sql) => {
    await sql.rows('select bailiwick.close($1)', [requestId]);
    await next(sql);
    expect(await sql.list('select id from memories')).toEqual([]);
    await open(sql.client, 'bob');
    expect(await sql.value('select bailiwick.actor_id()')).toBe(ACTORS.bob.id);
  });
});

// A pool can hand a connection back without any closing; the context must not depend on good manners.
test('a context ends with its transaction even if nobody closes it', async ({ as }) => {
  for (const ending of ['commit', 'rollback']) {
    await as('alice', itself, async (sql) => {
      await sql.rows(ending);
      await sql.rows('begin');
      expect(await sql.list('select id from memories'), ending).toEqual([]);
    });
  }
});
