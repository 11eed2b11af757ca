// Attacks on replacing keys (bailiwick.rotate_key; D7, D13, D26): somebody else's, one that has ended, by one that allows more or
// lives longer, or with the old one kept for ever; and what else is changed along with it.

import { DELEGABLE } from '../../../src/capabilities.ts';
import { type ActorName, AGENTS, TENANTS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { newId } from '../../../src/ids.ts';
import type { Acting, Sql } from '../../kit/as.ts';
import { arrangeKeys, digestOf, keyTicket, type MadeKey, makeKey } from '../../policies/credentials.ts';
import { suspend } from '../../policies/given.ts';
import { together } from './hops.ts';
import { acme, alice, DAY } from './proposals.ts';
import { aside, open, opened, type SqlAttack, type Step, step } from './stage.ts';
import { twins } from './worlds.ts';

/** What can be delegated, and renouncing: the most that an agent's key allows. */
const OFFERED = DELEGABLE.length + 1;
const scout = AGENTS.scout.id;
const SCOUT = DELEGATIONS.scout.id;
const globex = TENANTS.globex.id;
const [KEY_ID, NEXT] = [newId<never>() as string, newId<never>() as string];
const DIGEST = digestOf('the one in question');

const had =
  (more: Partial<MadeKey> = {}) =>
  (sql: Sql) =>
    makeKey(sql, { id: KEY_ID, for: 'alice', digest: DIGEST, ...more });
/** The keys of the cast too, twins of all in another tenant, there one with the id of the key to come, and here one that lives longer. */
const crowd = (more: Partial<MadeKey> = {}) =>
  together(
    had(more),
    arrangeKeys,
    twins,
    (sql) =>
      makeKey(sql, {
        ...{ id: NEXT, for: 'alice', tenant: globex },
        ...{ digest: digestOf('next elsewhere'), expires: 9000 },
      }),
    (sql) => makeKey(sql, { for: 'alice', expires: 9000 }),
  );
const after =
  (change: string, ...values: unknown[]) =>
  (sql: Sql) =>
    sql.rows(`update credentials set ${change} where tenant_id = '${acme}' and id = '${KEY_ID}'`, values);

const moment: Step = step('select pg_sleep(0.004) is not null', 'true');

type Replacing = { target?: string; ends?: number | string; overlap?: string | null };
const rotated = (
  expect: string | null,
  { target = KEY_ID, ends = 600, overlap = '1 hour' }: Replacing = {},
): Step =>
  step(
    `select bailiwick.rotate_key($1, $2, 'bwk_Next', $3, ${
      typeof ends === 'string' ? ends : `statement_timestamp() + make_interval(secs => ${ends})`
    }, $4)`,
    String(expect),
    [target, NEXT, digestOf('next'), overlap],
  );
const none = aside(`select count(*)::int from credentials where id = $1 and tenant_id = $2`, 0, [NEXT, acme]);

type Rotation = readonly [rule: string, word: string, who: ActorName, acting: Acting, more?: Replacing];

const unrotated: Readonly<Record<string, Rotation>> = {
  'of a colleague': ['D7 D26', 'key', 'bob', { given: had() }],
  'of a stranger': ['D3', 'key', 'mallory', { given: had() }],
  'of a colleague, as administrator': ['D7 D13', 'key', 'ada', { given: had() }],
  'of the owner, through a delegation': ['D13', 'key', 'scout', { delegation: SCOUT, given: had() }],
  'of one’s own, as an agent': ['D13', 'key', 'scout', { given: had({ for: 'scout' }) }],
  'that is not there': ['D26', 'key', 'alice', { given: had() }, { target: newId() }],
  'that is null': ['D26', 'key', 'alice', { given: had() }, { target: null as unknown as string }],
  'that was revoked': ['D7', 'key', 'alice', { given: had({ revoked: true }) }],
  'that was revoked here and not in another tenant': [
    'D3 D7',
    'key',
    'alice',
    { given: together(had(), twins, after('revoked_at = now(), revoked_by = owner_id')) },
  ],
  'that has expired': ['D7', 'key', 'alice', { given: had({ expires: -1 }) }],
  'with a token that is not for changing keys': [
    'D8',
    'key',
    'alice',
    { given: had({ capabilities: ['memory:read'] }), scopes: ['key:create', 'memory:read'] },
  ],
  'with a token that is not for making keys': [
    'D8',
    'authority',
    'alice',
    { given: had(), scopes: ['key:update'] },
  ],
  'that allows more than the token': [
    'D8',
    'capabilities',
    'alice',
    { given: had(), scopes: ['key:create', 'key:update'] },
  ],
  'of a suspended agent': [
    'D19',
    'entity',
    'alice',
    { given: together(had({ for: 'scout' }), suspend('scout')) },
  ],
  'whose delegation is revoked': [
    'D17',
    'delegation',
    'alice',
    { given: had({ for: 'rogue', pinned: DELEGATIONS.rogue.id }) },
  ],
  'and keeping it for more than seven days': [
    'D7',
    'overlap',
    'alice',
    { given: had() },
    { overlap: '7 days 1 second' },
  ],
  'and keeping it for less than no time': [
    'D7',
    'overlap',
    'alice',
    { given: had() },
    { overlap: '-1 second' },
  ],
  'without saying for how long to keep it': ['D7', 'overlap', 'alice', { given: had() }, { overlap: null }],
  'by one for more than 365 days': ['D7 D12', 'lifetime', 'alice', { given: had() }, { ends: 365 * DAY + 1 }],
};

/** The keys of acme and of globex as they are, but for those in question. */
const OTHERS = `select md5(string_agg(k::text, ',' order by tenant_id, id)) from credentials k
  where not (tenant_id = '${acme}' and id in ('${KEY_ID}', '${NEXT}'))`;
const remember = aside(`select set_config('attack.others', (${OTHERS}), true) is not null`, 'true');
const untouched = aside(`select (${OTHERS}) = current_setting('attack.others')`, 'true');
const one = (what: string, expect: string | number, id: string) =>
  aside(`select ${what} from credentials where tenant_id = '${acme}' and id = '${id}'`, expect);

export const works = {
  group: 'delegation',
  control: true,
  gain: 'no key could be replaced or ended',
} as const;
const replacing: SqlAttack[] = [
  {
    ...works,
    name: 'a key is replaced by one like it, and works on until the overlap is over',
    rule: 'D7',
    given: crowd({ for: 'scout', pinned: SCOUT, expires: 9000 }),
    steps: [
      open('alice'),
      remember,
      moment,
      rotated(null),
      one(
        `revoked_at is null and expires_at between now() + interval '59 minutes' and now() + interval '61 minutes'`,
        'true',
        KEY_ID,
      ),
      one(`expires_at > now() + interval '1 hour 2 ms'`, 'true', KEY_ID),
      one('replaces_id', KEY_ID, NEXT),
      one(
        `row(entity_id, pinned_id, label, created_by, cardinality(capabilities))::text`,
        `(${scout},${SCOUT},"Made for a test",${alice},${OFFERED})`,
        NEXT,
      ),
      untouched,
    ],
  },
  {
    ...works,
    name: 'a key is replaced at once, keeps its own expiry, and says when and by whom',
    rule: 'D7',
    given: crowd({ expires: 9000 }),
    steps: [
      open('alice'),
      remember,
      moment,
      rotated(null, { overlap: '0' }),
      one(`revoked_at > now() + interval '2 ms' and revoked_by = owner_id`, 'true', KEY_ID),
      one(`round(extract(epoch from expires_at - now()))::int`, 9000, KEY_ID),
      one('replaces_id', KEY_ID, NEXT),
      untouched,
    ],
  },
  {
    ...works,
    group: 'delegation',
    control: false,
    name: 'lengthening a key by replacing it',
    gain: 'a key that works for longer than it was made for',
    rule: 'D7 D15',
    given: had({ expires: 60 }),
    changes: true,
    steps: [
      open('alice'),
      rotated(null, { overlap: '7 days' }),
      one(`round(extract(epoch from expires_at - now()))::int`, 60, KEY_ID),
    ],
  },
  {
    ...works,
    control: false,
    name: 'replacing a key that expired while its transaction waited',
    gain: 'a key that works for longer than it was made for',
    rule: 'D7 D12',
    given: had({ expires: `now() + interval '2 ms'` }),
    steps: [open('alice'), step('select pg_sleep(0.01) is not null', 'true'), rotated('key'), none],
  },
  {
    ...works,
    control: false,
    name: 'making a key with a key that ends earlier, or replacing that one by a longer one',
    gain: 'a key that nobody ever has to make anew',
    rule: 'D7 D12',
    given: had({ expires: 500 }),
    steps: [
      opened(() => keyTicket(DIGEST), 'true'),
      step(
        `select bailiwick.key_refusal($1, '{memory:read}', null, now() + interval '501 seconds')`,
        'lifetime',
        [alice],
      ),
      rotated('lifetime', { ends: 501 }),
      none,
    ],
  },
  {
    ...works,
    name: 'a key makes one that ends with it',
    rule: 'D7',
    given: had({ expires: 500 }),
    steps: [
      opened(() => keyTicket(DIGEST), 'true'),
      rotated(null, { ends: `(select expires_at from credentials where id = '${KEY_ID}')` }),
    ],
  },
];

export const ROTATING: readonly SqlAttack[] = [
  ...Object.entries(unrotated).map(
    ([what, [rule, word, who, { given, ...acting }, more]]): SqlAttack => ({
      group: 'delegation',
      name: `replacing a key ${what}`,
      gain: 'a credential with which one is somebody else, or for longer',
      rule,
      ...(given && { given }),
      steps: [open(who, acting), rotated(word, more), none],
    }),
  ),
  ...replacing,
];
