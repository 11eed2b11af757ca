// Ready for Citus: every table has its place, keys stay within tenants, and what the server sends enters every table by the tenant. The
// catalog is that of the test's own database, so this holds with every run; citus-cluster.test.ts tries a real cluster.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { distribute } from '../../src/db/citus.ts';
import { DISTRIBUTION_COLUMN, PLACEMENTS, placed, WITHIN_TENANT } from '../../src/db/citus-tables.ts';
import { test } from '../kit/cast.ts';

const GOLDEN = fileURLToPath(new URL('../assurance/plans/golden/', import.meta.url));

/** Ours but for partitions, which are where their table is. */
const TABLES = `
  select n.nspname || '.' || c.relname as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where n.nspname in ('public', 'bailiwick') and c.relkind in ('r', 'p') and not c.relispartition`;

test('every table has a place on a cluster, and every place a table', async ({ migrate }) => {
  expect(await migrate((sql) => sql.list(TABLES))).toEqual(Object.keys(PLACEMENTS).sort());
});

test('a distributed table says of every row which tenant it is of, always in the same type', async ({
  migrate,
}) => {
  const columns = await migrate((sql) =>
    sql.list(
      `select attrelid::regclass || ' ' || format_type(atttypid, atttypmod) || ' ' || attnotnull
         from pg_attribute where attname = $1 and attrelid = any ($2::regclass[])`,
      [DISTRIBUTION_COLUMN, placed('distributed')],
    ),
  );
  const wanted = placed('distributed').map((table) => `${table.replace('public.', '')} uuid true`);
  expect(columns).toEqual(wanted.sort());
});

test('what is unique in a distributed table is unique within its tenant, but for what a cluster makes so', async ({
  migrate,
}) => {
  const over = await migrate((sql) =>
    sql.list(
      `select i.indexrelid::regclass::text
         from pg_index i
        where i.indisunique and i.indrelid = any ($2::regclass[])
          and not exists (select from pg_attribute a
                           where a.attrelid = i.indrelid and a.attname = $1 and a.attnum = any (i.indkey::int2[]))`,
      [DISTRIBUTION_COLUMN, placed('distributed')],
    ),
  );
  expect(over).toEqual(Object.keys(WITHIN_TENANT).sort());
  for (const { columns } of Object.values(WITHIN_TENANT)) {
    expect(columns).toContain(DISTRIBUTION_COLUMN);
  }
});

test('a foreign key of a distributed table leads to the same tenant, or to a table that is everywhere', async ({
  migrate,
}) => {
  const keys = await migrate((sql) =>
    sql.rows<{ name: string; from: string; to: string; within: boolean }>(
      `select c.conname as name, f.nspname || '.' || t.relname as "from", g.nspname || '.' || r.relname as "to",
              exists (
                select from unnest(c.conkey, c.confkey) k (own, other)
                  join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.own and a.attname = $1
                  join pg_attribute b on b.attrelid = c.confrelid and b.attnum = k.other and b.attname = $1) as within
         from pg_constraint c
         join pg_class t on t.oid = c.conrelid join pg_namespace f on f.oid = t.relnamespace
         join pg_class r on r.oid = c.confrelid join pg_namespace g on g.oid = r.relnamespace
        where c.contype = 'f' and c.conparentid = 0 and f.nspname in ('public', 'bailiwick')`,
      [DISTRIBUTION_COLUMN],
    ),
  );
  expect(keys.length).toBeGreaterThan(20);
  const kind = (table: string) => PLACEMENTS[table]?.kind;
  const astray = keys.filter(({ from, to, within }) =>
    kind(from) === 'distributed'
      ? !(kind(to) === 'distributed' && within) && kind(to) !== 'reference'
      : kind(from) !== kind(to),
  );
  expect(astray).toEqual([]);
});

test('no trigger of ours stands on a distributed table: Citus has none there', async ({ migrate }) => {
  const triggers = await migrate((sql) =>
    sql.list('select tgname from pg_trigger where not tgisinternal and tgrelid = any ($1::regclass[])', [
      placed('distributed'),
    ]),
  );
  expect(triggers).toEqual([]);
});

test('what the server sends enters every index of a distributed table by the tenant', () => {
  // the plans that the instrument of plans has seen carried out: each scan, and the columns by which it was entered
  const scans = readdirSync(GOLDEN).flatMap((file) =>
    [
      ...readFileSync(`${GOLDEN}${file}`, 'utf8').matchAll(
        /(?:Index Scan|Index Only Scan)(?: Backward)? (\w+) .*/g,
      ),
    ].map(([scan, table]) => ({ table: table ?? '', scan })),
  );
  expect(scans.length).toBeGreaterThan(500);
  const distributed = new Set(placed('distributed').map((name) => name.replace('public.', '')));
  const known = scans.filter(({ table }) => distributed.has(table) || distributed.has(tableOf(table)));
  expect(known.length).toBeGreaterThan(500);
  expect(known.filter(({ scan }) => !scan.includes(` at ${DISTRIBUTION_COLUMN}`))).toEqual([]);
});

test('a database without Citus is not distributed, and is told so', async ({ database }) => {
  const told: string[] = [];
  await expect(distribute(database.migratorUrl, { shards: 4 }, (line) => told.push(line))).rejects.toThrow(
    'the extension citus is not installed in it',
  );
  expect(told).toEqual([]);
});

/** A partition's table. */
function tableOf(name: string): string {
  return name.replace(/_(?:\d{4}_\d\d|past|other)$/, '');
}
