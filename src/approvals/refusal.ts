// Why an approval was not decided on or not made use of: the kernel's words (prisma/policies/06-permissions.sql) as an outcome.

import { refusalOf } from '../api/problems.ts';
import type { DecideProblem, RedeemProblem } from '../db/permissions.ts';

const REASONS = {
  decided: 'It was decided on before.',
  waiting: 'The owner has not decided yet.',
  rejected: 'The owner has said no.',
  expired: 'It is past its end.',
  redeemed: 'It was made use of before; an approval is good once.',
  digest: 'It is for something else: another action, or other arguments.',
  chain: 'It was asked for through other delegations.',
  changed: 'The rules by which it was asked for have changed since; ask again.',
} as const satisfies Record<Exclude<DecideProblem | RedeemProblem, 'approval'>, string>;

export const ApprovalRefused = refusalOf(
  'ApprovalRefused',
  {
    refusal:
      'The request was not decided on, or the approval not made use of, because a rule stands against it.',
    reason: 'Which rule stands against deciding on a request, or making use of an approval.',
  },
  REASONS,
);
