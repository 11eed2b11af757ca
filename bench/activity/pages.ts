// What pages of the activity log cost when there are ten million entries: the first, one that is 100 000 rows deep, the last, and the
// first of every filter; and what it costs to record. Through the whole server over HTTP. Run as `node bench/activity/pages.ts`,
// with `--rows 1000000` for fewer.
//
// The server is as `main` starts it, with an embedded PostgreSQL of its own in a temporary folder, which takes about 8 GB for ten
// million rows. One owner has half of all. Every case is asked for once in each round, in another order each time, and the middle value
// is told, so that what else the machine does meets all alike. The deep cursor is come by as a client does, page after page.

import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { toGlobalId } from '../../src/api/global-id.ts';
import { SCOPES } from '../../src/capabilities.ts';
import { readConfig } from '../../src/config.ts';
import { openDatabase } from '../../src/db/connect.ts';
import { withClient } from '../../src/db/with-client.ts';
import { AGENTS } from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { developmentIssuer } from '../../src/development.ts';
import { main } from '../../src/main.ts';
import { median } from '../encryption/figures.ts';
import { explain } from './explain.ts';
import { COMMON, fill, RARE } from './fill.ts';

const DEEP = 100_000;
const PAGE = 20;
const WARM = 10;
const ROUNDS = 60;
const GOAL = 2;

const { values } = parseArgs({ options: { rows: { type: 'string', default: '10000000' } } });
const rows = Number(values.rows);

const READ = `query Page($first: Int, $after: String, $last: Int, $before: String, $filter: ActivityFilter) {
  activity(first: $first, after: $after, last: $last, before: $before, filter: $filter) {
    edges { node { id agentId service action summary outcome durationMs network { host } chain createdAt } }
    pageInfo { startCursor endCursor hasNextPage }
  }
}`;
const RECORD = `mutation Record($input: RecordActivityInput!) { recordActivity(input: $input) { count } }`;

type Page = {
  readonly edges: readonly object[];
  readonly pageInfo: { readonly startCursor: string; readonly endCursor: string };
};
type Variables = Readonly<Record<string, unknown>>;

const say = (line: string) => void process.stdout.write(`${line}\n`);
const folder = await mkdtemp(join(tmpdir(), 'bailiwick-bench-'));
// for root the database runs as another user, who must be able to pass through
await chmod(folder, 0o711);
const dataDir = join(folder, 'data');
const config = readConfig({ DATA_DIR: dataDir, PORT: '0', MODE: 'development', LOG_LEVEL: 'silent' });
const server = await main(config);
try {
  const { migratorUrl, runtimeUrl } = await openDatabase(config, { mode: 'attach' });
  const began = performance.now();
  const size = await withClient(migratorUrl, async (client) => {
    await fill(client, rows, (done) => process.stderr.write(`${done} rows\n`));
    const { rows: sizes } = await client.query<{ gigabytes: number }>(
      'select (pg_database_size(current_database()) / 1e9)::float8 as gigabytes',
    );
    return sizes[0]?.gigabytes ?? 0;
  });
  say(
    `${rows} entries over a year, 50 owners, one of them with half; ${size.toFixed(1)} GB, filled in ${Math.round((performance.now() - began) / 1000)} s; Node ${process.version}, ${availableParallelism()} cores`,
  );
  await measure();
  await explain({ config, runtimeUrl, migratorUrl, deep: DEEP, take: PAGE + 1, say });
} finally {
  await server.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

async function measure(): Promise<void> {
  const issuer = developmentIssuer({ dataDir, development: true });
  const claims = { tenant: 'acme', scopes: SCOPES };
  const tokens = {
    alice: await issuer.mint({ ...claims, subject: 'alice' }),
    scout: await issuer.mint({ ...claims, subject: 'scout', delegationId: DELEGATIONS.scout.id }),
  };

  async function ask<Data>(who: keyof typeof tokens, query: string, variables: Variables): Promise<Data> {
    const response = await fetch(server.url, {
      method: 'POST',
      headers: { authorization: `Bearer ${tokens[who]}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    const answer = (await response.json()) as { data: Data; errors?: unknown };
    if (answer.errors !== undefined) {
      throw new Error(JSON.stringify(answer.errors));
    }
    return answer.data;
  }
  const read = async (who: keyof typeof tokens, variables: Variables) =>
    (await ask<{ activity: Page }>(who, READ, variables)).activity;

  let deep: string | undefined;
  for (let at = 0; at < DEEP; at += 100) {
    deep = (await read('alice', { first: 100, after: deep })).pageInfo.endCursor;
  }
  const end = await read('alice', { last: PAGE + 1 });
  const ago = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString();
  const agentId = (name: 'scout' | 'scribe') => toGlobalId('Agent', AGENTS[name].id);
  const first = (filter: Variables) => ({ first: PAGE, filter });
  const cases: Readonly<Record<string, readonly [who: keyof typeof tokens, variables: Variables]>> = {
    'first page': ['alice', { first: PAGE }],
    [`${DEEP} rows deep`]: ['alice', { first: PAGE, after: deep }],
    'last page, forwards': ['alice', { first: PAGE, after: end.pageInfo.startCursor }],
    'last page, backwards': ['alice', { last: PAGE }],
    'as an agent, first page': ['scout', { first: PAGE }],
    'agent, half of all rows': ['alice', first({ agentId: agentId('scout') })],
    'agent, one in 10 000': ['alice', first({ agentId: agentId('scribe') })],
    'service, four in ten': ['alice', first({ service: COMMON.service })],
    'service, one in 10 000': ['alice', first({ service: RARE.service })],
    'service, none': ['alice', first({ service: 'nowhere' })],
    'action, four in ten': ['alice', first({ action: COMMON.action })],
    'action, one in 10 000': ['alice', first({ action: RARE.action })],
    'outcome, most': ['alice', first({ outcome: 'SUCCEEDED' })],
    'outcome, one in 100': ['alice', first({ outcome: 'DENIED' })],
    'outcome, none': ['alice', first({ outcome: 'ASKED' })],
    'service and outcome': ['alice', first({ service: COMMON.service, outcome: 'DENIED' })],
    'two that are rare and never together': ['alice', first({ service: RARE.service, outcome: 'ASKED' })],
    'a day, half a year ago': ['alice', first({ since: ago(180), until: ago(179) })],
    'a day and a service': ['alice', first({ since: ago(180), until: ago(179), service: COMMON.service })],
  };
  const taken = new Map(Object.keys(cases).map((name) => [name, [] as number[]]));
  const found = new Map<string, number>();
  const order = Object.entries(cases);
  for (let round = -WARM; round < ROUNDS; round += 1) {
    // another one begins each time
    order.push(...order.splice(0, 1 + (round & 3)));
    for (const [name, [who, variables]] of order) {
      const begin = performance.now();
      const page = await read(who, variables);
      found.set(name, page.edges.length);
      if (round >= 0) {
        taken.get(name)?.push(performance.now() - begin);
      }
    }
  }
  const base = median(taken.get('first page') ?? []);
  say(
    `\nMedians of ${ROUNDS} requests each, in alternation (goal: ${DEEP} rows deep within ${GOAL} times the first page)\n`,
  );
  say('| Page | rows | ms | to the first page |\n| --- | --- | --- | --- |');
  for (const [name, times] of taken) {
    const ms = median(times);
    say(`| ${name} | ${found.get(name)} | ${ms.toFixed(2)} | ${(ms / base).toFixed(2)} |`);
  }

  const entry = { ...COMMON, agent: undefined, outcome: 'SUCCEEDED', summary: 'bed: lower', durationMs: 12 };
  say('\n| Recorded at once | ms | entries a second |\n| --- | --- | --- |');
  for (const count of [1, 50, 500]) {
    const times: number[] = [];
    for (let n = 0; n < 40; n += 1) {
      const begin = performance.now();
      await ask('scout', RECORD, { input: { entries: Array.from({ length: count }, () => entry) } });
      times.push(performance.now() - begin);
    }
    const ms = median(times.slice(10));
    say(`| ${count} | ${ms.toFixed(1)} | ${Math.round((count / ms) * 1000)} |`);
  }
}
