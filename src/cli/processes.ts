// Several server processes on one port of one machine: this one starts them, keeps their number, and serves nobody itself.
//
// The embedded database is this process's own, so that the end of a server is not the end of the database. The first server is waited for, because it
// migrates, makes keys and finds out whether the installation is fit to serve; then the others start. One that dies is started again, later each time
// it dies soon. At the end servers stop first, then the database. Knows nothing of what they serve.

import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config.ts';
import { openDatabase } from '../db/connect.ts';
import type { Io } from './command.ts';

/** Milliseconds before one that died is started again: at first, and at most; and for how long it must live to count as new. */
const RESTART = { first: 200, most: 10_000, sound: 30_000 } as const;

/** Milliseconds beyond what operations in flight may take, after which a server that does not stop is ended. */
const STOP_MS = 10_000;

/** What a server says when it listens. */
export type Ready = { readonly ready: { readonly url: string; readonly welcome: readonly string[] } };

/** Whether this process is one of several, and tells the one that started it that it listens. */
export const isServer = (): boolean => cluster.isWorker;
export const tellReady = (ready: Ready['ready']): void => void process.send?.({ ready });

/**
 * Runs so many servers until the signal.
 *
 * @param env The environment of the servers, as far as it is not the database's address.
 * @returns once all have stopped; false where the first did not become ready.
 */
export async function supervise(count: number, config: Config, env: Io['env'], io: Io): Promise<boolean> {
  const connection = await openDatabase(config, { mode: 'serve' });
  const shared =
    config.database.kind === 'external'
      ? env
      : {
          ...env,
          DATABASE_URL: connection.runtimeUrl,
          MIGRATION_DATABASE_URL: connection.migratorUrl,
          ERASURE_DIR: config.keys.erasureDir ?? join(config.dataDir, 'erasure'),
        };
  const running = new Map<Worker, Promise<unknown>>();
  const begin = (): { worker: Worker; ready: Promise<Ready['ready'] | undefined> } => {
    const worker = cluster.fork({ ...shared });
    const gone = once(worker, 'exit').finally(() => running.delete(worker));
    running.set(worker, gone);
    const listening = new Promise<Ready['ready']>((resolve) => {
      worker.on('message', (message: Partial<Ready>) => message.ready && resolve(message.ready));
    });
    return { worker, ready: Promise.race([listening, gone.then(() => undefined)]) };
  };
  /** One of so many places, with one server after another. */
  const keep = async (first: ReturnType<typeof begin>): Promise<void> => {
    let wait: number = RESTART.first;
    for (let { worker } = first; ; { worker } = begin()) {
      const since = Date.now();
      await running.get(worker);
      if (io.signal.aborted) {
        return;
      }
      wait = Date.now() - since >= RESTART.sound ? RESTART.first : wait;
      io.err(
        `a server ended (${worker.process.signalCode ?? worker.process.exitCode}); another one starts\n`,
      );
      await sleep(wait, undefined, { signal: io.signal }).catch(() => undefined);
      wait = Math.min(wait * 2, RESTART.most);
      if (io.signal.aborted) {
        return;
      }
    }
  };
  try {
    const first = begin();
    const ready = await first.ready;
    if (ready === undefined) {
      return false;
    }
    const others = Array.from({ length: count - 1 }, begin);
    const kept = [first, ...others].map(keep);
    await Promise.all(others.map((other) => other.ready));
    io.out([`listening on ${ready.url}, ${count} processes`, ...ready.welcome, ''].join('\n'));
    if (!io.signal.aborted) {
      await once(io.signal, 'abort');
    }
    io.err('stopping ...\n');
    await stopAll(running, config.shutdownMs + STOP_MS);
    await Promise.all(kept);
    return true;
  } finally {
    await stopAll(running, config.shutdownMs + STOP_MS);
    await connection.stop();
  }
}

async function stopAll(running: ReadonlyMap<Worker, Promise<unknown>>, patience: number): Promise<void> {
  const all = [...running];
  for (const [worker] of all) {
    worker.process.kill('SIGTERM');
  }
  const late = setTimeout(() => {
    for (const [worker] of all) {
      worker.process.kill('SIGKILL');
    }
  }, patience);
  await Promise.all(all.map(([, gone]) => gone));
  clearTimeout(late);
}
