// Finds the database that the configuration means: a server of the operator's, or the embedded one.
//
// A server process owns the embedded database (`serve`); a command works beside it on the same database if it is running,
// and otherwise starts it for as long as the command takes (`attach`). Where the embedded server keeps its address and
// passwords is embedded.ts's business; this file only reads that note, and makes no tables and no roles.

import { createWriteStream } from 'node:fs';
import { mkdir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { z } from 'zod';
import type { Config, ReplicaConfig } from '../config.ts';
import { startEmbedded } from './embedded.ts';
import { throughPooler } from './pooler.ts';

/** Where the database is. URLs hold passwords: they are not for printing. */
export type DatabaseConnection = {
  readonly migratorUrl: string;
  /** Says whether it leads through a pooler. */
  readonly runtimeUrl: string;
  /** As the same role, and straight to the database. */
  readonly directUrl: string;
  /** A hot standby of it. */
  readonly replica?: ReplicaConfig | undefined;
  /** Of the embedded server's administrator, on its maintenance database; nobody has one for a server of the operator's. */
  readonly superuserUrl?: string;
  /** Ends what `openDatabase` started, and nothing else. */
  stop(): Promise<void>;
};

/** Milliseconds for which a command waits for another process that is just starting the embedded server. */
const START_WAIT = 30_000;

/**
 * Opens the database of a configuration.
 *
 * @param options.mode `serve` refuses an embedded database that another process uses; `attach` shares it.
 * @throws {PostureError} when the embedded server cannot run here. The operator's server is not contacted yet.
 */
export async function openDatabase(
  { database, dataDir }: Pick<Config, 'database' | 'dataDir'>,
  { mode }: { mode: 'serve' | 'attach' },
): Promise<DatabaseConnection> {
  if (database.kind === 'external') {
    const { migratorUrl, runtimeUrl, directUrl = runtimeUrl, pooler, replica } = database;
    return {
      migratorUrl,
      runtimeUrl: throughPooler(runtimeUrl, pooler),
      directUrl,
      replica,
      stop: async () => undefined,
    };
  }
  const running = mode === 'attach' ? await findRunning(dataDir) : undefined;
  if (running !== undefined) {
    return running;
  }
  try {
    return await start(dataDir);
  } catch (error) {
    const started = mode === 'attach' ? await waitForRunning(dataDir) : undefined;
    if (started === undefined) {
      throw error;
    }
    return started;
  }
}

/** The server's own log lies beside its data; it begins anew with every start. */
async function start(dataDir: string): Promise<DatabaseConnection> {
  await mkdir(dataDir, { recursive: true });
  const lines: string[] = [];
  let write = (line: string) => void lines.push(line);
  const server = await startEmbedded({ dataDir, log: (line) => write(line) });
  const log = createWriteStream(join(dataDir, 'postgres.log'), { flags: 'w', mode: 0o600 });
  write = (line) => void log.write(`${line}\n`);
  lines.forEach(write);
  return {
    migratorUrl: server.migratorUrl,
    runtimeUrl: server.runtimeUrl,
    directUrl: server.runtimeUrl,
    superuserUrl: server.superuserUrl,
    async stop() {
      await server.stop();
      write = () => undefined;
      await new Promise<void>((resolve) => log.end(resolve));
    },
  };
}

/** What the embedded server noted about itself: as much of it as a second process needs. */
const note = z.object({
  passwords: z.object({ superuser: z.string(), migrator: z.string(), runtime: z.string() }),
  port: z.number(),
  socketDir: z.string().optional(),
});

/** The embedded database of another process, if it takes connections. */
async function findRunning(dataDir: string): Promise<DatabaseConnection | undefined> {
  try {
    const { passwords, port, socketDir } = note.parse(
      JSON.parse(await readFile(join(dataDir, 'postgres.json'), 'utf8')),
    );
    const host = encodeURIComponent(socketDir ?? (await realpath(join(dataDir, 'postgres'))));
    const url = (user: string, password: string, name: string) =>
      `postgresql://${user}:${password}@localhost:${port}/${name}?host=${host}`;
    const runtimeUrl = url('bailiwick_runtime', passwords.runtime, 'bailiwick');
    await probe(runtimeUrl);
    return {
      migratorUrl: url('bailiwick_migrator', passwords.migrator, 'bailiwick'),
      runtimeUrl,
      directUrl: runtimeUrl,
      superuserUrl: url('postgres', passwords.superuser, 'postgres'),
      stop: async () => undefined,
    };
  } catch {
    return undefined;
  }
}

async function waitForRunning(dataDir: string): Promise<DatabaseConnection | undefined> {
  const deadline = Date.now() + START_WAIT;
  // Without a lock nobody is starting it: then whatever kept us from doing so is the answer.
  while (Date.now() < deadline && (await isFile(join(dataDir, 'postgres.lock')))) {
    const running = await findRunning(dataDir);
    if (running !== undefined) {
      return running;
    }
    await sleep(250);
  }
  return undefined;
}

async function isFile(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

async function probe(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  try {
    await client.connect();
  } finally {
    await client.end();
  }
}
