// Attacks on asking for approval (prisma/policies/06-permissions.sql, 27-): in somebody's name, through what one does not act through, where
// there is nothing to ask, and too often; and on handing on the right to ask.

import { DELEGABLE } from '../../../src/capabilities.ts';
import { AGENTS } from '../../../src/demo/cast.ts';
import { newId } from '../../../src/ids.ts';
import { suspend } from '../../policies/given.ts';
import { acme, alice, asScout, bob, globex, rows } from './attempted.ts';
import {
  asLower,
  asUpper,
  ceiling,
  chain,
  GARDEN,
  type Given,
  LOWER,
  pair,
  SCOUT,
  set,
  together,
  UPPER,
} from './hops.ts';
import { hop, itself, proposed } from './proposals.ts';
import {
  ALL,
  askable,
  asks,
  both,
  type Case,
  cases,
  LETTER,
  rule,
  said,
  WAITING,
  waiting,
} from './requested.ts';
import { LIST } from './served.ts';
import { aside, open, type SqlAttack, step } from './stage.ts';

const [scout, scribe] = [AGENTS.scout.id, AGENTS.scribe.id];

const unasked = 'a request that its owner takes for what it is not';

/** Asking in somebody's name, through what one does not act through, or where there is nothing to ask. */
const asking: Readonly<Record<string, Case>> = {
  'in the name of another agent, another owner or another tenant': [
    'D23 D24 D3',
    unasked,
    'scout',
    asScout,
    undefined,
    [
      asks('42501', { agent_id: scribe }),
      asks('42501', { created_by: scribe }),
      asks('42501', { agent_id: scribe, created_by: scribe }),
      asks('42501', { owner_id: bob }),
      asks('42501', { tenant_id: globex }),
    ],
  ],
  'through a chain that is not one’s own': [
    'D23 D25',
    'an approval that holds where its owner did not mean it',
    'scout',
    asUpper,
    both(),
    [
      asks('42501', { chain: [LOWER] }),
      asks('42501', { chain: [UPPER, LOWER] }),
      asks('42501', { chain: [SCOUT] }),
      asks('42501', { chain: [] }),
      asks('42501', { chain: null }),
      asks('42501', { chain: [UPPER], delegation_id: SCOUT }),
    ],
  ],
  'at the end of a chain, as if one stood at its beginning': [
    'D23 D25',
    'rules about agents above it are got around',
    'scribe',
    asLower,
    both(),
    [asks('42501', { agent_id: scribe, chain: [LOWER] }), asks('42501', { agent_id: scout, chain: [UPPER] })],
  ],
  'under rules that are not those in force': [
    'D25',
    'an approval that outlives the rules under which it was given',
    'scout',
    asScout,
    undefined,
    [
      asks('42501', { version: 'f'.repeat(64) }),
      asks('42501', { version: '' }),
      asks('42501', { version: null }),
    ],
  ],
  'under the version of another action': [
    'D25',
    'an approval of what is denied, under rules that allow something else',
    'scout',
    asScout,
    rule({ service: 'shop', action: 'orders.place', effect: 'deny' }),
    [
      step(
        `insert into approvals (tenant_id, id, owner_id, agent_id, service, action, arguments, digest, version, chain, expires_at)
         select $1, $2, $3, $4, 'shop', 'orders.place', to_jsonb('bwe1.' || replace(k.id::text, '-', '') || '.x'), $5,
                bailiwick.authorize('mail', 'messages.send')->>'version', $6, now() + interval '1 hour'
           from data_keys k where k.holder_id = $3`,
        '42501',
        [acme, newId(), alice, scout, LETTER.digest, [SCOUT]],
      ),
    ],
  ],
  'where the rules deny, or allow': [
    'D25',
    'an owner is talked into what the rules have ruled out',
    'scout',
    asScout,
    undefined,
    [
      ...(
        [
          ['deny', 'bank', 'accounts.close'],
          ['allow', 'tracker', LIST],
        ] as const
      ).flatMap(([effect, service, action]) => [
        said(effect, { service, action }),
        askable(false, { service, action }),
        asks('42501', { service, action }),
      ]),
    ],
  ],
  'in person': [
    'D13',
    unasked,
    'alice',
    itself,
    undefined,
    [askable(false), asks('42501', { agent_id: alice, chain: [] })],
  ],
  'as the agent itself': [
    'D13',
    unasked,
    'scout',
    itself,
    undefined,
    [askable(false), asks('42501', { chain: [] }), asks('42501', { owner_id: scout, chain: [] })],
  ],
  'through a delegation limited to a world': [
    'D11',
    'an agent in one world asks about everything',
    'scout',
    asUpper,
    pair({ capabilities: DELEGABLE, world: GARDEN }),
    [askable(false), asks('42501', { chain: [UPPER], version: 'x' })],
  ],
  'through a chain whose last hop is limited to a world': [
    'D11',
    'an agent in one world asks about everything',
    'scribe',
    asLower,
    pair(ALL, { capabilities: DELEGABLE, world: GARDEN }),
    [askable(false), asks('42501', { agent_id: scribe, chain: [UPPER, LOWER], version: 'x' })],
  ],
  'through a delegation that names other things': [
    'D8',
    unasked,
    'scout',
    asUpper,
    pair({ capabilities: DELEGABLE.filter((one) => one !== 'approval:create') }),
    [askable(false), asks('42501', { chain: [UPPER] })],
  ],
  'above a ceiling': [
    'D8',
    unasked,
    'scout',
    asUpper,
    both(ceiling(scout, 'permission:read', 'approval:read')),
    [askable(false), asks('42501', { chain: [UPPER] })],
  ],
  'through a chain whose first hop was revoked': [
    'D17',
    'an agent that was stopped goes on',
    'scribe',
    asLower,
    both(set('delegations', UPPER, 'revoked_at = now(), revoked_by = owner_id')),
    [askable(false), asks('42501', { agent_id: scribe, chain: [UPPER, LOWER], version: 'x' })],
  ],
  'for a suspended owner': [
    'D19',
    'an agent that was stopped goes on',
    'scout',
    asUpper,
    both(suspend('alice')),
    [askable(false), asks('42501', { chain: [UPPER], version: 'x' })],
  ],
  'with arguments that are not sealed for their owner': [
    'D23',
    'what was asked for is read by whoever has the tables, or can never be read by its owner',
    'scout',
    asScout,
    undefined,
    [{ to: 'x' }, ['x'], 1, 'plain', '', `bwe1.${'0'.repeat(32)}.x`].map((value) =>
      asks('42501', { arguments: JSON.stringify(value) }),
    ),
  ],
  'with a decision that nobody made': [
    'D13 D23',
    'an agent approves of its own request as it makes it',
    'scout',
    asScout,
    undefined,
    [
      ...[
        { decision: 'approved' },
        { decided_at: new Date() },
        { decided_by: alice },
        { note: 'Yes.' },
        { redeemed_at: new Date() },
        { redemption_id: newId() },
        { created_at: new Date(0) },
      ].map((row) => asks('42501', row)),
    ],
  ],
};

/** More than may wait, by whoever has asked already. */
const flood = (sql: Parameters<Given>[0]) =>
  sql.rows(
    `insert into approvals (tenant_id, id, owner_id, agent_id, service, action, arguments, digest, version, chain, expires_at, created_by,
       delegation_id, request_id)
     select tenant_id, gen_random_uuid(), owner_id, agent_id, service, action, arguments, digest, version, chain, expires_at, created_by,
            delegation_id, request_id
       from approvals, generate_series(1, 48) where id = $1`,
    [WAITING],
  );

const flooding: readonly SqlAttack[] = [
  {
    ...chain,
    name: 'asking for approval once more than fifty times',
    gain: 'an owner who no longer looks at what it approves of',
    rule: 'D8',
    // the cast has one that waits, this makes forty-nine more
    given: together(waiting, flood),
    steps: [
      open('scout', asScout),
      step('select from approvals where decision is null', 50),
      askable(false),
      asks('42501'),
      askable(false, { service: 'shop', action: 'orders.place' }),
    ],
  },
  {
    ...chain,
    name: 'asking for approval once more than fifty times, through another delegation',
    gain: 'an owner who no longer looks at what it approves of',
    rule: 'D8',
    given: together(both(), waiting, flood),
    steps: [open('scout', asUpper), askable(false), asks('42501', { chain: [UPPER] })],
  },
  {
    ...chain,
    control: true,
    name: 'an agent asks for the fiftieth time, and again once one has expired or was decided on',
    gain: 'agents could not ask any more',
    rule: 'D8',
    given: together(waiting, flood),
    steps: [
      open('scout', asScout),
      askable(false),
      aside(`update approvals set expires_at = now() - interval '1 second' where id = $1`, 1, [WAITING]),
      askable(true),
      asks(1),
      askable(false),
      aside(
        `update approvals set decision = 'rejected', decided_at = now(), decided_by = owner_id
          where id = (select id from approvals where decision is null and expires_at > now() limit 1)`,
        1,
      ),
      asks(1),
    ],
  },
];

/** What a hop below must not have, because the hop above has not. */
const granting: readonly SqlAttack[] = [
  {
    ...chain,
    name: 'passing on the right to ask, which one does not hold',
    gain: 'an agent below asks where the one above it may not',
    ...proposed(
      [
        'D8 D14',
        'scout',
        { ...asUpper, given: pair({ capabilities: ['approval:read', 'delegation:read'], redelegate: 2 }) },
        hop({ capabilities: ['approval:read', 'approval:create'], parent_id: UPPER }),
      ],
      'capabilities',
    ),
  },
  {
    ...chain,
    name: 'granting the right to ask without that to read what one asked',
    gain: 'an agent that cannot be told no',
    ...proposed(
      [
        'D10',
        'scout',
        { ...asUpper, given: pair(ALL) },
        hop({ capabilities: ['approval:create'], parent_id: UPPER }),
      ],
      'capabilities',
    ),
  },
];

export const ASKED: readonly SqlAttack[] = [
  ...cases('asking for approval ', rows, asking),
  ...flooding,
  ...granting,
];
