// Prisma's schema engine in this process: applies the migrations, diagnoses their history and compares schemas.
//
// `prisma migrate deploy` downloads a native engine from Prisma's own host, which a machine behind a firewall cannot
// reach. The same engine is on the registry as WebAssembly and keeps the same `_prisma_migrations` table, so the two
// are interchangeable. It knows only the schema `public`; the kernel's schema `bailiwick` and the policies are
// invisible to it. It writes no migrations and repairs no history: that is a person's decision, and `diagnose` says
// what to decide.

import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DiffTarget, MigrationList, SchemaEngine } from '@prisma/schema-engine-wasm';
import type pg from 'pg';
import { PostureError } from '../errors.ts';
import { SCHEMA_LOCK } from './policies.ts';
import { MigrationConnections, noDatabase, SCHEMA, withEngine } from './schema-engine.ts';
import { withClient } from './with-client.ts';

/** The folder of the migrations in this package. */
export const MIGRATIONS_FOLDER = fileURLToPath(new URL('../../prisma/migrations', import.meta.url));

/** How long a starter waits for another one that is migrating. */
const MIGRATION_WAIT = '10min';
const NOTHING_EXTERNAL = { externalTables: [], externalEnums: [] };

type Migration = { readonly name: string; readonly script: string };

/** How the history in the database differs from the folder, by names of migrations. */
type History = {
  /** In the folder, not yet applied. */
  readonly pending: readonly string[];
  /** Applied, and changed in the folder since. */
  readonly edited: readonly string[];
  /** Applied, and not in the folder: the database is ahead of this code. */
  readonly missing: readonly string[];
  /** Begun and never finished. */
  readonly failed: readonly string[];
};

/**
 * Applies the migrations that are pending, each script as one simple-protocol message and therefore atomically.
 * Concurrent callers wait for each other. When nothing is pending the engine is not even loaded (a few milliseconds).
 *
 * @param url The database as the migrator.
 * @param options.migrationsDir Folder with one folder per migration, as Prisma lays them out.
 * @returns The names of the migrations applied by this call, oldest first.
 * @throws {PostureError} if an applied migration was edited, if one failed, now or earlier, or if there is something to
 *   apply on top of migrations that the folder does not have.
 */
export async function applyMigrations(
  url: string,
  { migrationsDir }: { migrationsDir: string },
): Promise<string[]> {
  const migrations = await readMigrations(migrationsDir);
  return await withClient(url, async (client) => {
    if (isCurrent(await readHistory(client, migrations))) {
      return [];
    }
    await client.query(`set lock_timeout = '${MIGRATION_WAIT}'`);
    await client.query('select pg_advisory_lock($1)', [SCHEMA_LOCK]);
    const history = await readHistory(client, migrations);
    if (isCurrent(history)) {
      return [];
    }
    refuseDivergence(history);
    return await withEngine(new MigrationConnections(url), async (engine) => {
      const { appliedMigrationNames } = await engine
        .applyMigrations({
          migrationsList: migrationList(migrationsDir, migrations),
          filters: NOTHING_EXTERNAL,
        })
        .catch((error: Error) => {
          throw new PostureError('A migration failed:', [failureIn(error.message)]);
        });
      return appliedMigrationNames;
    });
  });
}

/**
 * Compares the history in the database with the folder. Changes nothing.
 *
 * @returns One sentence per finding; none when every migration is applied as it stands in the folder.
 */
export async function diagnose(url: string, { migrationsDir }: { migrationsDir: string }): Promise<string[]> {
  const migrations = await readMigrations(migrationsDir);
  const history = await withClient(url, (client) => readHistory(client, migrations));
  return [
    ...history.pending.map((name) => `migration ${name} is not applied: run \`bailiwick migrate\``),
    ...findings(history),
  ];
}

/**
 * Compares schema.prisma, the migrations and the live database, the migrations by replaying them in a database of
 * their own, which the migrator creates and drops.
 *
 * @param url The database as the migrator.
 * @returns Two SQL scripts, empty when there is no drift: `schemaVsMigrations` is the migration that is still to be
 *   written, `migrationsVsDatabase` would take the database back to what its migrations say.
 */
export async function schemaDiff(
  url: string,
  { schema, migrationsDir }: { schema: string; migrationsDir: string },
): Promise<{ schemaVsMigrations: string; migrationsVsDatabase: string }> {
  const list = migrationList(migrationsDir, await readMigrations(migrationsDir));
  const migrations: DiffTarget = { tag: 'migrations', ...list };
  const target = await datamodel(schema);
  const database: DiffTarget = { ...target, tag: 'schemaDatasource', configDir: '' };
  return await withEngine(new MigrationConnections(url), async (engine) => ({
    schemaVsMigrations: await diff(engine, migrations, target),
    migrationsVsDatabase: await diff(engine, database, migrations),
  }));
}

/** The SQL that makes an empty database into what the Prisma schema at `schemaPath` says. Needs no database. */
export async function diffFromEmpty(schemaPath: string): Promise<string> {
  const target = await datamodel(schemaPath);
  return await withEngine(noDatabase(), (engine) => diff(engine, { tag: 'empty' }, target));
}

/** Which migration failed and what the database said, out of the engine's message with its stack of Rust functions. */
function failureIn(message: string): string {
  const name = /migration_name="([^"]+)"/.exec(message)?.[1];
  const reason = message
    .split(/\n\s+0: /)[0]
    ?.replace(/^external connector error\s+Error querying the database: /, '');
  return `${name === undefined ? '' : `migration ${name}: `}${reason?.trim()}`;
}

async function diff(engine: SchemaEngine, from: DiffTarget, to: DiffTarget): Promise<string> {
  const params = { from, to, script: true, exitCode: null, filters: NOTHING_EXTERNAL };
  const script = (await engine.diff(params)).stdout ?? '';
  return script.trim() === '-- This is an empty migration.' ? '' : script;
}

async function datamodel(path: string): Promise<Extract<DiffTarget, { tag: 'schemaDatamodel' }>> {
  return { tag: 'schemaDatamodel', files: [{ path: resolve(path), content: await readFile(path, 'utf8') }] };
}

async function readMigrations(migrationsDir: string): Promise<Migration[]> {
  const entries = await readdir(migrationsDir, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return await Promise.all(
    names.sort().map(async (name) => ({
      name,
      script: await readFile(join(migrationsDir, name, 'migration.sql'), 'utf8'),
    })),
  );
}

function migrationList(migrationsDir: string, migrations: readonly Migration[]): MigrationList {
  return {
    baseDir: resolve(migrationsDir),
    lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"\n' },
    shadowDbInitScript: '',
    migrationDirectories: migrations.map(({ name, script }) => ({
      path: name,
      migrationFile: { path: 'migration.sql', content: { tag: 'ok', value: script } },
    })),
  };
}

async function readHistory(client: pg.Client, migrations: readonly Migration[]): Promise<History> {
  const table = await client.query(`select to_regclass('${SCHEMA}._prisma_migrations') as oid`);
  const { rows } =
    table.rows[0].oid === null
      ? { rows: [] }
      : await client.query<{ name: string; checksum: string; finished: boolean }>(
          `select migration_name as name, checksum, finished_at is not null as finished
             from ${SCHEMA}._prisma_migrations where rolled_back_at is null order by started_at`,
        );
  const applied = new Map(rows.filter((row) => row.finished).map((row) => [row.name, row.checksum]));
  const failed = rows.filter((row) => !row.finished).map((row) => row.name);
  const onDisk = new Set(migrations.map(({ name }) => name));
  return {
    pending: [...onDisk].filter((name) => !applied.has(name) && !failed.includes(name)),
    edited: migrations
      .filter(({ name, script }) => isEdited(script, applied.get(name)))
      .map(({ name }) => name),
    missing: [...applied.keys()].filter((name) => !onDisk.has(name)),
    failed,
  };
}

/** Whether the script is another one than was applied. As for Prisma, other line endings are no edit. */
function isEdited(script: string, applied: string | undefined): boolean {
  const unix = script.replaceAll('\r\n', '\n');
  const checksums = [script, unix, unix.replaceAll('\n', '\r\n')].map((text) =>
    createHash('sha256').update(text).digest('hex'),
  );
  return applied !== undefined && !checksums.includes(applied);
}

/** A database that is ahead counts as current: during a rolling release the older server may still have to start. */
function isCurrent({ pending, edited, failed }: History): boolean {
  return pending.length + edited.length + failed.length === 0;
}

function refuseDivergence(history: History): void {
  const problems = findings(history);
  if (problems.length > 0) {
    throw new PostureError(
      'The migrations cannot be applied, the history of the database is another one:',
      problems,
    );
  }
}

function findings({ edited, missing, failed }: History): string[] {
  return [
    ...edited.map(
      (name) => `migration ${name} was edited after it was applied: restore the file, write a new one`,
    ),
    ...missing.map(
      (name) => `migration ${name} is applied but not in the folder: this code is older than the database`,
    ),
    ...failed.map(
      (name) =>
        `migration ${name} failed half-way: undo what it left behind, then \`prisma migrate resolve --rolled-back ${name}\``,
    ),
  ];
}
