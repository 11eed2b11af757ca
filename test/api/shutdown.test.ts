// Stopping the whole product, as `src/main.ts` starts and stops it: what is in flight is answered, what comes later is not.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { SCOPES } from '../../src/capabilities.ts';
import { type Config, readConfig } from '../../src/config.ts';
import { developmentIssuer } from '../../src/development.ts';
import { main } from '../../src/main.ts';
import { dataOf, readAnswer } from '../kit/answer.ts';
import { migrate } from '../kit/as.ts';
import { createTestDatabase, type TestDatabase } from '../kit/database.ts';

const PING = JSON.stringify({ query: '{ memories(first: 1) { edges { cursor } } }' });

async function configure(database: TestDatabase, dataDir: string, shutdownMs: number): Promise<Config> {
  return readConfig({
    PORT: '0',
    DATABASE_URL: database.runtimeUrl,
    MIGRATION_DATABASE_URL: database.migratorUrl,
    DATA_DIR: dataDir,
    MODE: 'development',
    LOG_LEVEL: 'silent',
    SHUTDOWN_MS: String(shutdownMs),
  });
}

/** Starts it, sends an operation that waits for a lock, asks it to stop, and lets go of the lock after a while. */
async function stopDuring(
  shutdownMs: number,
  heldMs: number,
): Promise<{ answer: Response | Error; late: Response | Error }> {
  const [database, dataDir] = [await createTestDatabase(), await mkdtemp(join(tmpdir(), 'bailiwick-'))];
  try {
    const config = await configure(database, dataDir, shutdownMs);
    const running = await main(config);
    const token = await developmentIssuer(config).mint({ subject: 'alice', tenant: 'acme', scopes: SCOPES });
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const ask = () =>
      fetch(running.url, { method: 'POST', headers, body: PING }).catch((error: Error) => error);
    dataOf(await readAnswer((await ask()) as Response));
    return await migrate(database, async ({ client }) => {
      await client.query('begin');
      await client.query('lock table memories in access exclusive mode');
      const asked = ask();
      await sleep(150);
      const stopped = running.stop();
      await sleep(50);
      const late = await ask();
      await sleep(heldMs);
      await client.query('rollback');
      const answer = await asked;
      await stopped;
      return { answer, late };
    });
  } finally {
    await rm(dataDir, { recursive: true });
    await database.drop();
  }
}

test('an operation in flight is finished and answered, and a later one is refused a connection', async () => {
  const { answer, late } = await stopDuring(5000, 200);
  expect(late).toBeInstanceOf(Error);
  expect(dataOf(await readAnswer(answer as Response))).toMatchObject({ memories: { edges: [{}] } });
});

test('an operation that takes longer than the server waits is cut off', async () => {
  const { answer } = await stopDuring(100, 600);
  expect(answer).toBeInstanceOf(Error);
});
