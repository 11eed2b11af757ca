// Attacks on what the kernel says about access (prisma/policies/85-explaining.sql): hidden rows found out by asking why, words put into what
// is executed for it, and what is said of others in a chain. An owner's view taken by somebody else: looking-on.ts.

import { AGENTS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { MEMORIES } from '../../../src/demo/memories.ts';
import { newId } from '../../../src/ids.ts';
import { suspend } from '../../policies/given.ts';
import { rows } from './attempted.ts';
import { asLower, asUpper, GARDEN, type Given, LOWER, MEMORY, pair, together, UPPER } from './hops.ts';
import { itself } from './proposals.ts';
import { both, type Case, cases } from './requested.ts';
import { open, type SqlAttack, type Step, step } from './stage.ts';

const { scout, scribe, bobot, mimic } = AGENTS;
const HIDDEN = MEMORIES.find(({ owner }) => owner === 'bob')?.id ?? '';
const found = 'a list of what is hidden, one guess at a time';

/** What is said of a hidden row is what is said of none. */
const alike = (table: string, id: string, verb = 'read'): Step =>
  step('select bailiwick.explain($1, $2, $3) = bailiwick.explain($1, $4, $3)', 'true', [
    ...[table, id, verb],
    newId(),
  ]);
const unexplained = (expect: string, relation: string, verb = 'read'): Step =>
  step('select bailiwick.explain($1, $2, $3)', expect, [relation, newId(), verb]);

/** What an agent can do: nothing is said. */
const unsaid = (agent: string | null): Step =>
  step('select bailiwick.effective($1, true, 100)', 'null', [agent]);
/** Whether what is said of a capability names somebody or something. */
const names = (is: boolean, id: string, capability = 'memory:read'): Step =>
  step(`select bailiwick.why('owner', $1)::text like '%' || $2 || '%'`, String(is), [capability, id]);

const asking: Readonly<Record<string, Case>> = {
  'why one may not read what is a colleague’s': [
    'D26 P10',
    found,
    'alice',
    itself,
    both(),
    [
      ...['read', 'update', 'delete'].map((verb) => alike('memories', HIDDEN, verb)),
      alike('agents', bobot.id),
      alike('entities', bobot.id),
      alike('delegations', DELEGATIONS.bobot.id),
    ],
  ],
  'why one may not read what is another tenant’s': [
    'D3 P10',
    found,
    'mallory',
    itself,
    both(),
    [alike('agents', scout.id), alike('delegations', UPPER), alike('memories', HIDDEN)],
  ],
  'why an agent may not read what is the owner’s': [
    'D26 P10',
    found,
    'scout',
    itself,
    both(),
    MEMORIES.filter(({ owner }) => owner === 'alice').map(({ id }) => alike('memories', id)),
  ],
  'why, about tables that one has no right to': [
    'P3 P32',
    'rows of tables that nobody may read, one condition at a time',
    'alice',
    itself,
    both(),
    [
      ...['audit_entries', 'identities', 'activity_entries_other', '_prisma_migrations'].map((relation) => ({
        ...step(
          `do $$ begin
           if bailiwick.explain('${relation}', gen_random_uuid(), 'read')->>'allowed' <> 'false' then
             raise exception 'allowed' using errcode = 'XX001';
           end if;
         exception when insufficient_privilege or undefined_column then null;
         end $$`,
          'null',
        ),
      })),
      ...['bailiwick.context_key', 'context_key', 'pg_authid', 'public.memories', ''].map((relation) =>
        unexplained('22023', relation),
      ),
    ],
  ],
  'why, with words for what is executed': [
    'P24 P39',
    'code of one’s own, in the words of the kernel',
    'alice',
    itself,
    both(),
    [
      ...[
        'memories; drop table memories',
        'memories where true or',
        '"memories"',
        'memories"',
        `memories' --`,
        'Memories',
      ].map((relation) => unexplained('22023', relation)),
      ...['select', 'insert', 'READ', 'read; drop table memories', '*', ''].map((verb) =>
        unexplained('22023', 'memories', verb),
      ),
      step(`select bailiwick.why('owner', $1)->>'held'`, 'false', [`memory:read' or true`]),
    ],
  ],
  'what an agent of a colleague, of a stranger, or nobody’s can do': [
    'D26 D3',
    'what agents of others may do, and for how long',
    'alice',
    itself,
    both(),
    [bobot.id, mimic.id, newId(), null].map(unsaid),
  ],
  'what an agent of another tenant can do': [
    'D3',
    found,
    'mallory',
    itself,
    both(),
    [scout.id, scribe.id].map(unsaid),
  ],
  'as administrator, what an agent of a member can do': [
    'D26',
    found,
    'ada',
    itself,
    both(),
    [scout.id, bobot.id].map(unsaid),
  ],
  'through a chain, what another agent can do': [
    'D24',
    'what the agents beside it may do',
    'scribe',
    asLower,
    both(),
    [unsaid(scout.id), unsaid(bobot.id)],
  ],
  'who of those above was stopped': [
    'D26',
    'which agents there are above, and that one of them was stopped',
    'scribe',
    asLower,
    together(both(), suspend('scout')),
    [
      names(false, scout.id),
      names(true, LOWER),
      step(`select bailiwick.why('owner', 'memory:read')->>'held'`, 'false'),
    ],
  ],
  'why, and what an agent can do, through a chain that has expired': [
    'D12',
    'what others may do, long after one was sent away',
    'late',
    { delegation: DELEGATIONS.late.id },
    both(),
    [step(`select bailiwick.why('owner', 'memory:read')->>'held'`, 'false'), unsaid(scout.id)],
  ],
};

/** Whether it is said that this is missing, whatever else. */
const lacks = (what: object) => (is: boolean, means: string) =>
  step(`select bailiwick.why($1, 'memory:read')->'missing' @> $2`, String(is), [
    ...[means, JSON.stringify([what])],
  ]);
/** That a chain would have to name a world; that one would have to be here in person. */
const lacksWorld = lacks({ where: 'world', kind: 'world', id: null });
const lacksPerson = lacks({ where: 'person', kind: null, id: null });
const LACKING: Readonly<Record<string, readonly [steps: readonly Step[], given?: Given]>> = {
  'in person, none': [
    [open('alice'), lacksWorld(false, 'shared_worlds'), lacksPerson(false, 'direct_owner')],
  ],
  'through a chain that names none, that it must': [
    [
      open('scout', asUpper),
      ...[lacksWorld(true, 'shared_worlds'), lacksWorld(false, 'owner')],
      ...[lacksPerson(true, 'direct_owner'), lacksPerson(false, 'owner')],
    ],
  ],
  'through a chain that names one, none': [
    [open('scout', asUpper), lacksWorld(false, 'shared_worlds')],
    pair({ capabilities: MEMORY, world: GARDEN }),
  ],
};
const lacking = Object.entries(LACKING).map(
  ([what, [steps, given = both()]]): SqlAttack => ({
    ...rows,
    control: true,
    name: `why one may not is told by the world or the person that is lacking: ${what}`,
    gain: 'nobody could find out what an agent is not sent for, or who must come in person',
    rule: 'D8',
    given,
    steps,
  }),
);

/** In nobody's name there is nothing to explain. */
const nobody: SqlAttack = {
  ...rows,
  name: 'asking why, in nobody’s name',
  gain: 'what the rules are, and for whom',
  rule: 'S2',
  given: both(),
  steps: [
    step(`select bailiwick.why('owner', 'memory:read')`, 'null'),
    step(`select bailiwick.why('administered_tenant', 'tenant:administer')`, 'null'),
    step('select bailiwick.effective($1, true, 100)', 'null', [scout.id]),
  ],
};

const controls: readonly SqlAttack[] = [
  ...lacking,
  {
    ...rows,
    control: true,
    name: 'an owner in person, and an agent about itself, are told what the agent can do',
    gain: 'nobody could find out what an agent may do but by trying',
    rule: 'D8',
    given: both(),
    steps: [
      open('scout', asUpper),
      step(`select bailiwick.effective($1, false, 100)::text like '%' || $2 || '%'`, 'true', [
        scout.id,
        UPPER,
      ]),
      step(`select bailiwick.explain('delegations', $1, 'read')->>'known'`, 'true', [UPPER]),
    ],
  },
];

export const EXPLAINED: readonly SqlAttack[] = [nobody, ...cases('asking ', rows, asking), ...controls];
