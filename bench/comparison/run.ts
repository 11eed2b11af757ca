// `npm run bench`: how fast this server answers, beside PostGraphile 5 on the same database, beside the database's own limit, and with row
// security switched off (the suites peer, limit and isolation, in this folder); and what becomes of it with more of everything, with time, and
// at its start (growth, memory and start, in bench/growth).
//
//   npm run bench -- [--suite peer,limit,isolation] [--only text] [--rows 200000] [--rounds 5] [--seconds 3] [--connections 16] [--save]
//   npm run bench -- --suite growth,memory,start [--only text] [--rows 1000000] [--tenants 1000] [--delegations 10000] [--members 10000]
//                    [--clients 256] [--rate 50] [--operations 200000] [--minutes 60] [--starts 10] [--rounds 5] [--seconds 3] [--save]
//
// Everything that is compared is asked in turns within one run, another first each round, and told by its median; figures of two runs cannot be
// compared, because machines differ from hour to hour. Needs nothing but this repository. --save keeps the figures in bench/results.

import { parseArgs } from 'node:util';
import { SCOPES } from '../../src/capabilities.ts';
import { withClient } from '../../src/db/with-client.ts';
import { DEVELOPMENT_ISSUER } from '../../src/development.ts';
import { type GrowthSuite, grow, isGrowthSuite } from '../growth/grow.ts';
import { fill } from './filling.ts';
import { inTurns, type Target } from './measured.ts';
import { type Operation, operations, PAGE_SQL } from './operations.ts';
import { type Line, machine, type Results, save, table, today } from './report.ts';
import { makeStage, type Peer, type Stage, startPeer } from './stage.ts';

const { values } = parseArgs({
  options: {
    suite: { type: 'string', default: 'peer,limit,isolation' },
    only: { type: 'string', default: '' },
    rows: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '16' },
    tenants: { type: 'string', default: '1000' },
    delegations: { type: 'string', default: '10000' },
    members: { type: 'string', default: '10000' },
    clients: { type: 'string', default: '256' },
    rate: { type: 'string' },
    operations: { type: 'string', default: '200000' },
    minutes: { type: 'string', default: '60' },
    starts: { type: 'string', default: '10' },
    save: { type: 'boolean', default: false },
  },
});
const suites = values.suite.split(',');
const COMPARED = ['peer', 'limit', 'isolation'];
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const connections = Number(values.connections);
/** Seconds for which both servers are asked everything before anything is measured. */
const WARM = 3;
/** Requests that are made before, and asked again and again. */
const DISTINCT = 500;

const say = (line: string) => void process.stdout.write(`${line}\n`);

async function asking(
  stage: Stage,
  asked: Peer,
  server: 'ours' | 'peer',
  operation: Operation,
): Promise<Target> {
  const token = await asked.token(operation.caller);
  const distinct = operation.name === 'insert 100' ? 20 : DISTINCT;
  const requests = Array.from({ length: distinct }, (_, n) => ({
    token,
    body: JSON.stringify(operation[server](n)),
  }));
  return (seconds) => stage.generate('load', { url: asked.url, requests, connections, seconds });
}

const limitOf =
  ({ runtimeUrl, ticketSecret, generate }: Stage): Target =>
  (seconds) =>
    generate('limit', {
      url: runtimeUrl,
      secret: ticketSecret,
      claims: { kind: 'token', tenant: 'acme', issuer: DEVELOPMENT_ISSUER, subject: 'alice', scopes: SCOPES },
      statements: [PAGE_SQL],
      connections: Math.min(connections, 10),
      seconds,
    });

/** Whether what agents read is written down: of every operation, or of one in a thousand, which is the least there is. */
async function leaveReceipts(
  { adminUrl }: Pick<Stage, 'adminUrl'>,
  { receipts = false }: Operation,
): Promise<void> {
  await withClient(adminUrl, (client) =>
    client.query('update tenants set receipt_every = $1', [receipts ? 1 : 1000]),
  );
}

/** Row security of every table, on or off; the rest of the server stays as it is. */
async function rowSecurity(stage: Stage, to: 'enable' | 'disable'): Promise<void> {
  await withClient(stage.adminUrl, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `select c.oid::regclass::text as name from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
          and exists (select from pg_policy p where p.polrelid = c.oid)`,
    );
    await client.query(rows.map(({ name }) => `alter table ${name} ${to} row level security`).join(';'));
  });
}

async function compare(): Promise<string[]> {
  const rows = Number(values.rows ?? 200_000);
  const stage = await makeStage((client) =>
    fill(client, rows, (done) => process.stderr.write(`${done} of ${rows} memories\n`)),
  );
  say(`filled: ${rows} memories`);
  const lines: Line[] = [];
  const note = (line: Line) => {
    lines.push(line);
    say(table([line]).split('\n').slice(2).join('\n'));
  };
  const often = { rounds, seconds };
  try {
    const all = operations(rows);
    const chosen = all.filter(({ name }) => name.includes(values.only));
    const pageOf20 = all.find(({ name }) => name.startsWith('page of 20')) as Operation;
    if (suites.includes('peer')) {
      const peer = await startPeer(stage);
      const pairs = await Promise.all(
        chosen.map(async (operation) => ({
          operation,
          ours: await asking(stage, stage, 'ours', operation),
          other: await asking(stage, peer, 'peer', operation),
        })),
      );
      // what is measured first is not to be measured while compilers are at work
      for (const { ours, other } of pairs) {
        await ours(WARM);
        await other(WARM);
      }
      for (const { operation, ours, other } of pairs) {
        await leaveReceipts(stage, operation);
        const { name, kind } = operation;
        note({
          suite: 'peer',
          name,
          kind,
          ...(await inTurns({ ours, other }, often)),
          otherName: 'PostGraphile',
        });
      }
    }
    if (suites.includes('limit')) {
      const { ours, limit } = await inTurns(
        { ours: await asking(stage, stage, 'ours', pageOf20), limit: limitOf(stage) },
        often,
      );
      const { name } = pageOf20;
      note({ suite: 'limit', name, kind: 'read', ours, other: limit, otherName: 'PostgreSQL alone' });
    }
    if (suites.includes('isolation')) {
      for (const operation of all.filter(({ name }) => /^(page|single|insert one)/.test(name))) {
        const ask = await asking(stage, stage, 'ours', operation);
        const { on, off } = await inTurns(
          {
            async on(seconds) {
              await rowSecurity(stage, 'enable');
              return ask(seconds);
            },
            async off(seconds) {
              await rowSecurity(stage, 'disable');
              return ask(seconds).finally(() => rowSecurity(stage, 'enable'));
            },
          },
          often,
        );
        const { name, kind } = operation;
        note({ suite: 'isolation', name, kind, ours: on, other: off, otherName: 'row security off' });
      }
    }
  } finally {
    await stage.end();
  }
  const settings = { rows, rounds, seconds, connections };
  const results: Results = { at: today(), machine: machine(), settings, lines };
  say(`\n${results.machine}\n${table(lines)}`);
  if (values.save) {
    await save(results);
  }
  return lines.flatMap(({ name, ours, other }) =>
    [ours, other].flatMap(({ errors, error }) =>
      errors === 0 ? [] : [`${name}: ${errors} answers were errors, such as ${error}`],
    ),
  );
}

const growing = suites.filter((suite): suite is GrowthSuite => isGrowthSuite(suite));
const unknown = suites.filter((suite) => !COMPARED.includes(suite) && !isGrowthSuite(suite));
const wrong = unknown.map((suite) => `there is no suite ${suite}`);
if (wrong.length === 0 && suites.some((suite) => COMPARED.includes(suite))) {
  wrong.push(...(await compare()));
}
if (unknown.length === 0 && growing.length > 0) {
  wrong.push(
    ...(await grow(growing, {
      only: values.only,
      rows: Number(values.rows ?? 1_000_000),
      tenants: Number(values.tenants),
      delegations: Number(values.delegations),
      members: Number(values.members),
      clients: Number(values.clients),
      rate: values.rate === undefined ? undefined : Number(values.rate),
      operations: Number(values.operations),
      minutes: Number(values.minutes),
      starts: Number(values.starts),
      rounds,
      seconds,
      save: values.save,
    })),
  );
}
for (const line of wrong) {
  say(line);
}
process.exitCode = wrong.length === 0 ? 0 : 1;
