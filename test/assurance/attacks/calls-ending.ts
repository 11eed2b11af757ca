// Attacks on how calls end in the log (bailiwick.finish_call, prisma/policies/08-activity.sql): ended by somebody else, through another chain, twice, late, or
// without having been begun. That of two who end one at once one does is tried in test/policies.

import { newId } from '../../../src/ids.ts';
import { asScout } from './attempted.ts';
import { chain, type Given, SCOUT, through } from './hops.ts';
import {
  acme,
  alice,
  bob,
  entry,
  globex,
  idAt,
  locks,
  moment,
  now,
  scout,
  scribe,
  there,
  told,
  unfit,
} from './logged.ts';
import { itself } from './proposals.ts';
import { aside, open, type SqlAttack, type Step, step } from './stage.ts';

/** Ends the call of the one entry of a service that is there. */
const finish = (
  expect: boolean,
  { outcome = 'succeeded', id = now(9), service = 'stage', started = '' } = {},
): Step =>
  step(
    `select bailiwick.finish_call(${id}, ${started || `(select a.id from activity_entries a where a.service = '${service}' and a.outcome <> 'failed' limit 1)`}, '${outcome}', 7)`,
    String(expect),
  );
/** The same whatever the caller sees of the log: the id is kept in a setting. */
const keep = `select set_config('stage.started', (select id::text from activity_entries where service = 'stage' limit 1), true) is not null`;
const kept: Step = aside(keep, 'true');
const STARTED = `current_setting('stage.started')::uuid`;
const ends = (expect: boolean, more: { outcome?: string; id?: string } = {}) =>
  finish(expect, { ...more, started: STARTED });

const gain = 'a call that went wrong, or is still on its way, stands in the log as done';
type Ends = readonly [given: Given, steps: readonly Step[], who?: 'scout' | 'alice' | 'scribe'];
const ending: Readonly<Record<string, Ends>> = {
  'that its owner has begun, who is in no log': [
    there({ agent: alice, hops: `'{}'` }),
    [kept, ends(false)],
    'alice',
  ],
  'with an outcome that is none': [there({}), [kept, ends(false, { outcome: 'allowed' })]],
  'by an entry of another time': [
    there({}),
    [
      kept,
      ends(false, { id: idAt(`clock_timestamp() - interval '6 minutes'`) }),
      ends(false, { id: idAt(`clock_timestamp() + interval '6 minutes'`) }),
    ],
  ],
  'that was begun more than an hour ago': [
    there({ id: idAt(`clock_timestamp() - interval '70 minutes'`) }),
    [kept, ends(false)],
  ],
  'that was begun an hour before the transaction, and longer before now': [
    there({ id: `bailiwick.id_at(transaction_timestamp() - interval '1 hour')` }),
    [moment, kept, ends(false)],
  ],
  'of the twin in another tenant': [there({ tenant: globex }), [kept, ends(false)]],
  'that there is not': [there({}), [finish(false, { started: now(8) }), finish(false, { started: 'null' })]],
  'for another owner': [there({ owner: bob }), [kept, ends(false)]],
  'of another agent': [there({ agent: scribe }), [kept, ends(false)]],
  'of the agent above': [there({}), [kept, ends(false)], 'scribe'],
  'through another chain': [there({ hops: `array['${newId()}'::uuid]` }), [kept, ends(false)]],
  'that was not begun': [there({ outcome: 'succeeded' }), [kept, ends(false)]],
  'that was asked for': [there({ outcome: 'asked' }), [kept, ends(false)]],
  'without a context': [there({}), []],
};
const acting = { scout: asScout, alice: itself, scribe: through.scribe } as const;
const calls = Object.entries(ending).map(
  ([what, [given, steps, who = 'scout']]): SqlAttack => ({
    ...chain,
    name: `ending a call ${what}`,
    gain,
    rule: 'D24 D25',
    given,
    changes: true,
    steps:
      steps.length === 0
        ? [kept, ends(false)]
        : [
            open(who, acting[who]),
            ...steps,
            aside(`select count(*)::int from activity_entries where id::text like '%9'`, 0),
          ],
  }),
);
const endings: readonly SqlAttack[] = [
  {
    ...chain,
    name: 'ending a call twice',
    gain,
    rule: 'D25',
    given: there({}),
    changes: true,
    steps: [
      open('scout', asScout),
      locks(0),
      kept,
      ends(true, { outcome: 'failed' }),
      locks(1),
      told(1),
      ends(false, { id: now(7) }),
      told(1),
      aside(
        `select concat_ws(' ', tenant_id, owner_id, agent_id, service, action, outcome, duration_ms, chain[1], created_by, request_id = bailiwick.request_id())
           from activity_entries where started_id = ${STARTED}`,
        [acme, alice, scout, 'stage', 'run', 'failed', 7, SCOUT, scout, 't'].join(' '),
      ),
    ],
  },
  {
    ...chain,
    control: true,
    name: 'a call is ended beside others that have ended, and beside its twin',
    gain: 'no call could be ended',
    rule: 'D25',
    given: there({}, { service: 'other', outcome: 'succeeded', id: now(2), started: now(3) }),
    steps: [
      open('scout', asScout),
      kept,
      unfit({ tenant: globex, outcome: 'failed', id: now(4), started: STARTED, service: 'twin' }),
      // what no call can have: an end from before it began
      aside(
        entry({
          ...{ outcome: 'failed', started: STARTED, service: 'early' },
          id: idAt(`clock_timestamp() - interval '3 hours'`),
        }),
        1,
      ),
      aside(
        entry({
          ...{ outcome: 'failed', started: STARTED, service: 'early' },
          id: `bailiwick.id_at(transaction_timestamp() - interval '2 hours')`,
        }),
        1,
      ),
      moment,
      ends(true),
    ],
  },
];

export const ENDED_CALLS: readonly SqlAttack[] = [...calls, ...endings];
