// The library through PgBouncer: sessions of an application whose pool leads through a pooler, on one backend for all of them.
//
// What an application names, and what it would leave behind, is what differs. Skipped where PgBouncer is not installed.

import type pg from 'pg';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { withSession } from '../../src/library/bailiwick.ts';
import { ANN, BEN, ids, ORDERS, openShop } from '../library/shop.ts';
import { askConsole, findPgBouncer, startPgBouncer } from './pooling-server.ts';

const found = await findPgBouncer();
beforeEach(({ skip }) => skip(found === undefined, 'pgbouncer is not installed: apt-get install pgbouncer'));

const shop = openShop();

/** Pools of the application's whose connections all lead to one backend. */
async function pooledShop() {
  const { key, url: directUrl, pool } = shop();
  const url = new URL(directUrl);
  const bouncer = await startPgBouncer({
    target: directUrl,
    passwords: { [decodeURIComponent(url.username)]: decodeURIComponent(url.password) },
    settings: { default_pool_size: 1 },
  });
  onTestFinished(() => bouncer.stop());
  const through = bouncer.through(directUrl, 'transaction');
  return {
    key,
    pool: (): pg.Pool => pool({ connectionString: through, max: 4 }),
    backends: async () =>
      (await askConsole(bouncer.consoleUrl, 'show servers')).map(({ remote_pid }) => remote_pid),
  };
}

test('statements that the application names do not meet under their names', async () => {
  const { key, pool } = await pooledShop();
  const one = pool();
  const asked = Array.from({ length: 20 }, (_, n) => {
    const user = n % 2 === 0 ? ANN : BEN;
    return withSession(
      one,
      { user },
      async (client) => {
        // one name, and another text in each connection's life
        const { rows } = await client.query<{ n: number }>({
          name: 'mine',
          text: `select ${n}::int as n where $1`,
          values: [true],
        });
        return [rows[0]?.n, await ids(client)];
      },
      { key, pooler: 'transaction' },
    );
  });
  expect(await Promise.all(asked)).toEqual(asked.map((_, n) => [n, n % 2 === 0 ? ORDERS.ann : ORDERS.ben]));
});

test('a session that would leave something on the backend is not kept, and the backend goes with it', async () => {
  const { key, pool, backends } = await pooledShop();
  const one = pool();
  for (const leave of [
    'create temporary table left_behind as select 1 as n',
    // in a function's body no driver and no library reads it
    `do $$ begin execute 'prepare left_behind as select 1'; end $$`,
  ]) {
    await withSession(one, { user: ANN }, ids, { key, pooler: 'transaction' });
    const [before] = await backends();
    const left = withSession(one, { user: ANN }, (client) => client.query(leave), {
      key,
      pooler: 'transaction',
    });
    await expect(left).rejects.toThrow('nothing was kept');
    expect(await withSession(one, { user: BEN }, ids, { key, pooler: 'transaction' })).toEqual(ORDERS.ben);
    expect(await backends()).not.toContain(before);
  }
});
