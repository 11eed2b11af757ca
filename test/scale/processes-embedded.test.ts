// The whole product in one command on an empty folder: `bailiwick start --processes 2` with the embedded database. Both servers serve one port, one that
// is killed is replaced, and at a stop signal the servers end and the database after them. What can be known of processes is read from Linux.

import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import * as documents from '../../generated/graphql/graphql.ts';
import { openDatabase } from '../../src/db/connect.ts';
import { withClient } from '../../src/db/with-client.ts';
import { dataOf } from '../kit/answer.ts';
import { type Spawned, spawnProduct } from './product.ts';

const SLOW = { timeout: 60_000 };
const linux = process.platform === 'linux';
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const folder = await mkdtemp(join(tmpdir(), 'bailiwick-embedded-'));
// the database runs as another user, who has to come by
await chmod(folder, 0o755);
const dataDir = join(folder, 'installation');
afterAll(() => rm(folder, { recursive: true }));

/** Starts it. */
async function start() {
  const env = {
    PORT: '0',
    DATA_DIR: dataDir,
    MODE: 'development',
    LOG_LEVEL: 'info',
    SHUTDOWN_MS: '1000',
  };
  const product = await spawnProduct(env, ['--processes', '2']);
  onTestFinished(() => {
    product.child.kill('SIGKILL');
  });
  return product;
}

/** A file of the system about a process; empty where that has ended. */
function about(pid: number | string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

/** The servers among the processes that the command has started; another one is the database. */
function serversOf({ child: { pid = 0 } }: Spawned): number[] {
  const children = about(pid, `task/${pid}/children`).split(' ').filter(Boolean).map(Number);
  return children.filter((child) => about(child, 'cmdline').includes('bailiwick.js')).sort();
}

const databaseOf = () =>
  Number(readFileSync(join(dataDir, 'postgres/data/postmaster.pid'), 'utf8').split('\n')[0]);

/** Who has anything to do with the folder, by command line, environment or place. */
function involved(): string[] {
  const placeOf = (pid: string) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`);
    } catch {
      return '';
    }
  };
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .filter((pid) =>
      [about(pid, 'cmdline'), about(pid, 'environ'), placeOf(pid)].some((text) => text.includes(folder)),
    )
    .map((pid) => `${pid} ${about(pid, 'cmdline').replaceAll('\0', ' ')}`);
}

/** Whether it is there, as a corpse too. */
function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Which processes have answered requests, by their log. */
function served(product: Spawned): number[] {
  type Line = { pid: number; msg: string; status?: number };
  const lines = product
    .said()
    .split('\n')
    .slice(0, -1)
    .filter((line) => line.startsWith('{'));
  const answers = lines
    .map((line) => JSON.parse(line) as Line)
    .filter(({ msg, status }) => msg === 'request' && status === 200);
  return [...new Set(answers.map(({ pid }) => pid))].sort();
}

/** Connections on which servers tell each other what has failed. */
async function neighbours(): Promise<number> {
  const { migratorUrl, stop } = await openDatabase(
    { database: { kind: 'embedded' }, dataDir },
    { mode: 'attach' },
  );
  try {
    return await withClient(migratorUrl, async (client) => {
      const { rows } = await client.query<{ n: number }>(
        "select count(*)::int as n from pg_stat_activity where application_name = 'bailiwick neighbours'",
      );
      return rows[0]?.n ?? 0;
    });
  } finally {
    await stop();
  }
}

test.runIf(linux)(
  'both servers of one command serve, one that is killed is replaced, and at a stop signal all of it ends, the database last',
  async () => {
    const product = await start();
    expect(product.said()).toContain(', 2 processes\n');
    const { createMemory: made } = dataOf(
      await product.query('alice', documents.CreateMemoryDocument, {
        input: { content: 'kept in the folder', sensitive: true },
      }),
    );
    const { id } = made as { id: string };
    /** On a connection of its own, which goes to the next server; who has served so far. */
    const read = async () => {
      const headers = { ...(await product.credentials('alice')), connection: 'close' };
      const query = `{ node(id: ${JSON.stringify(id)}) { ... on Memory { content } } }`;
      const { body } = await product.post(headers, JSON.stringify({ query }));
      expect(body).toEqual({ data: { node: { content: 'kept in the folder' } } });
      return served(product);
    };
    const [first = 0, second = 0] = serversOf(product);
    expect(serversOf(product)).toHaveLength(2);
    await expect.poll(read, SLOW).toEqual([first, second]);
    expect(await neighbours()).toBe(2);

    process.kill(first, 'SIGKILL');
    await expect.poll(() => isThere(first), SLOW).toBe(false);
    // the other one goes on meanwhile
    await read();
    await expect.poll(() => serversOf(product).length, SLOW).toBe(2);
    const [third = 0] = serversOf(product).filter((pid) => pid !== second);
    await expect.poll(read, SLOW).toContain(third);
    await expect.poll(neighbours, SLOW).toBe(2);

    const database = databaseOf();
    expect([product.child.pid ?? 0, second, third, database].filter(isThere)).toHaveLength(4);
    expect(existsSync(join(dataDir, 'postgres.lock'))).toBe(true);
    await product.stop();
    expect(product.child.exitCode).toBe(0);
    // once the command has ended everything has
    expect([second, third, database].filter(isThere)).toEqual([]);
    expect(existsSync(join(dataDir, 'postgres.lock'))).toBe(false);
    await expect.poll(involved, SLOW).toEqual([]);
  },
);

test.runIf(linux)(
  'killed outright, the command leaves neither a server nor the database behind',
  async () => {
    const product = await start();
    const all = [...serversOf(product), databaseOf()];
    expect(all).toHaveLength(3);
    // and what belongs to the database
    expect(involved().length).toBeGreaterThan(4);
    product.child.kill('SIGKILL');
    await expect.poll(() => all.filter(isThere), SLOW).toEqual([]);
    await expect.poll(involved, SLOW).toEqual([]);
  },
);
