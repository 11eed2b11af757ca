// Attacks with time that passes while a transaction is open (D12, D15, D17). What counts is the clock of the statement: now() stands
// still from the beginning of the transaction. Nothing here hurries: each case holds however slow the machine is.

import { AGENTS } from '../../../src/demo/cast.ts';
import { expiring } from './forging.ts';
import { chain, reads, SCOUT, set, through } from './hops.ts';
import { ROOT } from './proposals.ts';
import { aside, open, type SqlAttack, type Step, step } from './stage.ts';

/** Longer than what is lost when a column keeps milliseconds only. */
const moment: Step = step('select pg_sleep(0.004) is not null', 'true');

const asks = (expires: string, expect: string): Step =>
  step(
    `select bailiwick.grant_refusal($1, $2, $3, $4, $5, $6, $7, $8, now() - interval '5 seconds', ${expires})`,
    expect,
    Object.values(ROOT).slice(0, 8),
  );

export const CLOCKS: readonly SqlAttack[] = [
  {
    ...chain,
    name: 'going on in a transaction in which the delegation expired',
    rule: 'D12',
    given: set('delegations', SCOUT, `not_before = now() - interval '1 minute'`),
    changes: true,
    steps: [
      open('scout', through.scout),
      reads(7),
      moment,
      aside('update delegations set expires_at = clock_timestamp() where id = $1', 1, [SCOUT]),
      moment,
      reads(0),
    ],
  },
  {
    ...chain,
    name: 'going on in a transaction in which the token expired',
    rule: 'D12',
    gain: 'a stolen token is good for as long as a transaction can be held',
    steps: [expiring(0.001), moment, reads(0)],
  },
  {
    ...chain,
    name: 'a delegation that begins while its transaction is open, before it does',
    rule: 'D12',
    given: set('delegations', SCOUT, `not_before = now() + interval '1 hour'`),
    steps: [open('scout', through.scout), reads(0)],
  },
  {
    ...chain,
    control: true,
    name: 'a delegation that begins while its transaction is open, once it did',
    rule: 'D12',
    gain: 'an agent waits for nothing',
    given: set('delegations', SCOUT, `not_before = now() + interval '1 hour'`),
    steps: [
      open('scout', through.scout),
      reads(0),
      moment,
      aside('update delegations set not_before = clock_timestamp() where id = $1', 1, [SCOUT]),
      moment,
      reads(7),
    ],
  },
  {
    ...chain,
    name: 'granting what was still to come when the transaction began, and is past',
    rule: 'D12',
    gain: 'a row of authority that nobody ever had',
    steps: [open('alice'), moment, asks(`transaction_timestamp() + interval '1 ms'`, 'lifetime')],
  },
  {
    ...chain,
    control: true,
    name: 'granting for all of ninety days, from now and not from when the transaction began',
    rule: 'D12',
    gain: 'the longest delegation is one that cannot be granted',
    steps: [open('alice'), moment, asks(`statement_timestamp() + interval '90 days'`, 'null')],
  },
  {
    ...chain,
    control: true,
    name: 'a revocation says when it was made, not when its transaction began',
    rule: 'D15',
    gain: 'what was done in between looks as if it had been done without authority',
    steps: [
      open('alice'),
      moment,
      step('select bailiwick.revoke_delegation($1) is not null', 'true', [SCOUT]),
      step(`select revoked_at > now() + interval '1 ms' from delegations where id = $1`, 'true', [SCOUT]),
    ],
  },
  {
    ...chain,
    control: true,
    name: 'so does the end of all that an agent holds',
    rule: 'D15 D18',
    gain: 'what was done in between looks as if it had been done without authority',
    steps: [
      open('alice'),
      moment,
      step('select cardinality(bailiwick.revoke_agent($1))', 2, [AGENTS.scout.id]),
      step(
        `select bool_and(revoked_at > now() + interval '1 ms') from delegations where delegate_id = $1 and revoked_by is not null`,
        'true',
        [AGENTS.scout.id],
      ),
    ],
  },
];
