// Attacks around opening (S1, S4, S11, S12): keys that are another's, retired or replaced; a second opening; a longer snapshot;
// scopes that smuggle something in. And what a true ticket establishes.

import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
import type { TicketKey } from '../../../src/db/ticket.ts';
import { ACTORS, type ActorName, TENANTS, USERS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { type Acting, KEY, type Sql, ticket } from '../../kit/as.ts';
import { body, claiming, lasting, opening, opensNothing, signed } from './forging.ts';
import { install, pads } from './keys.ts';
import { MEMORIES, plant } from './seals.ts';
import { aside, open, opened, type SqlAttack, type Step, step } from './stage.ts';

const SECRET = randomBytes(32);

const OWN: TicketKey = { kid: 'ticket-own', key: createSecretKey(SECRET) };

/** The attacker's key, as the migrator would install it. */
const installed = (purpose: 'ticket' | 'seal', then?: string) => async (sql: Sql) => {
  await sql.rows('select bailiwick.install_key($1, $2, $3)', [OWN.kid, purpose, SECRET]);
  if (then !== undefined) {
    await sql.rows(`${then} where kid = $1`, [OWN.kid]);
  }
};

const timely: Readonly<Record<string, readonly [from: number, to: number]>> = {
  'that lives exactly 30 seconds': [0, 30],
  'that lives no time, but is still ahead': [4.5, 4.5],
  'from four seconds ahead': [4, 20],
};

const scout = DELEGATIONS.scout.id;

const keys: SqlAttack[] = [
  {
    ...opening,
    name: 'a ticket signed with a seal key',
    rule: 'S1',
    given: installed('seal'),
    steps: opensNothing(() => signed(`t1|${OWN.kid}|${body()}`, OWN)),
  },
  {
    ...opening,
    name: 'a ticket signed with a retired key',
    rule: 'S12',
    gain: 'a key that leaked goes on forging after it was retired',
    given: installed('ticket', 'update bailiwick.context_key set active = false'),
    steps: opensNothing(() => signed(`t1|${OWN.kid}|${body()}`, OWN)),
  },
  {
    ...opening,
    control: true,
    gain: 'nobody could open a context',
    name: 'a ticket signed with a second key, during rotation',
    rule: 'S12',
    given: installed('ticket'),
    steps: [opened(() => signed(`t1|${OWN.kid}|${body()}`, OWN), 'true'), step(MEMORIES, 7)],
  },
  {
    ...opening,
    name: 'installing another secret under the name of a key that is there',
    rule: 'S1 S12',
    steps: [
      aside('select bailiwick.install_key($1, $2, $3) is not null', 'true', [KEY.kid, 'ticket', SECRET]),
      ...opensNothing(() => signed(`t1|${KEY.kid}|${body()}`, { kid: KEY.kid, key: OWN.key })),
    ],
  },
  ...[0, 31, 33].map(
    (length): SqlAttack => ({
      ...opening,
      name: `installing a secret of ${length} bytes`,
      rule: 'S1',
      gain: 'a key that can be guessed, or a MAC that is not HMAC',
      steps: [
        aside('select bailiwick.install_key($1, $2, $3)', '22023', [
          'short',
          'ticket',
          Buffer.alloc(length, 1),
        ]),
      ],
    }),
  ),
  {
    ...opening,
    name: 'opening while the seal key is retired',
    rule: 'S12',
    gain: 'a context under a key that was withdrawn',
    given: (sql) => sql.rows(`update bailiwick.context_key set active = false where purpose = 'seal'`),
    steps: [opened(() => ticket('alice'), 'true'), step('select from memories', 0)],
  },
  {
    ...opening,
    name: 'going on after the seal key was retired',
    rule: 'S12',
    gain: 'a context outlives the key that sealed it',
    changes: true,
    steps: [
      open('alice'),
      step(MEMORIES, 7),
      aside(`update bailiwick.context_key set active = false where purpose = 'seal'`, 1),
      step('select from memories', '28000'),
    ],
  },
  {
    ...opening,
    control: true,
    gain: 'nobody could open a context',
    name: 'an older seal key goes on when the newest is retired',
    rule: 'S12',
    given: installed('seal', 'update bailiwick.context_key set active = false'),
    steps: [open('alice'), step(MEMORIES, 7)],
  },
  {
    ...opening,
    control: true,
    gain: 'nobody could open a context',
    name: 'a seal key is made where there is none, once',
    rule: 'S1 S12',
    given: (sql) => sql.rows(`update bailiwick.context_key set active = false where purpose = 'seal'`),
    steps: [
      aside(`select bailiwick.ensure_seal_key(), bailiwick.ensure_seal_key()`, 1),
      aside(`select count(*)::int from bailiwick.context_key where purpose = 'seal' and active`, 1),
      aside(`select count(distinct inner_pad)::int from bailiwick.context_key where purpose = 'seal'`, 2),
      open('alice'),
      step(MEMORIES, 7),
    ],
  },
];

const SPARE = pads('spare', SECRET);
const ASK = 'select bailiwick.mac($1, $2, $3)';
const HMAC = createHmac('sha256', SECRET).update('message').digest('hex');
/** What the kernel's own function for MACs says, which nobody else can ask. */
const macs: SqlAttack[] = (
  [
    ['under a key that was retired', false, [SPARE.kid, 'ticket', 'message'], 'null'],
    ['under a ticket key, for a seal', true, [SPARE.kid, 'seal', 'message'], 'null'],
    ['under a key that is not there', true, ['ticket-none', 'ticket', 'message'], 'null'],
    ['under its own key', true, [SPARE.kid, 'ticket', 'message'], HMAC],
  ] as const
).map(
  ([what, active, values, expect]): SqlAttack => ({
    ...opening,
    name: `a MAC of the kernel ${what}`,
    rule: 'S1 S12',
    ...(expect === HMAC && { control: true, gain: 'nobody could open a context' }),
    given: install(SPARE, 'ticket', active),
    steps: [aside(ASK, expect, values)],
  }),
);

const newest: SqlAttack = {
  ...opening,
  control: true,
  gain: 'nobody could open a context',
  name: 'of two seal keys the newer one seals',
  rule: 'S12',
  given: install(SPARE, 'seal'),
  steps: [
    open('alice'),
    step(`select split_part(current_setting('bailiwick.context'), '|', 2)`, SPARE.kid),
    step(MEMORIES, 7),
  ],
};

const again: SqlAttack[] = [
  {
    ...opening,
    name: 'a second opening in the same transaction',
    rule: 'S4',
    gain: 'two requests on one connection answer with each other’s rows',
    steps: [
      open('alice'),
      opened(() => ticket('bob'), '25001'),
      step('select bailiwick.actor_id()', USERS.alice.id),
      step(MEMORIES, 7),
    ],
  },
  {
    ...opening,
    name: 'a second opening as the same subject',
    rule: 'S4',
    gain: 'two requests on one connection answer in each other’s name',
    steps: [open('alice'), opened(() => ticket('alice'), '25001')],
  },
  {
    ...opening,
    name: 'opening over a made-up context',
    rule: 'S4 S5',
    steps: [plant('x'), opened(() => ticket('alice'), '28000'), step('select from memories', '28000')],
  },
  ...(['repeatable read', 'serializable'] as const).map(
    (isolation): SqlAttack => ({
      ...opening,
      name: `opening in a transaction that is ${isolation}`,
      rule: 'S11',
      gain: 'revocations stay unseen until the transaction ends',
      isolation,
      steps: opensNothing(() => ticket('alice'), '25001'),
    }),
  ),
  {
    ...opening,
    name: 'a ticket that expires while its transaction waits',
    rule: 'S2',
    gain: 'a stolen ticket is good for as long as a transaction can be held',
    steps: [
      step('select pg_sleep(0.03) is not null', 'true'),
      lasting(0, 0.01, '28000', 'transaction_timestamp'),
    ],
  },
];

const scoped = (scopes: readonly string[], expect: string): Step[] => [
  opened(() => claiming({ scopes }), 'true'),
  step(`select bailiwick.describe()->>'capabilities'`, expect),
];

const scopes: SqlAttack[] = [
  ...Object.entries({
    'that carries a second one behind a comma': ['memory:read,memory:create'],
    'that carries another field behind a bar': ['memory:read|tenant:administer'],
    'that is a wildcard': ['*', 'memory:*', '*:read', '%'],
    'in other letters': ['MEMORY:READ', 'Memory:read'],
    'with something around it': [' memory:read', 'memory:read ', 'x memory:read', 'memory:read\n'],
    'that is null': [null as unknown as string],
  }).map(
    ([what, list]): SqlAttack => ({
      ...opening,
      name: `a scope ${what}`,
      rule: 'D8 D9 JWT scopes',
      gain: 'capabilities that the token does not name',
      steps: [...scoped(list, '[]'), step(MEMORIES, 0)],
    }),
  ),
  {
    ...opening,
    name: 'a ticket without scopes',
    rule: 'JWT scopes',
    gain: 'everything, for naming nothing',
    steps: [opened(() => claiming({ scopes: undefined }), 'true'), step(MEMORIES, 0)],
  },
  {
    ...opening,
    control: true,
    gain: 'nobody could open a context',
    name: 'scopes are those of the token',
    rule: 'D8',
    steps: scoped(['memory:read', 'agent:read'], '["agent:read", "memory:read"]'),
  },
];

const ESTABLISHED = (actor: ActorName, acting: Acting, expect: object): Step => ({
  text: `select bailiwick.open($1, $2) - 'requestId'`,
  values: () => ticket(actor, acting),
  expect: JSON.stringify(expect),
});

const told = (actor: ActorName, changes: object) => ({
  chain: [],
  actorId: ACTORS[actor].id,
  ownerId: ACTORS[actor].id,
  worldId: null,
  receipts: false,
  tenantId: TENANTS[ACTORS[actor].tenant].id,
  actorKind: actor in USERS ? 'user' : 'agent',
  credential: 'token',
  administrator: false,
  ...changes,
});

const truths: SqlAttack[] = [
  ...(
    [
      ['alice', {}, {}],
      ['mallory', {}, {}],
      ['scout', {}, {}],
      ['ada', {}, { administrator: true }],
      ['ada', { scopes: ['memory:read'] }, {}],
      [
        'scout',
        { delegation: scout, onBehalfOf: 'alice' },
        { ownerId: USERS.alice.id, chain: [scout], receipts: true },
      ],
      [
        'scribe',
        { delegation: DELEGATIONS.scribe.id, onBehalfOf: 'alice' },
        { ownerId: USERS.alice.id, chain: [scout, DELEGATIONS.scribe.id], receipts: true },
      ],
      ['alice', { onBehalfOf: 'alice' }, {}],
    ] as const
  ).map(
    ([actor, acting, changes], index): SqlAttack => ({
      ...opening,
      control: true,
      gain: 'nobody could open a context',
      name: `a true ticket establishes what it says (${index + 1}: ${actor})`,
      rule: 'S3 D6',
      steps: [ESTABLISHED(actor, acting, told(actor, changes))],
    }),
  ),
  ...Object.entries(timely).map(
    ([what, [from, to]]): SqlAttack => ({
      ...opening,
      control: true,
      gain: 'nobody could open a context',
      name: `a ticket ${what}`,
      rule: 'S2',
      steps: [lasting(from, to, 'true'), step(MEMORIES, 7)],
    }),
  ),
];

export const OPENING: readonly SqlAttack[] = [...keys, ...macs, newest, ...again, ...scopes, ...truths];
