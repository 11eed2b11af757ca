// Migrations against a real server: applied once whoever applies them, in a history that is Prisma's own, and
// compared with schema.prisma and with the live database. The last tests are about this project's migrations, the
// others about made-up ones.

import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, inject, onTestFinished, test } from 'vitest';
import { applyMigrations, diagnose, diffFromEmpty, schemaDiff } from '../../src/db/engine.ts';
import { PostureError } from '../../src/errors.ts';
import { asAdmin, createTestDatabase, testUrl } from '../kit/database.ts';

const SCHEMA = fileURLToPath(new URL('../../schema.prisma', import.meta.url));
const MIGRATIONS = fileURLToPath(new URL('../../prisma/migrations', import.meta.url));
/** A body with semicolons, which Prisma's adapter would cut into pieces. */
const FUNCTION =
  'create function twice(n int) returns int language plpgsql as $$ begin n := n; return n * 2; end; $$;\n';

test('migrations are applied once, in order, and a second call applies nothing', async () => {
  const url = await emptyDatabase();
  const migrationsDir = folder({
    '2_function': FUNCTION,
    '1_table': 'create table a (id int primary key);\n',
  });
  expect(await applyMigrations(url, { migrationsDir })).toEqual(['1_table', '2_function']);
  expect(await applyMigrations(url, { migrationsDir })).toEqual([]);
  expect(await rows(url, 'select twice(21)')).toEqual([{ twice: 42 }]);
});

test('of two servers that start at once one applies and the other waits', async () => {
  const url = await emptyDatabase();
  const migrationsDir = folder({ '1_slow': 'create table a (id int); select pg_sleep(0.2);\n' });
  const applied = await Promise.all([1, 2, 3].map(() => applyMigrations(url, { migrationsDir })));
  expect(applied.flat()).toEqual(['1_slow']);
});

test('the history is the one that Prisma keeps', async () => {
  const url = await emptyDatabase();
  await applyMigrations(url, { migrationsDir: folder({ '1_function': FUNCTION }) });
  const history = await rows(
    url,
    'select migration_name, checksum, applied_steps_count from _prisma_migrations',
  );
  const checksum = createHash('sha256').update(FUNCTION).digest('hex');
  expect(history).toEqual([{ migration_name: '1_function', checksum, applied_steps_count: 1 }]);
});

test('a migration edited after it was applied is found, and nothing is applied on top of it', async () => {
  const url = await emptyDatabase();
  const migrationsDir = folder({ '1_function': FUNCTION });
  await applyMigrations(url, { migrationsDir });
  write(migrationsDir, '1_function', `${FUNCTION}-- harmless, surely\n`);
  write(migrationsDir, '2_more', 'create table more ();\n');
  expect(await diagnose(url, { migrationsDir })).toEqual([
    expect.stringContaining('2_more is not applied'),
    expect.stringContaining('1_function was edited'),
  ]);
  await expect(applyMigrations(url, { migrationsDir })).rejects.toThrow('1_function was edited');
  expect(await rows(url, "select to_regclass('more') as more")).toEqual([{ more: null }]);
});

test('other line endings are no edit', async () => {
  const url = await emptyDatabase();
  const migrationsDir = folder({ '1_function': FUNCTION });
  await applyMigrations(url, { migrationsDir });
  write(migrationsDir, '1_function', FUNCTION.replaceAll('\n', '\r\n'));
  expect(await diagnose(url, { migrationsDir })).toEqual([]);
});

test('an older server may start on a newer database, but not migrate it', async () => {
  const url = await emptyDatabase();
  await applyMigrations(url, { migrationsDir: folder({ '1_a': 'select 1;', '2_b': 'select 2;' }) });
  const older = folder({ '1_a': 'select 1;' });
  expect(await applyMigrations(url, { migrationsDir: older })).toEqual([]);
  expect(await diagnose(url, { migrationsDir: older })).toEqual([
    expect.stringContaining('2_b is applied but not in'),
  ]);
  write(older, '3_c', 'select 3;');
  await expect(applyMigrations(url, { migrationsDir: older })).rejects.toThrow('2_b is applied but not in');
});

test('a migration that fails leaves nothing behind, says why, and stops later ones', async () => {
  const url = await emptyDatabase();
  const migrationsDir = folder({ '1_bad': 'create table half (); select 1/0;\n' });
  const failure = applyMigrations(url, { migrationsDir });
  await expect(failure).rejects.toThrow(PostureError);
  await expect(failure).rejects.toThrow('migration 1_bad: ERROR: division by zero');
  expect(await rows(url, "select to_regclass('half') as half")).toEqual([{ half: null }]);
  expect(await diagnose(url, { migrationsDir })).toEqual([expect.stringContaining('1_bad failed')]);
  await expect(applyMigrations(url, { migrationsDir })).rejects.toThrow('1_bad failed');
});

test('the SQL for an empty database needs no database', async () => {
  const schema = join(folder({}), 'schema.prisma');
  writeFileSync(schema, 'datasource db {\n  provider = "postgresql"\n}\nmodel Thing {\n  id Int @id\n}\n');
  expect(await diffFromEmpty(schema)).toContain('CREATE TABLE "Thing"');
});

test('schema.prisma, the migrations and a live database with policies agree', async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  expect(await diagnose(database.migratorUrl, { migrationsDir: MIGRATIONS })).toEqual([]);
  const drift = await schemaDiff(database.migratorUrl, { schema: SCHEMA, migrationsDir: MIGRATIONS });
  expect(drift).toEqual({ schemaVsMigrations: '', migrationsVsDatabase: '' });
});

test('what somebody changed by hand is found, with the SQL that takes it back, and no database is left behind', async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  await rows(database.migratorUrl, 'alter table users add column backdoor text');
  const drift = await schemaDiff(database.migratorUrl, { schema: SCHEMA, migrationsDir: MIGRATIONS });
  expect(drift.migrationsVsDatabase).toContain('"users" DROP COLUMN "backdoor"');
  const left = "select datname from pg_database where datname like 'prisma_migrate_shadow%'";
  expect(await rows(database.migratorUrl, left)).toEqual([]);
});

/** A database without anything in it, owned by the migrator; its URL as the migrator. */
async function emptyDatabase(): Promise<string> {
  const { adminUrl, run } = inject('testServer');
  const name = `bailiwick_test_${run}_${randomBytes(4).toString('hex')}`;
  await rows(adminUrl, `create database ${name} owner bailiwick_migrator`);
  onTestFinished(async () => {
    await rows(adminUrl, `drop database ${name}`);
  });
  return testUrl(adminUrl, name, 'migrator');
}

function folder(migrations: Readonly<Record<string, string>>): string {
  const path = mkdtempSync(join(tmpdir(), 'bailiwick-migrations-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  for (const [name, script] of Object.entries(migrations)) {
    write(path, name, script);
  }
  return path;
}

function write(migrationsDir: string, name: string, script: string): void {
  const file = join(migrationsDir, name, 'migration.sql');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, script);
}

async function rows(url: string, sql: string): Promise<unknown[]> {
  return await asAdmin(url, async (client) => (await client.query(sql)).rows);
}
