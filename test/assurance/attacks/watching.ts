// Attacks on comparing calls with what is usual (bailiwick.watch, prisma/policies/29-baselines.sql): what others did, what was done long ago, and
// by whom nothing was done. That a baseline is broken by what its agent does, and by nothing else.

import { AGENTS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { newId } from '../../../src/ids.ts';
import { serviceTicket } from '../../policies/credentials.ts';
import { acme, alice, rows } from './attempted.ts';
import { ENTRY } from './entries.ts';
import { asLower, asUpper, type Given, LOWER, together, UPPER } from './hops.ts';
import { itself } from './proposals.ts';
import { both, type Case, cases } from './requested.ts';
import { aside, open, opened, type SqlAttack, type Step, step } from './stage.ts';
import { timelyId } from './timely.ts';
import { frozen, SCOUTS } from './usual.ts';
import { twins, unchecked } from './worlds.ts';

const [scout, scribe] = [AGENTS.scout.id, AGENTS.scribe.id];
const FAR = { host: 'elsewhere.invalid' };
const OLD = timelyId(360_000);
const OTHER = timelyId();

/** A call that one of them has made just now. */
const made = (id: string, agent: string, network: object | null, outcome = 'succeeded'): Given =>
  unchecked(
    `insert into activity_entries (tenant_id, id, owner_id, agent_id, service, action, outcome, network, chain, created_by, delegation_id, request_id)
     values ($1, $2, $3, $4, 'shop', 'orders.place', $5, $6, $7, $4, $8, $2)`,
    ...[acme, id, alice, agent, outcome, network === null ? null : JSON.stringify(network)],
    ...[agent === scout ? [UPPER] : [UPPER, LOWER], agent === scout ? UPPER : LOWER],
  );
/** The same, where what is usual for each is frozen. */
const called = (id: string, agent: string, network: object | null, threshold?: number): Given =>
  both(frozen(threshold), made(id, agent, network));

/** Has entries compared, and says which baselines are broken by that. */
const watches = (...entries: readonly (string | null)[]): Step =>
  step('select bailiwick.watch($1) is distinct from null', 'true', [entries]);
const broken = (expect: string): Step =>
  aside(
    `select coalesce(string_agg(id || ' ' || (alert->>'score') || ' ' || (alert->>'entryId' = $1::text), ','), '')
       from baselines where alerted_at is not null`,
    expect,
    [ENTRY],
  );
const lie = 'an owner who is told of what never was, until they listen no more';
const calm = broken('');

const watching: Readonly<Record<string, Case>> = {
  'of the agent above': [
    'D24 D27',
    lie,
    'scribe',
    asLower,
    called(ENTRY, scout, FAR),
    [watches(ENTRY), calm],
  ],
  'of the agent below': [
    'D24 D27',
    lie,
    'scout',
    asUpper,
    called(ENTRY, scribe, FAR),
    [watches(ENTRY), calm],
  ],
  'of a colleague’s agent': [
    'P2 D27',
    lie,
    'bobot',
    { delegation: DELEGATIONS.bobot.id },
    called(ENTRY, scout, FAR),
    [watches(ENTRY), calm],
  ],
  'of a stranger’s agent': [
    'D3 D27',
    lie,
    'mimic',
    { delegation: DELEGATIONS.mimic.id },
    called(ENTRY, scout, FAR),
    [watches(ENTRY), calm],
  ],
  'of one’s own agent, in person': [
    'D13',
    lie,
    'alice',
    itself,
    called(ENTRY, scout, FAR),
    [watches(ENTRY), calm],
  ],
  'as the agent itself': ['D13', lie, 'scout', itself, called(ENTRY, scout, FAR), [watches(ENTRY), calm]],
  'of some minutes ago': ['D27', lie, 'scout', asUpper, called(OLD, scout, FAR), [watches(OLD), calm]],
  'that went nowhere, or that there are not': [
    'D27',
    lie,
    'scout',
    asUpper,
    called(ENTRY, scout, null),
    [
      watches(ENTRY),
      watches(newId(), null),
      watches(),
      step('select bailiwick.watch(null) is distinct from null', 'true'),
      calm,
    ],
  ],
  'that its owner lets pass': [
    'D27',
    lie,
    'scout',
    asUpper,
    called(ENTRY, scout, FAR, 0.91),
    [watches(ENTRY), calm],
  ],
  'while it is being learned': [
    'D27',
    lie,
    'scout',
    asUpper,
    together(called(ENTRY, scout, FAR), unchecked(`update baselines set frozen_at = null, learned = '[]'`)),
    [watches(ENTRY), calm],
  ],
  'of the twin in another tenant': [
    'D3',
    lie,
    'scout',
    asUpper,
    together(
      called(ENTRY, scout, FAR),
      twins,
      unchecked('delete from activity_entries where tenant_id = $1 and id = $2', acme, ENTRY),
    ),
    [watches(ENTRY), calm],
  ],
};
const nobody: readonly SqlAttack[] = Object.entries({
  'without a context': [],
  'as the server itself': [opened(serviceTicket, 'true')],
}).map(
  ([what, steps]): SqlAttack => ({
    ...rows,
    name: `having calls compared with what is usual, ${what}`,
    gain: lie,
    rule: 'S2 S9',
    given: called(ENTRY, scout, FAR),
    changes: true,
    steps: [...steps, watches(ENTRY), calm],
  }),
);

const told = (count: number): Step =>
  aside(
    `select count(*)::int from bailiwick.events where kind = 'baseline' and event = 'baseline.broken' and owner_id = '${alice}'
        and id = '${SCOUTS}'`,
    count,
  );
const works = { ...rows, control: true, gain: 'nobody would hear that an agent goes astray' } as const;
const controls: readonly SqlAttack[] = [
  {
    ...works,
    name: 'a call that is far from what is usual breaks the baseline of the agent that made it, the farthest of several',
    rule: 'D27',
    given: together(called(ENTRY, scout, FAR), made(OTHER, scout, { host: 'api.example.org', port: 22 })),
    steps: [open('scout', asUpper), watches(OTHER, ENTRY), broken(`${SCOUTS} 0.900 true`), told(1)],
  },
  {
    ...works,
    name: 'a call that is as far from what is usual as its owner says breaks a baseline',
    rule: 'D27',
    given: called(ENTRY, scout, FAR, 0.9),
    steps: [open('scout', asUpper), watches(ENTRY), broken(`${SCOUTS} 0.900 true`), told(1)],
  },
  {
    ...works,
    name: 'a call that is far from what is usual breaks the baseline of its agent and not that of its twin in another tenant',
    rule: 'D3 D27',
    given: together(called(ENTRY, scout, FAR), twins),
    steps: [open('scout', asUpper), watches(ENTRY), broken(`${SCOUTS} 0.900 true`), told(1)],
  },
  {
    ...works,
    name: 'the end of a call is compared with what is usual',
    rule: 'D27',
    given: both(frozen(), made(OTHER, scout, null, 'started')),
    steps: [
      open('scout', asUpper),
      step(`select bailiwick.finish_call($1, $2, 'succeeded', 1, $3)`, 'true', [
        ENTRY,
        OTHER,
        JSON.stringify(FAR),
      ]),
      broken(`${SCOUTS} 0.900 true`),
      told(1),
    ],
  },
];

export const WATCHING: readonly SqlAttack[] = [
  ...cases('having calls compared with what is usual: those ', rows, watching),
  ...nobody,
  ...controls,
];
