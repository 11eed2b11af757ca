// Attacks on the receipts of what agents have read (prisma/policies/30-access-receipts.sql): read by anybody but the owner in person, forged
// or taken away by whoever is not the server, and left for somebody whose row it is not.

import { DELEGABLE, SCOPES } from '../../../src/capabilities.ts';
import { AGENTS, TENANTS, USERS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { newId } from '../../../src/ids.ts';
import { lookingTicket } from '../../access/viewing.ts';
import { ticket } from '../../kit/as.ts';
import { memoryOf } from '../../policies/arrangement.ts';
import { serviceTicket } from '../../policies/credentials.ts';
import { keepReceipt } from '../../policies/receipts.ts';
import { acme, alice, bob, globex, made, rows } from './attempted.ts';
import { asUpper, type Given, SCOUT, together, UPPER } from './hops.ts';
import { itself } from './proposals.ts';
import { both, type Case, cases } from './requested.ts';
import { aside, open, opened, type SqlAttack, type Step, step } from './stage.ts';
import { twins, unchecked } from './worlds.ts';

const [scout, bobot] = [AGENTS.scout.id, AGENTS.bobot.id];
const [SCOUTS, BOBOTS, PAST] = [newId(), newId(), newId()];
const MINE: string = memoryOf('alice') ?? '';
/** That scout and bobot have each read something of alice's, and nothing else. */
const kept: Given = together(
  (sql) => sql.rows('delete from access_receipts'),
  (sql) => keepReceipt(sql, { id: SCOUTS, owner: alice, agent: scout, row: MINE }),
  (sql) => keepReceipt(sql, { id: BOBOTS, owner: alice, agent: bobot, row: MINE }),
);
const and = (...more: readonly Given[]): Given => together(kept, ...more);

const sees = (count: number): Step => step('select from access_receipts', count);
const seen = 'what others’ agents read, or how well an agent is watched';
const reading: Readonly<Record<string, Case>> = {
  'as the agent, through a chain that names all there is': [
    'D13',
    seen,
    'scout',
    asUpper,
    and(both()),
    [sees(0)],
  ],
  'as the agent itself': ['D13', seen, 'scout', itself, kept, [sees(0)]],
  'as the owner of the agent that has read': ['P2', seen, 'bob', itself, kept, [sees(0)]],
  'as an administrator': ['D26', seen, 'ada', itself, kept, [sees(0)]],
  'as a stranger': ['D3', seen, 'mallory', itself, kept, [sees(0)]],
  'with a token for everything else': [
    'D8',
    seen,
    'alice',
    { scopes: SCOPES.filter((one) => one !== 'receipt:read') },
    kept,
    [sees(0)],
  ],
  'through a delegation that names it': [
    'D13',
    seen,
    'scout',
    asUpper,
    and(
      both(),
      unchecked(
        'update delegations set capabilities = $1 where tenant_id = $2 and id = $3',
        [...DELEGABLE, 'receipt:read'],
        acme,
        UPPER,
      ),
    ),
    [sees(0)],
  ],
  'of the twin in another tenant': [
    'D3',
    seen,
    'alice',
    itself,
    and(twins),
    [step('select from access_receipts where tenant_id <> $1', 0, [acme])],
  ],
};

const READ = {
  ...{
    tenant_id: acme,
    owner_id: alice,
    agent_id: scout,
    operation: 'memory',
    kind: 'Memory',
    row_id: MINE,
  },
  ...{ delegation_id: SCOUT, request_id: newId() },
} satisfies Readonly<Record<string, string>>;
const leaves = (expect: string, ...read: readonly Readonly<Record<string, string>>[]): Step =>
  step('select bailiwick.leave_receipts($1) is distinct from null', expect, [
    JSON.stringify(read.map((one) => ({ ...READ, ...one }))),
  ]);
const row = {
  ...{
    owner_id: alice,
    agent_id: bobot,
    day: '2026-11-22',
    operation: 'memories',
    kind: 'Memory',
    row_id: MINE,
  },
  ...{ times: 1, first_at: new Date(0), last_at: new Date(0), delegation_id: SCOUT, request_id: newId() },
};
const forged: readonly Step[] = [
  leaves('28000', {}),
  leaves('28000'),
  made('access_receipts', row, '42501'),
  step('update access_receipts set times = times', '42501'),
  step('update access_receipts set owner_id = owner_id', '42501'),
  step('delete from access_receipts', '42501'),
  step('truncate access_receipts', '42501'),
  step('update tenants set receipt_every = 1000', '42501'),
  step('select receipt_every from tenants', '42501'),
];
const lie = 'an agent has read what it never read, or has not read what it did';
const forging: Readonly<Record<string, Case>> = {
  'in person': ['P28 S2', lie, 'alice', itself, kept, forged],
  'as the agent': ['D13 S2', lie, 'scout', asUpper, and(both()), forged],
  'as a colleague': ['P28 S2', lie, 'bob', itself, kept, forged],
  'as an administrator': ['D26 S2', lie, 'ada', itself, kept, forged],
  'as a stranger': ['D3 S2', lie, 'mallory', itself, kept, forged],
};
const nobody: readonly SqlAttack[] = [
  {
    ...rows,
    name: 'forging receipts of what agents have read, in nobody’s name',
    gain: lie,
    rule: 'S2 S9',
    given: kept,
    steps: forged,
  },
  {
    ...rows,
    name: 'forging receipts of what agents have read, as the server, otherwise than by leaving them',
    gain: lie,
    rule: 'S9',
    given: kept,
    steps: [opened(serviceTicket, 'true'), sees(0), ...forged.slice(2)],
  },
];

/** What there is, by whose it is, who has read, which row and how often. */
const left = (
  ...expect: readonly (readonly [owner: string, agent: string, row: string, times: number, tenant?: string])[]
): Step =>
  aside(
    `select coalesce(string_agg(concat_ws(' ', r.owner_id, r.agent_id, r.row_id, r.times, r.tenant_id), ', '
              order by r.first_at, r.times desc, r.row_id), '') from access_receipts r where request_id = '${READ.request_id}'`,
    expect
      .map(([owner, agent, id, times, tenant = acme]) => [owner, agent, id, times, tenant].join(' '))
      .join(', '),
  );
const server = opened(serviceTicket, 'true');
const NOWHERE = newId();
const others = (text: string): Given => unchecked(text, acme);

const attributing: Readonly<Record<string, readonly [given: Given, steps: readonly Step[]]>> = {
  'a memory, for whoever is said to own it': [
    kept,
    [leaves('true', { owner_id: bob }), left([alice, scout, MINE, 1])],
  ],
  'an agent or a person, for whoever is said to own it': [
    kept,
    [
      leaves(
        'true',
        { owner_id: bob, kind: 'User', row_id: alice },
        { owner_id: bob, kind: 'Agent', row_id: scout },
      ),
      left([alice, scout, alice, 1], [alice, scout, scout, 1]),
    ],
  ],
  'a memory, for its owner in another tenant': [
    and(
      twins,
      others('delete from memories where tenant_id = $1'),
      unchecked('update memories set owner_id = $1', bob),
    ),
    [leaves('true', {}), left([alice, scout, MINE, 1])],
  ],
  'an agent, for its owner in another tenant': [
    and(
      twins,
      unchecked(
        'update entities set owner_id = $1 where tenant_id = $2 and id = $3',
        ...[bob, globex, scout],
      ),
    ),
    [leaves('true', { kind: 'Agent', row_id: scout }), left([alice, scout, scout, 1])],
  ],
  'what goes under the id of a memory, for its owner': [
    kept,
    [leaves('true', { owner_id: bob, kind: 'Approval' }), left([bob, scout, MINE, 1])],
  ],
  'what goes under the id of an agent, for its owner': [
    kept,
    [leaves('true', { owner_id: bob, kind: 'Memory', row_id: scout }), left([bob, scout, scout, 1])],
  ],
};
const attributed = Object.entries(attributing).map(
  ([what, [given, steps]]): SqlAttack => ({
    ...rows,
    name: `having a receipt left: of ${what}`,
    gain: 'an owner who is told of what is not theirs, or is not told',
    rule: 'D3 D27',
    given,
    changes: true,
    steps: [server, ...steps],
  }),
);

const keeping = (days: string): Given => unchecked(`update tenants set activity_days = ${days}`);
const past: Given = and(
  (sql) => keepReceipt(sql, { id: PAST, owner: alice, agent: scout, row: NOWHERE, ago: 3651 }),
  (sql) => keepReceipt(sql, { id: NOWHERE, owner: alice, agent: scout, row: NOWHERE, ago: 3650 }),
  unchecked('delete from activity_entries'),
  keeping('3650'),
);
const remain = (count: number): Step => aside('select count(*)::int from access_receipts', count);
const expires = (gone: number, batch: number | null): Step =>
  step('select bailiwick.expire_activity($1)', gone, [batch]);
const expiring: readonly SqlAttack[] = Object.entries({
  'in person': [open('alice')],
  'as an administrator': [open('ada')],
  'through a chain': [open('scout', { delegation: SCOUT })],
  'in nobody’s name': [],
}).map(
  ([what, steps]): SqlAttack => ({
    ...rows,
    name: `throwing away receipts of what agents have read, ${what}`,
    gain: 'what an agent has read it never read',
    rule: 'D27 S2',
    given: past,
    steps: [...steps, expires(0, 1000), expires(0, 1), remain(4)],
    changes: true,
  }),
);

/** Whether what is read in this context is to be written down. */
const counted = (make: () => readonly [unknown, unknown], expect: boolean): Step => ({
  ...opened(make, String(expect)),
  text: `select (bailiwick.open($1, $2)->>'receipts')::boolean`,
});
const often = (every: number): Given =>
  unchecked('update tenants set receipt_every = $1 where tenant_id = $2', every, acme);
const openings: Readonly<Record<string, readonly [control: boolean, steps: readonly Step[], given?: Given]>> =
  {
    'in person': [false, [counted(() => ticket('alice'), false)]],
    'as an agent itself': [false, [counted(() => ticket('scout'), false)]],
    'as the server': [false, [counted(serviceTicket, false)]],
    'as an owner who looks on': [
      false,
      [
        step('set transaction read only', 'null'),
        counted(() => lookingTicket('alice', { viewAs: SCOUT }), false),
      ],
    ],
    'through a chain': [true, [counted(() => ticket('scout', { delegation: SCOUT }), true)], often(1)],
    'through a chain in a tenant that is not counted as often as another': [
      true,
      [counted(() => ticket('mimic', { delegation: DELEGATIONS.mimic.id }), true)],
      often(1000),
    ],
  };
const opening = Object.entries(openings).map(
  ([what, [control, steps, given]]): SqlAttack => ({
    ...rows,
    ...(control && { control }),
    ...(given && { given }),
    name: `${control ? 'reading leaves receipts' : 'having receipts left of what nobody’s agent reads'}, ${what}`,
    gain: control ? 'nobody would know what agents read' : 'a log full of what an owner has done themselves',
    rule: 'D27',
    steps,
  }),
);
/** Neither never nor more often than always. */
const unfit = [0, -1, 1001].map(
  (every): SqlAttack => ({
    ...rows,
    name: `a tenant that leaves receipts of one operation in ${every}`,
    gain: 'agents that read and leave nothing',
    rule: 'D27',
    given: often(every),
    unpreparable: '23514',
    steps: [],
  }),
);

const works = { ...rows, control: true, gain: 'nobody would know what agents read' } as const;
const controls: readonly SqlAttack[] = [
  {
    ...works,
    name: 'an owner in person sees which agents have read what of theirs, others’ too',
    rule: 'P2',
    given: kept,
    steps: [open('alice'), sees(2), step('select from access_receipts where agent_id = $1', 1, [bobot])],
  },
  {
    ...works,
    name: 'the server leaves receipts, one for each row, day and operation, and counts',
    rule: 'S9 D27',
    given: and(),
    steps: [
      server,
      leaves('true', { row_id: NOWHERE }, { row_id: NOWHERE }, { row_id: NOWHERE, owner_id: USERS.ada.id }),
      leaves('true', { row_id: NOWHERE }),
      leaves('true', { row_id: NOWHERE, tenant_id: TENANTS.globex.id, agent_id: AGENTS.mimic.id }),
      left(
        [alice, scout, NOWHERE, 3],
        [USERS.ada.id, scout, NOWHERE, 1],
        [alice, AGENTS.mimic.id, NOWHERE, 1, globex],
      ),
    ],
  },
  {
    ...works,
    name: 'the server throws away receipts that are past what their tenant keeps, and those alone',
    rule: 'D27',
    given: past,
    steps: [server, expires(0, 0), remain(4), expires(1, 1), expires(0, 1000), remain(3)],
  },
];

export const RECEIPTS: readonly SqlAttack[] = [
  ...cases('reading receipts of what agents have read, ', rows, reading),
  ...cases('forging receipts of what agents have read, ', rows, forging),
  ...nobody,
  ...attributed,
  ...expiring,
  ...opening,
  ...unfit,
  ...controls,
];
