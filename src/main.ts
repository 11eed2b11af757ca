// Start: configuration -> database -> posture -> engine -> listen; and the way back. No logic of its own.
//
// Stopping lets operations in flight finish, as long as SHUTDOWN_MS allows, then closes the pool, then the embedded
// database. A server that finds the database in a weak posture does not start.

import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { Admission } from './api/admission.ts';
import { createEngine } from './api/yoga.ts';
import type { News } from './auth/failures.ts';
import { createVerifier } from './auth/token.ts';
import type { Config } from './config.ts';
import { openDataKeyRing } from './crypto/keys.ts';
import { ActivityExpiry } from './db/activity.ts';
import { createClient } from './db/client.ts';
import { openDatabase } from './db/connect.ts';
import { expectations } from './db/expected.ts';
import { KeyUses } from './db/key-uses.ts';
import { Neighbours } from './db/neighbours.ts';
import { SealedPool } from './db/pool.ts';
import { prepareDatabase } from './db/prepare.ts';
import { openReplica } from './db/replica.ts';
import type { Database } from './db/session.ts';
import { ticketKey } from './db/ticket.ts';
import { proofMemory } from './db/tokens.ts';
import { development } from './development.ts';
import { openRoots } from './encryption.ts';
import { PostureError } from './errors.ts';
import { healthPages } from './health.ts';
import { registeredIssuers } from './identity.ts';
import { Streams } from './live/streams.ts';
import { createTokenService, documentPages, ownIssuer } from './oauth/service.ts';
import { createOutgoing } from './outgoing/call.ts';
import { schema } from './schema.ts';
import { loadSecret } from './secret.ts';
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
  // what was started last is stopped first, whether the start succeeds or not
  const running = new AsyncDisposableStack();
  try {
    progress('database');
    const connection = await openDatabase(config, { mode: 'serve' });
    running.defer(() => connection.stop());
    const secret = loadSecret(config.ticketKey, config.dataDir, 'ticket.key');
    const key = ticketKey(secret);
    progress('migrations, policies and posture');
    const { serverVersion, plansOnce, unsealed, warnings } = await prepareDatabase(connection, {
      kid: key.kid,
      secret,
    });
    for (const warning of warnings) {
      log.warn({ check: warning.check, subject: warning.subject }, warning.message);
    }
    const roots = await openRoots(config);
    running.defer(() => roots.provider.close?.());
    const keys = openDataKeyRing(roots);
    const pool = new SealedPool(connection.runtimeUrl, config.pool, serverVersion, plansOnce);
    pool.on('error', (error) => {
      // while stopping, the database may be quicker than the farewell to it
      if (!pool.ending) {
        log.warn({ err: error }, 'idle connection lost');
      }
    });
    running.defer(() => pool.end());
    const client = createClient(pool, { keys, unsealed });
    running.defer(() => client.$disconnect());
    const { waitMs, transactionMs } = config.pool;
    const replica = openReplica(connection.replica, {
      limits: config.pool,
      serverVersion,
      ticketKey: key,
      encryption: { keys, unsealed },
      lost: (error) => log.warn({ err: error }, 'the standby does not answer; the primary does'),
    });
    running.defer(() => replica?.close());
    const database: Database = {
      client,
      ticketKey: key,
      transactionMs,
      waitMs,
      expectations: expectations(),
      replica,
    };
    const admission = new Admission(config.admission);
    const demo = config.development ? await development(config, connection.migratorUrl, keys) : undefined;
    const own =
      config.publicUrl === undefined
        ? undefined
        : ownIssuer({
            issuer: config.publicUrl,
            database: admission.inTurn(database),
            provider: roots.provider,
          });
    const verifier = createVerifier(config.issuers, {
      reach: config.issuerReach,
      deniedKeyIds: config.deniedKeyIds,
      directory: registeredIssuers(database, log),
      inProcess: [...(demo === undefined ? [] : [demo.issuer]), ...(own === undefined ? [] : [own])],
    });
    running.defer(() => verifier.close());
    const tokens = own && createTokenService(own, verifier);
    const keyUses = new KeyUses(database, (error) => log.warn({ err: error }, 'uses of keys were not noted'));
    running.defer(() => keyUses.close());
    const expiry = new ActivityExpiry(database, (error) =>
      log.warn({ err: error }, 'what is past its time was not thrown away'),
    );
    running.defer(() => expiry.close());
    const streams = new Streams(database, connection.directUrl, config.streams, (err, what) =>
      log.warn({ err }, what),
    );
    // whoever has a database for itself has no neighbours
    const neighbours =
      config.database.kind === 'embedded'
        ? undefined
        : new Neighbours<News>(connection.directUrl, secret, (error) =>
            log.warn({ err: error }, 'other servers are not heard; failures count here alone'),
          );
    await neighbours?.open();
    running.defer(() => neighbours?.close());
    const server = createHttpServer({
      engine: createEngine({
        // never all connections: requests need some
        streams: { streams, looks: Math.max(1, Math.floor(config.pool.size / 2)) },
        schema,
        database,
        keyUses,
        outgoing: createOutgoing({
          reach: config.serviceReach,
          timeoutMs: config.serviceTimeoutMs,
          inProcess: demo?.services,
        }),
        development: config.development,
      }),
      admission,
      failures: neighbours && { others: { channel: neighbours, secret } },
      verifier,
      ownIssuer: own?.config.issuer,
      proofs: proofMemory(database),
      tokens,
      publicOrigin: config.publicUrl,
      trustProxy: config.trustProxy,
      maxBodyBytes: config.maxBodyBytes,
      log,
      pages: new Map([
        ...healthPages(pool),
        ...(demo?.pages ?? []),
        ...(tokens ? documentPages(tokens) : []),
      ]),
    });
    const origin = await listen(server, config);
    running.defer(() => close(server, config.shutdownMs));
    // before the server waits for what is in flight, which they would never cease to be
    running.defer(() => streams.close());
    return {
      url: `${origin}/graphql`,
      welcome: demo?.welcome(origin) ?? [],
      stop: () => running.disposeAsync(),
    };
  } catch (error) {
    await running.disposeAsync();
    throw error;
  }
}

/** @returns the origin at which it answers. */
async function listen(server: Server, { host, port }: Config): Promise<string> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') {
      throw new PostureError(`Port ${port} of ${host} is taken:`, [
        'end what uses it, or set PORT to another; 0 takes a free one',
      ]);
    }
    throw error;
  }
  const bound = server.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${bound.port}`;
}

/** Lets what is in flight finish, as long as it may. */
async function close(server: Server, patience: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const late = setTimeout(() => server.closeAllConnections(), patience);
  await closed;
  clearTimeout(late);
}
