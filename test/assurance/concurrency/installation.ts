// An installation of one's own to be maltreated: an embedded PostgreSQL that keeps what it has committed, a wire to it that
// can be held and cut, the product's server as `main` starts it, and a clock for this process that can be stepped.
//
// The system's clock cannot be set in a test; what can be is the difference between the server's clock and the database's,
// and that difference is what tickets depend on. Not the shared database of the other tests: this one is killed.

import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { SCOPES } from '../../../src/capabilities.ts';
import { readConfig } from '../../../src/config.ts';
import { type EmbeddedServer, startEmbedded } from '../../../src/db/embedded.ts';
import { developmentIssuer } from '../../../src/development.ts';
import { main } from '../../../src/main.ts';
import { openWire, type Wire } from '../../db/wire.ts';

export const LIMITS = {
  POOL_SIZE: '6',
  POOL_WAIT_MS: '700',
  STATEMENT_TIMEOUT_MS: '1000',
  TRANSACTION_TIMEOUT_MS: '1400',
};

export type Installation = {
  /** Of the GraphQL endpoint. */
  readonly url: string;
  readonly migratorUrl: string;
  readonly wire: Wire;
  readonly clock: Clock;
  /** A token as an identity provider with the right time makes it. */
  token(subject: string, tenant: string): Promise<string>;
  /** Runs `work` as the database's superuser. */
  superuser<Result>(work: (client: pg.Client) => Promise<Result>): Promise<Result>;
  /** Process id of the database server. */
  postmaster(): Promise<number>;
  /** Sends the database server a signal, waits until it is gone, and starts it again. */
  restart(signal: NodeJS.Signals): Promise<void>;
  stop(): Promise<void>;
};

export type Clock = {
  /** Steps this process's clock to so many milliseconds beside the real one. */
  step(ms: number): void;
  /** Gives the process its own clock back. */
  remove(): void;
};

/** Puts a clock that can be stepped in the place of `Date`. What was made before keeps the real one. */
export function steppedClock(): Clock {
  const Real = globalThis.Date;
  let offset = 0;
  const now = () => Real.now() + offset;
  globalThis.Date = new Proxy(Real, {
    construct: (target, args) => Reflect.construct(target, args.length === 0 ? [now()] : args),
    get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
  });
  return {
    step(ms) {
      offset = ms;
    },
    remove() {
      globalThis.Date = Real;
    },
  };
}

/** Starts it for the running test; to be stopped by whoever started it. */
export async function install(): Promise<Installation> {
  const folder = await mkdtemp(join(tmpdir(), 'bailiwick-faults-'));
  // for root the database runs as another user, who must be able to pass through
  await chmod(folder, 0o711);
  const dataDir = join(folder, 'database');
  // with everything that makes a commit last, as in an installation that somebody misses
  const start = () => startEmbedded({ dataDir, log: () => undefined });
  const running = new AsyncDisposableStack();
  try {
    running.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
    let database: EmbeddedServer = await start();
    running.defer(() => database.stop());
    const wire = await openWire(database.runtimeUrl);
    const serverDir = join(folder, 'server');
    const issuer = developmentIssuer({ dataDir: serverDir, development: true });
    const clock = steppedClock();
    running.defer(async () => clock.remove());
    const { migratorUrl, superuserUrl } = database;
    const config = {
      ...LIMITS,
      DATABASE_URL: wire.url,
      MIGRATION_DATABASE_URL: migratorUrl,
      DATA_DIR: serverDir,
      PORT: '0',
      MODE: 'development',
      LOG_LEVEL: 'silent',
    };
    const server = await main(readConfig(config));
    running.defer(() => server.stop());
    const postmaster = async () => {
      const file = await readFile(join(dataDir, 'postgres', 'data', 'postmaster.pid'), 'utf8');
      return Number(file.split('\n')[0]);
    };
    return {
      url: server.url,
      migratorUrl,
      wire,
      clock,
      token: (subject, tenant) => issuer.mint({ subject, tenant, scopes: SCOPES }),
      superuser: (work) => connected(superuserUrl.replace(/\/postgres\?/, '/bailiwick?'), work),
      postmaster,
      async restart(signal) {
        process.kill(await postmaster(), signal);
        // waits for its end, and gives the folder free
        await database.stop();
        database = await start();
      },
      stop: () => running.disposeAsync(),
    };
  } catch (error) {
    await running.disposeAsync();
    throw error;
  }
}

async function connected<Result>(url: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client(url);
  // the server may be killed between two statements; the next one says so
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
