// A real primary and a real hot standby of it, in a temporary folder: Debian's PostgreSQL, because the embedded one has no pg_basebackup.
//
// Both listen on Unix sockets alone, and trust whoever may enter the folder. They end with this process, however that ends.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, chown, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ensureRoles } from '../../src/db/roles.ts';
import { asAdmin } from '../kit/database.ts';

const run = promisify(execFile);
const VERSIONS = '/usr/lib/postgresql';
const DATABASE = 'bailiwick';

/** Milliseconds that a server may take to start, or a standby to follow. */
const PATIENCE_MS = 30_000;

export type Pair = {
  readonly runtimeUrl: string;
  readonly migratorUrl: string;
  /** Of the primary's and of the standby's administrator. */
  readonly adminUrl: string;
  readonly standbyAdminUrl: string;
  /** The standby as the runtime role. */
  readonly replicaUrl: string;
  /** Waits until the standby has everything. */
  caughtUp(): Promise<void>;
  replay(how: 'pause' | 'resume'): Promise<void>;
  standby(how: 'stop' | 'start'): Promise<void>;
  stop(): Promise<void>;
};

/** The folder of the newest version that has all programs; undefined where there is none. */
export async function findPrograms(): Promise<string | undefined> {
  const versions = await readdir(VERSIONS).catch(() => []);
  for (const version of versions.toSorted((a, b) => Number(b) - Number(a))) {
    const folder = join(VERSIONS, version, 'bin');
    const there = await Promise.allSettled(
      ['initdb', 'postgres', 'pg_basebackup'].map((program) => access(join(folder, program))),
    );
    if (there.every(({ status }) => status === 'fulfilled')) {
      return folder;
    }
  }
  return undefined;
}

export async function startPair(programs: string): Promise<Pair> {
  const account = process.getuid?.() === 0 ? await postgresAccount() : {};
  const folder = await mkdtemp(join(tmpdir(), 'bailiwick-pair-'));
  await chmod(folder, 0o711);
  const home = join(folder, 'home');
  await run('install', ['-d', '-m', '0700', home]);
  if (account.uid !== undefined && account.gid !== undefined) {
    await chown(home, account.uid, account.gid);
  }
  const program = (name: string, ...args: string[]) =>
    run(join(programs, name), args, { ...account, cwd: '/', env: { LC_ALL: 'C', PATH: process.env.PATH } });
  const ports = { primary: 5432, standby: 5433 } as const;
  type Which = keyof typeof ports;
  const url = (which: Which, user: string, database = DATABASE) =>
    `postgresql://${user}@localhost:${ports[which]}/${database}?host=${encodeURIComponent(home)}`;
  const servers = new Map<Which, ChildProcess>();
  const start = async (which: Which) => {
    const settings = [
      `port=${ports[which]}`,
      `unix_socket_directories=${home}`,
      'listen_addresses=',
      'max_connections=60',
      'shared_preload_libraries=',
      'hot_standby_feedback=on',
      'fsync=off',
      'log_parameter_max_length=0',
    ].flatMap((setting) => ['-c', setting]);
    const server = launch([join(programs, 'postgres'), '-D', join(home, which), ...settings], account);
    servers.set(which, server);
    await answering(url(which, 'postgres', 'postgres'), server);
  };
  const end = async (which: Which) => {
    const server = servers.get(which);
    if (server !== undefined && server.exitCode === null) {
      const exit = once(server, 'exit');
      server.stdin?.end();
      await exit;
    }
  };
  const stop = async () => {
    await end('standby');
    await end('primary');
    await rm(folder, { recursive: true, force: true });
  };
  const ask = async <Value>(which: Which, sql: string, values: unknown[] = []): Promise<Value> =>
    asAdmin(url(which, 'postgres'), async (client) => (await client.query(sql, values)).rows[0]?.value);
  try {
    await program(
      'initdb',
      '-D',
      join(home, 'primary'),
      '-U',
      'postgres',
      '-A',
      'trust',
      '-E',
      'UTF8',
      '--no-sync',
    );
    await start('primary');
    await asAdmin(url('primary', 'postgres', 'postgres'), (client) =>
      client.query(`create database ${DATABASE}`),
    );
    await asAdmin(url('primary', 'postgres'), (client) => ensureRoles(client, { database: DATABASE }));
    const copy = ['-D', join(home, 'standby'), '-R', '-X', 'stream', '-c', 'fast', '--no-sync'];
    await program('pg_basebackup', '-h', home, '-p', String(ports.primary), '-U', 'postgres', ...copy);
    await start('standby');
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    runtimeUrl: url('primary', 'bailiwick_runtime'),
    migratorUrl: url('primary', 'bailiwick_migrator'),
    adminUrl: url('primary', 'postgres'),
    standbyAdminUrl: url('standby', 'postgres'),
    replicaUrl: url('standby', 'bailiwick_runtime'),
    async caughtUp() {
      const written = await ask<string>('primary', 'select pg_current_wal_lsn()::text as value');
      const deadline = Date.now() + PATIENCE_MS;
      while (
        !(await ask<boolean>('standby', 'select pg_last_wal_replay_lsn() >= $1::pg_lsn as value', [written]))
      ) {
        if (Date.now() > deadline) {
          throw new Error('the standby does not follow');
        }
        await sleep(20);
      }
    },
    replay: (how) => ask('standby', `select pg_wal_replay_${how}() as value`),
    standby: (how) => (how === 'stop' ? end('standby') : start('standby')),
    stop,
  };
}

type Account = { readonly uid?: number; readonly gid?: number };

async function postgresAccount(): Promise<Account> {
  const [uid, gid] = await Promise.all([run('id', ['-u', 'postgres']), run('id', ['-g', 'postgres'])]);
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
}

/** It is told to end as soon as its standard input ends, which it does with us. */
function launch(command: readonly string[], account: Account): ChildProcess {
  const script = '"$@" </dev/null & server=$!; while read -r _; do :; done; kill -INT $server; wait $server';
  return spawn('sh', ['-c', script, 'sh', ...command], {
    ...account,
    cwd: '/',
    env: { LC_ALL: 'C', PATH: process.env.PATH },
    // out of the reach of Ctrl-C
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
}

async function answering(url: string, server: ChildProcess): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const answer = await asAdmin(url, (client) => client.query('select 1')).catch((error: unknown) => error);
    if (!(answer instanceof Error)) {
      return;
    }
    if (server.exitCode !== null || Date.now() > deadline) {
      throw new Error('a server did not start', { cause: answer });
    }
    await sleep(50);
  }
}
