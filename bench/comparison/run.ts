// `npm run bench`: how fast this server answers, beside PostGraphile 5 on the same database, beside the database's own limit, and with row
// security switched off.
//
//   npm run bench -- [--suite peer,limit,isolation] [--only text] [--rows 200000] [--rounds 5] [--seconds 3] [--connections 16] [--save]
//
// Everything that is compared is asked in turns within one run, another first each round, and told by its median; figures of two runs cannot be
// compared, because machines differ from hour to hour. Needs nothing but this repository. --save keeps the figures in bench/results.

import { availableParallelism, cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { SCOPES } from '../../src/capabilities.ts';
import { withClient } from '../../src/db/with-client.ts';
import { DEVELOPMENT_ISSUER } from '../../src/development.ts';
import { type Measured, middleOf } from './measured.ts';
import { type Operation, operations, PAGE_SQL } from './operations.ts';
import { type Line, type Results, save, table } from './report.ts';
import { makeStage, type Stage } from './stage.ts';

const { values } = parseArgs({
  options: {
    suite: { type: 'string', default: 'peer,limit,isolation' },
    only: { type: 'string', default: '' },
    rows: { type: 'string', default: '200000' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '16' },
    save: { type: 'boolean', default: false },
  },
});
const suites = values.suite.split(',');
const rows = Number(values.rows);
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const connections = Number(values.connections);
/** Requests that are made before, and asked again and again. */
const DISTINCT = 500;
const WARM = 1;

const say = (line: string) => void process.stdout.write(`${line}\n`);

type Target = (seconds: number) => Promise<Measured>;

/** Asks targets in turns, after each was warmed up. */
async function inTurns<Name extends string>(
  targets: Readonly<Record<Name, Target>>,
): Promise<Record<Name, Measured>> {
  const names = Object.keys(targets) as Name[];
  const measured = new Map<Name, Measured[]>(names.map((name) => [name, []]));
  for (const name of names) {
    await targets[name](WARM);
  }
  for (let round = 0; round < rounds; round += 1) {
    for (let at = 0; at < names.length; at += 1) {
      const name = names[(at + round) % names.length] as Name;
      measured.get(name)?.push(await targets[name](seconds));
    }
  }
  return Object.fromEntries([...measured].map(([name, some]) => [name, middleOf(some)])) as Record<
    Name,
    Measured
  >;
}

async function asking(stage: Stage, server: 'ours' | 'peer', operation: Operation): Promise<Target> {
  const token = (await stage.tokens(operation.caller))[server];
  const distinct = operation.name === 'insert 100' ? 20 : DISTINCT;
  const requests = Array.from({ length: distinct }, (_, n) => ({
    token,
    body: JSON.stringify(operation[server](n)),
  }));
  return (seconds) => stage.generate('load', { url: stage[server], requests, connections, seconds });
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

const stage = await makeStage(rows, say);
const lines: Line[] = [];
try {
  const all = operations(rows);
  const chosen = all.filter(({ name }) => name.includes(values.only));
  const pageOf20 = all.find(({ name }) => name.startsWith('page of 20')) as Operation;
  const note = (line: Line) => {
    lines.push(line);
    say(table([line]).split('\n').slice(2).join('\n'));
  };
  if (suites.includes('peer')) {
    for (const operation of chosen) {
      const { ours, peer } = await inTurns({
        ours: await asking(stage, 'ours', operation),
        peer: await asking(stage, 'peer', operation),
      });
      note({
        suite: 'peer',
        name: operation.name,
        kind: operation.kind,
        ours,
        other: peer,
        otherName: 'PostGraphile',
      });
    }
  }
  if (suites.includes('limit')) {
    const { ours, limit } = await inTurns({
      ours: await asking(stage, 'ours', pageOf20),
      limit: limitOf(stage),
    });
    note({
      suite: 'limit',
      name: pageOf20.name,
      kind: 'read',
      ours,
      other: limit,
      otherName: 'PostgreSQL alone',
    });
  }
  if (suites.includes('isolation')) {
    for (const operation of all.filter(({ name }) => /^(page|single|insert one)/.test(name))) {
      const ask = await asking(stage, 'ours', operation);
      const { on, off } = await inTurns({
        async on(seconds) {
          await rowSecurity(stage, 'enable');
          return ask(seconds);
        },
        async off(seconds) {
          await rowSecurity(stage, 'disable');
          return ask(seconds).finally(() => rowSecurity(stage, 'enable'));
        },
      });
      note({
        suite: 'isolation',
        name: operation.name,
        kind: operation.kind,
        ours: on,
        other: off,
        otherName: 'row security off',
      });
    }
  }
} finally {
  await stage.end();
}
const [cpu] = cpus();
const results: Results = {
  at: new Date().toISOString().slice(0, 10),
  machine: `${availableParallelism()} cores (${cpu?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GiB, shared by PostgreSQL, the server and the load; Node ${process.version}`,
  settings: { rows, rounds, seconds, connections },
  lines,
};
say(`\n${results.machine}\n${table(lines)}`);
if (values.save) {
  await save(results);
}
const wrong = lines.flatMap(({ name, ours, other }) =>
  [ours, other].flatMap(({ errors, error }) =>
    errors === 0 ? [] : [`${name}: ${errors} answers were errors, such as ${error}`],
  ),
);
for (const line of wrong) {
  say(line);
}
process.exitCode = wrong.length === 0 ? 0 : 1;
