// The real start and the real stop, on a database of the operator's: nothing is left running, whether it succeeds or not.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readConfig } from '../src/config.ts';
import type { Demo } from '../src/graphiql/story.ts';
import { main, type Running } from '../src/main.ts';
import { asAdmin, createTestDatabase } from './kit/database.ts';

const database = await createTestDatabase();
const dataDir = mkdtempSync(join(tmpdir(), 'bailiwick-main-'));
const env = {
  DATABASE_URL: database.runtimeUrl,
  MIGRATION_DATABASE_URL: database.migratorUrl,
  DATA_DIR: dataDir,
  PORT: '0',
  MODE: 'development',
  LOG_LEVEL: 'silent',
};

afterAll(async () => {
  rmSync(dataDir, { recursive: true });
  await database.drop();
});

const connections = () =>
  asAdmin(database.adminUrl, async (client) => {
    const { rows } = await client.query<{ n: number }>(
      "select count(*)::int as n from pg_stat_activity where datname = current_database() and usename like 'bailiwick%'",
    );
    return rows[0]?.n;
  });

test('a database in a weak posture is refused, and nothing stays behind', async () => {
  const force = (word: string) =>
    asAdmin(database.adminUrl, (client) => client.query(`alter table memories ${word} row level security`));
  await force('no force');
  await expect(main(readConfig(env))).rejects.toThrow('row security is not forced on public.memories');
  await force('force');
  await expect.poll(connections).toBe(0);
});

test('a port that is taken is said to be taken, and nothing stays behind', async () => {
  const first = await main(readConfig(env));
  const { port } = new URL(first.url);
  await expect(main(readConfig({ ...env, PORT: port }))).rejects.toThrow(
    `Port ${port} of 127.0.0.1 is taken`,
  );
  await first.stop();
  await expect.poll(connections).toBe(0);
});

test('a token under a key that the installation refuses proves nothing', async () => {
  const use = async (running: Running, token: string) =>
    (
      await fetch(running.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ query: '{ viewer { live } }' }),
      })
    ).status;
  const first = await main(readConfig(env));
  const { identities } = (await (await fetch(new URL('/development/identities', first.url))).json()) as Demo;
  const token = identities.find(({ id }) => id === 'alice')?.token ?? '';
  const { kid } = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as {
    kid: string;
  };
  expect(await use(first, token)).toBe(200);
  await first.stop();

  for (const [denied, status] of [
    [`another,${kid}`, 401],
    ['another', 200],
  ] as const) {
    const running = await main(readConfig({ ...env, DENIED_KEY_IDS: denied }));
    expect([denied, await use(running, token)]).toEqual([denied, status]);
    await running.stop();
  }
});

test('it serves the demo identities, which see what they may, and stops without a trace', async () => {
  const running = await main(readConfig(env));
  const demo = (await (await fetch(new URL('/development/identities', running.url))).json()) as {
    identities: { id: string; token: string; delegationId: string }[];
  };
  const see = async (id: string) => {
    const { token, delegationId } = demo.identities.find((identity) => identity.id === id) ?? {};
    const response = await fetch(running.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${token}`,
        ...(delegationId ? { 'delegation-id': delegationId } : {}),
      },
      body: JSON.stringify({ query: '{ viewer { live owner { id } } memories { edges { node { id } } } }' }),
    });
    return ((await response.json()) as { data: { viewer: object; memories: { edges: object[] } } }).data;
  };
  const alice = await see('alice');
  expect(alice.memories.edges.length).toBeGreaterThan(0);
  expect((await see('scout')).memories).toEqual(alice.memories);
  expect((await see('rogue')).memories.edges).toEqual([]);
  expect((await see('mallory')).memories).not.toEqual(alice.memories);
  await running.stop();
  await expect(fetch(running.url)).rejects.toThrow();
  await expect.poll(connections).toBe(0);
});
