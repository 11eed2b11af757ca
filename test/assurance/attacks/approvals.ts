// Attacks on what agents have asked of their owners (prisma/policies/06-permissions.sql, 27-): decided on by whom it is about or by whom it
// does not concern, changed, and read. Asking stands in approvals-asking.ts, redeeming in approvals-redeeming.ts.

import { DELEGABLE } from '../../../src/capabilities.ts';
import { AGENTS } from '../../../src/demo/cast.ts';
import { newId } from '../../../src/ids.ts';
import { suspend } from '../../policies/given.ts';
import { asScout, globex, rows } from './attempted.ts';
import { asLower, asUpper, GARDEN, LOWER, pair, together, UPPER } from './hops.ts';
import { itself } from './proposals.ts';
import {
  APPROVED,
  both,
  type Case,
  cases,
  decide,
  LETTER,
  OTHER_DIGEST,
  OVER,
  request,
  requestsSeen,
  rule,
  there,
  WAITING,
  waiting,
} from './requested.ts';
import { aside, open, type SqlAttack, type Step, step } from './stage.ts';
import { twins } from './worlds.ts';

const [scout, scribe] = [AGENTS.scout.id, AGENTS.scribe.id];

const none: readonly Step[] = [decide('approval', WAITING), decide('approval', WAITING, 'rejected')];

/** Deciding on one's own, on another's, on what was not shown, again, or otherwise than with yes or no. */
const deciding: Readonly<Record<string, Case>> = {
  'by the agent that asks': ['D13', 'an agent approves of its own request', 'scout', asScout, there, none],
  'by the agent that asks, as itself': [
    'D13',
    'an agent approves of its own request',
    'scout',
    itself,
    there,
    none,
  ],
  'by an agent whose delegation names what nobody can hand on': [
    'D9 D13',
    'an agent approves of its own request',
    'scout',
    asUpper,
    together(pair({ capabilities: ['approval:read', 'approval:create', 'approval:update'] }), waiting),
    none,
  ],
  'by another agent of the owner’s': ['D13', 'agents approve of one another', 'scribe', asLower, there, none],
  'by a colleague': ['P2', 'a colleague decides for her', 'bob', itself, there, none],
  'by the administrator': ['P2', 'an administrator decides for others', 'ada', itself, there, none],
  'by a stranger in another tenant': ['D3', 'another customer decides', 'mallory', itself, there, none],
  'by the owner with a token that only reads': [
    'D8',
    'a stolen token approves',
    'alice',
    { scopes: ['approval:read'] },
    there,
    [requestsSeen(4), ...none],
  ],
  'by the owner with a token that is over': [
    'D12',
    'a stolen token approves for ever',
    'alice',
    { tokenExpiresAt: new Date(Date.now() - 1000) },
    there,
    none,
  ],
  'by a suspended owner': [
    'D19',
    'whoever was put away decides',
    'alice',
    itself,
    together(there, suspend('alice')),
    none,
  ],
  'on what was not shown': [
    'D25',
    'an owner approves of something else than what it was shown',
    'alice',
    itself,
    there,
    [
      decide('digest', WAITING, 'approved', OTHER_DIGEST),
      decide('digest', WAITING, 'approved', null),
      decide('digest', WAITING, 'rejected', ''),
    ],
  ],
  'a second time': [
    'D25',
    'a no becomes a yes, and what was redeemed is undone',
    'alice',
    itself,
    together(there, request(OVER[0], { decision: 'rejected' }), request(OVER[1], { redeemed: true })),
    [
      ...['approved', 'rejected'].map((word) => decide('decided', APPROVED, word)),
      decide('decided', OVER[0]),
      decide('decided', OVER[1], 'rejected'),
    ],
  ],
  'after its end': [
    'D12',
    'what was asked for long ago is done now',
    'alice',
    itself,
    together(both(), request(WAITING, { decision: null, ends: -1 })),
    [decide('expired', WAITING), decide('expired', WAITING, 'rejected')],
  ],
  'after the rules changed': [
    'D17',
    'an owner approves of what it has just denied',
    'alice',
    itself,
    together(there, rule({ service: LETTER.service, effect: 'deny' })),
    [decide('changed', WAITING)],
  ],
  'after the rules changed, in the same transaction': [
    'D17',
    'an owner approves of what it has just denied',
    'alice',
    itself,
    there,
    [
      aside(
        `update permissions set effect = 'deny', updated_at = clock_timestamp() where service = '*' and action = '*'`,
        2,
      ),
      decide('changed', WAITING),
    ],
  ],
  'where there is nothing to decide on': [
    'D26',
    'whether there is a request of somebody else’s',
    'alice',
    itself,
    there,
    [
      decide('approval', newId()),
      decide('approval', null),
      decide('approval', '0198a000-0000-7000-8000-000000000000'),
    ],
  ],
};

const words: SqlAttack = {
  ...rows,
  name: 'deciding on a request with another word than yes or no',
  gain: 'a decision that is none, and counts as one',
  rule: 'D25',
  given: there,
  steps: [open('alice'), ...['maybe', '', 'APPROVED', null].map((word) => decide('23514', WAITING, word))],
};

const unchangeable: readonly Step[] = [
  ...[
    'decision',
    'decided_at',
    'decided_by',
    'note',
    'redeemed_at',
    'version',
    'digest',
    'chain',
    'expires_at',
    'arguments',
  ].map((column) => step(`update approvals set ${column} = ${column}`, '42501')),
  step('delete from approvals', '42501'),
];
const seeing: Readonly<Record<string, Case>> = {
  'changing or removing requests, as the agent that asks': [
    'D13 D15',
    'an agent approves of its own request, or leaves no trace of it',
    'scout',
    asScout,
    there,
    unchangeable,
  ],
  'changing or removing requests, as the owner': [
    'D15',
    'a decision that is taken back after it was relied on',
    'alice',
    itself,
    there,
    unchangeable,
  ],
  'reading requests of agents beside and below': [
    'D8 D24',
    'an agent reads what others are about',
    'scout',
    asUpper,
    together(there, request(OVER[0], { agent: scribe, chain: [UPPER, LOWER] })),
    [requestsSeen(4), step('select from approvals where agent_id <> $1', 0, [scout])],
  ],
  'reading requests of the agent above': [
    'D8 D24',
    'an agent reads what others are about',
    'scribe',
    asLower,
    there,
    [requestsSeen(0)],
  ],
  'reading a colleague’s requests, and another tenant’s': [
    'P2 D3',
    'what others’ agents are about',
    'bob',
    itself,
    there,
    [requestsSeen(0)],
  ],
  'reading requests as the administrator': [
    'P2',
    'what others’ agents are about',
    'ada',
    itself,
    there,
    [requestsSeen(0)],
  ],
  'reading requests of the twin in another tenant': [
    'D3',
    'what others’ agents are about',
    'alice',
    itself,
    together(there, twins),
    [requestsSeen(4), step('select from approvals where tenant_id = $1', 0, [globex])],
  ],
  'reading requests through a chain limited to a world': [
    'D11',
    'an agent in one world reads of everything',
    'scout',
    asUpper,
    together(pair({ capabilities: DELEGABLE, world: GARDEN }), request(APPROVED)),
    [requestsSeen(0)],
  ],
  'reading requests through a delegation that names other things': [
    'D8',
    'an agent reads what it need not',
    'scout',
    asUpper,
    together(pair({ capabilities: ['approval:create'] }), request(APPROVED)),
    [requestsSeen(0)],
  ],
  'reading requests as the agent itself': [
    'D13',
    'what was asked of somebody',
    'scout',
    itself,
    there,
    [requestsSeen(0)],
  ],
};

const control: SqlAttack = {
  ...rows,
  control: true,
  name: 'an owner in person reads what was asked, approves of one and rejects another, also after the rules changed',
  gain: 'owners could not decide',
  rule: 'D13',
  given: together(there, request(OVER[0], { decision: null, version: 'of other rules' })),
  steps: [
    open('alice'),
    requestsSeen(5),
    decide('null', WAITING),
    decide('null', OVER[0], 'rejected'),
    aside(
      `select count(*)::int from approvals where decided_at > now() - interval '1 minute' and decided_by = owner_id and note = 'A note.'`,
      2,
    ),
  ],
};

export const DECIDED: readonly SqlAttack[] = [
  ...cases('deciding on a request ', rows, deciding),
  words,
  ...cases('', rows, seeing),
  control,
];
