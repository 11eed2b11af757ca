// Approvals that are redeemed twice at the same time: of two sessions that come with the same one, exactly one is told that it may go on,
// and the other that somebody was faster. What is told is held against what is kept.
//
// Everything is done as the product does it, in sessions that commit: agents ask, owners decide, agents redeem. APPROVALS=… takes
// another number of them than a thousand. That the races are races is checked too: a kernel that forgets to look, or to wait, loses them.

import { expect } from 'vitest';
import { askedVersion, decideApproval, redeemApproval } from '../../../src/db/permissions.ts';
import { type ApprovalId, newId } from '../../../src/ids.ts';
import { report } from '../../kit/report.ts';
import { type Course, LANES } from './course.ts';
import { SEED } from './dice.ts';
import type { Fault } from './endings.ts';
import { APPROVALS, FORGETFUL_RACES, test } from './on-course.ts';
import { makeParties, type Party, partyOf } from './parties.ts';

/** Requests of one agent; no more than fifty of them may wait at a time. */
const EACH = 40;
const ACTION = { service: 'mail', action: 'messages.send', digest: 'd'.repeat(64) } as const;
/** Two sessions for each race. */
const PAIRS = LANES / 2;

type Tally = {
  /** By what each session was told; null: it may go on. */
  readonly told: Map<string, number>;
  /** Races that the session won which was sent second. */
  turned: number;
  readonly wrong: string[];
};

/** What one agent asks for and its owner approves of, all in sessions of their own. */
async function approved({ sessions }: Course, party: Party, count: number): Promise<ApprovalId[]> {
  const session = sessions(party);
  const ids = Array.from({ length: count }, () => newId<ApprovalId>());
  const { service, action, digest } = ACTION;
  await session(
    'agent1',
    async ({ db, chain }) => {
      const version = await askedVersion(db, service, action);
      await db.approval.createMany({
        data: ids.map((id) => ({
          ...{ id, agentId: party.entity('agent1'), service, action, digest, version, chain: [...chain] },
          ...{ arguments: { n: id }, expiresAt: new Date(Date.now() + 600_000) },
        })) as never,
      });
    },
    1,
  );
  const problems = await session('owner', async ({ db }) => {
    const found: (string | null)[] = [];
    for (const id of ids) {
      found.push(await decideApproval(db, id, { digest, decision: 'approved', note: null }));
    }
    return found;
  });
  expect(problems).toEqual(ids.map(() => null));
  return ids;
}

/** Both at once, each in a session that commits. */
async function race({ sessions }: Course, party: Party, id: ApprovalId, tally: Tally): Promise<void> {
  const redeem = () => sessions(party)('agent1', ({ db }) => redeemApproval(db, id, ACTION), 1);
  const answers = await Promise.all([redeem(), redeem()]);
  for (const answer of answers) {
    tally.told.set(String(answer), (tally.told.get(String(answer)) ?? 0) + 1);
  }
  tally.turned += answers[1] === null ? 1 : 0;
  if (answers.filter((answer) => answer === null).length !== 1 || !answers.includes('redeemed')) {
    tally.wrong.push(`${party.slug}, ${id}: ${answers.map(String).join(' and ')}`);
  }
}

/** Runs so many races, with parties of their own. */
async function run(course: Course, on: { migratorUrl: string }, name: string, races: number): Promise<Tally> {
  const parties = Math.ceil(races / EACH);
  await makeParties(on, name, parties, { depth: 1 });
  const tally: Tally = { told: new Map(), turned: 0, wrong: [] };
  let next = 0;
  const lane = async () => {
    for (let n = next++; n < parties; n = next++) {
      const party = partyOf(name, n);
      for (const id of await approved(course, party, Math.min(EACH, races - n * EACH))) {
        await race(course, party, id, tally);
      }
    }
  };
  await Promise.all(Array.from({ length: PAIRS }, lane));
  return tally;
}

test('of two sessions that redeem the same approval at once, one is told that it may go on and the other that it is too late', {
  timeout: 0,
}, async ({ course, database }) => {
  const began = performance.now();
  const { told, turned, wrong } = await run(course, database, 'approved', APPROVALS);
  const seconds = Number(((performance.now() - began) / 1000).toFixed(1));
  expect(wrong).toEqual([]);
  expect(Object.fromEntries(told)).toEqual({ null: APPROVALS, redeemed: APPROVALS });
  // and not by their word alone: each is kept as redeemed, in a request of its own
  const { rows } = await course.administrator.query(
    `select count(*)::int as redeemed, count(distinct redemption_id)::int as requests
       from approvals where redeemed_at is not null`,
  );
  expect(rows).toEqual([{ redeemed: APPROVALS, requests: APPROVALS }]);
  // neither is always the faster one
  expect(Math.min(turned, APPROVALS - turned)).toBeGreaterThan(0);
  report({
    instrument: 'concurrency',
    what: 'approvals redeemed twice at once',
    figures: {
      approvals: APPROVALS,
      attempts: 2 * APPROVALS,
      succeeded: told.get('null') ?? 0,
      'told redeemed': told.get('redeemed') ?? 0,
      'anything else': wrong.length,
    },
    details: [`seed ${SEED}, ${seconds} s`, `won by the session that was sent second: ${turned}`],
  });
});

const FAULTS: Readonly<Record<string, Fault>> = {
  'to look whether it was redeemed': {
    function: 'redeem',
    condition: 'a.redeemed_at is not null',
    instead: 'false',
  },
  'to wait for whoever redeems it at the same time': {
    function: 'redeem',
    condition: 'x.id = redeem.approval\n       for update',
    instead: 'x.id = redeem.approval',
  },
};

test.for(Object.entries(FAULTS))(
  'races are lost where the kernel forgets %s',
  {
    timeout: 0,
  },
  async ([forgotten, fault], { course, database }) => {
    const name = `forgotten-${Object.keys(FAULTS).indexOf(forgotten)}`;
    const { wrong } = await course.without([fault], () => run(course, database, name, 2 * FORGETFUL_RACES));
    expect(wrong).toContainEqual(expect.stringContaining('null and null'));
  },
);
