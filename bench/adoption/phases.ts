// What each phase of adoption costs an application: the same statements on four copies of one table, of which one is not adopted and the
// others are owned, in shadow and strict; as old code without a session, and in a session.
//
//   node bench/adoption/phases.ts [--rows 200000] [--rounds 30]
//
// An embedded PostgreSQL in a temporary folder. In each round every statement runs once on each copy; the figures are medians in
// milliseconds, so compare within one run.

import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { backfill } from '../../src/adoption/backfill.ts';
import type { Adoption } from '../../src/adoption/declaration.ts';
import { Expressions } from '../../src/adoption/expressions.ts';
import { type Adopting, beginAdopting, install } from '../../src/adoption/installation.ts';
import { takeInventory } from '../../src/adoption/inventory.ts';
import { changePhase } from '../../src/adoption/shadow.ts';
import { PATIENCE } from '../../src/adoption/steps.ts';
import { readConfig } from '../../src/config.ts';
import { openDatabase } from '../../src/db/connect.ts';
import { withSession } from '../../src/library/bailiwick.ts';

const { values } = parseArgs({ options: { rows: { type: 'string' }, rounds: { type: 'string' } } });
const rows = Number(values.rows ?? 200_000);
const rounds = Number(values.rounds ?? 30);
const OWNERS = 1000;
const COPIES = ['plain', 'owned', 'shadow', 'strict'] as const;

const folder = await mkdtemp(join(tmpdir(), 'bailiwick-bench-'));
// for root the database runs as another user, who must be able to pass through
await chmod(folder, 0o711);
const connection = await openDatabase(
  readConfig({ DATA_DIR: join(folder, 'data'), MODE: 'development', LOG_LEVEL: 'silent' }),
  { mode: 'serve' },
);

async function as<Result>(url: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const say = (line: string) => process.stdout.write(`${line}\n`);
const median = (some: number[]): number => some.sort((a, b) => a - b)[Math.floor(some.length / 2)] ?? 0;

try {
  const admin = connection.superuserUrl as string;
  const url = new URL(admin);
  url.pathname = '/bench';
  await as(admin, (client) => client.query('create database bench'));
  const password = randomBytes(8).toString('hex');
  await as(url.href, async (client) => {
    await client.query(
      `create role bench_app login password '${password}'; grant create, usage on schema public to bench_app`,
    );
    await client.query('create table users (id int primary key)');
    await client.query(`insert into users select generate_series(1, ${OWNERS})`);
    for (const copy of COPIES) {
      await client.query(
        `create table ${copy} (id int primary key, user_id int not null references users, body text not null);
         insert into ${copy} select n, 1 + n % ${OWNERS}, 'a line of text of ' || n from generate_series(1, ${rows}) n;
         create index on ${copy} (user_id)`,
      );
    }
    await client.query('grant all on all tables in schema public to bench_app');
  });
  const secret = randomBytes(32);
  const thing = { kind: 'thing', owner: 'user_id' };
  const adoption = {
    tenants: { constant: 'all' },
    users: { table: 'users' },
    roles: ['bench_app'],
    tables: { owned: thing, shadow: thing, strict: thing },
  } satisfies Adoption;
  await as(url.href, async (client) => {
    await beginAdopting(client);
    const inventory = await takeInventory(client, 'public');
    const work: Adopting = {
      client,
      adoption,
      inventory,
      expressions: new Expressions(inventory),
      patience: PATIENCE,
      told: () => undefined,
    };
    await install(work, secret, folder);
    const began = performance.now();
    await backfill(work, undefined, { batch: 1000, pauseMs: 0 });
    const seconds = (performance.now() - began) / 1000;
    say(
      `backfill of ${3 * rows} rows without rests: ${seconds.toFixed(1)} s, ${Math.round((3 * rows) / seconds)} rows a second\n`,
    );
    await changePhase(work, 'shadow', 'shadow');
    await changePhase(work, 'strict', 'shadow');
    await changePhase(work, 'strict', 'strict');
    await client.query('vacuum analyze');
  });

  const application = new URL(url);
  application.username = 'bench_app';
  application.password = password;
  const pool = new pg.Pool({ connectionString: application.href, max: 1 });
  let next = rows;
  const STATEMENTS: readonly [what: string, session: boolean, sql: (table: string) => string][] = [
    ['one row by its key, no session', false, (table) => `select * from ${table} where id = 4711`],
    [
      `${rows / OWNERS} rows of one owner, no session`,
      false,
      (table) => `select * from ${table} where user_id = 7`,
    ],
    ['all rows, no session', false, (table) => `select count(body) from ${table}`],
    ['a new row, no session', false, (table) => `insert into ${table} values (${++next}, 7, 'new')`],
    [
      `${rows / OWNERS} rows of one owner, in a session`,
      true,
      (table) => `select * from ${table} where user_id = 7`,
    ],
    ['all rows, in a session', true, (table) => `select count(body) from ${table}`],
    ['a new row, in a session', true, (table) => `insert into ${table} values (${++next}, 7, 'new')`],
  ];
  say(['median of ms'.padEnd(44), ...COPIES.map((copy) => copy.padStart(9)), 'shadow / owned'].join(' '));
  for (const [what, session, sql] of STATEMENTS) {
    const took: Record<string, number[]> = {};
    for (let round = 0; round < rounds; round += 1) {
      for (const copy of COPIES) {
        const text = sql(copy);
        const began = performance.now();
        if (session) {
          await withSession(pool, { user: 7 }, (client) => client.query(text), { key: secret });
        } else if (!(copy === 'strict' && text.startsWith('insert'))) {
          // which is refused there
          await pool.query(text);
        }
        took[copy] = [...(took[copy] ?? []), performance.now() - began];
      }
    }
    const medians = COPIES.map((copy) => median(took[copy] ?? []));
    say(
      [
        what.padEnd(44),
        ...medians.map((ms) => ms.toFixed(3).padStart(9)),
        ((medians[2] ?? 0) / (medians[1] ?? 1)).toFixed(2).padStart(14),
      ].join(' '),
    );
  }
  await pool.end();
} finally {
  await connection.stop();
  await rm(folder, { recursive: true });
}
