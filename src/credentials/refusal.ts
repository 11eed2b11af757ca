// Why a credential was not made or not replaced: the kernel's words (prisma/policies/03-credentials.sql) as an outcome, and a
// word of our own about the keys that clients bring along. Decides nothing.

import { refusalOf, refuseFor } from '../api/problems.ts';
import type { RotationRefusal } from '../db/keys.ts';

const REASONS = {
  authority:
    'Credentials are made in person, by a credential that may make them: never through a delegation, never by an agent.',
  entity:
    'A credential can be made for yourself or an agent of yours that takes part; for a service by an administrator.',
  capabilities:
    'Some capability is unknown, not for such a holder, or not among those with which you are here.',
  delegation: 'There is no delegation in force that this agent holds under this id.',
  lifetime:
    'It would end in the past, in more than a year, or later than the key or client with which it is made.',
  overlap: 'Both keys may work for seven days at most.',
  public_key:
    'Wanted is a public key alone, RSA of 2048 to 4096 bits with the exponent 65537 or EC on P-256, with nothing private in it.',
} as const satisfies Record<Exclude<RotationRefusal, 'key'> | 'public_key', string>;

type Reason = keyof typeof REASONS;

/** Why a credential was not made. */
export const CredentialRefused = refusalOf(
  'CredentialRefused',
  {
    refusal: 'The key or client was not made, because a rule stands against it.',
    reason: 'Which rule stands against a credential, of whatever kind.',
  },
  REASONS,
);

/** Records that a rule stood against a credential, and answers which. */
export function refuse(
  event: string,
  target: { readonly kind: string; readonly id: string },
  reason: Reason,
): Promise<never> {
  return refuseFor(event, target, new CredentialRefused(reason));
}
