// The embedded PostgreSQL server: a real one, from registry packages, with its data under `<dataDir>/postgres`.
//
// This file decides where the data lie, as whom the server runs, with which settings and passwords; postmaster.ts
// handles the processes. PostgreSQL refuses to run as root, so root gets a server that runs as the user `postgres`.
// Where that user cannot enter the project (a home with mode 0700), data and binaries move to /var/lib/bailiwick, and
// `<dataDir>/postgres` becomes a link to them. One Node process at a time: for more, set DATABASE_URL.

import { type ChildProcess, execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { lock } from './lockfile.ts';
import {
  type Account,
  exists,
  findBinaries,
  give,
  initialise,
  launch,
  refusal,
  shutDown,
  stopOrphan,
} from './postmaster.ts';
import { ensureRoles } from './roles.ts';
import { withClient } from './with-client.ts';

/** The database that an embedded server holds for us. */
const DATABASE = 'bailiwick';
/** Where root's data and binaries go if the project lies where the server's own user may not enter. */
const SHELTER = '/var/lib/bailiwick';
/** A Unix socket's path has at most 103 bytes on macOS and 107 on Linux, and PostgreSQL adds `/.s.PGSQL.65535.lock`. */
const LONGEST_SOCKET_DIR = 83;
/** How often another port is tried, or the remains of a killed server are waited for. */
const ATTEMPTS = 10;

const run = promisify(execFile);

export type EmbeddedOptions = {
  /** The installation's folder; made if it is missing. */
  readonly dataDir: string;
  /** Receives each line of the server's log, and of our own remarks. */
  readonly log: (line: string) => void;
  /** Whether to listen on a loopback port beside the Unix socket. */
  readonly listen?: boolean;
  /** False trades the safety of the data for speed: for tests, whose data nobody misses. */
  readonly durable?: boolean;
  readonly maxConnections?: number;
};

export type EmbeddedServer = {
  /** All three go over the Unix socket, which is 5-10 % faster than the port. */
  readonly superuserUrl: string;
  readonly migratorUrl: string;
  readonly runtimeUrl: string;
  readonly socketDir: string;
  readonly port: number;
  /** Ends every session and stops the server, in at most twenty seconds. A second call waits for the first. */
  stop(): Promise<void>;
};

/** What `<dataDir>/postgres.json` remembers; readable by its owner alone. */
type State = {
  readonly passwords: { readonly superuser: string; readonly migrator: string; readonly runtime: string };
  readonly port: number;
  /** Folder of the socket, if not beside the data. */
  readonly socketDir?: string;
};

/**
 * Starts the server; the first time, after making its data, the database and the three roles. If Node ends without
 * calling `stop`, even by `kill -9`, the server stops by itself, and the next start recovers whatever state it finds.
 *
 * @throws {PostureError} if another process uses `dataDir`, or if a server cannot run here; the message says why.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const dataDir = resolve(options.dataDir);
  await mkdir(dataDir, { recursive: true, mode: isRoot() ? 0o711 : 0o700 });
  const unlock = await lock(join(dataDir, 'postgres.lock'), (holder) =>
    refusal(`process ${holder} is using ${dataDir}: stop it, or set DATA_DIR to another folder`),
  );
  try {
    const { server, state, socketDir } = await startServer(dataDir, options);
    let stopping: Promise<void> | undefined;
    const stop = () => {
      stopping ??= shutDown(server)
        .then(() => removeSocketDir(state.socketDir))
        .then(unlock);
      return stopping;
    };
    const url = (user: string, password: string, database: string) =>
      `postgresql://${user}:${password}@localhost:${state.port}/${database}?host=${encodeURIComponent(socketDir)}`;
    const { superuser, ...passwords } = state.passwords;
    try {
      await ensureDatabase((database) => url('postgres', superuser, database), passwords, options.log);
    } catch (error) {
      await stop();
      throw error;
    }
    return {
      superuserUrl: url('postgres', superuser, 'postgres'),
      migratorUrl: url('bailiwick_migrator', passwords.migrator, DATABASE),
      runtimeUrl: url('bailiwick_runtime', passwords.runtime, DATABASE),
      socketDir,
      port: state.port,
      stop,
    };
  } catch (error) {
    await unlock();
    throw error;
  }
}

type Running = { readonly server: ChildProcess; readonly state: State; readonly socketDir: string };

async function startServer(dataDir: string, options: EmbeddedOptions): Promise<Running> {
  const stateFile = join(dataDir, 'postgres.json');
  const account = await serverAccount(join(dataDir, 'postgres'));
  const home = await serverHome(join(dataDir, 'postgres'), account, options.log);
  const binaries = await findBinaries(account, SHELTER);
  await stopOrphan(home);
  let state = await readState(stateFile, home);
  const { durable = true, log } = options;
  await initialise(home, { binaries, account, password: state.passwords.superuser, durable });
  state = await withSocketDir(state, home, account);
  for (let attempt = 1; ; attempt += 1) {
    await writeState(stateFile, state);
    const socketDir = state.socketDir ?? home;
    const started = await launch(home, {
      binaries,
      account,
      log,
      settings: settings(options, state.port, socketDir),
    });
    if ('process' in started) {
      return { server: started.process, state, socketDir };
    }
    if (started.obstacle === 'other' || attempt === ATTEMPTS) {
      throw refusal(`the server did not start; its last words were:\n${started.lastWords}`);
    }
    if (started.obstacle === 'port taken') {
      state = { ...state, port: await freePort() };
    } else {
      await sleep(500);
    }
  }
}

/** Parameters of statements hold tickets and secrets, so they never reach the log. */
function settings(
  options: EmbeddedOptions,
  port: number,
  socketDir: string,
): Record<string, string | number> {
  return {
    port,
    listen_addresses: options.listen === false ? '' : '127.0.0.1',
    unix_socket_directories: `"${socketDir}"`,
    unix_socket_permissions: '0700',
    max_connections: options.maxConnections ?? 100,
    shared_preload_libraries: '',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_parameter_max_length: 0,
    log_parameter_max_length_on_error: 0,
    ...(options.durable === false
      ? { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }
      : {}),
  };
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** As whom the server runs: ourselves, or for root the owner of the data if they exist, and otherwise `postgres`. */
async function serverAccount(home: string): Promise<Account> {
  if (!isRoot()) {
    return {};
  }
  const owner = await stat(home).catch(() => undefined);
  if (owner !== undefined && owner.uid !== 0) {
    return { uid: owner.uid, gid: owner.gid };
  }
  try {
    return await findAccount().catch(async () => {
      const options = ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin'];
      await run('useradd', [...options, 'postgres']);
      return await findAccount();
    });
  } catch (error) {
    throw refusal(
      `PostgreSQL does not run as root, and there is no user \`postgres\` to run it as: ${error}`,
    );
  }
}

async function findAccount(): Promise<Account> {
  const [uid, gid] = await Promise.all([run('id', ['-u', 'postgres']), run('id', ['-g', 'postgres'])]);
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
}

/** The folder of the data, made if it is missing: at `path`, or behind a link there. Nobody but `account` may enter it. */
async function serverHome(path: string, account: Account, log: (line: string) => void): Promise<string> {
  if (await exists(path)) {
    return await realpath(path);
  }
  if ((await lstat(path).catch(() => undefined)) !== undefined) {
    throw refusal(`${path} is a link to data that are gone: restore them, or delete the link to start anew`);
  }
  await mkdir(path, { mode: 0o700 });
  await give(path, account);
  if (account.uid === undefined || (await canEnter(account, path))) {
    return await realpath(path);
  }
  await rmdir(path);
  await mkdir(SHELTER, { recursive: true });
  await chmod(SHELTER, 0o755);
  const home = await mkdtemp(join(SHELTER, 'data-'));
  await give(home, account);
  await symlink(home, path);
  log(`the user postgres cannot enter ${path}, so the data are in ${home}`);
  return home;
}

async function canEnter(account: Account, folder: string): Promise<boolean> {
  return await run('/bin/sh', ['-c', 'cd "$1"', 'sh', folder], { ...account, cwd: '/' }).then(
    () => true,
    () => false,
  );
}

/** What is remembered, or the beginning of it. Refuses to guess passwords for data that exist. */
async function readState(file: string, home: string): Promise<State> {
  if (await exists(file)) {
    return JSON.parse(await readFile(file, 'utf8')) as State;
  }
  if (await exists(join(home, 'data'))) {
    throw refusal(`${file} with the passwords of ${home} is gone: restore it, or delete both to start anew`);
  }
  const password = () => randomBytes(24).toString('hex');
  const passwords = { superuser: password(), migrator: password(), runtime: password() };
  return { passwords, port: await freePort() };
}

async function writeState(file: string, state: State): Promise<void> {
  await writeFile(`${file}.new`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** The socket lies beside the data, or in a temporary folder if that path is too long for a socket. */
async function withSocketDir({ socketDir, ...state }: State, home: string, account: Account): Promise<State> {
  await removeSocketDir(socketDir);
  if (Buffer.byteLength(home) <= LONGEST_SOCKET_DIR) {
    return state;
  }
  const parent = Buffer.byteLength(tmpdir()) < LONGEST_SOCKET_DIR - 20 ? tmpdir() : '/tmp';
  const temporary = await mkdtemp(join(parent, 'bailiwick-'));
  await give(temporary, account);
  return { ...state, socketDir: temporary };
}

async function removeSocketDir(socketDir: string | undefined): Promise<void> {
  if (socketDir !== undefined) {
    await rm(socketDir, { recursive: true, force: true });
  }
}

/** A port of the loopback interface that nobody has at this moment. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  return typeof address === 'object' && address !== null ? address.port : 5432;
}

/** Makes the database if it is missing, and its roles what prisma/roles.sql says. */
async function ensureDatabase(
  urlOf: (database: string) => string,
  passwords: { migrator: string; runtime: string },
  log: (line: string) => void,
): Promise<void> {
  await withClient(urlOf('postgres'), async (client) => {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [DATABASE]);
    if (rowCount === 0) {
      await client.query(`create database ${DATABASE}`);
    }
  });
  await withClient(urlOf(DATABASE), async (client) => {
    for (const finding of await ensureRoles(client, { database: DATABASE, passwords })) {
      log(finding);
    }
  });
}
