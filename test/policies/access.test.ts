// ACCESS.txt is what a real database does, and no table is missing from it. `npm run access` writes the file anew.

import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { POLICY_FOLDER, readPolicies } from '../../src/db/policies.ts';
import { test } from '../kit/cast.ts';
import { arrange } from './arrangement.ts';
import { BLOCKS } from './attempts.ts';
import { printAccess, readGrants } from './matrix.ts';
import { probe } from './probe.ts';

const ACCESS = `${POLICY_FOLDER}ACCESS.txt`;

// Tables that no request ever names: the runtime role has no right to them at all, which is tested below.
const EXEMPT: Readonly<Record<string, string>> = {
  'bailiwick.context_key': 'keys of the sealed context',
  'bailiwick.events': 'what happened, of all tenants, for whoever listens',
  'bailiwick.key_rotations': 'when keys were replaced, which the operator does',
  'bailiwick.policy_state': 'checksum of the policies in force',
  'bailiwick.refresh_tokens': 'what refresh tokens stand for, of all tenants',
  'bailiwick.signing_keys': 'keys that sign our tokens',
  'bailiwick.spent': 'what may be used once',
  'public._prisma_migrations': 'history of the migrations',
};

const TABLES = `
  select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition and n.nspname not in ('pg_catalog', 'information_schema')
     and n.nspname not like 'pg\\_toast%'`;

test('no table escapes the matrix', async ({ migrate }) => {
  const known = [...Object.keys(EXEMPT), ...BLOCKS.map(({ table }) => `public.${table}`)];
  expect([...new Set(known)].sort()).toEqual(await migrate((sql) => sql.list(TABLES)));
});

test('no table is both in the matrix and exempt from it', () => {
  expect(BLOCKS.map(({ table }) => `public.${table}`).filter((table) => table in EXEMPT)).toEqual([]);
});

test('the runtime role has no right to an exempt table or to any of its columns', async ({ migrate }) => {
  for (const table of Object.keys(EXEMPT)) {
    const rights = await migrate((sql) =>
      sql.list(
        `select p from unnest(array['select', 'insert', 'update', 'references']) p
          where has_any_column_privilege('bailiwick_runtime', $1, p)
          union all select p from unnest(array['delete', 'truncate', 'trigger']) p
          where has_table_privilege('bailiwick_runtime', $1, p)`,
        [table],
      ),
    );
    expect(rights, table).toEqual([]);
  }
});

// thousands of attempts, each in a transaction of its own
test('ACCESS.txt says what the database does', { timeout: 120_000 }, async ({ database, migrate }) => {
  await migrate(arrange);
  const printed = printAccess(await probe(database), await migrate(readGrants), readPolicies());
  expect(printed.match(/ \?( |$)/gm), 'outcomes without a mark').toBeNull();
  if (process.env.ACCESS === 'write') {
    await writeFile(fileURLToPath(new URL(`file://${ACCESS}`)), printed);
  }
  const checkedIn = await readFile(ACCESS, 'utf8').catch(() => '');
  expect(checkedIn, 'access has changed: run `npm run access`, then read the difference aloud').toBe(printed);
});
