// Attacks on having a credential for a service used (bailiwick.use_service): past its end, for what is none of its calls, without a
// record, in a context that is not one's own; and on passing on or granting rights to credentials that nobody has to give.

import { DELEGABLE } from '../../../src/capabilities.ts';
import { SERVICES } from '../../../src/demo/services.ts';
import { ticket } from '../../kit/as.ts';
import { rows } from './attempted.ts';
import { asUpper, chain, pair, through, UPPER } from './hops.ts';
import { hop, itself, proposed, root } from './proposals.ts';
import { EXECUTE, LIST, nothing, REVEAL, readable, seen, used, whole } from './served.ts';
import { aside, open, opened, type SqlAttack, step } from './stage.ts';
import { timelyId } from './timely.ts';

const { tracker, weather } = SERVICES;

/** What the credential itself does not allow. */
const limits: SqlAttack[] = [
  {
    ...rows,
    name: 'having a credential used after its end',
    gain: 'what was meant to be over goes on',
    rule: 'D12',
    given: (sql) =>
      sql.rows(`update service_credentials set expires_at = now() - interval '1 second' where id = $1`, [
        tracker.id,
      ]),
    steps: [open('alice'), used('expired', tracker, LIST), used('expired', tracker, 'other')],
  },
  {
    ...rows,
    name: 'having a credential used for what is none of its calls',
    gain: 'any call that the service knows, in the owner’s name',
    rule: 'D8',
    steps: [
      open('scout', through.scout),
      ...['', '*', 'Issues.list', 'issues', 'forecast', 'GET', null].map((call) =>
        used('call', tracker, call),
      ),
    ],
  },
  {
    ...rows,
    name: 'having a credential used without its being recorded',
    gain: 'calls that nobody can be asked about',
    rule: 'D27',
    changes: true,
    steps: [
      open('scout', through.scout),
      used('23502', tracker, LIST, null),
      ...[timelyId()].flatMap((entry) => [
        used('used tracker', tracker, LIST, entry),
        used('23505', weather, 'forecast', entry),
      ]),
      aside('select from service_credentials where last_used_at is not null', 1),
    ],
  },
  {
    ...rows,
    name: 'having a credential used in a transaction that only reads',
    gain: 'calls that nobody can be asked about',
    rule: 'D27 P37',
    steps: [
      open('scout', through.scout),
      step('set transaction read only', 'null'),
      used('25006', tracker, LIST),
    ],
  },
];

/** Authority that ends while a transaction is open. */
const meanwhile: SqlAttack = {
  ...chain,
  name: 'going on with secrets in a transaction in which the delegation was revoked',
  gain: 'calls and secrets for as long as a transaction can be held',
  rule: 'D17',
  given: whole,
  changes: true,
  steps: [
    open('scout', asUpper),
    seen(2),
    ...readable(1),
    used('used tracker', tracker, LIST),
    aside('update delegations set revoked_at = clock_timestamp(), revoked_by = owner_id where id = $1', 1, [
      UPPER,
    ]),
    ...nothing,
  ],
};

/** Contexts that are not opened, or opened twice. */
const SHOWN: Readonly<
  Record<string, readonly [rule: string, make: () => readonly [unknown, unknown], sqlstate: string]>
> = {
  'without a ticket': ['S5', () => [null, null], '28000'],
  'with a ticket that was edited': [
    'S1',
    () => [ticket('bob')[0].replace('"bob"', '"alice"'), ticket('bob')[1]],
    '28000',
  ],
  'with a ticket that is over': ['S2', () => ticket('alice', {}, undefined, Date.now() - 3_600_000), '28000'],
};
const tickets = Object.entries(SHOWN).map(
  ([how, [rule, make, sqlstate]]): SqlAttack => ({
    ...rows,
    name: `having a credential used and reading secrets ${how}`,
    gain: 'everybody’s secrets',
    rule,
    steps: [opened(make, sqlstate), ...nothing],
  }),
);
const again: SqlAttack = {
  ...rows,
  name: 'having a credential used with a ticket shown again, in the transaction of somebody else',
  gain: 'calls in the name of whoever’s ticket was seen',
  rule: 'S4',
  steps: [
    open('bob'),
    opened(() => ticket('alice'), '25001'),
    seen(1),
    ...readable(1),
    used('credential', tracker, LIST),
  ],
};

/** What a hop below must not have, because the hop above has not. */
const granting: SqlAttack[] = [
  ...(
    [
      ['the right to have credentials used', [...EXECUTE], ['credential:read', 'delegation:read']],
      ['the right to read secrets', [...REVEAL], EXECUTE],
      ['the right to change credentials', ['credential:read', 'credential:update'], DELEGABLE],
    ] as const
  ).map(([what, wanted, held]): SqlAttack => {
    const given = pair({ capabilities: held, redelegate: 2 });
    const wish = hop({ capabilities: wanted, parent_id: UPPER });
    return {
      ...chain,
      name: `passing on ${what}, which one does not hold`,
      gain: 'an agent below has more than the one above it',
      ...proposed(['D8 D13 D14', 'scout', { ...asUpper, given }, wish], 'capabilities'),
    };
  }),
  ...['credential:create', 'credential:update', 'credential:delete', 'secret:create', 'credential:*'].map(
    (capability): SqlAttack => ({
      ...chain,
      name: `granting ${capability}`,
      gain: 'an agent changes what its owner keeps, or where that goes',
      ...proposed(
        ['D9 D13', 'alice', itself, root({ capabilities: ['credential:read', 'secret:read', capability] })],
        'capabilities',
      ),
    }),
  ),
];

export const SERVED_ONCE: readonly SqlAttack[] = [...limits, meanwhile, ...tickets, again, ...granting];
