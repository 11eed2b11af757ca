// A pooler that is set up otherwise than it is said to be: refused before anything is served, in words that say what to do.
//
// Each is a real PgBouncer, wrong on purpose. Skipped where it is not installed.

import { beforeEach, expect } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { openDatabase } from '../../src/db/connect.ts';
import { poolerOf } from '../../src/db/pooler.ts';
import { inspectWays } from '../../src/db/posture/connections.ts';
import { inspectPosture } from '../../src/db/posture.ts';
import { expectIsolated, openLane } from '../db/lane.ts';
import { test } from '../kit/cast.ts';
import { findPgBouncer, knowsNames } from './pooling-server.ts';
import { pooled } from './pooling-stage.ts';

const found = await findPgBouncer();
beforeEach(({ skip }) => skip(found === undefined, 'pgbouncer is not installed: apt-get install pgbouncer'));

test('a pooler is announced together with the way past it, and the URL says so from then on', async () => {
  const urls = { DATABASE_URL: 'postgresql://r@p:6432/d', MIGRATION_DATABASE_URL: 'postgresql://m@h/d' };
  const pooler = { DATABASE_POOLER: 'transaction-prepared', DIRECT_DATABASE_URL: 'postgresql://r@h/d' };
  const refused = (env: Record<string, string>) => expect(() => readConfig(env));
  refused({ ...urls, DATABASE_POOLER: 'transaction' }).toThrow('DATABASE_POOLER needs DIRECT_DATABASE_URL');
  refused({ ...urls, ...pooler, DATABASE_POOLER: 'statement' }).toThrow('must be transaction');
  refused(pooler).toThrow('DATABASE_POOLER needs DATABASE_URL');
  refused({ REPLICA_DATABASE_URL: 'postgresql://r@s/d' }).toThrow('REPLICA_DATABASE_URL needs DATABASE_URL');
  const opened = await openDatabase(readConfig({ ...urls, ...pooler }), { mode: 'serve' });
  expect([poolerOf(opened.runtimeUrl), poolerOf(opened.directUrl)]).toEqual([
    'transaction-prepared',
    undefined,
  ]);
  expect(opened.directUrl).toBe(pooler.DIRECT_DATABASE_URL);
  const plain = await openDatabase(readConfig(urls), { mode: 'serve' });
  expect([plain.runtimeUrl, plain.directUrl]).toEqual([urls.DATABASE_URL, urls.DATABASE_URL]);
});

test('a pooler that nobody announced is refused at the start, whether it refuses limits or drops them', async ({
  database,
}) => {
  for (const ignored of [
    'extra_float_digits',
    'statement_timeout,idle_in_transaction_session_timeout,options',
  ]) {
    const { url } = await pooled(database, { ignore_startup_parameters: ignored });
    const unannounced = new URL(url);
    unannounced.searchParams.delete('pooler');
    expect(poolerOf(unannounced.href)).toBeUndefined();
    const findings = await inspectPosture({ ...database, runtimeUrl: unannounced.href });
    expect(findings.map(({ check, level }) => [check, level])).toEqual([['pooler-unannounced', 'refuse']]);
  }
});

test('a pooler that lends by statements is refused at the start', async ({ database }) => {
  const { url } = await pooled(database, { pool_mode: 'statement' });
  const findings = await inspectPosture({ ...database, runtimeUrl: url });
  expect(findings.map(({ check, level }) => [check, level])).toEqual([['pooler-mode', 'refuse']]);
  expect(findings[0]?.message).toContain('set its pool_mode to transaction');
});

test('a pooler that is said to know names and does not is refused at the start', async ({ database }) => {
  const settings = knowsNames(found?.version ?? '') ? { max_prepared_statements: 0 } : {};
  const { url } = await pooled(database, settings, 'transaction-prepared');
  // the second time the name may be there from the first
  for (const _ of [1, 2]) {
    const findings = await inspectPosture({ ...database, runtimeUrl: url });
    expect(findings.map(({ check, level }) => [check, level])).toEqual([['pooler-names', 'refuse']]);
  }
});

test('what must be direct and is not is refused at the start', async ({ database }) => {
  const { url, migratorUrl } = await pooled(database, { default_pool_size: 2 });
  const ways = await inspectWays({ migratorUrl, runtimeUrl: url, directUrl: url });
  expect(ways.map(({ check, subject, level }) => [check, subject, level])).toEqual([
    ['direct-connection', 'MIGRATION_DATABASE_URL', 'refuse'],
    ['direct-connection', 'DIRECT_DATABASE_URL', 'refuse'],
  ]);
});

test('a pooler that lends by transactions or by sessions has no finding', async ({ database }) => {
  for (const pool_mode of ['transaction', 'session']) {
    const { url } = await pooled(database, { pool_mode, default_pool_size: 5 });
    expect(await inspectWays({ ...database, runtimeUrl: url })).toEqual([]);
    const ours = (await inspectPosture({ ...database, runtimeUrl: url })).filter(
      ({ level }) => level === 'refuse',
    );
    expect(ours).toEqual([]);
    await expectIsolated(await openLane(database, { url }));
  }
});
