// Which database a process gets: the operator's, or an embedded one that one process serves and others share.

import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DatabaseConnection, openDatabase } from '../../src/db/connect.ts';
import { PostureError } from '../../src/errors.ts';
import { asAdmin } from '../kit/database.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bailiwick-connect-'));
  // for root the server runs as another user, who must be able to pass through
  await chmod(folder, 0o711);
});
afterAll(() => rm(folder, { recursive: true }));

async function whoAnswers({ runtimeUrl, migratorUrl }: DatabaseConnection): Promise<unknown[]> {
  const ask = (url: string) =>
    asAdmin(url, (client) => client.query('select current_user as role, current_database() as name'));
  return [...(await ask(runtimeUrl)).rows, ...(await ask(migratorUrl)).rows];
}

const OURS = [
  { role: 'bailiwick_runtime', name: 'bailiwick' },
  { role: 'bailiwick_migrator', name: 'bailiwick' },
];

test("the operator's database is taken as configured, and not stopped", async () => {
  const database = {
    kind: 'external',
    runtimeUrl: 'postgresql://r@h/d',
    migratorUrl: 'postgresql://m@h/d',
  } as const;
  const connection = await openDatabase({ database, dataDir: folder }, { mode: 'serve' });
  expect(connection).toMatchObject({ runtimeUrl: 'postgresql://r@h/d', migratorUrl: 'postgresql://m@h/d' });
  expect(connection).not.toHaveProperty('superuserUrl');
  await connection.stop();
});

test('the embedded database is served by one process and shared by commands', async () => {
  const config = { database: { kind: 'embedded' }, dataDir: join(folder, 'served') } as const;
  const server = await openDatabase(config, { mode: 'serve' });
  try {
    expect(await whoAnswers(server)).toEqual(OURS);
    await expect(openDatabase(config, { mode: 'serve' })).rejects.toThrow(PostureError);
    const command = await openDatabase(config, { mode: 'attach' });
    expect(await whoAnswers(command)).toEqual(OURS);
    await command.stop();
    expect(await whoAnswers(server)).toEqual(OURS);
  } finally {
    await server.stop();
  }
  const [first, second] = await Promise.all([1, 2].map(() => openDatabase(config, { mode: 'attach' })));
  try {
    expect(first?.runtimeUrl).toBe(second?.runtimeUrl);
    expect(await whoAnswers(second as DatabaseConnection)).toEqual(OURS);
  } finally {
    await Promise.all([first?.stop(), second?.stop()]);
  }
  await expect(whoAnswers(server)).rejects.toThrow();
});
