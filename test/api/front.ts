// The real HTTP server with an issuer of the test's own, for what happens to credentials before and after they are
// verified: vitest's `test` with a database for the file, on which each test opens servers with the settings that it
// is about.
//
// Everything behind the token is the product's, and so is the clock, unless a setting replaces it. Knows no refusals.

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { createEngine } from '../../src/api/yoga.ts';
import { createVerifier } from '../../src/auth/token.ts';
import { createClient } from '../../src/db/client.ts';
import { SealedPool } from '../../src/db/pool.ts';
import { ACTORS, type ActorName } from '../../src/demo/cast.ts';
import { schema } from '../../src/schema.ts';
import { createHttpServer, type ServerSettings } from '../../src/server.ts';
import { AUDIENCE, ecKey, forge, issuerConfig } from '../auth/forge.ts';
import { LIMITS, versionOf } from '../db/lane.ts';
import { ISSUER, KEY, trustTickets } from '../kit/as.ts';
import { test as base } from '../kit/cast.ts';
import type { TestDatabase } from '../kit/database.ts';
import { testEncryption } from '../kit/keys.ts';

export const ISSUING = ecKey('issuing');

/** Asks for a row, so that the database has to agree. */
export const PING = '{ viewer { live } }';

export type Front = {
  readonly origin: string;
  /** Parsed log lines so far. */
  readonly log: Record<string, unknown>[];
  /** Connections of the pool that are lent at this moment. */
  readonly lent: () => number;
  /** How often the verifier was asked. */
  readonly verified: () => number;
  /** How often the database was asked. */
  readonly opened: () => number;
  ask(headers: Readonly<Record<string, string>>, query?: string): Promise<Response>;
};

/** A token that `actor` has from the test's issuer, good except for what is changed. */
export function token(actor: ActorName, claims: Readonly<Record<string, unknown>> = {}): string {
  const now = Math.floor(Date.now() / 1000);
  return forge(ISSUING, {
    payload: {
      iss: ISSUER,
      aud: AUDIENCE,
      sub: actor,
      tenant: ACTORS[actor].tenant,
      scope: 'memory:read',
      jti: crypto.randomUUID(),
      iat: now,
      exp: now + 600,
      ...claims,
    },
  });
}

/** What a test may set; `remote` is a second issuer, whose keys are fetched from there. */
export type FrontSettings = Partial<
  Pick<ServerSettings, 'proofs' | 'publicOrigin' | 'trustProxy' | 'failures' | 'pages'>
> & {
  readonly remote?: { readonly issuer: string; readonly jwksUri: string };
  /** Told of each log line while it is written. */
  readonly onLog?: (line: Record<string, unknown>, front: Pick<Front, 'lent'>) => void;
};

/** Opens a server for the running test, and closes it with the test. */
async function openFront(
  database: TestDatabase,
  { remote, onLog = () => undefined, pages = new Map(), ...settings }: FrontSettings = {},
): Promise<Front> {
  await trustTickets(database);
  const limits = { ...LIMITS, size: 2, statementMs: 3000, transactionMs: 6000 };
  const pool = new SealedPool(database.runtimeUrl, limits, await versionOf(database));
  pool.on('error', () => undefined);
  const lent = () => pool.totalCount - pool.idleCount;
  const counts = { verified: 0, opened: 0 };
  pool.on('acquire', () => {
    counts.opened += 1;
  });
  const client = createClient(pool, testEncryption());
  const verifier = createVerifier(remote === undefined ? [] : [issuerConfig(remote)], {
    reach: 'loopback',
    inProcess: [{ config: issuerConfig({ issuer: ISSUER }), jwks: () => ({ keys: [ISSUING.jwk] }) }],
  });
  const log: Front['log'] = [];
  const lines = new Writable({
    write(chunk, _encoding, done) {
      const line = JSON.parse(String(chunk)) as Record<string, unknown>;
      log.push(line);
      onLog(line, { lent });
      done();
    },
  });
  const server = createHttpServer({
    engine: createEngine({
      schema,
      database: { client, ticketKey: KEY, transactionMs: 6000, waitMs: 2000 },
      development: false,
    }),
    verifier: {
      ...verifier,
      verify(text) {
        counts.verified += 1;
        return verifier.verify(text);
      },
    },
    maxBodyBytes: 65_536,
    log: pino({ level: 'info' }, lines),
    pages,
    ...settings,
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    verifier.close();
    await client.$disconnect();
    await pool.end();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    log,
    lent,
    verified: () => counts.verified,
    opened: () => counts.opened,
    ask(headers, query = PING) {
      const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers } };
      return fetch(`${origin}/graphql`, { ...init, body: JSON.stringify({ query }) });
    },
  };
}

/** vitest's `test` with the cast, and a way to open servers over it. */
export const test = base.extend('open', { scope: 'file' }, ({ database }) => {
  return (settings?: FrontSettings) => openFront(database, settings);
});

/** Waits until the server has written its last line on this answer. */
export async function lineOf(front: Front, requestId: string | null): Promise<Record<string, unknown>> {
  for (;;) {
    const line = front.log.find((one) => one.requestId === requestId && one.msg === 'request');
    if (line !== undefined) {
      return line;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}
