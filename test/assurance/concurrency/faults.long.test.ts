// PostgreSQL killed, restarted, cut off, silent, locked and out of step, under the load of many tenants over HTTP: not one
// foreign row, not one half-written operation, and after every fault the same server process answers again.
//
// ROUNDS=… goes through all faults so many times, SEED=… repeats their order and the operations. What counts as kept is
// what the client was told: an answer without errors is kept whole, an error is not kept at all, and only the error that
// says so ("read again") or no answer leaves it open, and then whole or not at all.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { DEVELOPMENT_ISSUER } from '../../../src/development.ts';
import { report } from '../../kit/report.ts';
import { dice, SEED } from './dice.ts';
import { allowedDuring, FAULTS } from './faults.ts';
import { install } from './installation.ts';
import { judge } from './judge.ts';
import { CALM, KIND, type Load, type Outcome, startLoad } from './load.ts';
import { makeParties } from './parties.ts';

const ROUNDS = Number(process.env.ROUNDS || 1);
const PARTIES = 31;
const WORKERS = 10;
const CALM_MS = 400;
/** Times that a service is asked after a fault, and how long between. */
const PATIENCE = 100;
const BETWEEN_MS = 100;

test('under every fault nobody sees a foreign row, and no operation is half-written', async () => {
  const on = await install();
  onTestFinished(() => on.stop());
  await makeParties(on, KIND, PARTIES, { depth: 1, issuer: DEVELOPMENT_ISSUER });
  const load = startLoad(on, PARTIES, WORKERS);
  const unrecovered: string[] = [];
  const order = Array.from({ length: ROUNDS }, (_, round) => shuffled(Object.keys(FAULTS), round)).flat();
  try {
    for (const name of order) {
      await sleep(CALM_MS);
      load.phase = { name, fault: name };
      await FAULTS[name]?.inject(on, load);
      load.phase = { name: `after: ${name}`, fault: name };
      if (!(await recovers(load))) {
        unrecovered.push(name);
      }
      load.phase = { name: CALM, fault: name };
    }
    await sleep(CALM_MS);
  } finally {
    await load.end();
  }
  expect(unrecovered).toEqual([]);
  expect(load.wrong).toEqual([]);
  expect(unexpected(load)).toEqual([]);

  const verdict = await on.superuser((client) => judge(client, KIND, load.writes));
  expect(verdict).toMatchObject({ half: [], ghosts: [], missing: [], foreign: 0, ledgers: [] });
  const operations = [...load.counts.values()]
    .flatMap((counts) => [...counts.values()])
    .reduce((a, b) => a + b, 0);
  expect(verdict.whole).toBeGreaterThan(0);
  report({
    instrument: 'concurrency',
    what: 'faults under load',
    figures: {
      faults: order.length,
      operations,
      'rows looked at': load.rowsSeen,
      'foreign rows': verdict.foreign + load.wrong.length,
      'half-written': verdict.half.length,
      'outcome open': verdict.open.kept + verdict.open.lost,
    },
    details: [
      `seed ${SEED}; ${verdict.whole} writes whole; of open outcome ${verdict.open.kept} kept, ${verdict.open.lost} not`,
      ...[...load.counts].map(([during, counts]) => `${during}: ${told(counts)}`),
    ],
  });

  await on.superuser((client) => judgeJudge(client, load));
});

/** The judge tells when an operation is made to look as if it had been written in two transactions, in part, or in secret. */
async function judgeJudge(client: Client, load: Load): Promise<void> {
  const kept = load.writes.find(({ fate }) => fate === 'kept');
  if (kept === undefined) {
    throw new TypeError('nothing was kept');
  }
  const third = "content like $1 || ' owner ' || $2 || ' 2'";
  for (const harm of [
    `update memories set request_id = gen_random_uuid() where ${third}`,
    `delete from memories where ${third}`,
    `delete from audit_entries where event = 'memory.updated'
       and request_id in (select request_id from memories where ${third})`,
  ]) {
    await client.query('begin');
    expect((await client.query(harm, [kept.slug, kept.op])).rowCount).toBe(1);
    const verdict = await judge(client, KIND, load.writes);
    expect(verdict.half.length).toBeGreaterThan(0);
    expect(verdict.missing).toEqual([`${kept.slug} ${kept.op}`]);
    await client.query('rollback');
  }
  const denied = load.writes.map((write) => (write === kept ? { ...write, fate: 'lost' as const } : write));
  expect((await judge(client, KIND, denied)).ghosts).toEqual([`${kept.slug} ${kept.op}`]);
}

/** Asks until it is answered, as long as patience lasts. */
async function recovers(load: Load): Promise<boolean> {
  for (let patience = PATIENCE; patience > 0; patience -= 1) {
    if ((await load.probe()) === 'ok') {
      return true;
    }
    await sleep(BETWEEN_MS);
  }
  return false;
}

/** Answers that a fault does not account for, and faults that nobody has felt. */
function unexpected(load: Load): string[] {
  const findings: string[] = [];
  for (const [during, counts] of load.counts) {
    const fault = FAULTS[during.replace(/^(after|around): /, '')];
    const allowed = allowedDuring(fault);
    for (const [outcome, n] of counts) {
      if (!allowed.has(outcome)) {
        findings.push(`${during}: ${n} times ${outcome}`);
      }
    }
    if (FAULTS[during]?.succeeds === false && counts.has('ok')) {
      findings.push(`${during}: ${counts.get('ok')} operations succeeded`);
    }
  }
  for (const [name, { felt }] of Object.entries(FAULTS)) {
    const answered = [name, `around: ${name}`, `after: ${name}`].flatMap((during) => [
      ...(load.counts.get(during)?.keys() ?? []),
    ]);
    if (!felt.some((outcome) => answered.includes(outcome))) {
      findings.push(`${name}: felt by nobody`);
    }
  }
  return findings;
}

const told = (counts: ReadonlyMap<Outcome, number>) =>
  [...counts].map(([outcome, n]) => `${n} ${outcome}`).join(', ');

/** Fisher and Yates, with the dice of the seed. */
function shuffled(names: readonly string[], round: number): string[] {
  const roll = dice(-1 - round);
  const left = [...names];
  return names.map(() => left.splice(roll(left.length), 1)[0] as string);
}
