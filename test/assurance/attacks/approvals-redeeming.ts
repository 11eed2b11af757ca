// Attacks on redeeming approvals (prisma/policies/06-permissions.sql): another's, through another chain, for another thing, too late, and
// again. With calls they are redeemed in approvals-calling.ts; that of two who redeem at once one is refused is raced in test/assurance/concurrency.

import { DELEGABLE } from '../../../src/capabilities.ts';
import { AGENTS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { type DelegationId, newId } from '../../../src/ids.ts';
import { delegate, suspend } from '../../policies/given.ts';
import { alice, asScout, rows } from './attempted.ts';
import {
  asLower,
  asUpper,
  chain,
  GARDEN,
  LOWER,
  pair,
  SCOUT,
  set,
  through,
  together,
  UPPER,
} from './hops.ts';
import { itself } from './proposals.ts';
import {
  APPROVED,
  askable,
  asks,
  both,
  type Case,
  cases,
  decide,
  LETTER,
  OTHER_DIGEST,
  OVER,
  redeem,
  request,
  requestsSeen,
  rule,
  there,
  WAITING,
} from './requested.ts';
import { aside, open, type SqlAttack, type Step } from './stage.ts';
import { twins } from './worlds.ts';

const [scout, scribe] = [AGENTS.scout.id, AGENTS.scribe.id];

const OTHER_HOP = newId<DelegationId>();
const gained = 'what was approved once, for one agent and one thing, is done otherwise';

/** Redeeming what is another's, for something else, too late, or without anybody's yes. */
const redeeming: Readonly<Record<string, Case>> = {
  'of another agent': ['D24', gained, 'scribe', asLower, there, [redeem('approval', APPROVED)]],
  'of an agent below': [
    'D24',
    gained,
    'scout',
    asUpper,
    together(both(), request(APPROVED, { agent: scribe, chain: [UPPER, LOWER] })),
    [requestsSeen(2), redeem('approval', APPROVED)],
  ],
  'in person': ['D13', gained, 'alice', itself, there, [redeem('approval', APPROVED)]],
  'as the agent itself': ['D13', gained, 'scout', itself, there, [redeem('approval', APPROVED)]],
  'by a colleague’s agent, and a stranger’s': [
    'P2 D3',
    gained,
    'mimic',
    { delegation: DELEGATIONS.mimic.id },
    there,
    [redeem('approval', APPROVED)],
  ],
  'of the twin in another tenant': [
    'D3',
    gained,
    'mallory',
    itself,
    together(there, twins),
    [redeem('approval', APPROVED), decide('approval', WAITING)],
  ],
  'through another chain of the same agent': [
    'D25',
    'an approval of one piece of work serves another',
    'scout',
    asUpper,
    there,
    [redeem('chain', APPROVED)],
  ],
  'through the chain below another parent': [
    'D25',
    'an approval of one piece of work serves another',
    'scribe',
    { delegation: OTHER_HOP },
    together(both(request(APPROVED, { agent: scribe, chain: [UPPER, LOWER] })), (sql) =>
      delegate(sql, { id: OTHER_HOP, from: 'scout', to: 'scribe', parent: SCOUT, capabilities: DELEGABLE }),
    ),
    [redeem('chain', APPROVED)],
  ],
  'for something else': [
    'D25',
    'an approval of one thing is good for any',
    'scout',
    asScout,
    there,
    [
      redeem('digest', APPROVED, { ...LETTER, digest: OTHER_DIGEST }),
      redeem('digest', APPROVED, { ...LETTER, digest: null }),
      redeem('digest', APPROVED, { ...LETTER, service: 'bank' }),
      redeem('digest', APPROVED, { ...LETTER, action: 'messages.delete' }),
    ],
  ],
  'that waits, was rejected, is over or was redeemed': [
    'D12 D25',
    'a request is as good as an approval',
    'scout',
    asScout,
    together(
      there,
      request(OVER[0], { decision: 'rejected' }),
      request(OVER[1], { redeemed: true }),
      request(OVER[2], { ends: -1 }),
      request(OVER[3], { decision: 'rejected', ends: -1 }),
      request(OVER[4], { decision: null, ends: -1 }),
    ),
    [
      redeem('waiting', WAITING),
      redeem('rejected', OVER[0]),
      redeem('redeemed', OVER[1]),
      redeem('expired', OVER[2]),
      redeem('rejected', OVER[3]),
      redeem('expired', OVER[4]),
    ],
  ],
  'under rules that are others now': [
    'D17',
    'what an owner has just denied is done all the same',
    'scout',
    asScout,
    together(there, request(OVER[0], { version: 'of other rules' })),
    [
      redeem('changed', OVER[0]),
      aside(
        `update permissions set updated_at = clock_timestamp() where service = '*' and action = '*' and owner_id = $1`,
        1,
        [alice],
      ),
      redeem('changed', APPROVED),
    ],
  ],
  'after a rule was added that changes nothing': [
    'D17',
    'an approval that its owner has thought better of',
    'scout',
    asScout,
    together(there, rule({ agent: scout, service: LETTER.service, effect: 'ask' })),
    [redeem('changed', APPROVED)],
  ],
  'under other policies of the database': [
    'D17',
    'an approval that was given under other safeguards',
    'scout',
    asScout,
    there,
    [aside(`update bailiwick.policy_state set checksum = 'x'`, 1), redeem('changed', APPROVED)],
  ],
  'through a chain that was revoked': [
    'D17',
    'an agent that was stopped goes on',
    'scout',
    asScout,
    together(there, set('delegations', SCOUT, 'revoked_at = now(), revoked_by = owner_id')),
    [redeem('approval', APPROVED)],
  ],
  'through a chain limited to a world': [
    'D11',
    'an agent in one world acts outside',
    'scout',
    asUpper,
    together(pair({ capabilities: DELEGABLE, world: GARDEN }), request(APPROVED, { chain: [UPPER] })),
    [redeem('approval', APPROVED)],
  ],
  'through a delegation that no longer names it': [
    'D8',
    'an agent goes on with what it no longer may',
    'scout',
    asUpper,
    together(pair({ capabilities: ['approval:read'] }), request(APPROVED, { chain: [UPPER] })),
    [redeem('approval', APPROVED)],
  ],
  'with a token that names other things': [
    'D8',
    'a token that may read redeems',
    'scout',
    { ...asScout, scopes: ['approval:read'] },
    there,
    [redeem('approval', APPROVED)],
  ],
  'for a suspended owner': [
    'D19',
    'an agent that was stopped goes on',
    'scout',
    asScout,
    together(there, suspend('alice')),
    [redeem('approval', APPROVED)],
  ],
  'that there is not': [
    'D26',
    gained,
    'scout',
    asScout,
    there,
    [redeem('approval', newId()), redeem('approval', null)],
  ],
};
/** How many delegations of the cast this transaction has locked. */
const held = (count: number): Step =>
  aside(
    'select count(*)::int from delegations where id = $1 and xmax::text = pg_current_xact_id()::text',
    count,
    [SCOUT],
  );

/** Once, and while its chain is there. */
const once: readonly SqlAttack[] = [
  {
    ...chain,
    name: 'redeeming an approval again',
    gain: 'what was approved once is done as often as one likes',
    rule: 'D25',
    given: there,
    changes: true,
    steps: [
      open('scout', asScout),
      redeem('null', APPROVED),
      redeem('redeemed', APPROVED),
      redeem('redeemed', APPROVED),
      aside('select count(*)::int from approvals where redeemed_at is not null', 1),
    ],
  },
  {
    ...chain,
    control: true,
    name: 'whoever redeems holds its chain, so that whoever ends it waits',
    gain: 'an action is taken after the end was acknowledged',
    rule: 'D17',
    given: there,
    steps: [open('scout', asScout), held(0), redeem('null', APPROVED), held(1)],
  },
];

const controls: readonly SqlAttack[] = [
  {
    ...rows,
    control: true,
    name: 'an agent asks, its owner approves, and the agent redeems it',
    gain: 'agents could do nothing that their owners want to be asked about',
    rule: 'D8 D13',
    given: there,
    steps: [
      open('scout', through.scout),
      requestsSeen(4),
      askable(true),
      asks(1),
      requestsSeen(5),
      redeem('waiting', WAITING),
      aside(
        `update approvals set decision = 'approved', decided_at = now(), decided_by = owner_id where id = $1`,
        1,
        [WAITING],
      ),
      redeem('null', WAITING),
      redeem('null', APPROVED),
      aside(
        `select count(*)::int from approvals where redeemed_at is not null and redemption_id is not null and decided_by = owner_id`,
        2,
      ),
    ],
  },
];

export const REDEEMED: readonly SqlAttack[] = [
  ...cases('redeeming an approval ', rows, redeeming),
  ...once,
  ...controls,
];
