// The embedded server against the real thing: started, killed in every way, locked out and started again. All tests
// but the last few share one data directory, which makes each of them start from whatever the one before has left
// behind.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs';
import { rename } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { type EmbeddedServer, startEmbedded } from '../../src/db/embedded.ts';

const isRoot = process.getuid?.() === 0;
const NOBODY = 65534;
const linux = process.platform === 'linux';
const dataDir = join(newFolder(afterAll), 'installation');

test('the first start makes a database in which both roles can log in', async () => {
  const { server, log } = await start();
  expect(await ask(server.migratorUrl, 'select current_user, current_database()')).toEqual([
    'bailiwick_migrator',
    'bailiwick',
  ]);
  expect(await ask(server.runtimeUrl, 'select current_user, current_database()')).toEqual([
    'bailiwick_runtime',
    'bailiwick',
  ]);
  await ask(server.migratorUrl, 'create table kept as select 1 as value');
  expect(log.join('\n')).toContain('ready to accept connections');
});

test('a later start finds the data, the passwords and the port again', async () => {
  const before = JSON.parse(readFileSync(join(dataDir, 'postgres.json'), 'utf8'));
  const { server } = await start();
  expect(await ask(server.migratorUrl, 'select value from kept')).toEqual([1]);
  expect(JSON.parse(readFileSync(join(dataDir, 'postgres.json'), 'utf8'))).toEqual(before);
});

test('nobody else can read the passwords or enter the data', async () => {
  expect(statSync(join(dataDir, 'postgres.json')).mode & 0o777).toBe(0o600);
  expect(statSync(join(dataDir, 'postgres')).mode & 0o777).toBe(0o700);
});

test.runIf(linux)('no password and nothing of our environment shows in the server or its log', async () => {
  process.env.SECRET_OF_OURS = 'do-not-tell';
  onTestFinished(() => {
    delete process.env.SECRET_OF_OURS;
  });
  const { server, log } = await start();
  const pid = postmaster();
  const visible = `${readFileSync(`/proc/${pid}/cmdline`)}${readFileSync(`/proc/${pid}/environ`)}${log.join('')}`;
  for (const url of [server.superuserUrl, server.migratorUrl, server.runtimeUrl]) {
    expect(new URL(url).password.length).toBeGreaterThanOrEqual(32);
    expect(visible).not.toContain(new URL(url).password);
  }
  expect(visible).not.toContain('do-not-tell');
});

test('a wrong password is refused, on the socket and on the port', async () => {
  const { server } = await start();
  const wrong = new URL(server.runtimeUrl);
  wrong.password = 'guess';
  await expect(ask(wrong.href, 'select 1')).rejects.toMatchObject({ code: '28P01' });
  wrong.search = '';
  wrong.hostname = '127.0.0.1';
  await expect(ask(wrong.href, 'select 1')).rejects.toMatchObject({ code: '28P01' });
});

test('it listens on loopback alone, or on nothing but the socket', async () => {
  const { server } = await start();
  expect(await ask(server.superuserUrl, 'show listen_addresses')).toEqual(['127.0.0.1']);
  await server.stop();
  const { server: quiet } = await start({ listen: false });
  expect(await ask(quiet.superuserUrl, 'show listen_addresses')).toEqual(['']);
});

test('parameters never reach the log, and real data are written durably', async () => {
  const { server } = await start();
  const settings = [
    'log_parameter_max_length',
    'log_parameter_max_length_on_error',
    'fsync',
    'TimeZone',
    'data_checksums',
  ];
  const shown = settings.map((name) => `current_setting('${name}')`).join(', ');
  expect(await ask(server.superuserUrl, `select ${shown}`)).toEqual(['0', '0', 'on', 'UTC', 'on']);
});

test('a second start in this process is refused', async () => {
  await start();
  await expect(startEmbedded({ dataDir, log: () => undefined })).rejects.toThrow(
    `process ${process.pid} is using`,
  );
});

test('a second process is refused, with the id of the one that has the folder', async () => {
  const { server } = await start();
  const other = launchProcess(dataDir);
  expect(await firstLine(other)).toMatch(`process ${process.pid} is using ${dataDir}`);
  expect(await ask(server.runtimeUrl, 'select 1 as one')).toEqual([1]);
});

test('when Node is killed the server ends by itself, and the next start has what was committed', async () => {
  const node = launchProcess(dataDir);
  const { migratorUrl } = JSON.parse(await firstLine(node));
  const pid = postmaster();
  await ask(migratorUrl, 'insert into kept values (2)');
  node.kill('SIGKILL');
  await once(node, 'exit');
  await until(() => !isAlive(pid));
  const { server } = await start();
  expect(await ask(server.migratorUrl, 'select max(value) as value from kept')).toEqual([2]);
});

test('a start right after the kill waits for the dying server', async () => {
  const node = launchProcess(dataDir);
  await firstLine(node);
  node.kill('SIGKILL');
  await once(node, 'exit');
  const { server } = await start();
  expect(await ask(server.migratorUrl, 'select max(value) as value from kept')).toEqual([2]);
});

test.runIf(linux)(
  'a server that lost its Node process and its watcher is stopped by the next start',
  async () => {
    const node = launchProcess(dataDir);
    await firstLine(node);
    const orphan = postmaster();
    process.kill(watcherOf(realpathSync(dataDir)), 'SIGKILL');
    node.kill('SIGKILL');
    await once(node, 'exit');
    await sleep(300);
    expect(isAlive(orphan)).toBe(true);
    const { server } = await start();
    expect(isAlive(orphan)).toBe(false);
    expect(await ask(server.migratorUrl, 'select max(value) as value from kept')).toEqual([2]);
  },
);

test('a crash of the server loses nothing that was committed', async () => {
  const { server } = await start();
  await ask(server.migratorUrl, 'insert into kept values (3)');
  const pid = postmaster();
  process.kill(pid, 'SIGKILL');
  await until(() => !isAlive(pid));
  await server.stop();
  const { server: again } = await start();
  expect(await ask(again.migratorUrl, 'select max(value) as value from kept')).toEqual([3]);
});

test('stopping ends open sessions, and stopping twice is stopping once', async () => {
  const { server } = await start();
  const client = new pg.Client(server.runtimeUrl);
  const lost = new Promise((resolve) => client.on('error', resolve));
  await client.connect();
  await Promise.all([server.stop(), server.stop()]);
  expect(await lost).toBeInstanceOf(Error);
});

test.runIf(linux)(
  'the server is in a session of its own, where no Ctrl-C of the terminal arrives',
  async () => {
    await start();
    const sessionOf = (pid: number) =>
      readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[3];
    expect(sessionOf(postmaster())).not.toBe(sessionOf(process.pid));
  },
);

test('a port that was taken meanwhile is replaced by another', async () => {
  const { port } = JSON.parse(readFileSync(join(dataDir, 'postgres.json'), 'utf8'));
  const squatter = createServer().listen(port, '127.0.0.1');
  await once(squatter, 'listening');
  onTestFinished(() => {
    squatter.close();
  });
  const { server } = await start();
  expect(server.port).not.toBe(port);
  expect(await ask(server.runtimeUrl, 'select 1 as one')).toEqual([1]);
});

test('data without their passwords are not guessed at', async () => {
  const file = join(dataDir, 'postgres.json');
  await rename(file, `${file}.away`);
  onTestFinished(() => rename(`${file}.away`, file));
  await expect(startEmbedded({ dataDir, log: () => undefined })).rejects.toThrow('with the passwords');
});

test('an initialisation that was cut off starts over, and a long path gets its socket elsewhere', async () => {
  const long = join(newFolder(), 'x'.repeat(100));
  const cut = launchProcess(long);
  await until(() =>
    readdirSync(long, { recursive: true }).some((name) => String(name).endsWith('PG_VERSION')),
  );
  cut.kill('SIGKILL');
  await once(cut, 'exit');
  const { server } = await start({ dataDir: long, durable: false });
  expect(join(server.socketDir, `.s.PGSQL.${server.port}`).length).toBeLessThan(104);
  expect(await ask(server.runtimeUrl, 'select 1 as one')).toEqual([1]);
  await server.stop();
  expect(() => statSync(server.socketDir)).toThrow('ENOENT');
});

test.runIf(isRoot)('an ordinary user starts it as itself', async (context) => {
  const folder = newFolder();
  chownSync(folder, NOBODY, NOBODY);
  const node = launchProcess(join(folder, 'installation'), NOBODY);
  const line = await firstLine(node);
  context.skip(line.includes('EACCES'), 'the project lies where other users may not enter');
  expect(await ask(JSON.parse(line).runtimeUrl, 'select 1 as one')).toEqual([1]);
  const pid = postmaster(join(folder, 'installation'));
  expect(statSync(`/proc/${pid}`).uid).toBe(NOBODY);
  node.kill('SIGKILL');
  await until(() => !isAlive(pid));
});

test.runIf(isRoot)(
  'in a home that only root may enter the data go elsewhere, and a link points to them',
  async () => {
    const home = mkdtempSync(join(tmpdir(), 'bailiwick-closed-'));
    const closed = join(home, 'installation');
    const { server } = await start({ dataDir: closed, durable: false });
    const data = realpathSync(join(closed, 'postgres'));
    onTestFinished(async () => {
      await server.stop();
      rmSync(data, { recursive: true });
      rmSync(home, { recursive: true });
    });
    expect(data).toMatch(/^\/var\/lib\/bailiwick\/data-/);
    expect(await ask(server.runtimeUrl, 'select 1 as one')).toEqual([1]);
    expect(statSync(home).mode & 0o777).toBe(0o700);
  },
);

/** Starts it on the shared directory and stops it when the test is over. */
async function start(options: { dataDir?: string; listen?: boolean; durable?: boolean } = {}) {
  const log: string[] = [];
  const server: EmbeddedServer = await startEmbedded({ dataDir, log: (line) => log.push(line), ...options });
  onTestFinished(() => server.stop());
  return { server, log };
}

/** The same in a process of its own, which prints one line and stays; it is killed when the test is over. */
function launchProcess(where: string, uid?: number): ChildProcess {
  const module = fileURLToPath(new URL('../../src/db/embedded.ts', import.meta.url));
  const script = `
    const { startEmbedded } = await import(${JSON.stringify(module)});
    const options = { dataDir: ${JSON.stringify(where)}, log: () => undefined };
    const line = await startEmbedded(options).then(JSON.stringify, (error) => String(error).replaceAll('\\n', ' '));
    process.stdout.write(line + '\\n');
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid, cwd: '/' }),
  });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await until(() => !isAlive(Number(child.pid)));
  });
  return child;
}

async function firstLine(child: ChildProcess): Promise<string> {
  const [chunk] = await Promise.race(
    [child.stdout, child.stderr].flatMap((stream) => (stream === null ? [] : [once(stream, 'data')])),
  );
  return String(chunk);
}

async function ask(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    const { rows } = await client.query({ text: sql, rowMode: 'array' });
    return rows[0] ?? [];
  } finally {
    await client.end();
  }
}

function postmaster(installation = dataDir): number {
  return Number(
    readFileSync(join(installation, 'postgres', 'data', 'postmaster.pid'), 'utf8').split('\n')[0],
  );
}

/** The shell that waits for Node to go away, found by its arguments. */
function watcherOf(installation: string): number {
  const pid = readdirSync('/proc').find((name) => {
    try {
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8');
      return command.startsWith('/bin/sh') && command.includes(installation);
    } catch {
      return false;
    }
  });
  return Number(pid);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A corpse that nobody has fetched yet still has its id.
    return !linux || !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

/** Waits for the condition; as long as it throws, it does not hold. */
async function until(condition: () => boolean): Promise<void> {
  await vi.waitFor(() => expect(condition()).toBe(true), { timeout: 10_000, interval: 5 });
}

/** A new temporary folder that the server's user may enter, removed when the test is over, or the file. */
function newFolder(atTheEnd: (remove: () => void) => void = onTestFinished): string {
  const path = mkdtempSync(join(tmpdir(), 'bailiwick-test-'));
  chmodSync(path, 0o711);
  atTheEnd(() => rmSync(path, { recursive: true, force: true, maxRetries: 5 }));
  return path;
}
