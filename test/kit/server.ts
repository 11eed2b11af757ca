// The real HTTP server on a free port, over a database of its own with the cast in it, and ways of asking it.
//
// Everything between a request's bytes and the rows is the product's: server, engine, verifier, pool, policies. Tokens come
// from the development issuer. What it did is observed from outside the product: log lines, statements as the driver
// was given them, audit entries as the migrator sees them. Nothing here knows what is allowed.

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import type { QueryConfig } from 'pg';
import { pino } from 'pino';
import { test as base } from 'vitest';
import { createEngine } from '../../src/api/yoga.ts';
import { createVerifier } from '../../src/auth/token.ts';
import { SCOPES } from '../../src/capabilities.ts';
import type { PoolConfig } from '../../src/config.ts';
import { createClient } from '../../src/db/client.ts';
import { freePort } from '../../src/db/embedded.ts';
import { Exchange } from '../../src/db/exchange.ts';
import { expectations } from '../../src/db/expected.ts';
import { installTicketKey } from '../../src/db/policies.ts';
import { opening, SealedPool } from '../../src/db/pool.ts';
import type { Database } from '../../src/db/session.ts';
import { ticketKey } from '../../src/db/ticket.ts';
import { proofMemory } from '../../src/db/tokens.ts';
import { ACTORS, type ActorName } from '../../src/demo/cast.ts';
import { DELEGATIONS, type DelegationName } from '../../src/demo/delegations.ts';
import { seedCast } from '../../src/demo/seed.ts';
import { DEVELOPMENT_ISSUER, developmentIssuer } from '../../src/development.ts';
import { healthPages } from '../../src/health.ts';
import { registeredIssuers } from '../../src/identity.ts';
import type { DelegationId } from '../../src/ids.ts';
import { Streams } from '../../src/live/streams.ts';
import { createTokenService, documentPages, ownIssuer } from '../../src/oauth/service.ts';
import type { Outgoing } from '../../src/outgoing/call.ts';
import { schema } from '../../src/schema.ts';
import { loadSecret } from '../../src/secret.ts';
import { createHttpServer } from '../../src/server.ts';
import { type Answer, readAnswer } from './answer.ts';
import { raw, type Sql } from './as.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { testEncryption, testKeys } from './keys.ts';

/** An operation's text; where codegen made it, with the types of its data and variables. */
export type Operation<Data, Variables> = { toString(): string; __apiType?: (variables: Variables) => Data };

export type Asking = {
  /** A delegation of the cast by name, or another by id; left out, the actor acts as itself. */
  readonly delegation?: DelegationName | DelegationId | undefined;
  /** Of the token; all there are unless given. */
  readonly scopes?: readonly string[];
  /** Who alone may act for the actor, by name. */
  readonly mayAct?: string;
  readonly headers?: Readonly<Record<string, string>>;
};

/** What one operation cost. */
export type Cost = {
  /** Times the server waited for the database, opening and closing included. */
  readonly roundTrips: number;
  /** Statements about rows, as the driver was given them; opening and closing left out. */
  readonly statements: readonly string[];
};

export type ServerOptions = {
  readonly development?: boolean;
  readonly maxBodyBytes?: number;
  readonly pool?: Partial<PoolConfig>;
  /** Whether it issues tokens, and takes those that are bound to a key. */
  readonly tokenService?: boolean;
  /** By which services are called; nothing is reached unless given. */
  readonly outgoing?: Outgoing;
  /** Most streams of events; of one owner as many. */
  readonly streams?: number;
};

export type RunningServer = {
  readonly origin: string;
  readonly database: TestDatabase;
  /** Parsed log lines so far. */
  readonly log: Record<string, unknown>[];
  query<Data = unknown, Variables = Record<string, unknown>>(
    actor: ActorName | 'nobody',
    operation: Operation<Data, Variables>,
    variables?: Variables,
    asking?: Asking,
  ): Promise<Answer<Data>>;
  /** Sends any body; what makes it a good request can be overridden by `init`. */
  post(
    body: BodyInit,
    init?: { actor?: ActorName; headers?: Record<string, string>; path?: string },
  ): Promise<Answer<unknown>>;
  /** The headers with which an actor comes. */
  credentials(actor: ActorName | 'nobody', asking?: Asking): Promise<Record<string, string>>;
  cost(answer: Answer<unknown>): Cost;
  /** As the migrator, whom row security does not bind; what it does stays. */
  migrate<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result>;
  stop(): Promise<void>;
};

const LIMITS: PoolConfig = { size: 5, waitMs: 2000, statementMs: 3000, transactionMs: 6000 };

export async function startServer(options: ServerOptions = {}): Promise<RunningServer> {
  const { development = false, maxBodyBytes = 1_048_576 } = options;
  const limits = { ...LIMITS, ...options.pool };
  const [database, dataDir] = await Promise.all([
    createTestDatabase(),
    mkdtemp(join(tmpdir(), 'bailiwick-')),
  ]);
  const secret = loadSecret(undefined, dataDir, 'ticket.key');
  const key = ticketKey(secret);
  await installTicketKey(database.migratorUrl, key.kid, secret);
  await seedCast(database.migratorUrl, { issuer: DEVELOPMENT_ISSUER, keys: testKeys() });
  const { migrate, release } = lastingMigrator(database);
  const version = await migrate((sql) => sql.value("select current_setting('server_version_num')"));

  const log: Record<string, unknown>[] = [];
  const issuer = developmentIssuer({ dataDir, development: true });
  const pool = new SealedPool(database.runtimeUrl, limits, Number(version));
  pool.on('error', () => undefined);
  const client = createClient(pool, testEncryption());
  const { observed, costs } = observe(pool, {
    client,
    ticketKey: key,
    transactionMs: limits.transactionMs,
    waitMs: limits.waitMs,
    expectations: expectations(),
  });
  const logger = pino({ level: 'info' }, lines(log));
  const port = options.tokenService ? await freePort() : 0;
  const own = options.tokenService
    ? ownIssuer({
        issuer: `http://127.0.0.1:${port}`,
        database: observed,
        provider: testKeys().roots.provider,
      })
    : undefined;
  const verifier = createVerifier([], {
    inProcess: [issuer, ...(own === undefined ? [] : [own])],
    directory: registeredIssuers(observed, logger),
    reach: 'loopback',
  });
  const tokens = own && createTokenService(own, verifier);
  const most = options.streams ?? 1000;
  const streams = new Streams(observed, database.directUrl, { streams: most, perOwner: most }, (err, what) =>
    logger.warn({ err }, what),
  );
  const server = createHttpServer({
    engine: createEngine({
      schema,
      database: observed,
      streams: { streams, looks: 2 },
      outgoing: options.outgoing,
      development,
    }),
    verifier,
    maxBodyBytes,
    log: logger,
    ...(own && { ownIssuer: own.config.issuer, proofs: proofMemory(observed), tokens }),
    pages: new Map([...healthPages(pool), ...(tokens ? documentPages(tokens) : [])]),
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const credentials: RunningServer['credentials'] = async (
    actor,
    { delegation, scopes = SCOPES, mayAct } = {},
  ) => {
    if (actor === 'nobody') {
      return {};
    }
    const token = await issuer.mint({ subject: actor, tenant: ACTORS[actor].tenant, scopes, mayAct });
    const id =
      delegation && Object.hasOwn(DELEGATIONS, delegation)
        ? DELEGATIONS[delegation as DelegationName].id
        : delegation;
    return { authorization: `Bearer ${token}`, ...(id ? { 'delegation-id': id } : {}) };
  };

  return {
    origin,
    database,
    log,
    credentials,
    migrate,
    async query(actor, operation, variables, asking = {}) {
      const headers = {
        ...(await credentials(actor, asking)),
        'content-type': 'application/json',
        ...asking.headers,
      };
      const body = JSON.stringify({ query: operation.toString(), variables });
      return await readAnswer(await fetch(`${origin}/graphql`, { method: 'POST', headers, body }));
    },
    async post(body, { actor = 'alice', headers = {}, path = '/graphql' } = {}) {
      const known = { ...(await credentials(actor)), 'content-type': 'application/json' };
      const init = { method: 'POST', headers: { ...known, ...headers }, body, duplex: 'half' };
      return await readAnswer(await fetch(`${origin}${path}`, init));
    },
    cost({ requestId }) {
      const cost = costs.get(requestId);
      if (cost === undefined) {
        throw new TypeError('that request opened no session');
      }
      return cost();
    },
    async stop() {
      await streams.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      verifier.close();
      await client.$disconnect();
      await pool.end();
      await release();
      await database.drop();
      await rm(dataDir, { recursive: true });
    },
  };
}

/** One connection for all that the tests of a file do as the migrator. */
function lastingMigrator(
  database: TestDatabase,
): Pick<RunningServer, 'migrate'> & { release(): Promise<void> } {
  const opened = Promise.withResolvers<Sql>();
  const over = Promise.withResolvers<void>();
  const connection = raw(
    database,
    async (sql) => {
      opened.resolve(sql);
      await over.promise;
    },
    database.migratorUrl,
  );
  connection.catch(opened.reject);
  return {
    migrate: async (work) => await work(await opened.promise),
    async release() {
      over.resolve();
      await connection;
    },
  };
}

/** What opens and closes a transaction; through a pooler it has no names. */
const FRAME =
  /^(set local plan_cache_mode|begin isolation level|select bailiwick\.(open|close)\(|commit$|select case when bailiwick\.open\()/;

/** Notes for every session what it costs, between the product and its driver. */
function observe(
  pool: SealedPool,
  database: Database,
): { observed: Database; costs: Map<string, () => Cost> } {
  const costs = new Map<string, () => Cost>();
  const texts = new WeakMap<object, string[]>();
  pool.on('connect', (connection) => {
    const query = connection.query.bind(connection) as (...args: unknown[]) => unknown;
    connection.query = ((...args: unknown[]) => {
      const sent = args[0] as QueryConfig | Exchange;
      const session = opening.getStore();
      if (session !== undefined) {
        const asked = sent instanceof Exchange ? sent.statements.map(({ text }) => text) : [sent.text];
        texts.get(session)?.push(...asked.filter((text) => !FRAME.test(text)));
      }
      return query(...args);
    }) as typeof connection.query;
  });
  const $transaction = ((...args: Parameters<Database['client']['$transaction']>) => {
    const session = opening.getStore();
    if (session !== undefined) {
      const statements: string[] = [];
      texts.set(session, statements);
      costs.set(session.requestId, () => ({ roundTrips: session.roundTrips, statements }));
    }
    return database.client.$transaction(...args);
  }) as Database['client']['$transaction'];
  return { observed: { ...database, client: { $transaction } as Database['client'] }, costs };
}

function lines(into: Record<string, unknown>[]): Writable {
  return new Writable({
    write(chunk, _encoding, done) {
      into.push(JSON.parse(String(chunk)) as Record<string, unknown>);
      done();
    },
  });
}

/** vitest's `test` with one server for the file. */
export const test = base
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern what a fixture needs
  .extend('server', { scope: 'file' }, async ({}, { onCleanup }) => {
    const server = await startServer();
    onCleanup(() => server.stop());
    return server;
  })
  .extend('query', { scope: 'file' }, ({ server }) => server.query);
