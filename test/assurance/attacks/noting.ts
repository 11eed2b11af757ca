// Attacks on what the kernel writes into the activity log and takes out of it (prisma/policies/08-activity.sql): the end of a call that
// another made, or that has ended; a verdict that nobody asked for; entries thrown away before their time.

import { DELEGABLE } from '../../../src/capabilities.ts';
import { entryId } from '../../../src/demo/activity.ts';
import { AGENTS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { newId } from '../../../src/ids.ts';
import { serviceTicket } from '../../policies/credentials.ts';
import { acme, alice, rows } from './attempted.ts';
import { done, ENTRY } from './entries.ts';
import { asLower, asUpper, GARDEN, type Given, LOWER, pair, SCOUT, set, together, UPPER } from './hops.ts';
import { itself } from './proposals.ts';
import { both, type Case, cases, LETTER, OVER, rule } from './requested.ts';
import { aside, open, opened, type SqlAttack, type Step, step } from './stage.ts';
import { timelyId } from './timely.ts';
import { twins, unchecked } from './worlds.ts';

const scribe = AGENTS.scribe.id;
const lie = 'a log that says how the calls of others ended';
const HOUR = 3_600_000;

/** Says how a call ended. */
const ends = (
  is: boolean,
  started: string | null = ENTRY,
  { entry, outcome = 'succeeded' }: { entry?: string; outcome?: string | null } = {},
): Step =>
  // an id is of now when it is sent, however long ago this was written down
  step(`select bailiwick.finish_call($1, $2, $3, 12, '{"host": "shop.invalid"}')`, String(is), () => [
    ...[entry ?? newId(), started, outcome],
  ]);

const OLD = timelyId(HOUR + 60_000);

const finishing: Readonly<Record<string, Case>> = {
  'of the agent above': ['D24', lie, 'scribe', asLower, both(done(ENTRY)), [ends(false)]],
  'of the agent below': [
    'D24',
    lie,
    'scout',
    asUpper,
    both(done(ENTRY, { agent: scribe, chain: [UPPER, LOWER] })),
    [ends(false)],
  ],
  'of one’s own agent, in person': ['D13', lie, 'alice', itself, both(done(ENTRY)), [ends(false)]],
  'as the agent itself': ['D13', lie, 'scout', itself, both(done(ENTRY)), [ends(false)]],
  'through another chain of the same agent': [
    'D25',
    lie,
    'scout',
    { delegation: SCOUT },
    both(done(ENTRY), done(OVER[0], { chain: [UPPER, SCOUT] }), done(OVER[1], { chain: [LOWER] })),
    [ends(false), ends(false, OVER[0]), ends(false, OVER[1])],
  ],
  'of a colleague’s agent': [
    'P2',
    lie,
    'bobot',
    { delegation: DELEGATIONS.bobot.id },
    both(done(ENTRY)),
    [ends(false)],
  ],
  'of a stranger’s agent': [
    'D3',
    lie,
    'mimic',
    { delegation: DELEGATIONS.mimic.id },
    both(done(ENTRY)),
    [ends(false)],
  ],
  'that nobody has begun': [
    'S2',
    lie,
    'scout',
    asUpper,
    both(done(ENTRY)),
    [ends(false, null), ends(false, newId())],
  ],
  'that has ended': [
    'D25',
    'a call that failed is made one that did not',
    'scout',
    asUpper,
    both(done(ENTRY)),
    [
      ends(true, ENTRY, { outcome: 'failed' }),
      ends(false),
      aside('select outcome from activity_entries where started_id = $1', 'failed', [ENTRY]),
    ],
  ],
  'that is no beginning': [
    'D27',
    lie,
    'scout',
    asUpper,
    both(
      ...['allowed', 'asked', 'denied', 'succeeded'].map((outcome, n) => done(OVER[n] ?? '', { outcome })),
    ),
    [0, 1, 2, 3].map((n) => ends(false, OVER[n])),
  ],
  'that was begun an hour ago': ['D27', lie, 'scout', asUpper, both(done(OLD)), [ends(false, OLD)]],
  'at another time, or otherwise than calls end': [
    'D27',
    'an entry put where nobody looks any more',
    'scout',
    asUpper,
    both(done(ENTRY)),
    [
      ends(false, ENTRY, { entry: timelyId(HOUR) }),
      ends(false, ENTRY, { entry: timelyId(-HOUR) }),
      ends(false, ENTRY, { entry: '00000000-0000-0000-0000-000000000000' }),
      ...['started', 'allowed', 'denied', '', null].map((outcome) => ends(false, ENTRY, { outcome })),
    ],
  ],
  'of the twin in another tenant': [
    'D3',
    lie,
    'scout',
    asUpper,
    together(
      both(done(ENTRY)),
      twins,
      unchecked('delete from activity_entries where tenant_id = $1 and id = $2', acme, ENTRY),
    ),
    [ends(false)],
  ],
};

/** Entries that are past what their tenant keeps: what the server itself would throw away. */
const PAST = ['2010-01-01', '2010-01-02'].map((day) => entryId(new Date(day), 'f0551'));
/** One that a tenant keeps for as long as it can, where another keeps nothing. */
const KEPT = entryId(new Date(Date.now() - 5 * 365 * 24 * HOUR), '4e7');
const keeping = (days: string): Given => unchecked(`update tenants set activity_days = ${days}`);
const past: Given = together(both(...PAST.map((id) => done(id))), keeping('3650'));

const expires = (gone: number, batch: number | null): Step =>
  step('select bailiwick.expire_activity($1)', gone, [batch]);

const EXPIRING: Readonly<Record<string, readonly Step[]>> = {
  'in person': [open('alice')],
  'as administrator': [open('ada')],
  'through a chain': [open('scout', asUpper)],
  'as a stranger': [open('mallory')],
  'in nobody’s name': [],
};

const expiring: readonly SqlAttack[] = Object.entries(EXPIRING).map(
  ([what, steps]): SqlAttack => ({
    ...rows,
    name: `throwing away entries of the log of what agents did, ${what}`,
    gain: 'whatever an agent did long ago, it never did',
    rule: 'D27 S2',
    given: past,
    steps: [...steps, expires(0, 1000), expires(0, 1), expires(0, -1), expires(0, null)],
  }),
);

/** Has the verdict on an action noted. */
const verdict = (of: { readonly service: string; readonly action: string } = LETTER): Step =>
  step('select bailiwick.note_verdict($1, $2, $3, $4) is not null', 'true', [
    timelyId(),
    of.service,
    of.action,
    null,
  ]);
/** The entries that this request has left. */
const left = (outcomes: string): Step =>
  aside(
    `select coalesce(string_agg(agent_id || ' ' || outcome, ',' order by id), '') from activity_entries where request_id = bailiwick.request_id()`,
    outcomes,
  );
const shop = { service: 'shop', action: 'orders.place' } as const;

const judging: Readonly<Record<string, Case>> = {
  'that an agent may not know': [
    'D8',
    'what its owner says of actions, by what is noted of them',
    'scout',
    asUpper,
    pair({ capabilities: DELEGABLE.filter((one) => one !== 'permission:read') }),
    [verdict(), verdict(shop)],
  ],
  'through a chain that was revoked': [
    'D17',
    'an agent fills the log after it was stopped',
    'scout',
    asUpper,
    together(both(), set('delegations', UPPER, 'revoked_at = now(), revoked_by = owner_id')),
    [verdict()],
  ],
  'from inside one world': [
    'D14',
    'an agent that is let into one world writes outside it',
    'scout',
    asUpper,
    pair({ capabilities: DELEGABLE, world: GARDEN }),
    [verdict()],
  ],
  'as the agent itself': ['D13', lie, 'scout', itself, both(), [verdict()]],
  'in person, as that of an agent': ['D13', lie, 'alice', itself, both(), [verdict(), left('')]],
  'otherwise than it is': [
    'D8 D27',
    'a log that says that what is denied had been allowed',
    'scout',
    asUpper,
    both(rule({ agent: AGENTS.scout.id, ...shop, effect: 'deny' })),
    [verdict(shop), left(`${AGENTS.scout.id} denied`)],
  ],
};

const controls: readonly SqlAttack[] = [
  {
    ...rows,
    control: true,
    name: 'the end of a call is noted by the agent that made it, in the words of its beginning',
    gain: 'nobody would know how the calls of agents ended',
    rule: 'D27',
    given: both(done(ENTRY)),
    steps: [
      open('scout', asUpper),
      ends(true, ENTRY, { entry: OVER[0] }),
      aside(
        `select row(owner_id, agent_id, service, action, outcome, duration_ms, network->>'host', chain, delegation_id, created_by)::text
           from activity_entries where id = $1 and started_id = $2`,
        `(${alice},${AGENTS.scout.id},shop,orders.place,succeeded,12,shop.invalid,{${UPPER}},${UPPER},${AGENTS.scout.id})`,
        [OVER[0], ENTRY],
      ),
    ],
  },
  {
    ...rows,
    control: true,
    name: 'the end of a call is noted though its chain was revoked meanwhile',
    gain: 'what was done in the last moment would have no end',
    rule: 'D17 D27',
    given: together(
      both(done(ENTRY)),
      set('delegations', UPPER, 'revoked_at = now(), revoked_by = owner_id'),
    ),
    steps: [open('scout', asUpper), ends(true)],
  },
  {
    ...rows,
    control: true,
    name: 'the server throws away what is past its tenant’s limit, the oldest first, and nothing else',
    gain: 'a log that grows for ever',
    rule: 'D27',
    given: past,
    steps: [
      opened(serviceTicket, 'true'),
      expires(1, 1),
      aside('select id from activity_entries where id = any ($1)', PAST[1] ?? '', [PAST]),
      expires(1, 1000),
      expires(0, 1000),
    ],
  },
  {
    ...rows,
    control: true,
    name: 'what one tenant keeps for long stays, where another keeps nothing for long',
    gain: 'a tenant’s log goes by another’s limit',
    rule: 'D3 D27',
    given: together(both(done(KEPT)), keeping(`case when tenant_id = '${acme}' then 3650 else 1 end`)),
    steps: [
      opened(serviceTicket, 'true'),
      step('select bailiwick.expire_activity(1000) >= 0', 'true'),
      aside('select from activity_entries where id = $1', 1, [KEPT]),
    ],
  },
  {
    ...rows,
    control: true,
    name: 'the verdict on an action is noted in the name of whoever asked',
    gain: 'nobody would know what agents wanted to do',
    rule: 'D8 D27',
    given: both(
      rule({ agent: scribe, ...shop, effect: 'allow' }),
      rule({ agent: AGENTS.scout.id, ...shop, effect: 'allow' }),
    ),
    steps: [
      open('scribe', asLower),
      verdict(shop),
      left(`${scribe} allowed`),
      aside(
        'select row(owner_id, chain, delegation_id, created_by)::text from activity_entries where request_id = bailiwick.request_id()',
        `(${alice},"{${UPPER},${LOWER}}",${LOWER},${scribe})`,
      ),
    ],
  },
];

export const NOTED: readonly SqlAttack[] = [
  ...cases('saying how a call ended: one ', rows, finishing),
  ...expiring,
  ...cases('having a verdict noted ', rows, judging),
  ...controls,
];
