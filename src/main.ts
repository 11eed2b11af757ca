// Start: configuration -> database -> posture -> engine -> listen; and the way back. No logic of its own.
//
// Stopping lets operations in flight finish, as long as SHUTDOWN_MS allows, then closes the pool, then the embedded
// database. A server that finds the database in a weak posture does not start.

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { createEngine } from './api/yoga.ts';
import { createVerifier } from './auth/token.ts';
import type { Config } from './config.ts';
import { createClient } from './db/client.ts';
import { openDatabase } from './db/connect.ts';
import { SealedPool } from './db/pool.ts';
import { prepareDatabase } from './db/prepare.ts';
import type { Database } from './db/session.ts';
import { loadTicketSecret, ticketKey } from './db/ticket.ts';
import { development } from './development.ts';
import { healthPages } from './health.ts';
import { schema } from './schema.ts';
import { createHttpServer } from './server.ts';

export type Running = {
  /** Address of the GraphQL endpoint. */
  readonly url: string;
  /** Lines for the person who started it: addresses and demo identities. */
  readonly welcome: readonly string[];
  stop(): Promise<void>;
};

/**
 * Starts the server.
 *
 * @param progress Told what takes time.
 * @throws {PostureError} when the installation is not fit to serve; nothing is left running then.
 */
export async function main(
  config: Config,
  progress: (step: string) => void = () => undefined,
): Promise<Running> {
  const log = pino({ level: config.logLevel }, pino.destination(2));
  progress('database');
  const connection = await openDatabase(config, { mode: 'serve' });
  try {
    const secret = loadTicketSecret(config.ticketKey, config.dataDir);
    const key = ticketKey(secret);
    progress('migrations, policies and posture');
    const { serverVersion, warnings } = await prepareDatabase(connection, { kid: key.kid, secret });
    for (const warning of warnings) {
      log.warn({ check: warning.check, subject: warning.subject }, warning.message);
    }
    const pool = new SealedPool(connection.runtimeUrl, config.pool, serverVersion);
    pool.on('error', (error) => log.warn({ err: error }, 'idle connection lost'));
    const client = createClient(pool);
    const database: Database = {
      client,
      ticketKey: key,
      transactionMs: config.pool.transactionMs,
      waitMs: config.pool.waitMs,
    };
    const demo = config.development ? await development(config, connection.migratorUrl) : undefined;
    const verifier = createVerifier(config.issuers, { inProcess: demo === undefined ? [] : [demo.issuer] });
    const server = createHttpServer({
      engine: createEngine({ schema, database, development: config.development }),
      verifier,
      maxBodyBytes: config.maxBodyBytes,
      log,
      pages: new Map([...healthPages(pool), ...(demo?.pages ?? [])]),
    });
    server.listen(config.port, config.host);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const origin = `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`;
    return {
      url: `${origin}/graphql`,
      welcome: demo?.welcome(origin) ?? [],
      async stop() {
        const closed = new Promise<void>((resolve) => server.close(() => resolve()));
        server.closeIdleConnections();
        const late = setTimeout(() => server.closeAllConnections(), config.shutdownMs);
        await closed;
        clearTimeout(late);
        verifier.close();
        await client.$disconnect();
        await pool.end();
        await connection.stop();
      },
    };
  } catch (error) {
    await connection.stop();
    throw error;
  }
}
