// A connection that PostgreSQL ends in the very instant in which it becomes usable, between the pool's listening and the
// borrower's: it must cost one request an honest answer, and never the process (which an unheard error event would end).
//
// A listener of our own speaks the few bytes of PostgreSQL's greeting and its farewell in one breath, because a real server does
// so only by chance. Vitest fails the run on an uncaught exception.

import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClient } from '../../src/db/client.ts';
import { SealedPool } from '../../src/db/pool.ts';
import { withSession } from '../../src/db/session.ts';
import { newId } from '../../src/ids.ts';
import { ISSUER, KEY } from '../kit/as.ts';
import { testEncryption } from '../kit/keys.ts';

const LIMITS = { size: 1, waitMs: 1000, statementMs: 1000, transactionMs: 1000 };

/** A message of the server: its letter, its length, its content. */
function message(letter: string, content: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(letter);
  head.writeInt32BE(content.length + 4, 1);
  return Buffer.concat([head, content]);
}

const AUTHENTICATED = message('R', Buffer.alloc(4));
const READY = message('Z', Buffer.from('I'));
const FAREWELL = message(
  'E',
  Buffer.from('SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0'),
);

let server: Server;
let pool: SealedPool;
beforeAll(async () => {
  server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', () => socket.end(Buffer.concat([AUTHENTICATED, READY, FAREWELL])));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  pool = new SealedPool(`postgresql://nobody@127.0.0.1:${port}/nowhere`, LIMITS, 180_000);
});
afterAll(async () => {
  await pool.end();
  await new Promise((resolve) => server.close(resolve));
});

test('a session on such a connection is UNAVAILABLE', async () => {
  const client = createClient(pool, testEncryption());
  const claims = {
    kind: 'token' as const,
    tenant: 'acme',
    issuer: ISSUER,
    subject: 'alice',
    scopes: [],
    tokenExpiresAt: new Date(Date.now() + 60_000),
    tokenIssuedAt: new Date(),
    requestId: newId<never>(),
  };
  const database = { client, ticketKey: KEY, transactionMs: LIMITS.transactionMs, waitMs: LIMITS.waitMs };
  await expect(
    withSession(database, claims, { readOnly: true }, ({ db }) => db.memory.count()),
  ).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await client.$disconnect();
});

test('the question whether the database is there is answered with an error', async () => {
  await expect(pool.ping()).rejects.toThrow();
});
