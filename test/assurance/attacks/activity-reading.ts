// Attacks on reading the activity log (prisma/policies/28-activity-entries.sql): what agents of others did, and that through the parts in
// which the log is kept, past the policies of its table.

import { DELEGABLE } from '../../../src/capabilities.ts';
import { AGENTS, TENANTS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { acme, rows } from './attempted.ts';
import { done, ENTRY, entriesOf } from './entries.ts';
import { asLower, asUpper, LOWER, pair, together, UPPER } from './hops.ts';
import { itself } from './proposals.ts';
import { both, type Case, cases } from './requested.ts';
import { aside, open, type SqlAttack, type Step, step } from './stage.ts';
import { twins } from './worlds.ts';

const [scout, scribe] = [AGENTS.scout.id, AGENTS.scribe.id];
const seen = 'what agents of others do, where and when';

/** The parts of the table, which its policies do not stand on: what holds no month, what is past, and this month. */
const month = () => `activity_entries_${new Date().toISOString().slice(0, 7).replace('-', '_')}`;
const PARTS: Readonly<Record<string, () => string>> = {
  'the part that holds this month': month,
  'the part that holds what is past': () => 'activity_entries_past',
  'the part that holds what is to come': () => 'activity_entries_other',
};
const parts: readonly SqlAttack[] = Object.entries(PARTS).map(
  ([what, table]): SqlAttack => ({
    ...rows,
    name: `reaching entries of the log of what agents did by the name of ${what}`,
    gain: 'everybody’s log, past every policy',
    rule: 'P20 P21 P2',
    given: both(),
    steps: [
      open('scout', asUpper),
      // the one that is meant is there
      aside(`select relispartition from pg_class where oid = $1::regclass`, 'true', [table()]),
      ...[
        `select from ${table()}`,
        `select tenant_id from ${table()}`,
        `select from only ${table()}`,
        `insert into ${table()} (tenant_id, id) values (bailiwick.tenant_id(), gen_random_uuid())`,
        `update ${table()} set summary = null`,
        `delete from ${table()}`,
        `truncate ${table()}`,
        `alter table ${table()} disable row level security`,
        `drop table ${table()}`,
      ].map((text) => step(text, '42501')),
    ],
    changes: true,
  }),
);

/** Nothing of those of others, by whatever they are asked for. */
const unseen = (...agents: readonly string[]): Step[] =>
  agents.flatMap((agent) => [
    step('select from activity_entries where agent_id = $1', 0, [agent]),
    step('select from activity_entries where created_by = $1', 0, [agent]),
  ]);

const reading: Readonly<Record<string, Case>> = {
  'of the agent above, and of another chain': [
    'D24',
    seen,
    'scribe',
    asLower,
    both(done(ENTRY)),
    [...unseen(scout), step('select from activity_entries where id = $1', 0, [ENTRY])],
  ],
  'of the agent below': [
    'D24',
    seen,
    'scout',
    asUpper,
    both(done(ENTRY, { agent: scribe, chain: [UPPER, LOWER] })),
    unseen(scribe),
  ],
  'of a colleague’s agents, in person': ['P2', seen, 'bob', itself, both(done(ENTRY)), unseen(scout, scribe)],
  'of a colleague’s agents, through one’s own': [
    'P2',
    seen,
    'bobot',
    { delegation: DELEGATIONS.bobot.id },
    both(done(ENTRY)),
    unseen(scout, scribe),
  ],
  'of everybody, as administrator': ['D26', seen, 'ada', itself, both(done(ENTRY)), [entriesOf(0)]],
  'of another tenant, as a stranger': [
    'D3',
    seen,
    'mallory',
    itself,
    both(done(ENTRY)),
    [...unseen(scout, scribe), step('select from activity_entries where tenant_id = $1', 0, [acme])],
  ],
  'of the twin in another tenant': [
    'D3',
    seen,
    'alice',
    itself,
    together(both(done(ENTRY)), twins),
    [step('select from activity_entries where tenant_id <> $1', 0, [TENANTS.acme.id])],
  ],
  'without the capability to': [
    'D8',
    seen,
    'scout',
    asUpper,
    together(pair({ capabilities: DELEGABLE.filter((one) => one !== 'activity:read') }), done(ENTRY)),
    [entriesOf(0)],
  ],
};

export const LOG_READ: readonly SqlAttack[] = [
  ...parts,
  ...cases('reading the log of what agents did: ', rows, reading),
];
