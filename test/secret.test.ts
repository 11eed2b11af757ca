// Secrets that an installation makes for itself: of several processes that start at once on an empty folder all have the same one, and nobody the
// beginning of it.

import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { loadSecret } from '../src/secret.ts';

/** Where half a secret could be seen it is seen in one of a hundred rounds or more. */
const ROUNDS = 200;

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'bailiwick-secret-'));
  onTestFinished(() => rm(made, { recursive: true }));
  return made;
}

/** Has several threads ask for one new secret after another, each at the same moment. Returns what each has got. */
async function atOnce(threads: number, rounds: number, dataDir: string): Promise<string[][]> {
  const ready = new Int32Array(new SharedArrayBuffer(4));
  const code = `
    const { parentPort, workerData } = require('node:worker_threads');
    const { module, dataDir, ready, threads, rounds } = workerData;
    import(module).then(({ loadSecret }) => {
      const got = [];
      for (let round = 0; round < rounds; round += 1) {
        Atomics.add(ready, 0, 1);
        while (Atomics.load(ready, 0) < (round + 1) * threads) {}
        got.push(Buffer.from(loadSecret(undefined, dataDir, 'secret' + round)).toString('hex'));
      }
      parentPort.postMessage(got);
    });`;
  const module = new URL('../src/secret.ts', import.meta.url).href;
  const workerData = { module, dataDir, ready, threads, rounds };
  return await Promise.all(
    Array.from({ length: threads }, async () => {
      const worker = new Worker(code, { eval: true, workerData });
      return await new Promise<string[]>((resolve, reject) => {
        worker.once('message', resolve).once('error', reject);
      });
    }),
  );
}

test('of several that make a secret at the same moment all have the same one, and all of it', async () => {
  const dataDir = await folder();
  const [one = [], ...others] = await atOnce(2, ROUNDS, dataDir);
  for (const got of [one, ...others]) {
    expect(got.filter((secret) => secret.length !== 64)).toEqual([]);
    expect(got).toEqual(one);
  }
  expect(new Set(one).size).toBe(ROUNDS);
  // and nothing is left of the makers' drafts
  expect(await readdir(dataDir)).toHaveLength(ROUNDS);
});

test('it is made once, where there is no folder yet, and readable by its owner alone', async () => {
  const dataDir = join(await folder(), 'installation');
  const made = loadSecret(undefined, dataDir, 'ticket.key');
  expect(made).toHaveLength(32);
  expect(loadSecret(undefined, dataDir, 'ticket.key')).toEqual(made);
  expect((await stat(join(dataDir, 'ticket.key'))).mode & 0o777).toBe(0o600);
});

test('one that is configured is taken as it is, and no file is made', async () => {
  const dataDir = await folder();
  expect(loadSecret('AQID', dataDir, 'ticket.key')).toEqual(Buffer.from([1, 2, 3]));
  expect(await readdir(dataDir)).toEqual([]);
});
