// Attacks on the activity log (prisma/policies/28-activity-entries.sql): entries in another's name, of another time, or about an approval
// that is not one's own; entries changed or removed. Those on reading it stand in activity-reading.ts, those on what the kernel writes
// into it in noting.ts.

import { DELEGABLE } from '../../../src/capabilities.ts';
import { AGENTS, USERS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { newId } from '../../../src/ids.ts';
import { alice, bob, globex, rows } from './attempted.ts';
import { done, ENTRY, entriesOf, noted, redeemedOf } from './entries.ts';
import { asLower, asUpper, GARDEN, LOWER, pair, SCOUT, set, together, UPPER } from './hops.ts';
import { itself } from './proposals.ts';
import { APPROVED, both, type Case, cases, LETTER, OVER, request, WAITING } from './requested.ts';
import { aside, open, type SqlAttack, step } from './stage.ts';
import { twins } from './worlds.ts';

const [scout, scribe] = [AGENTS.scout.id, AGENTS.scribe.id];
const lie = 'a log that says of others what they never did';
const gone = 'whatever an agent did, it never did';

/** An id of a moment, and the moment as the database tells it. */
const idOf = (offset: string) => `bailiwick.id_at(statement_timestamp() ${offset})`;

const writing: Readonly<Record<string, Case>> = {
  'in the name of another agent': [
    'D23 D24',
    lie,
    'scout',
    asUpper,
    both(),
    [
      noted('42501', { agent_id: scribe }),
      noted('42501', { agent_id: scribe, created_by: scribe, chain: [UPPER, LOWER] }),
      noted('42501', { agent_id: AGENTS.bobot.id }),
      noted('42501', { agent_id: AGENTS.mimic.id }),
      noted('42501', { agent_id: alice }),
    ],
  ],
  'in the name of the agent above': [
    'D23 D24',
    lie,
    'scribe',
    asLower,
    both(),
    [
      noted('42501', { agent_id: scout, chain: [UPPER, LOWER] }),
      noted('42501', { agent_id: scout, chain: [UPPER] }),
    ],
  ],
  'of another owner, or of another tenant': [
    'P2 D3',
    lie,
    'scout',
    asUpper,
    both(),
    [
      noted('42501', { owner_id: bob }),
      noted('42501', { owner_id: bob, agent_id: AGENTS.bobot.id, chain: [DELEGATIONS.bobot.id] }),
      noted('42501', { owner_id: scout }),
      noted('42501', { tenant_id: globex }),
      noted('42501', { tenant_id: globex, owner_id: USERS.mallory.id, agent_id: AGENTS.mimic.id }),
    ],
  ],
  'of the twin in another tenant': [
    'D3',
    lie,
    'scout',
    asUpper,
    together(both(), twins),
    [noted('42501', { tenant_id: globex })],
  ],
  'made by somebody else, through something else, in another request': [
    'D23 D27',
    lie,
    'scout',
    asUpper,
    both(),
    [
      noted('42501', { created_by: alice }),
      noted('42501', { delegation_id: SCOUT }),
      noted('42501', { delegation_id: LOWER }),
      noted('42501', { request_id: newId() }),
      noted('42501', { chain: [] }),
      noted('42501', { chain: null }),
      noted('42501', { chain: [SCOUT] }),
      noted('42501', { chain: [UPPER, UPPER] }),
      noted('42501', { chain: [UPPER, LOWER] }),
    ],
  ],
  'of the past, or of what is to come': [
    'D27',
    'an entry put where nobody looks any more, or where it hides what comes',
    'scout',
    asUpper,
    both(),
    [
      ...[`- interval '5 minutes 1 millisecond'`, `- interval '1 day'`, `- interval '40 years'`].map(
        (offset) => noted('42501', {}, idOf(offset)),
      ),
      ...[`+ interval '5 minutes'`, `+ interval '1 day'`, `+ interval '4000 years'`].map((offset) =>
        noted('42501', {}, idOf(offset)),
      ),
      ...['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'].map((id) =>
        noted('42501', { id }),
      ),
      noted('42501', { created_at: new Date(0) }),
    ],
  ],
  'over an entry that is there': [
    'P7',
    gone,
    'scout',
    asUpper,
    both(done(ENTRY)),
    [
      aside('select outcome from activity_entries where id = $1', 'started', [ENTRY]),
      noted('42501', { id: ENTRY }, undefined, 'on conflict (tenant_id, id) do update set summary = null'),
    ],
  ],
  'of what was decided, which is the kernel’s to say': [
    'D8 D27',
    'a log that says that what was done had been allowed',
    'scout',
    asUpper,
    both(done(ENTRY)),
    [
      ...['allowed', 'asked', 'denied', 'approved', '', null].map((outcome) => noted('42501', { outcome })),
      noted('42501', { started_id: ENTRY }),
    ],
  ],
  'that names an approval which it did not redeem': [
    'D25',
    'what nobody approved, under an approval of something else',
    'scout',
    asUpper,
    both(
      request(APPROVED, { chain: [UPPER] }),
      request(WAITING, { decision: null, chain: [UPPER] }),
      request(OVER[0], { decision: 'rejected', chain: [UPPER] }),
      request(OVER[1], { agent: scribe, chain: [UPPER, LOWER], redeemed: true }),
      request(OVER[2], { redeemed: true, chain: [UPPER] }),
    ),
    [
      ...[APPROVED, WAITING, OVER[0], OVER[1], newId()].map((approval_id) =>
        noted('42501', { service: LETTER.service, action: LETTER.action, approval_id }),
      ),
      noted('42501', { service: 'bank', action: LETTER.action, approval_id: OVER[2] }),
      noted('42501', { service: LETTER.service, action: 'messages.delete', approval_id: OVER[2] }),
      ...[APPROVED, WAITING, OVER[0], OVER[1], newId()].map((id) => redeemedOf(false, id)),
    ],
  ],
  'without the capability to': [
    'D8',
    'a log that anybody fills',
    'scout',
    asUpper,
    pair({ capabilities: DELEGABLE.filter((one) => one !== 'activity:create') }),
    [noted('42501')],
  ],
  'below an agent that may not': [
    'D8',
    'a log that anybody fills',
    'scribe',
    asLower,
    pair({ capabilities: DELEGABLE.filter((one) => one !== 'activity:create') }, { capabilities: DELEGABLE }),
    [noted('42501', { agent_id: scribe, chain: [UPPER, LOWER] })],
  ],
  'with a token that is for reading': [
    'D8 D9',
    'a log that anybody fills',
    'scout',
    { ...asUpper, scopes: DELEGABLE.filter((one) => one !== 'activity:create') },
    both(),
    [noted('42501')],
  ],
  'from inside one world': [
    'D14',
    'an agent that is let into one world writes outside it',
    'scout',
    asUpper,
    pair({ capabilities: DELEGABLE, world: GARDEN }),
    [noted('42501'), entriesOf(0)],
  ],
  'as the agent itself': [
    'D13',
    lie,
    'scout',
    itself,
    both(),
    [noted('42501'), noted('42501', { chain: [] }), entriesOf(0)],
  ],
  'in person': [
    'D13',
    lie,
    'alice',
    itself,
    both(),
    [noted('42501'), noted('42501', { agent_id: alice, chain: [] })],
  ],
  'through a chain that was revoked': [
    'D17',
    'an agent goes on after it was stopped',
    'scout',
    asUpper,
    together(both(), set('delegations', UPPER, 'revoked_at = now(), revoked_by = owner_id')),
    [noted('42501'), entriesOf(0)],
  ],
};

/** Whoever is asked, nobody changes an entry. */
const CHANGES: Readonly<Record<string, string>> = {
  changing: `update activity_entries set outcome = 'failed'`,
  'taking the approval off': 'update activity_entries set approval_id = null',
  'moving to another owner': 'update activity_entries set owner_id = agent_id',
  'moving to another time': 'update activity_entries set id = gen_random_uuid()',
  removing: 'delete from activity_entries',
  emptying: 'truncate activity_entries',
  merging: `merge into activity_entries a using (select 1) s on true when matched then delete`,
  'locking against those who write': 'lock table activity_entries in exclusive mode',
  'putting aside the newest': 'alter table activity_entries detach partition activity_entries_other',
};

const changing: readonly SqlAttack[] = Object.entries(CHANGES).flatMap(([what, text]) =>
  (
    [
      ['alice', itself],
      ['scout', { delegation: SCOUT }],
      ['ada', itself],
    ] as const
  ).map(
    ([who, acting]): SqlAttack => ({
      ...rows,
      name: `${what}, entries of the log of what agents did, as ${who}`,
      gain: gone,
      rule: 'D27 P3',
      steps: [open(who, acting), step(text, '42501')],
    }),
  ),
);

const controls: readonly SqlAttack[] = [
  {
    ...rows,
    control: true,
    name: 'an agent notes what it did, of just now and with the approval of it, and sees that, and so does its owner',
    gain: 'nobody would know what agents have done by their own means',
    rule: 'D8 D27',
    given: both(request(APPROVED, { chain: [UPPER], redeemed: true })),
    steps: [
      open('scout', asUpper),
      noted(1),
      noted(1, { outcome: 'started' }),
      noted(1, { outcome: 'failed' }, idOf(`- interval '4 minutes 59 seconds'`)),
      noted(1, {}, idOf(`+ interval '4 minutes 59 seconds'`)),
      redeemedOf(true, APPROVED),
      noted(1, { service: LETTER.service, action: LETTER.action, approval_id: APPROVED }),
      step('select from activity_entries where request_id = bailiwick.request_id()', 5),
      aside(
        `select distinct row(owner_id, agent_id, created_by, chain, delegation_id)::text from activity_entries
          where request_id = bailiwick.request_id()`,
        `(${alice},${scout},${scout},{${UPPER}},${UPPER})`,
      ),
    ],
  },
  ...(['alice', 'scout', 'scribe'] as const).map(
    (who): SqlAttack => ({
      ...rows,
      control: true,
      name: `${who} sees of the log of what agents did what concerns ${who}`,
      gain: 'nobody would know what agents have done',
      rule: 'D8',
      given: both(done(ENTRY), done(OVER[0], { agent: scribe, chain: [UPPER, LOWER] })),
      steps: [
        open(who, who === 'alice' ? itself : who === 'scout' ? asUpper : asLower),
        step('select from activity_entries where id = any ($1)', who === 'alice' ? 2 : 1, [[ENTRY, OVER[0]]]),
      ],
    }),
  ),
];

export const LOGGED: readonly SqlAttack[] = [
  ...cases('writing an entry into the log of what agents did: ', rows, writing),
  ...changing,
  ...controls,
];
