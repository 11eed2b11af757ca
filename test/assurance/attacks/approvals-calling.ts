// Attacks on having a credential for a service used where its owner is asked first (bailiwick.use_service): with an approval of something
// else, with none that counts, twice with the same, and with one from before it was denied.

import { AGENTS } from '../../../src/demo/cast.ts';
import { SERVICES } from '../../../src/demo/services.ts';
import { newId } from '../../../src/ids.ts';
import { asScout, rows } from './attempted.ts';
import { chain, type Given, together } from './hops.ts';
import { APPROVED, LETTER, OTHER_DIGEST, OVER, redeem, request, rule, there, WAITING } from './requested.ts';
import { LIST, noted, used } from './served.ts';
import { aside, open, type SqlAttack, type Step } from './stage.ts';
import { timelyId } from './timely.ts';

const { tracker } = SERVICES;
const scout = AGENTS.scout.id;

const NAMED = { service: 'tracker', action: 'issues.create', digest: LETTER.digest } as const;
const named =
  (id: string): Given =>
  (sql) =>
    sql.rows(
      `update approvals set service = $2, action = $3, version = (bailiwick.judge(tenant_id, owner_id, array[agent_id], $2, $3, null)).version
      where id = $1`,
      [id, NAMED.service, NAMED.action],
    );
const call = (expect: string, approval: string, digest: string | null = NAMED.digest): Step =>
  used(expect, tracker, NAMED.action, timelyId(), approval, digest);
const forCall = together(there, named(APPROVED), named(WAITING));

/** With a call, which it allows once. */
export const REDEEMED_BY_CALLS: readonly SqlAttack[] = [
  {
    ...chain,
    name: 'having a credential used with an approval of something else, or none that counts',
    gain: 'calls that the owner wanted to be asked about',
    rule: 'D25',
    given: together(there, named(WAITING), request(OVER[0], { redeemed: true }), named(OVER[0])),
    steps: [
      open('scout', asScout),
      call('redeem digest', APPROVED),
      call('redeem waiting', WAITING),
      call('redeem redeemed', OVER[0]),
      call('redeem approval', newId()),
      call('redeem digest', WAITING, OTHER_DIGEST),
      call('redeem digest', WAITING, null),
    ],
  },
  {
    ...chain,
    name: 'having a credential used twice with the same approval',
    gain: 'what was approved once is done as often as one likes',
    rule: 'D25',
    given: forCall,
    changes: true,
    steps: [
      open('scout', asScout),
      call('used tracker', APPROVED),
      call('redeem redeemed', APPROVED),
      noted(1, 'started'),
      redeem('redeemed', APPROVED, NAMED),
      aside('select count(*)::int from approvals where redeemed_at is not null', 1),
    ],
  },
  {
    ...chain,
    name: 'having a credential used with an approval from before it was denied',
    gain: 'calls that the owner has denied',
    rule: 'D17',
    given: together(
      forCall,
      rule({ agent: scout, ...{ service: 'tracker', action: 'issues.create' }, effect: 'deny' }),
    ),
    changes: true,
    steps: [open('scout', asScout), call('denied', APPROVED), noted(1, 'denied')],
  },
  {
    ...rows,
    control: true,
    name: 'a call is made with the approval of it, and an allowed one leaves its approval as it is',
    gain: 'approved calls could not be made',
    rule: 'D8',
    given: forCall,
    steps: [
      open('scout', asScout),
      used('used tracker', tracker, LIST, timelyId(), APPROVED, NAMED.digest),
      aside('select count(*)::int from approvals where redeemed_at is not null', 0),
      call('used tracker', APPROVED),
      aside('select count(*)::int from approvals where redeemed_at is not null', 1),
    ],
  },
];
