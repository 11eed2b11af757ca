// Attacks with time that passes while a transaction is open, on what agents ask for and on what is said of the moment at which they did it
// (D12): a request is over when the clock says so, and so is the call that an entry of the log would end.

import { USERS } from '../../../src/demo/cast.ts';
import { asScout, rows } from './attempted.ts';
import { chain } from './hops.ts';
import { APPROVED, decide, redeem, there, WAITING } from './requested.ts';
import { aside, open, type SqlAttack, type Step, step } from './stage.ts';

/** Longer than what is lost when a column keeps milliseconds only. */
const moment: Step = step('select pg_sleep(0.004) is not null', 'true');
const ends = (id: string): Step =>
  aside(
    `update approvals set expires_at = clock_timestamp(), created_at = now() - interval '1 hour' where tenant_id = (select bailiwick.tenant_id()) and id = $1`,
    1,
    [id],
  );

export const CLOCKS_OF_APPROVALS: readonly SqlAttack[] = [
  {
    ...chain,
    name: 'approving a request whose end has come since the transaction began',
    rule: 'D12',
    gain: 'what was asked for a moment is approved later',
    given: there,
    changes: true,
    steps: [
      open('alice'),
      moment,
      ends(WAITING),
      moment,
      decide('expired', WAITING),
      decide('expired', WAITING, 'rejected'),
    ],
  },
  {
    ...chain,
    name: 'redeeming an approval whose end has come since the transaction began',
    rule: 'D12',
    gain: 'what was approved for a moment is done later',
    given: there,
    changes: true,
    steps: [open('scout', asScout), moment, ends(APPROVED), moment, redeem('expired', APPROVED)],
  },
  {
    ...rows,
    control: true,
    name: 'a decision says when it was made, not when its transaction began',
    rule: 'D12 D15',
    gain: 'what was done in between looks as if it had been decided on',
    given: there,
    steps: [
      open('alice'),
      moment,
      decide('null', WAITING),
      aside(
        `select decided_at > now() + interval '1 ms' and decided_by = $2 from approvals where tenant_id = (select bailiwick.tenant_id()) and id = $1`,
        'true',
        [WAITING, USERS.alice.id],
      ),
    ],
  },
];
