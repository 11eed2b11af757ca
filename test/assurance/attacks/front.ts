// The real server with a verifier of the attackers' choice of keys, for attacks with tokens: everything behind the token is
// the product's, the keys and the clock are those of test/auth/forge.ts.

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { createEngine } from '../../../src/api/yoga.ts';
import { createVerifier } from '../../../src/auth/token.ts';
import { createClient } from '../../../src/db/client.ts';
import { SealedPool } from '../../../src/db/pool.ts';
import { seedCast } from '../../../src/demo/seed.ts';
import { schema } from '../../../src/schema.ts';
import { createHttpServer } from '../../../src/server.ts';
import { ISSUER, issuerConfig, NOW } from '../../auth/forge.ts';
import { LIMITS, versionOf } from '../../db/lane.ts';
import { KEY, trustTickets } from '../../kit/as.ts';
import type { TestDatabase } from '../../kit/database.ts';
import { testEncryption, testKeys } from '../../kit/keys.ts';
import { ALLOWED, REFUSED } from './attack.ts';
import { DENIED, PUBLISHED, type TokenAttack } from './tokens.ts';

const ASK = JSON.stringify({ query: '{ viewer { live } }' });

export type Front = {
  present(attack: TokenAttack): Promise<string>;
  stop(): Promise<void>;
};

export async function openFront(database: TestDatabase): Promise<Front> {
  await seedCast(database.migratorUrl, { issuer: ISSUER, keys: testKeys() });
  await trustTickets(database);
  const pool = new SealedPool(
    database.runtimeUrl,
    { ...LIMITS, size: 2, statementMs: 3000, transactionMs: 6000 },
    await versionOf(database),
  );
  pool.on('error', () => undefined);
  const client = createClient(pool, testEncryption());
  const config = issuerConfig({ tenants: ['acme'] });
  const verifier = createVerifier([], {
    now: () => NOW * 1000,
    deniedKeyIds: DENIED,
    inProcess: [{ config, jwks: () => ({ keys: PUBLISHED }) }],
  });
  const server = createHttpServer({
    engine: createEngine({
      schema,
      database: { client, ticketKey: KEY, transactionMs: 6000, waitMs: 2000 },
      development: false,
    }),
    verifier,
    maxBodyBytes: 65_536,
    log: pino({ level: 'silent' }),
    pages: new Map(),
    // whoever fails on purpose is not to wait
    failures: { perSource: 1_000_000, perCredential: 1_000_000 },
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const ask = async (headers: Readonly<Record<string, string>>) => {
    const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: ASK,
    });
    const requestId = response.headers.get('x-request-id') ?? '';
    return { status: response.status, text: (await response.text()).replaceAll(requestId, '') };
  };
  const anonymous = await ask({});
  return {
    async present({ headers, status = 401 }) {
      const answer = await ask(headers());
      if (answer.status !== status) {
        return `answered ${answer.status}: ${answer.text.slice(0, 100)}`;
      }
      if (status === 200) {
        return answer.text === '{"data":{"viewer":{"live":true}}}' ? ALLOWED : answer.text;
      }
      // one body for every cause: what differs helps whoever is guessing
      return status === 401 && answer.text !== anonymous.text
        ? `told more than to nobody: ${answer.text}`
        : REFUSED;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      verifier.close();
      await client.$disconnect();
      await pool.end();
    },
  };
}
