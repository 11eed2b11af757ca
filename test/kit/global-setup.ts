// Once per run: chooses a PostgreSQL server, and makes on it the template that every test file clones.
//
// The server is the one of TEST_DATABASE_URL (an administrator's URL); or else a container, if a Docker engine
// answers and already has the image, because nothing is ever pulled; or else the embedded one, in a temporary folder
// and without safety for its data. With TEST_POOLER a PgBouncer stands in front of it for what the runtime role does. What the
// run started is stopped and removed when it ends, also when it fails or is killed.

import { execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type pg from 'pg';
import type { TestProject } from 'vitest/node';
import { startEmbedded } from '../../src/db/embedded.ts';
import { applyMigrations } from '../../src/db/engine.ts';
import { applyPolicies } from '../../src/db/policies.ts';
import type { PoolerMode } from '../../src/db/pooler.ts';
import { ensureRoles } from '../../src/db/roles.ts';
import { type PgBouncer, startPgBouncer } from '../scale/pooling-server.ts';
import { asAdmin, testPasswords, testUrl } from './database.ts';

const PRISMA = fileURLToPath(new URL('../../prisma/', import.meta.url));
const MIGRATIONS = join(PRISMA, 'migrations');
const MAX_CONNECTIONS = 200;

type Server = { readonly adminUrl: string; stop(): Promise<void> };

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startServer();
  const run = randomBytes(4).toString('hex');
  let pooler: PgBouncer | undefined;
  try {
    const template = await ensureTemplate(server.adminUrl);
    const mode = poolerMode();
    pooler = mode && (await startPooler(server.adminUrl));
    project.provide('testServer', {
      adminUrl: server.adminUrl,
      template,
      run,
      pooler: mode && pooler && { mode, host: pooler.host, consoleUrl: pooler.consoleUrl },
    });
  } catch (error) {
    await pooler?.stop();
    await server.stop();
    throw error;
  }
  return async () => {
    try {
      await pooler?.stop();
      await asAdmin(server.adminUrl, (client) => dropLeftovers(client, run));
    } finally {
      await server.stop();
    }
  };
}

async function startServer(): Promise<Server> {
  const given = process.env.TEST_DATABASE_URL;
  if (given) {
    return { adminUrl: given, stop: async () => undefined };
  }
  const wanted = process.env.TEST_POSTGRES_IMAGE;
  const image = wanted || 'postgres:18-alpine';
  if (await dockerHas(image)) {
    return await startContainer(image);
  }
  if (wanted) {
    throw new Error(`TEST_POSTGRES_IMAGE: no Docker engine here has ${wanted}, and nothing is pulled`);
  }
  return await startTemporary();
}

function poolerMode(): PoolerMode | undefined {
  const mode = process.env.TEST_POOLER;
  if (mode && mode !== 'transaction' && mode !== 'transaction-prepared') {
    throw new Error(`TEST_POOLER is transaction or transaction-prepared, not ${mode}`);
  }
  return (mode || undefined) as PoolerMode | undefined;
}

/** As many backends for one database as leave enough for the others: three files run at once. */
function startPooler(adminUrl: string): Promise<PgBouncer> {
  return startPgBouncer({
    target: adminUrl,
    passwords: { bailiwick_runtime: testPasswords(adminUrl).runtime },
    settings: { default_pool_size: 40 },
  });
}

async function dockerHas(image: string): Promise<boolean> {
  return await promisify(execFile)('docker', ['image', 'inspect', image], { timeout: 3000 }).then(
    () => true,
    () => false,
  );
}

async function startContainer(image: string): Promise<Server> {
  // Testcontainers would pull a second image, its reaper, which does what `atTheEnd` does.
  process.env.TESTCONTAINERS_RYUK_DISABLED = 'true';
  const { PostgreSqlContainer } = await import('@testcontainers/postgresql');
  const { PullPolicy } = await import('testcontainers');
  const unsafe = [
    'fsync=off',
    'synchronous_commit=off',
    'full_page_writes=off',
    `max_connections=${MAX_CONNECTIONS}`,
  ];
  const name = `bailiwick-run-${randomBytes(4).toString('hex')}`;
  const remove = atTheEnd('docker rm --force --volumes "$1"', name);
  try {
    const container = await new PostgreSqlContainer(image)
      .withName(name)
      .withPullPolicy(PullPolicy.neverPull())
      .withUsername('postgres')
      .withPassword(randomBytes(16).toString('hex'))
      .withDatabase('postgres')
      .withCommand(['postgres', ...unsafe.flatMap((setting) => ['-c', setting])])
      .start();
    return {
      adminUrl: container.getConnectionUri(),
      stop: async () => {
        if ((await remove()) !== 0) {
          throw new Error(`container ${name} could not be removed`);
        }
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

/**
 * Runs a shell script with one argument as soon as it is told to, or this process is gone, however it went: Vitest
 * tears nothing down after Ctrl-C.
 *
 * @returns Tells it to, and waits for its exit code.
 */
function atTheEnd(script: string, argument: string): () => Promise<number | null> {
  const waiting = spawn('sh', ['-c', `while read -r _; do :; done; ${script}`, 'sh', argument], {
    // Out of the reach of Ctrl-C.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const exit = once(waiting, 'exit');
  return async () => {
    waiting.stdin.end();
    const [code] = await exit;
    return code;
  };
}

/** Bytes that a run may come to need: clones, and the log of what was written. */
const NEEDED = 4 * 2 ** 30;

/** Where the files go: into memory, where there is enough of it, because a clone is hundreds of files. */
async function roomFor(): Promise<string> {
  const memory = await statfs('/dev/shm').catch(() => undefined);
  return memory !== undefined && memory.bavail * memory.bsize > NEEDED ? '/dev/shm' : tmpdir();
}

async function startTemporary(): Promise<Server> {
  const folder = await mkdtemp(join(await roomFor(), 'bailiwick-run-'));
  // For root the server runs as another user, who must be able to pass through.
  await chmod(folder, 0o711);
  // If this process is killed, the server stops by itself, and needs its files for that.
  const stopped = '[ -z "$(find "$1" -name postmaster.pid)" ]';
  const remove = atTheEnd(
    `for _ in 1 2 3 4 5 6 7 8 9 10; do ${stopped} && rm -rf "$1" && exit; sleep 1; done`,
    folder,
  );
  const log: string[] = [];
  try {
    const server = await startEmbedded({
      dataDir: join(folder, 'data'),
      log: (line) => log.push(line),
      durable: false,
      maxConnections: MAX_CONNECTIONS,
    });
    return {
      adminUrl: server.superuserUrl,
      stop: async () => {
        await server.stop().finally(remove);
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

/**
 * Makes the template, unless a run with the same roles, migrations and policies has made it on this server.
 *
 * @returns its name.
 */
async function ensureTemplate(adminUrl: string): Promise<string> {
  const template = `bailiwick_template_${await fingerprint()}`;
  const building = `${template}_building`;
  await asAdmin(adminUrl, async (client) => {
    await client.query("select pg_advisory_lock(hashtext('bailiwick_template'))");
    // a role is the whole server's: a test that takes adoption out again must not take this away from one that is adopting
    await client.query(`do $$ begin
      if not exists (select from pg_roles where rolname = 'bailiwick_adopter') then
        create role bailiwick_adopter nologin noinherit nobypassrls;
      end if;
      comment on role bailiwick_adopter is null;
    end $$`);
    const { rowCount } = await client.query('select from pg_database where datname = $1', [template]);
    if (rowCount !== 0) {
      return;
    }
    await client.query(`drop database if exists ${building} with (force)`);
    await client.query(`create database ${building}`);
    await asAdmin(testUrl(adminUrl, building), (inside) =>
      ensureRoles(inside, { database: building, passwords: testPasswords(adminUrl) }),
    );
    await applyMigrations(testUrl(adminUrl, building, 'migrator'), { migrationsDir: MIGRATIONS });
    await applyPolicies(testUrl(adminUrl, building, 'migrator'));
    await client.query(`alter database ${building} rename to ${template}`);
    await client.query(`alter database ${template} allow_connections false`);
  });
  return template;
}

/** Names the template after everything it is made of. */
async function fingerprint(): Promise<string> {
  const files = (await readdir(PRISMA, { recursive: true })).filter((name) => name.endsWith('.sql')).sort();
  const hash = createHash('sha256');
  for (const name of files) {
    hash
      .update(name)
      .update('\0')
      .update(await readFile(join(PRISMA, name)))
      .update('\0');
  }
  return hash.digest('hex').slice(0, 16);
}

/** Clones whose file ended without dropping them. */
async function dropLeftovers(client: pg.Client, run: string): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    'select datname as name from pg_database where starts_with(datname, $1)',
    [`bailiwick_test_${run}_`],
  );
  for (const { name } of rows) {
    await client.query(`drop database ${name} with (force)`);
  }
}
