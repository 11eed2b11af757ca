// What a session costs on the wire, and what it leaves behind: nothing on its connection, nothing of its data in the log.

import { expect, onTestFinished } from 'vitest';
import { withSession } from '../../src/db/session.ts';
import type { TicketClaims } from '../../src/db/ticket.ts';
import { ACTORS } from '../../src/demo/cast.ts';
import { newId } from '../../src/ids.ts';
import { test } from '../kit/cast.ts';
import { asAdmin, type TestDatabase } from '../kit/database.ts';
import { arrangeKeys, digestOf, KEYS } from '../policies/credentials.ts';
import { backendOf, expectIsolated, note, openLane, ownersSeen } from './lane.ts';
import { openWire } from './wire.ts';

// What a statement may try to leave on its connection; how the next user would notice; what that user must see.
const LEFTOVERS = [
  [
    'a setting',
    "select set_config('bailiwick.left', 'x', false)",
    "coalesce(current_setting('bailiwick.left', true), '')",
    '',
  ],
  [
    'the context itself',
    "select set_config('bailiwick.context', current_setting('bailiwick.context'), false)",
    'bailiwick.actor_id()::text',
    ACTORS.bob.id,
  ],
  [
    'no time limit',
    "select set_config('statement_timeout', '0', false)",
    "current_setting('statement_timeout')",
    '400ms',
  ],
  [
    'a search path',
    "select set_config('search_path', 'pg_temp', false)",
    "current_setting('search_path')",
    '"$user", public',
  ],
  [
    'read-only transactions',
    'set session characteristics as transaction read only',
    "current_setting('default_transaction_read_only')",
    'off',
  ],
  [
    'another isolation level',
    'set session characteristics as transaction isolation level serializable',
    "current_setting('default_transaction_isolation')",
    'read committed',
  ],
  [
    'an open cursor',
    'declare left_over cursor with hold for select content from memories',
    '(select count(*) from pg_cursors where is_holdable)::text',
    '0',
  ],
  ['a channel', 'listen left_over', '(select count(*) from pg_listening_channels())::text', '0'],
  [
    'an advisory lock',
    'select pg_advisory_lock(4711)',
    // of this database: the server has others, in which other files hold locks of theirs
    `(select count(*) from pg_locks l join pg_database d on d.oid = l.database
       where l.locktype = 'advisory' and d.datname = current_database())::text`,
    '0',
  ],
] as const;

test.for(LEFTOVERS)('%s stays with nobody', async ([_what, leave, look, expected], { database }) => {
  const lane = await openLane(database);
  const pid = await lane.run('alice', async (session) => {
    await session.db.$executeRawUnsafe(leave);
    return backendOf(session);
  });
  await lane.run('bob', async (session) => {
    expect(await backendOf(session)).toBe(pid);
    const [left] = await session.db.$queryRawUnsafe<{ found: unknown }[]>(`select ${look} as found`);
    expect(left?.found).toBe(expected);
  });
  await expectIsolated(lane);
});

test('no bind parameter shows in the activity view or in the log, be it of a token or of a key', async ({
  database,
  migrate,
}) => {
  await migrate(arrangeKeys);
  await logEverything(database);
  const lane = await openLane(database);
  const logged: string[] = [];
  lane.pool.on('connect', (client) => {
    client.on('notice', ({ message, detail }) => logged.push(`${message} ${detail}`));
  });
  const activity = () =>
    asAdmin(database.adminUrl, async (client) => {
      const { rows } = await client.query<{ query: string }>(
        "select query from pg_stat_activity where application_name = 'bailiwick' and datname = current_database()",
      );
      return rows.map(({ query }) => query).join();
    });
  const [atOpening, atWork] = await lane.run('alice', async (session) => {
    const opening = await activity();
    await note(session, 'unspeakable');
    return [opening, await activity()];
  });
  const key: TicketClaims = { kind: 'key', digest: KEYS.alice.digest, requestId: newId() };
  const byKey = await withSession(lane.database, key, { readOnly: true }, activity);
  await withSession(
    lane.database,
    { ...key, digest: digestOf('nobody') },
    { readOnly: true },
    activity,
  ).catch(() => undefined);
  expect(atOpening).toContain('select bailiwick.open($1, $2)');
  expect(atWork).toContain('INSERT INTO');
  expect(logged.join()).toContain('select bailiwick.open($1, $2)');
  for (const text of [atOpening, atWork, byKey, logged.join()]) {
    expect(text).not.toMatch(/unspeakable|t1\||token_expires_at|[0-9a-f]{64}/);
  }
});

/** Makes the server log all statements, and send what it logs to the client too. */
async function logEverything({ adminUrl, name }: TestDatabase): Promise<void> {
  const settings = {
    log_statement: 'all',
    log_min_duration_statement: '0',
    client_min_messages: 'log',
    // as the posture check wants it; the default would log parameters
    log_parameter_max_length: '0',
  };
  const each = (change: (setting: string, value: string) => string) =>
    asAdmin(adminUrl, async (client) => {
      for (const [setting, value] of Object.entries(settings)) {
        await client.query(`alter database ${name} ${change(setting, value)}`);
      }
    });
  onTestFinished(() => each((setting) => `reset ${setting}`));
  await each((setting, value) => `set ${setting} = '${value}'`);
}

test('opening costs one round trip and closing one, on the wire as in the books', async ({ database }) => {
  const wire = await openWire(database.runtimeUrl);
  const lane = await openLane(database, { url: wire.url });
  for (const [actor, statements] of [
    ['alice', 0],
    ['bob', 1],
    ['mallory', 3],
  ] as const) {
    // the first time the connection is made and statements are parsed; that costs bytes, and must not cost trips
    for (const first of [true, false]) {
      let cost = { roundTrips: 0, statements: 0 };
      await lane.run(actor, async (session) => {
        cost = session.course;
        wire.listen();
        for (let n = 0; n < statements; n += 1) {
          await session.db.memory.findMany({ take: 1 + n, select: { id: true } });
        }
      });
      const { roundTrips, types, texts } = wire.heard();
      expect(cost).toMatchObject({ roundTrips: statements + 2, statements });
      // what was heard began after the opening
      expect(roundTrips).toBe(statements + 1);
      // closing and committing are waited for once, in one exchange
      expect(types.replaceAll(/[^SQ]/g, '')).toBe('S'.repeat(statements + 1));
      expect(first || texts.length === 0).toBe(true);
    }
    wire.listen();
    await lane.read(actor, ownersSeen);
    expect(wire.heard().roundTrips).toBe(3);
  }
});

test('every statement is a prepared statement under a name of its own', async ({ database }) => {
  const wire = await openWire(database.runtimeUrl);
  const lane = await openLane(database, { url: wire.url });
  const prepared = await lane.run('alice', async ({ db }) => {
    await db.memory.count();
    await db.agent.findFirst({ include: { memories: true } });
    await db.$executeRaw`update memories set tags = '{}' where false`;
    await db.$queryRawUnsafe('select 1');
    return db.$queryRaw<{ name: string; statement: string }[]>`
      select name, statement from pg_prepared_statements order by name`;
  });
  const { types, texts } = wire.heard();
  expect(types).not.toContain('Q');
  expect(
    prepared.map(({ name }) => name).filter((name) => !/^(b_[\w-]{24}|bailiwick_\w+)$/.test(name)),
  ).toEqual([]);
  // close and commit came after the look
  expect(new Set(texts)).toEqual(
    new Set([
      ...prepared.map(({ statement }) => statement),
      'select bailiwick.close($1) as request_id',
      'commit',
    ]),
  );
});
