// What happens beyond capacity: how long a steady tenant waits alone and beside another one's flood, how soon a refusal is there, and how much is
// still served when more and more is asked.
//
//   node bench/overload/flood.ts [--rounds 5] [--seconds 4] [--steady 10] [--flood 32,256] [--offered 1,2,4,8] [--without] [--set NAME=value,…]
//
// The server is as `bailiwick start` makes it, in a process of its own with an embedded PostgreSQL in a temporary folder; so are those who
// ask, one process for each tenant. Everything shares the machine's cores. What is compared is asked in turns. --without takes
// admission away (as many operations at a time as come), for what it was like before. --steady is the rate of the steady tenant in percent of what
// the server does at most.

import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { SCOPES } from '../../src/capabilities.ts';
import { readConfig } from '../../src/config.ts';
import { openDatabase } from '../../src/db/connect.ts';
import { freePort } from '../../src/db/embedded.ts';
import { withClient } from '../../src/db/with-client.ts';
import { TENANTS, USERS } from '../../src/demo/cast.ts';
import { developmentIssuer } from '../../src/development.ts';
import { median } from '../encryption/figures.ts';
import type { Asked, Asking } from './client.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    steady: { type: 'string', default: '10' },
    flood: { type: 'string', default: '32,256' },
    offered: { type: 'string', default: '1,2,4,8' },
    without: { type: 'boolean', default: false },
    set: { type: 'string', default: '' },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const numbers = (text: string) => text.split(',').filter(Boolean).map(Number);

/** Memories of each of the two. */
const ROWS = 2000;
/** Connections of the open-loop generator at most. */
const CONNECTIONS = 1024;
const QUERY =
  '{ memories(first: 20) { edges { cursor node { id kind content createdAt agent { id name } } } pageInfo { hasNextPage } } }';

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const say = (line: string) => void process.stdout.write(`${line}\n`);

const folder = await mkdtemp(join(tmpdir(), 'bailiwick-bench-'));
// for root the database runs as another user, who must be able to pass through
await chmod(folder, 0o711);
const dataDir = join(folder, 'data');
const port = await freePort();
const children: ChildProcess[] = [];

async function start(): Promise<ChildProcess> {
  const child = spawn(process.execPath, [file('../../bin/bailiwick.js'), 'start', '--development'], {
    env: {
      PATH: process.env.PATH,
      DATA_DIR: dataDir,
      PORT: String(port),
      LOG_LEVEL: 'silent',
      ...(values.without ? { MAX_CONCURRENT: '10000', MAX_CONCURRENT_PER_TENANT: '10000' } : {}),
      ...Object.fromEntries(
        values.set
          .split(',')
          .filter(Boolean)
          .map((one) => one.split('=')),
      ),
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  children.push(child);
  for (const until = Date.now() + 120_000; ; await sleep(50)) {
    if ((await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined))?.ok) {
      return child;
    }
    if (child.exitCode !== null || Date.now() > until) {
      throw new Error('the server did not become ready');
    }
  }
}

/** Memories for alice and for mallory, who is of another tenant. */
async function fill(): Promise<void> {
  const connection = await openDatabase(readConfig({ DATA_DIR: dataDir, MODE: 'development' }), {
    mode: 'attach',
  });
  await withClient(connection.migratorUrl, async (client) => {
    for (const [tenant, owner] of [
      [TENANTS.acme.id, USERS.alice.id],
      [TENANTS.globex.id, USERS.mallory.id],
    ]) {
      await client.query(
        `insert into memories (tenant_id, id, owner_id, content, tags, created_by, request_id)
         select $1, gen_random_uuid(), $2, 'Something to remember, the ' || n || 'th of many', '{}', $2, gen_random_uuid()
           from generate_series(1, ${ROWS}) n`,
        [tenant, owner],
      );
    }
    await client.query('analyze');
  });
  await connection.stop();
}

function generator(): (asking: Partial<Asking>) => Promise<Asked> {
  const child = fork(file('client.ts'), [], { env: { PATH: process.env.PATH } });
  children.push(child);
  return async (asking) => {
    child.send(asking);
    const [answer] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [
      Asked | { failure: string },
    ];
    if (answer === null || typeof answer !== 'object' || !('served' in answer)) {
      throw new Error(`a generator ended: ${JSON.stringify(answer)}`);
    }
    if (answer.failed > 0) {
      throw new Error(`${answer.failed} answers were neither served nor refused: ${answer.failure}`);
    }
    return answer;
  };
}

function percentile(times: readonly number[], share: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
const ms = (time: number) => (Number.isNaN(time) ? '-' : time.toFixed(1));
const row = (...cells: (string | number)[]) => say(`| ${cells.join(' | ')} |`);
const head = (...cells: string[]) => {
  say('');
  row(...cells);
  row(...cells.map(() => '---'));
};

/** Milliseconds of CPU that a process has used. */
function cpuOf({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

try {
  const server = await start();
  await fill();
  const issuer = developmentIssuer({ dataDir, development: true });
  const url = `http://127.0.0.1:${port}/graphql`;
  const body = JSON.stringify({ query: QUERY });
  const token = (subject: string, tenant: string) =>
    issuer.mint({ subject, tenant, scopes: SCOPES, expiresIn: 3600 });
  const steady = { url, body, token: await token('alice', 'acme'), seconds };
  const flooding = { url, body, token: await token('mallory', 'globex'), seconds };
  const [askSteady, askFlood] = [generator(), generator()];

  await askSteady({ ...steady, connections: 8, seconds: 2 });
  await askFlood({ ...flooding, connections: 8, seconds: 2 });
  const before = cpuOf(server);
  const most = await askSteady({ ...steady, connections: 8 });
  const cpu = (cpuOf(server) - before) / most.served.length;
  const capacity = most.served.length / most.seconds;
  say(
    `${availableParallelism()} cores, Node ${process.version}; 8 connections: ${capacity.toFixed(0)} pages of 20 a second, ${cpu.toFixed(2)} ms of the server's CPU each`,
  );

  const rate = (capacity * Number(values.steady)) / 100;
  head(
    'the other tenant',
    `p50 of ${rate.toFixed(0)} a second`,
    'p95',
    'times alone',
    'refused of it',
    'flood served, refused a second',
    'flood p50',
    'refusal p50',
    'p99',
    'CPU',
  );
  const floods = [0, ...numbers(values.flood)];
  const seen = new Map<number, { steady: Asked; flood: Asked | undefined; cpu: number }[]>(
    floods.map((flood) => [flood, []]),
  );
  for (let round = 0; round < rounds; round += 1) {
    for (let at = 0; at < floods.length; at += 1) {
      const connections = floods[(at + round) % floods.length] as number;
      const flood =
        connections === 0 ? undefined : askFlood({ ...flooding, connections, seconds: seconds + 1 });
      await sleep(500);
      const used = cpuOf(server);
      const measured = await askSteady({ ...steady, rate, connections: 64 });
      const cpu = (cpuOf(server) - used) / 10 / seconds;
      seen.get(connections)?.push({ steady: measured, flood: await flood, cpu });
      await sleep(300);
    }
  }
  const alone = median((seen.get(0) ?? []).map(({ steady }) => percentile(steady.served, 0.95)));
  for (const [flood, some] of seen) {
    const of = (figure: (one: (typeof some)[number]) => number) => median(some.map(figure));
    const p95 = of(({ steady }) => percentile(steady.served, 0.95));
    const floodOf = (figure: (one: Asked) => number) =>
      flood === 0 ? Number.NaN : of((one) => figure(one.flood as Asked));
    row(
      flood === 0 ? 'nobody' : `${flood} connections`,
      `${ms(of(({ steady }) => percentile(steady.served, 0.5)))} ms`,
      `${ms(p95)} ms`,
      (p95 / alone).toFixed(2),
      some.reduce((sum, { steady }) => sum + steady.refused.length, 0),
      `${floodOf((one) => one.served.length / one.seconds).toFixed(0)}, ${floodOf((one) => one.refused.length / one.seconds).toFixed(0)}`,
      `${ms(floodOf((one) => percentile(one.served, 0.5)))} ms`,
      `${ms(floodOf((one) => percentile(one.refused, 0.5)))} ms`,
      `${ms(floodOf((one) => percentile(one.refused, 0.99)))} ms`,
      `${of(({ cpu }) => cpu).toFixed(0)} %`,
    );
  }

  head(
    'offered',
    'served a second',
    'of the most',
    'served p50',
    'p95',
    'refused a second',
    'refusal p50',
    'p99',
    'without Retry-After',
  );
  const offered = numbers(values.offered);
  const served = new Map<number, Asked[]>(offered.map((times) => [times, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (let at = 0; at < offered.length; at += 1) {
      const times = offered[(at + round) % offered.length] as number;
      const rate = capacity * times;
      served
        .get(times)
        ?.push(await askFlood({ ...flooding, rate, connections: Math.min(CONNECTIONS, Math.ceil(rate)) }));
      await sleep(500);
    }
  }
  for (const [times, some] of served) {
    const of = (figure: (one: Asked) => number) => median(some.map(figure));
    const goodput = of((one) => one.served.length / one.seconds);
    row(
      `${times} times, ${of((one) => (one.served.length + one.refused.length) / one.seconds).toFixed(0)} a second came`,
      goodput.toFixed(0),
      `${((100 * goodput) / capacity).toFixed(0)} %`,
      `${ms(of((one) => percentile(one.served, 0.5)))} ms`,
      `${ms(of((one) => percentile(one.served, 0.95)))} ms`,
      of((one) => one.refused.length / one.seconds).toFixed(0),
      `${ms(of((one) => percentile(one.refused, 0.5)))} ms`,
      `${ms(of((one) => percentile(one.refused, 0.99)))} ms`,
      some.reduce((sum, { mute }) => sum + mute, 0),
    );
  }
} finally {
  for (const child of children.reverse()) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
