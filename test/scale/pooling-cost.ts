// What a pooler costs: the same page of 20 straight to PostgreSQL, through PgBouncer without names, and with them. A script, run by hand:
//
//   node test/scale/pooling-cost.ts [--rounds 5] [--seconds 2] [--at-once 8]
//
// All ways are asked in turns within one run, another first each round, and told by their medians. PGBOUNCER names another program than
// the one that is installed.

import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SCOPES } from '../../src/capabilities.ts';
import { createClient } from '../../src/db/client.ts';
import { startEmbedded } from '../../src/db/embedded.ts';
import { expectations } from '../../src/db/expected.ts';
import { SealedPool } from '../../src/db/pool.ts';
import { prepareDatabase } from '../../src/db/prepare.ts';
import { type Database, withSession } from '../../src/db/session.ts';
import { ticketKey } from '../../src/db/ticket.ts';
import { withClient } from '../../src/db/with-client.ts';
import { ACTORS, TENANTS } from '../../src/demo/cast.ts';
import { seedCast } from '../../src/demo/seed.ts';
import { newId, type RequestId } from '../../src/ids.ts';
import { testEncryption, testKeys } from '../kit/keys.ts';
import { findPgBouncer, knowsNames, startPgBouncer } from './pooling-server.ts';

const ISSUER = 'https://issuer.test/';
const LIMITS = { size: 10, waitMs: 5000, statementMs: 5000, transactionMs: 8000 };

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    'at-once': { type: 'string', default: '8' },
  },
});
const [rounds, seconds, atOnce] = [values.rounds, values.seconds, values['at-once']].map(Number) as [
  number,
  number,
  number,
];

await using running = new AsyncDisposableStack();
const folder = await mkdtemp(join(tmpdir(), 'bailiwick-pooling-'));
running.defer(() => rm(folder, { recursive: true, force: true }));
// for root the database runs as another user, who must be able to pass through
await chmod(folder, 0o711);
const server = await startEmbedded({ dataDir: join(folder, 'data'), log: () => undefined, durable: false });
running.defer(() => server.stop());
const secret = randomBytes(32);
const key = ticketKey(secret);
const { serverVersion } = await prepareDatabase(server, { kid: key.kid, secret });
await seedCast(server.migratorUrl, { issuer: ISSUER, keys: testKeys() });
await withClient(server.migratorUrl, async (client) => {
  await client.query(
    `insert into memories (tenant_id, id, owner_id, content, tags, created_by, request_id)
     select $1, gen_random_uuid(), $2, 'memory ' || n, '{}', $2, gen_random_uuid() from generate_series(1, 5000) n`,
    [TENANTS.acme.id, ACTORS.alice.id],
  );
  await client.query('analyze');
});

const ways: Record<string, string> = { direct: server.runtimeUrl };
const found = await findPgBouncer();
if (found !== undefined) {
  const bouncer = await startPgBouncer({
    target: server.runtimeUrl,
    passwords: { bailiwick_runtime: decodeURIComponent(new URL(server.runtimeUrl).password) },
    settings: { default_pool_size: 10 },
  });
  running.defer(() => bouncer.stop());
  ways[`PgBouncer ${found.version}, transaction`] = bouncer.through(server.runtimeUrl, 'transaction');
  if (knowsNames(found.version)) {
    const named = 'transaction-prepared';
    ways[`PgBouncer ${found.version}, ${named}`] = bouncer.through(server.runtimeUrl, named);
  }
}

const lanes = Object.entries(ways).map(([name, url]) => {
  const pool = new SealedPool(url, LIMITS, serverVersion);
  const client = createClient(pool, testEncryption());
  running.defer(() => pool.end());
  running.defer(() => client.$disconnect());
  const database: Database = {
    client,
    ticketKey: key,
    transactionMs: LIMITS.transactionMs,
    waitMs: LIMITS.waitMs,
    expectations: expectations(),
  };
  return { name, database, rates: [] as number[] };
});

/** One page, as a query of the API reads it; the caller is known after the first. @returns round trips. */
function page(database: Database): Promise<number> {
  const claims = {
    kind: 'token',
    tenant: ACTORS.alice.tenant,
    issuer: ISSUER,
    subject: 'alice',
    scopes: SCOPES,
    tokenExpiresAt: new Date(Date.now() + 600_000),
    tokenIssuedAt: new Date(),
    requestId: newId<RequestId>(),
  } as const;
  return withSession(
    database,
    claims,
    { readOnly: true, repeatable: true },
    async ({ db, ownerId, course }) => {
      const found = await db.memory.findMany({ where: { ownerId }, orderBy: { id: 'desc' }, take: 20 });
      if (found.length !== 20) {
        throw new Error(`a page of ${found.length}`);
      }
      return course.roundTrips + 1;
    },
  );
}

async function rate(database: Database): Promise<number> {
  let done = 0;
  const began = performance.now();
  const until = began + seconds * 1000;
  const one = async () => {
    while (performance.now() < until) {
      await page(database);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  return (done * 1000) / (performance.now() - began);
}

for (const { database } of lanes) {
  await rate(database);
}
for (let round = 0; round < rounds; round += 1) {
  for (let turn = 0; turn < lanes.length; turn += 1) {
    const lane = lanes[(round + turn) % lanes.length];
    lane?.rates.push(await rate(lane.database));
  }
}
const median = (numbers: number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
const [direct] = lanes.map(({ rates }) => median(rates));
for (const { name, database, rates } of lanes) {
  const times = (median(rates) / (direct ?? 1)).toFixed(2);
  process.stdout.write(
    `${name}: ${median(rates).toFixed(0)} pages a second, ${times} of direct, ${await page(database)} round trips\n`,
  );
}
