// A real PgBouncer in front of a real PostgreSQL, for as long as a test or a run needs it.
//
// The program is Debian's package `pgbouncer`, or the one that PGBOUNCER names. It gets a folder of its own with a configuration as
// docs/scale/pgbouncer.md recommends it, and ends with this process, however that ends.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { access, chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort } from '../../src/db/embedded.ts';
import { type PoolerMode, throughPooler } from '../../src/db/pooler.ts';

const run = promisify(execFile);

/** Milliseconds that it may take to listen. */
const START_MS = 5000;

/** Who may look into it and close connections; a role of PgBouncer's alone. */
const ADMIN = 'pooler_admin';

export type PgBouncer = {
  /** The same database through it. */
  through(url: string, mode: PoolerMode): string;
  /** Host and port. */
  readonly host: string;
  /** Of its administration console. */
  readonly consoleUrl: string;
  stop(): Promise<void>;
};

export type PgBouncerOptions = {
  /** Where PostgreSQL is; of the URL, host and port count. */
  readonly target: string;
  /** Who may come through it. */
  readonly passwords: Readonly<Record<string, string>>;
  /** Lines of [pgbouncer] that differ from those below. */
  readonly settings?: Readonly<Record<string, string | number>>;
};

/** Where the program is, and which. @returns undefined where it is not installed. */
export async function findPgBouncer(): Promise<{ path: string; version: string } | undefined> {
  for (const path of [process.env.PGBOUNCER, '/usr/sbin/pgbouncer', '/usr/bin/pgbouncer']) {
    if (
      path !== undefined &&
      (await access(path).then(
        () => true,
        () => false,
      ))
    ) {
      const { stdout } = await run(path, ['--version']);
      return { path, version: /PgBouncer ([\d.]+)/.exec(stdout)?.[1] ?? stdout };
    }
  }
  return undefined;
}

/** Whether it knows prepared statements by name: from 1.21 on. */
export function knowsNames(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 1 || (major === 1 && minor >= 21);
}

/** Starts it. As root it runs as the user `postgres`, because it refuses to be root. */
export async function startPgBouncer({
  target,
  passwords,
  settings = {},
}: PgBouncerOptions): Promise<PgBouncer> {
  const found = await findPgBouncer();
  if (found === undefined) {
    throw new Error('pgbouncer is not installed');
  }
  const folder = await mkdtemp(join(tmpdir(), 'bailiwick-pgbouncer-'));
  const port = await freePort();
  const adminPassword = randomBytes(16).toString('hex');
  const users = { ...passwords, [ADMIN]: adminPassword };
  const { hostname, port: targetPort, searchParams } = new URL(target);
  const configuration = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    unix_socket_dir: '',
    auth_type: 'scram-sha-256',
    auth_file: join(folder, 'users.txt'),
    admin_users: ADMIN,
    pool_mode: 'transaction',
    max_client_conn: 1000,
    default_pool_size: 40,
    query_wait_timeout: 10,
    server_login_retry: 1,
    ...(knowsNames(found.version) ? { max_prepared_statements: 200 } : {}),
    ...settings,
  };
  const lines = Object.entries(configuration).map(([name, value]) => `${name} = ${value}`);
  const host = searchParams.get('host') ?? hostname;
  const account = process.getuid?.() === 0 ? await postgresAccount() : undefined;
  const files = {
    'pgbouncer.ini': `[databases]\n* = host=${host} port=${targetPort || 5432}\n[pgbouncer]\n${lines.join('\n')}\n`,
    'users.txt': Object.entries(users)
      .map(([user, password]) => `"${user}" "${password}"\n`)
      .join(''),
  };
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(folder, name), text, { mode: 0o600 });
    await give(join(folder, name), account);
  }
  await chmod(folder, 0o700);
  await give(folder, account);
  const consoleUrl = `postgresql://${ADMIN}:${adminPassword}@127.0.0.1:${port}/pgbouncer`;
  const log: string[] = [];
  const child = launch(found.path, join(folder, 'pgbouncer.ini'), account, log);
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const exit = once(child, 'exit');
      child.stdin?.end();
      await exit;
    }
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await listening(child, consoleUrl, log);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    host: `127.0.0.1:${port}`,
    consoleUrl,
    through(url, mode) {
      const through = new URL(url);
      through.searchParams.delete('host');
      through.hostname = '127.0.0.1';
      through.port = String(port);
      return throughPooler(through.href, mode);
    },
    stop,
  };
}

type Account = { readonly uid: number; readonly gid: number };

async function postgresAccount(): Promise<Account> {
  const [uid, gid] = await Promise.all([run('id', ['-u', 'postgres']), run('id', ['-g', 'postgres'])]);
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
}

async function give(path: string, account: Account | undefined): Promise<void> {
  if (account !== undefined) {
    await chown(path, account.uid, account.gid);
  }
}

/** It is killed as soon as its standard input ends, which it does with us: it keeps nothing that a farewell would save. */
function launch(path: string, ini: string, account: Account | undefined, log: string[]): ChildProcess {
  const script = '"$0" -q "$1" 3<&0 </dev/null & pooler=$!; while read -r _; do :; done; kill -KILL $pooler';
  const child = spawn('sh', ['-c', script, path, ini], {
    ...account,
    cwd: '/',
    // out of the reach of Ctrl-C
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log.push(text);
    log.splice(0, log.length - 200);
  });
  return child;
}

async function listening(child: ChildProcess, consoleUrl: string, log: readonly string[]): Promise<void> {
  const deadline = Date.now() + START_MS;
  for (;;) {
    const reached = await askConsole(consoleUrl, 'show version').then(
      () => true,
      () => false,
    );
    if (reached) {
      return;
    }
    if (child.exitCode !== null || Date.now() > deadline) {
      throw new Error(`PgBouncer did not start; its last words were:\n${log.join('')}`);
    }
    await sleep(50);
  }
}

/** Asks the administration console; it speaks the simple protocol only. */
export async function askConsole(consoleUrl: string, command: string): Promise<Record<string, string>[]> {
  const client = new pg.Client(consoleUrl);
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, string>>(command)).rows;
  } finally {
    await client.end();
  }
}
