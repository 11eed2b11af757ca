// What listening costs: subscribers of many owners, each with a stream of its own, while owners write memories at a steady rate. How
// long until an event is there, whether it went to the right ones, and what memory the server takes.
//
//   node bench/live/subscribers.ts [--subscribers 1000] [--owners 100] [--rate 200] [--batch 2] [--seconds 60]
//
// The server is as `main` starts it, with an embedded PostgreSQL of its own in a temporary folder. Subscribers and writers are a process
// of their own, on the same machine and its cores. Each memory says when it was sent and by whom, so that the time runs from before the
// request of the writer to after the event was parsed by a subscriber.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { SCOPES } from '../../src/capabilities.ts';
import { readConfig } from '../../src/config.ts';
import { openDatabase } from '../../src/db/connect.ts';
import { TENANTS } from '../../src/demo/cast.ts';
import { DEVELOPMENT_ISSUER, developmentIssuer } from '../../src/development.ts';
import { main } from '../../src/main.ts';
import type { Load, Report } from './clients.ts';

const number = { type: 'string' } as const;
const { values } = parseArgs({
  options: { subscribers: number, owners: number, rate: number, batch: number, seconds: number },
});
const subscribers = Number(values.subscribers ?? 1000);
const owners = Number(values.owners ?? 100);
const rate = Number(values.rate ?? 200);
const batch = Number(values.batch ?? 2);
const seconds = Number(values.seconds ?? 60);

/** Memories of an owner before anybody writes. */
const EACH = 100;

const folder = await mkdtemp(join(tmpdir(), 'bailiwick-bench-'));
// for root the database runs as another user, who must be able to pass through
await chmod(folder, 0o711);
const dataDir = join(folder, 'data');
const environment = { DATA_DIR: dataDir, PORT: '0', MODE: 'development', LOG_LEVEL: 'silent' };
const config = readConfig({ ...environment, MAX_STREAMS: String(subscribers) });
const server = await main(config);

/** People with some memories, each with an identity of the development issuer. */
async function addOwners(): Promise<void> {
  const connection = await openDatabase(config, { mode: 'attach' });
  const client = new pg.Client({ connectionString: connection.migratorUrl });
  await client.connect();
  try {
    await client.query(
      `with people as (
         select n, gen_random_uuid() as id from generate_series(0, $2::int - 1) n
       ), e as (
         insert into entities (tenant_id, id, kind, owner_id) select $1, id, 'user', id from people
       ), u as (
         insert into users (tenant_id, id, owner_id, display_name) select $1, id, id, 'Owner ' || n from people
       )
       , m as (
         insert into memories (tenant_id, id, owner_id, content, tags, created_by, request_id)
         select $1, gen_random_uuid(), id, 'of long ago', '{}', id, gen_random_uuid()
           from people, generate_series(1, ${EACH})
       )
       insert into identities (tenant_id, id, entity_id, issuer, subject)
       select $1, gen_random_uuid(), id, $3, 'owner-' || n from people`,
      [TENANTS.acme.id, owners, DEVELOPMENT_ISSUER],
    );
    // as the database itself does once a minute
    await client.query('analyze');
  } finally {
    await client.end();
    await connection.stop();
  }
}

const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

try {
  await addOwners();
  const issuer = developmentIssuer({ dataDir, development: true });
  const tokens = await Promise.all(
    Array.from({ length: owners }, (_, n) =>
      issuer.mint({ subject: `owner-${n}`, tenant: 'acme', scopes: SCOPES, expiresIn: 3600 }),
    ),
  );
  const load: Load = { url: server.url, tokens, subscribers, rate, batch, seconds };
  const child: ChildProcess = fork(fileURLToPath(new URL('./clients.ts', import.meta.url)), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  child.send(load);
  const memory: number[] = [];
  const cpu = process.cpuUsage();
  const sampling = setInterval(() => memory.push(process.memoryUsage().rss), 1000);
  const [report] = (await once(child, 'message')) as [Report];
  clearInterval(sampling);
  const used = process.cpuUsage(cpu);
  await once(child, 'exit');
  const sixth = Math.max(1, Math.floor(memory.length / 6));
  const mean = (some: number[]) => some.reduce((sum, one) => sum + one, 0) / Math.max(1, some.length);
  const course = [0, 1, 2, 3, 4, 5].map((n) => mean(memory.slice(n * sixth, (n + 1) * sixth)));
  const rows = [
    ['subscribers, owners', `${subscribers}, ${owners}`],
    [
      'events written',
      `${report.written} in ${report.seconds.toFixed(1)} s (${(report.written / report.seconds).toFixed(0)}/s)`,
    ],
    ['deliveries', `${report.delivered} of ${report.expected}`],
    ['to a wrong owner', String(report.wrong)],
    ['twice', String(report.twice)],
    ['delivery p50, p95, p99', report.percentiles.map((ms) => `${ms} ms`).join(', ')],
    ['streams that ended', String(report.ended)],
    ['memory of the server, mean of each sixth', course.map(megabytes).join(', ')],
    [
      'CPU of the server',
      `${((used.user + used.system) / 1e6 / report.seconds).toFixed(2)} cores of ${availableParallelism()}`,
    ],
  ];
  for (const [what, figure] of rows) {
    process.stdout.write(`${`${what}`.padEnd(46)} ${figure}\n`);
  }
  process.exitCode = report.wrong === 0 && report.delivered === report.expected ? 0 : 1;
} finally {
  await server.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
