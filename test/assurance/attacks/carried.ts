// Attacks with a seal that is true but of another transaction (S3, S5, P16, P17): kept from an earlier one on the connection, set
// for the session, or left behind by whoever did not close.

import { MEMORIES, READABLE, refusedEverywhere } from './seals.ts';
import { open, type SqlAttack, step } from './stage.ts';

const context = { group: 'sealed context' } as const;

export const CARRIED: readonly SqlAttack[] = [
  {
    ...context,
    name: 'a seal of an earlier transaction on the same connection',
    gain: 'the authority of one request for all that follow on the connection',
    rule: 'S3 S5',
    login: true,
    steps: [
      open('alice'),
      step(
        `select set_config('attack.kept', current_setting('bailiwick.context'), false) is not null`,
        'true',
      ),
      step('commit', 'null'),
      step('begin', 'null'),
      step(
        `select set_config('bailiwick.context', current_setting('attack.kept'), true) is not null`,
        'true',
      ),
      ...refusedEverywhere(...READABLE),
    ],
  },
  {
    ...context,
    name: 'a seal of an earlier transaction over the context of the next',
    gain: "the previous user's rows in the next user's request",
    rule: 'S3 S5',
    login: true,
    steps: [
      open('alice'),
      step(
        `select set_config('attack.kept', current_setting('bailiwick.context'), false) is not null`,
        'true',
      ),
      step('commit', 'null'),
      step('begin', 'null'),
      open('bob'),
      step(MEMORIES, 4),
      step(
        `select set_config('bailiwick.context', current_setting('attack.kept'), true) is not null`,
        'true',
      ),
      ...refusedEverywhere(...READABLE),
    ],
  },
  {
    ...context,
    name: 'a context set for the session instead of the transaction',
    gain: "the previous user's rows in the next user's request",
    rule: 'S3 P17',
    login: true,
    steps: [
      open('alice'),
      step(
        `select set_config('bailiwick.context', current_setting('bailiwick.context'), false) is not null`,
        'true',
      ),
      step('commit', 'null'),
      step('begin', 'null'),
      ...refusedEverywhere(),
    ],
  },
  ...(['commit', 'rollback'] as const).map(
    (ending): SqlAttack => ({
      ...context,
      name: `what the context leaves behind when nobody closes it before ${ending}`,
      gain: "the previous user's rows in the next user's request",
      rule: 'S3 P16',
      login: true,
      steps: [
        open('alice'),
        step(ending, 'null'),
        step('begin', 'null'),
        step(`select coalesce(current_setting('bailiwick.context', true), '')`, ''),
        step(MEMORIES, 0),
      ],
    }),
  ),
];
