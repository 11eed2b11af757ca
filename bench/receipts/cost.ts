// What receipts of reading cost: an agent reads a page of memories over HTTP, in turn with receipts of every operation and with hardly
// any, and its owner reads the same page, which leaves none.
//
//   node bench/receipts/cost.ts [--rounds 20] [--requests 25]
//
// The whole server as `main` starts it, with an embedded PostgreSQL in a temporary folder and the rows of the demo. In each round every
// kind has its requests, one after the other; the figures are medians over all rounds, so compare within one run.

import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { SCOPES } from '../../src/capabilities.ts';
import { readConfig } from '../../src/config.ts';
import { openDatabase } from '../../src/db/connect.ts';
import { setReceipts } from '../../src/db/partitions.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { developmentIssuer } from '../../src/development.ts';
import { main } from '../../src/main.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string' }, requests: { type: 'string' } } });
const rounds = Number(values.rounds ?? 20);
const requests = Number(values.requests ?? 25);

const folder = await mkdtemp(join(tmpdir(), 'bailiwick-bench-'));
// for root the database runs as another user, who must be able to pass through
await chmod(folder, 0o711);
const dataDir = join(folder, 'data');
const config = readConfig({ DATA_DIR: dataDir, PORT: '0', MODE: 'development', LOG_LEVEL: 'silent' });
const server = await main(config);

const QUERY = '{ memories(first: 20) { edges { node { id content tags } } } }';

async function read(token: string, delegation?: string): Promise<number> {
  const began = performance.now();
  const response = await fetch(server.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${token}`,
      ...(delegation && { 'delegation-id': delegation }),
    },
    body: JSON.stringify({ query: QUERY }),
  });
  const { data } = (await response.json()) as { data?: { memories: { edges: object[] } } };
  if (data === undefined || data.memories.edges.length === 0) {
    throw new Error('nothing was read');
  }
  return performance.now() - began;
}

const median = (some: number[]): number => some.sort((a, b) => a - b)[Math.floor(some.length / 2)] ?? 0;

try {
  const issuer = developmentIssuer({ dataDir, development: true });
  const mint = (subject: string) => issuer.mint({ subject, tenant: 'acme', scopes: SCOPES, expiresIn: 3600 });
  const [alice, scout] = [await mint('alice'), await mint('scout')];
  const connection = await openDatabase(config, { mode: 'attach' });
  const client = new pg.Client({ connectionString: connection.migratorUrl });
  await client.connect();
  const kinds = {
    'the owner in person': { every: 1, token: alice, delegation: undefined },
    'her agent, receipts of one operation in 1000': {
      every: 1000,
      token: scout,
      delegation: DELEGATIONS.scout.id,
    },
    'her agent, receipts of every operation': { every: 1, token: scout, delegation: DELEGATIONS.scout.id },
  };
  const times = new Map<string, number[]>(Object.keys(kinds).map((kind) => [kind, []]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const [kind, { every, token, delegation }] of Object.entries(kinds)) {
      await setReceipts(client, 'acme', every);
      for (let n = 0; n < requests; n += 1) {
        const time = await read(token, delegation);
        // the first round is for warming up
        if (round > 0) {
          times.get(kind)?.push(time);
        }
      }
    }
  }
  await client.end();
  await connection.stop();
  const medians = new Map([...times].map(([kind, all]) => [kind, median(all)]));
  const sampled = medians.get('her agent, receipts of one operation in 1000') ?? Number.NaN;
  for (const [kind, ms] of medians) {
    process.stdout.write(`${kind.padEnd(46)} ${ms.toFixed(2)} ms  ${(ms / sampled).toFixed(2)}\n`);
  }
} finally {
  await server.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
