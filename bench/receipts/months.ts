// What receipts of reading would cost if their table were cut into months by day: pages, look-ups by id, and counting, in the table as it
// is and in the same cut into 13 and into 25 months, in turns.
//
//   node bench/receipts/months.ts [--rows 1000000] [--rounds 200]
//
// An embedded PostgreSQL in a temporary folder, without row security and without a server: what is compared is the work of PostgreSQL, for
// statements that are planned once and for such that are planned each time. Figures are medians, so compare within one run. Nothing of it
// is in use: docs/scale/growth-of-tables.md says why.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { startEmbedded } from '../../src/db/embedded.ts';
import { applyMigrations, MIGRATIONS_FOLDER } from '../../src/db/engine.ts';
import { makeFolder } from '../comparison/stage.ts';

const { values } = parseArgs({ options: { rows: { type: 'string' }, rounds: { type: 'string' } } });
const rows = Number(values.rows ?? 1_000_000);
const rounds = Number(values.rounds ?? 200);

const folder = await makeFolder();
const server = await startEmbedded({ dataDir: join(folder, 'data'), log: () => undefined, durable: false });

const TABLES = { whole: 0, 'months of 13': 13, 'months of 25': 25 } as const;
const nameOf = (months: number) => (months === 0 ? 'whole' : `months_${months}`);
const INDEXES = ['owner_id, id', 'owner_id, agent_id, id', 'owner_id, row_id, id', 'day', 'agent_id'];
const ID = (moment: string) =>
  `(lpad(to_hex(floor(extract(epoch from ${moment}) * 1000)::bigint), 12, '0') || '7' || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid`;
const NUMBERED = (kind: string, n: string) =>
  `(rpad('${kind}', 8, '0') || '-0000-7000-8000-' || lpad((${n})::text, 12, '0'))::uuid`;

/** One tenant, 500 owners of whom one has half, four agents each; a year of days, or two. */
async function fill(client: pg.Client, months: number): Promise<void> {
  const name = nameOf(months);
  if (months === 0) {
    await client.query(`create table ${name} (like access_receipts including all)`);
  } else {
    await client.query(`create table ${name} (like access_receipts including defaults including constraints) partition by range (day);
      alter table ${name} add primary key (tenant_id, id, day)`);
    for (let back = 0; back < months; back += 1) {
      await client.query(`do $$ begin
        execute format('create table ${name}_${back} partition of ${name} for values from (%L) to (%L)',
          (date_trunc('month', now()) - interval '${back} months')::date, (date_trunc('month', now()) - interval '${back - 1} months')::date);
      end $$`);
    }
    await client.query(
      `create unique index on ${name} (tenant_id, owner_id, day, agent_id, operation, kind, row_id)`,
    );
    for (const columns of INDEXES) {
      await client.query(`create index on ${name} (tenant_id, ${columns})`);
    }
  }
  const days = `(extract(day from now()) - 1 + ${(months || 13) - 1} * 28)`;
  await client.query(
    `insert into ${name} (tenant_id, id, owner_id, agent_id, day, operation, kind, row_id, times, first_at, last_at, delegation_id, request_id)
     select ${NUMBERED('aaaa', '0')}, ${ID('x.at')}, ${NUMBERED('bbbb', 'x.owner')}, ${NUMBERED('cccc', 'x.owner * 4 + x.n % 4')},
            x.at::date, 'memories', 'Memory', ${NUMBERED('dddd', 'x.owner * 10000 + x.n % 2000')}, 1, x.at, x.at, ${NUMBERED('eeee', '0')}, ${NUMBERED('ffff', '0')}
       from (select n, now() - (1 - n::float / $1) * ${days} * interval '1 day' as at, case when n % 2 = 0 then 0 else 1 + n / 2 % 499 end as owner
               from generate_series(1, $1::int) n) x
     on conflict do nothing`,
    [rows],
  );
  await client.query(`vacuum analyze ${name}`);
}

type Asked = { readonly text: (table: string) => string; readonly values: (n: number) => readonly unknown[] };
const tenant = 'aaaa0000-0000-7000-8000-000000000000';
const numbered = (kind: string, n: number) => `${kind}0000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const page = (where: string, values: Asked['values']): Asked => ({
  text: (table) => `select * from ${table} where tenant_id = $1 ${where} order by id desc limit 21`,
  values,
});
const ids = new Map<string, string[]>();
const ASKED: Readonly<Record<string, Asked>> = {
  'first page, the owner of half': page('and owner_id = $2', () => [tenant, numbered('bbbb', 0)]),
  'first page, another owner': page('and owner_id = $2', (n) => [tenant, numbered('bbbb', 1 + (n % 499))]),
  'a page from half of it on': page('and owner_id = $2 and id < $3', () => [
    tenant,
    numbered('bbbb', 0),
    '$middle',
  ]),
  'first page of an agent': page('and owner_id = $2 and agent_id = $3', (n) => [
    ...[tenant, numbered('bbbb', 1 + (n % 499)), numbered('cccc', (1 + (n % 499)) * 4 + 1)],
  ]),
  'who has read a row': page('and owner_id = $2 and row_id = $3', (n) => [
    ...[tenant, numbered('bbbb', 0), numbered('dddd', (n * 2) % 2000)],
  ]),
  'one by its id': {
    text: (table) => `select * from ${table} where tenant_id = $1 and id = $2`,
    values: () => [tenant, '$id'],
  },
  'twenty rows counted': {
    text: (
      table,
    ) => `insert into ${table} as t (tenant_id, id, owner_id, agent_id, day, operation, kind, row_id, times, first_at, last_at, delegation_id, request_id)
      select $1, ${ID('clock_timestamp()')}, $2, $3, (statement_timestamp() at time zone 'UTC')::date, 'memories', 'Memory',
             (rpad('dddd', 8, '0') || '-0000-7000-8000-' || lpad(($4::int + n)::text, 12, '0'))::uuid, 1, now(), now(), $1, $1
        from generate_series(1, 20) n
      on conflict (tenant_id, owner_id, day, agent_id, operation, kind, row_id) do update
        set times = t.times + excluded.times, last_at = excluded.last_at, delegation_id = excluded.delegation_id, request_id = excluded.request_id`,
    // every second time what is there already
    values: (n) => [tenant, numbered('bbbb', 7), numbered('cccc', 29), 1_000_000 + (n >> 1) * 20],
  },
};

const median = (some: readonly number[]): number =>
  some.toSorted((a, b) => a - b)[Math.floor(some.length / 2)] ?? 0;

/** One statement of each table in turns; milliseconds in the middle. */
async function ask(clients: readonly pg.Client[], what: string, asked: Asked): Promise<number[]> {
  const tables = Object.values(TABLES).map(nameOf);
  const times = tables.map((): number[] => []);
  for (let round = 0; round < rounds + 10; round += 1) {
    for (const [at, table] of tables.entries()) {
      const known = ids.get(table) ?? [];
      const given = asked
        .values(round)
        .map((value) =>
          value === '$middle'
            ? known[Math.floor(known.length / 2)]
            : value === '$id'
              ? known[(round * 37) % known.length]
              : value,
        );
      const began = performance.now();
      await clients[at]?.query({ name: what, text: asked.text(table), values: given });
      // the first rounds are for warming up
      if (round >= 10) {
        times[at]?.push(performance.now() - began);
      }
    }
  }
  return times.map(median);
}

try {
  await applyMigrations(server.migratorUrl, { migrationsDir: MIGRATIONS_FOLDER });
  const clients = await Promise.all(
    Object.values(TABLES).map(async () => {
      const client = new pg.Client(server.migratorUrl);
      await client.connect();
      return client;
    }),
  );
  for (const [at, months] of Object.values(TABLES).entries()) {
    await fill(clients[at] as pg.Client, months);
    const { rows: some } = await (clients[at] as pg.Client).query<{ id: string }>(
      `select id from ${nameOf(months)} where owner_id = $1 order by id`,
      [numbered('bbbb', 0)],
    );
    ids.set(
      nameOf(months),
      some.filter((_, n) => n % 499 === 0).map(({ id }) => id),
    );
  }
  for (const mode of ['force_generic_plan', 'force_custom_plan']) {
    process.stdout.write(
      `\n| ${mode === 'force_generic_plan' ? 'Planned once' : 'Planned each time'} | ${Object.keys(TABLES).join(': ms | ')}: ms | to whole |\n| --- | --- | --- | --- | --- |\n`,
    );
    for (const client of clients) {
      await client.query(`set plan_cache_mode = ${mode}`);
    }
    for (const [what, asked] of Object.entries(ASKED)) {
      const times = await ask(clients, `${mode} ${what}`.slice(0, 60), asked);
      const ratios = times.slice(1).map((time) => (time / (times[0] ?? 1)).toFixed(2));
      process.stdout.write(
        `| ${what} | ${times.map((time) => time.toFixed(2)).join(' | ')} | ${ratios.join(', ')} |\n`,
      );
    }
  }
  await Promise.all(clients.map((client) => client.end()));
} finally {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}
