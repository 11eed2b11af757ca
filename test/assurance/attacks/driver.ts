// Attacks on the pool and the driver (docs/isolation.md, 1.4 and 1.5, S2, S4, S14): one connection, several requests, and every
// way in which one of them could end up in the transaction of another or leave something behind for it.
//
// Each runs on a lane (test/db/lane.ts): the real sealed pool with one connection, raw SQL, no second layer.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Transaction as AdapterTransaction } from '@prisma/driver-adapter-utils';
import type { Session } from '../../../src/db/session.ts';
import { ACTORS } from '../../../src/demo/cast.ts';
import { holdTransaction, type Lane, note, notesKept, ownersSeen, sql } from '../../db/lane.ts';
import { asAdmin, type TestDatabase } from '../../kit/database.ts';
import { ALLOWED, type Attack, REFUSED } from './attack.ts';

export type DriverAttack = Attack & {
  /** What came of it. Whether the lane is whole afterwards is looked at by whoever runs it. */
  run(lane: Lane, database: TestDatabase): Promise<string>;
};

const OWNERS = sql('select distinct owner_id::text from memories');
const pool = { group: 'pool and driver', gain: 'rows of one request in the answer of another' } as const;
type Run = DriverAttack['run'];

/** Refused if the work fails, as it must, with something that the pattern knows. */
async function fails(work: () => Promise<unknown>, how: RegExp): Promise<string> {
  try {
    return `answered ${JSON.stringify(await work())}`;
  } catch (error) {
    const { code, message, cause } = error as Error & { code?: string };
    const told = `${code} ${message} ${String(cause)}`;
    return how.test(told) ? REFUSED : `failed otherwise: ${told}`;
  }
}
const all = (...outcomes: readonly string[]): string =>
  outcomes.find((outcome) => outcome !== REFUSED) ?? REFUSED;
const equal = (found: unknown, expected: unknown): string =>
  JSON.stringify(found) === JSON.stringify(expected)
    ? REFUSED
    : `found ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`;

const LEFT: Readonly<Record<string, readonly [leave: string, look: string, expected: string]>> = {
  'a setting': [
    `select set_config('bailiwick.left', 'x', false)`,
    `coalesce(current_setting('bailiwick.left', true), '')`,
    '',
  ],
  'the context itself': [
    `select set_config('bailiwick.context', current_setting('bailiwick.context'), false)`,
    'bailiwick.actor_id()::text',
    ACTORS.bob.id,
  ],
  'no time limit': [
    `select set_config('statement_timeout', '0', false)`,
    `current_setting('statement_timeout')`,
    '400ms',
  ],
  'a search path': [
    `select set_config('search_path', 'pg_temp', false)`,
    `current_setting('search_path')`,
    '"$user", public',
  ],
  'read-only transactions': [
    'set session characteristics as transaction read only',
    `current_setting('default_transaction_read_only')`,
    'off',
  ],
  'another isolation level': [
    'set session characteristics as transaction isolation level serializable',
    `current_setting('default_transaction_isolation')`,
    'read committed',
  ],
  'an open cursor': [
    'declare left_over cursor with hold for select content from memories',
    '(select count(*) from pg_cursors where is_holdable)::text',
    '0',
  ],
  'a channel': ['listen left_over', '(select count(*) from pg_listening_channels())::text', '0'],
  'an advisory lock': [
    'select pg_advisory_lock(4711)',
    `(select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid())::text`,
    '0',
  ],
};
const leaving = Object.entries(LEFT).map(
  ([what, [leave, look, expected]]): DriverAttack => ({
    ...pool,
    name: `a request leaves ${what} to the next on its connection`,
    rule: 'P17 P25 S14',
    gain: 'limits, rows or the name of one request in the next',
    async run(lane) {
      await lane.run('alice', ({ db }) => db.$executeRawUnsafe(leave));
      const [row] = await lane.run('bob', ({ db }) =>
        db.$queryRawUnsafe<{ found: string }[]>(`select ${look} as found`),
      );
      return equal(row?.found, expected);
    },
  }),
);

const write = (tx: AdapterTransaction) =>
  tx.executeRaw(
    sql(`insert into memories (tenant_id, id, owner_id, content)
         values ((select bailiwick.tenant_id()), gen_random_uuid(), (select bailiwick.actor_id()), 'attack')`),
  );
const isOver = (work: () => Promise<unknown>) => fails(work, /transaction that is (over|closing|committed)/);
const raw =
  (text: string) =>
  ({ db }: Session) =>
    db.$executeRawUnsafe(text);

const handles: Readonly<Record<string, Run>> = {
  'a handle is used after its rollback': async (lane) => {
    const { tx } = await holdTransaction(lane, 'alice');
    await write(tx);
    await tx.executeRaw(sql('ROLLBACK'));
    return all(await isOver(() => write(tx)), await isOver(() => tx.queryRaw(OWNERS)));
  },
  'a stale handle is used in the transaction that took over its connection': async (lane) => {
    const { tx } = await holdTransaction(lane, 'alice');
    await tx.executeRaw(sql('COMMIT'));
    await tx.commit();
    return lane.run('bob', async (session) =>
      all(
        await isOver(() => tx.queryRaw(OWNERS)),
        await isOver(() => write(tx)),
        await isOver(() => tx.executeRaw(sql('COMMIT'))),
        equal(await ownersSeen(session), [ACTORS.bob.id]),
      ),
    );
  },
  'a statement is sent behind COMMIT': async (lane) => {
    const { tx } = await holdTransaction(lane, 'alice');
    const committed = tx.executeRaw(sql('COMMIT'));
    const late = await isOver(() =>
      tx.executeRaw(sql(`select set_config('bailiwick.left', 'alice', false)`)),
    );
    await committed;
    await tx.commit();
    return late;
  },
  'a connection is given back in the middle of its transaction': async (lane, database) => {
    const { tx } = await holdTransaction(lane, 'alice');
    await write(tx);
    await tx.commit();
    return all(
      equal(await lane.run('bob', ownersSeen), [ACTORS.bob.id]),
      equal(await notesKept(database, 'attack'), 0),
    );
  },
  'a connection is released twice, the second time while another request has it': async (lane) => {
    const { tx } = await holdTransaction(lane, 'alice');
    await tx.executeRaw(sql('COMMIT'));
    await tx.commit();
    return lane.run('bob', async (session) => {
      await tx.rollback();
      await tx.commit();
      const mallory = lane.run('mallory', ownersSeen);
      await sleep(20);
      const waiting = lane.pool.waitingCount;
      const seen = await ownersSeen(session);
      // it is served when bob is done
      void mallory.catch(() => undefined);
      return all(equal(waiting, 1), equal(seen, [ACTORS.bob.id]));
    });
  },
  'the client of a session that is over is used in another': async (lane) => {
    const stale = await lane.run('alice', async (session) => session);
    return fails(() => lane.run('bob', () => ownersSeen(stale)), /INTERNAL/);
  },
  'a query outlives its request': async (lane, database) => {
    const outcome = Promise.withResolvers<string>();
    await lane.run('alice', async (session) => {
      setTimeout(() => void fails(() => note(session, 'attack'), /./).then(outcome.resolve), 10);
    });
    return all(await outcome.promise, equal(await notesKept(database, 'attack'), 0));
  },
};

const statements: Readonly<Record<string, readonly [gain: string, run: Run]>> = {
  'several statements in one text': [
    'a transaction of one’s own, behind the back of the server',
    (lane) => fails(() => lane.run('alice', raw(`select 1; commit; begin; select 1`)), /42601|INTERNAL/),
  ],
  'committing in SQL, then reading on': [
    'statements outside any context, on a connection that others will use',
    (lane) =>
      fails(
        () =>
          lane.run('alice', async (session) => {
            await raw('commit')(session);
            return ownersSeen(session);
          }),
        /INTERNAL/,
      ),
  ],
  'committing in SQL, and beginning as nobody': [
    'a transaction without time limit or context, kept for later',
    (lane) =>
      fails(
        () =>
          lane.run('alice', async (session) => {
            await raw('commit')(session);
            await raw('begin')(session);
            return ownersSeen(session);
          }),
        /INTERNAL/,
      ),
  ],
  'closing by oneself, then reading on': [
    'an answer that no closing assertion has seen',
    (lane) =>
      fails(
        () =>
          lane.run('alice', async (session) => {
            await session.db.$queryRaw`select bailiwick.close(${session.requestId}::uuid)::text`;
            const seen = await ownersSeen(session);
            return seen;
          }),
        /INTERNAL/,
      ),
  ],
  'emptying one’s context, to be somebody else': [
    'rows of whoever’s ticket one has seen',
    (lane) =>
      fails(
        () =>
          lane.run('alice', async (session) => {
            await raw(`select set_config('bailiwick.context', '', true)`)(session);
            return ownersSeen(session);
          }),
        /INTERNAL/,
      ),
  ],
  'writing in a session that only reads': [
    'changes that a query makes',
    async (lane, database) =>
      all(
        await fails(() => lane.read('alice', (session) => note(session, 'attack')), /INTERNAL/),
        equal(await notesKept(database, 'attack'), 0),
      ),
  ],
  'making a session that only reads write': [
    'changes that a query makes',
    (lane) =>
      fails(
        () =>
          lane.read('alice', async (session) => {
            await raw('set transaction read write')(session);
            await note(session, 'attack');
          }),
        /INTERNAL/,
      ),
  ],
  'a longer snapshot, set in SQL': [
    'rights that were revoked',
    (lane) =>
      fails(() => lane.run('alice', raw('set transaction isolation level serializable')), /25001|INTERNAL/),
  ],
  'a statement without a session': [
    'rows without a context',
    (lane) => fails(() => lane.database.client.$queryRaw`select 1`, /outside a session/),
  ],
  'a statement on the pool itself': [
    'rows without a context',
    (lane) => fails(async () => (lane.pool.query as () => unknown)(), /outside a session/),
  ],
  'a connection of the pool itself': [
    'rows without a context',
    (lane) => fails(() => lane.pool.connect(), /outside a session/),
  ],
  'a second transaction in one session': [
    'a context that nobody closes',
    (lane) =>
      fails(
        () => lane.run('alice', () => lane.database.client.$transaction(async () => 1)),
        /one transaction|INTERNAL/,
      ),
  ],
  'a statement that does not end': [
    'connections that are never free',
    (lane) => fails(() => lane.run('alice', raw('select pg_sleep(3)')), /TIMEOUT/),
  ],
  'a transaction that is held': [
    'connections that are never free',
    (lane) => fails(() => lane.run('alice', () => sleep(600)), /TIMEOUT/),
  ],
};

const secrets: DriverAttack = {
  ...pool,
  name: 'reading another request’s ticket where PostgreSQL shows what runs',
  rule: 'S2',
  gain: 'tickets, which open contexts for seconds',
  async run(lane, database) {
    const shown = await lane.run('alice', async (session) => {
      await note(session, 'attack');
      return asAdmin(database.adminUrl, async (client) => {
        const { rows } = await client.query<{ query: string }>(
          `select query from pg_stat_activity where application_name = 'bailiwick' and datname = current_database()
           union all select query from pg_stat_activity where pid = pg_backend_pid()`,
        );
        return rows.map(({ query }) => query).join();
      });
    });
    await asAdmin(database.adminUrl, (client) =>
      client.query(`delete from memories where content = 'attack'`),
    );
    return all(
      /insert into/i.test(shown) ? REFUSED : 'saw nothing at all',
      /t1\||token_expires_at|'attack'/.test(shown) ? `saw ${shown}` : REFUSED,
    );
  },
};

export const DRIVER: readonly DriverAttack[] = [
  ...leaving,
  ...Object.entries(handles).map(([name, run]): DriverAttack => ({ ...pool, name, rule: 'S4 S14', run })),
  ...Object.entries(statements).map(
    ([name, [gain, run]]): DriverAttack => ({ ...pool, name, gain, rule: 'S14 S11 P37', run }),
  ),
  secrets,
  {
    ...pool,
    control: true,
    name: 'requests take turns on one connection, and each sees its own',
    gain: 'nobody could use a pool',
    rule: 'S4',
    async run(lane) {
      const seen: string[][] = [];
      for (const who of ['alice', 'bob', 'mallory', 'alice'] as const) {
        seen.push(await lane.run(who, ownersSeen));
      }
      const expected = [[ACTORS.alice.id], [ACTORS.bob.id], [ACTORS.mallory.id], [ACTORS.alice.id]];
      return equal(seen, expected) === REFUSED ? ALLOWED : JSON.stringify(seen);
    },
  },
];
