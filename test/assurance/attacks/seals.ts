// Attacks on the seal (prisma/policies/00-session.sql, S1 to S14): made up, edited, signed with the wrong key, carried into
// another transaction; and on what the kernel keeps to itself.
//
// To reach each condition of bailiwick.sealed() by itself, some cases give the attacker even the seal key: what is then
// forged has a right signature and is wrong in one thing only.

import { randomBytes } from 'node:crypto';
import { TABLES } from '../../../src/assurance/rows.ts';
import { TENANTS, USERS, WORLDS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { newId } from '../../../src/ids.ts';
import { KEY } from '../../kit/as.ts';
import { install, macOf, pads } from './keys.ts';
import { open, type SqlAttack, type Step, step } from './stage.ts';

const alice = USERS.alice.id;

const bob = USERS.bob.id;

export const MEMORIES = 'select count(*)::int from memories';

/** Every table that the runtime role can read and in which the cast has rows: each must answer the same. `memories` comes last. */
export const READABLE: readonly string[] = TABLES.filter(
  // of an empty table no policy is asked, so that it answers nothing whatever the seal
  (table) => !['memories', 'issuers', 'credentials'].includes(table),
);

export const plant = (seal: string): Step =>
  step(`select set_config('bailiwick.context', $1, true) is not null`, 'true', [seal]);

export const refusedEverywhere = (...tables: string[]): Step[] =>
  [...tables, 'memories'].map((table) => step(`select from ${table}`, '28000'));

/** A seal key whose secret the attacker has. */
export const KNOWN = pads('seal-known', randomBytes(32));

const IDENTITY = `pg_backend_pid() || '.' || (extract(epoch from transaction_timestamp()) * 1000000)::bigint`;

const FIELDS = {
  version: 's1',
  kid: KNOWN.kid,
  transaction: 'HERE',
  tenant: TENANTS.acme.id,
  actor: alice,
  owner: alice,
  world: '',
  request: newId(),
  expires: String((Date.now() + 86_400_000) * 1000),
  chain: '',
  scopes: 'memory:read',
  credential: 'token',
};

/** Plants a seal with a right signature under a key whose secret is known. */
export function forge(changes: Readonly<Record<string, string>>, ...more: string[]): Step {
  const fields = [...Object.values({ ...FIELDS, ...changes }), ...more];
  return step(
    `select set_config('bailiwick.context', b || '|' || ${macOf('b')}, true) is not null
       from (select array_to_string(array_replace($3::text[], 'HERE', ${IDENTITY}), '|') as b) x`,
    'true',
    [KNOWN.inner, KNOWN.outer, fields],
  );
}

const gain = 'whatever rows of whichever owner one writes into the seal';

const context = { group: 'sealed context', gain } as const;

const madeUp: SqlAttack[] = [
  'x',
  '|',
  ' ',
  's1||||||||||||',
  `s1|${KEY.kid}${'|x'.repeat(11)}`,
  's1|seal-none|1.1||||||0||||aa',
].map((seal) => ({
  ...context,
  name: `a made-up context '${seal.replace(KEY.kid, 'ticket key')}'`,
  rule: 'S5',
  steps: [plant(seal), ...refusedEverywhere(...READABLE)],
}));

const PARTS = [
  'version',
  'key id',
  'transaction',
  'tenant',
  'actor',
  'owner',
  'world',
  'request',
  'expiry',
  'chain',
  'scopes',
  'credential',
  'mac',
];

const SUBSTITUTES: Readonly<Record<string, string>> = {
  tenant: TENANTS.globex.id,
  actor: bob,
  owner: bob,
  world: WORLDS.workshop.id,
  request: newId(),
  expiry: '9999999999999999',
  chain: DELEGATIONS.scout.id,
  scopes: 'memory:read,tenant:administer',
  credential: 'service:identity',
};

const edited: SqlAttack[] = PARTS.map((part, index) => ({
  ...context,
  name: `one’s own seal with another ${part}`,
  rule: 'S3 S5 S8',
  steps: [
    open('alice', { scopes: ['memory:read'] }),
    step(
      `select set_config('bailiwick.context', array_to_string(p[1:$1::int] || $2::text || p[$1::int + 2:], '|'), true) is not null
         from string_to_array(current_setting('bailiwick.context'), '|') p`,
      'true',
      [index, SUBSTITUTES[part] ?? 's2'],
    ),
    ...refusedEverywhere(),
  ],
}));

const known = { ...context, given: install(KNOWN, 'seal') };

const signed: SqlAttack[] = [
  {
    ...known,
    name: 'a seal of another version, rightly signed',
    rule: 'S3',
    steps: [forge({ version: 's2' }), ...refusedEverywhere()],
  },
  {
    ...known,
    name: 'a seal with a part more, rightly signed',
    rule: 'S3',
    steps: [forge({}, 'more'), ...refusedEverywhere()],
  },
  {
    ...known,
    name: 'a seal of another backend, rightly signed',
    rule: 'S3',
    steps: [
      step(
        `select set_config('attack.other', '1.' || (extract(epoch from transaction_timestamp()) * 1000000)::bigint, true) is not null`,
        'true',
      ),
      forgeAt(`current_setting('attack.other')`),
      ...refusedEverywhere(),
    ],
  },
  {
    ...known,
    name: 'a seal of another transaction of this backend, rightly signed',
    rule: 'S3',
    steps: [
      forgeAt(
        `pg_backend_pid() || '.' || (extract(epoch from transaction_timestamp()) * 1000000)::bigint - 1`,
      ),
      ...refusedEverywhere(),
    ],
  },
  {
    ...known,
    name: 'a seal signed with a key that was retired',
    rule: 'S12',
    given: install(KNOWN, 'seal', false),
    steps: [forge({}), ...refusedEverywhere()],
  },
  {
    ...known,
    name: 'a seal signed with a ticket key',
    rule: 'S1',
    gain: 'whoever holds the server’s key, or reads one ticket, writes seals for everybody',
    given: install(KNOWN, 'ticket'),
    steps: [forge({}), ...refusedEverywhere()],
  },
  {
    ...known,
    name: 'a seal that names a key which is not there',
    rule: 'S12',
    steps: [forge({ kid: 'seal-none' }), ...refusedEverywhere()],
  },
  {
    ...known,
    name: 'a seal whose mac was cut off, rightly signed before',
    rule: 'S8',
    steps: [
      forge({}),
      step(
        `select set_config('bailiwick.context', left(current_setting('bailiwick.context'), -1), true) is not null`,
        'true',
      ),
      ...refusedEverywhere(),
    ],
  },
  {
    ...known,
    name: 'a seal in which an administrator stands in a chain',
    rule: 'S3 D13',
    gain: 'administration of the tenant through a delegation',
    given: async (sql) => {
      await install(KNOWN, 'seal')(sql);
      await sql.touched(`update delegations set capabilities = '{tenant:administer}' where id = $1`, [
        DELEGATIONS.scout.id,
      ]);
    },
    steps: [
      forge({ actor: USERS.ada.id, chain: DELEGATIONS.scout.id, scopes: 'tenant:administer' }),
      step('select bailiwick.administered_tenant()', 'null'),
    ],
  },
  {
    ...known,
    control: true,
    gain: 'nobody could open a context',
    name: 'a seal that is right in every part is what it says',
    rule: 'S3',
    steps: [
      forge({
        owner: bob,
        world: WORLDS.garden.id,
        chain: `${DELEGATIONS.scout.id},${DELEGATIONS.scribe.id}`,
      }),
      step(`select bailiwick.tenant_id()`, TENANTS.acme.id),
      step(`select bailiwick.current_tenant_id()`, TENANTS.acme.id),
      step(`select bailiwick.actor_id()`, alice),
      step(`select bailiwick.current_entity_id()`, alice),
      step(`select bailiwick.request_id()`, FIELDS.request),
      step(`select bailiwick.world_limit()`, WORLDS.garden.id),
      step(`select bailiwick.delegation_id()`, DELEGATIONS.scribe.id),
      step(`select bailiwick.delegation_chain()::text`, `{${DELEGATIONS.scout.id},${DELEGATIONS.scribe.id}}`),
      step(`select bailiwick.describe()->'owner'->>'id'`, bob),
      step(
        `select (extract(epoch from (bailiwick.describe()->>'tokenExpiresAt')::timestamptz) * 1000000)::bigint::text`,
        FIELDS.expires,
      ),
    ],
  },
];

function forgeAt(transaction: string): Step {
  const { text, values } = forge({});
  return step(text.replace(IDENTITY, transaction), 'true', values);
}

const none: SqlAttack[] = [
  {
    ...context,
    name: 'no context at all',
    rule: 'S5',
    steps: TABLES.map((table) => step(`select from ${table}`, 0)),
  },
  {
    ...context,
    name: 'a context that was emptied',
    rule: 'S5 P16',
    steps: [
      open('alice'),
      plant(''),
      ...[...READABLE, 'memories'].map((table) => step(`select from ${table}`, 0)),
    ],
  },
  {
    ...context,
    name: 'the kernel’s questions without a context',
    rule: 'S5',
    steps: [
      ...[
        'tenant_id()',
        'actor_id()',
        'request_id()',
        'delegation_id()',
        'delegation_chain()',
        'world_limit()',
        'describe()',
        'administered_tenant()',
      ].map((call) => step(`select bailiwick.${call}`, 'null')),
      ...['owner', 'direct_owner', 'party'].map((call) =>
        step(`select bailiwick.${call}('memory', 'read')`, 'null'),
      ),
      step(`select bailiwick.worlds('memory', 'read')::text`, '{}'),
    ],
  },
  {
    ...context,
    control: true,
    gain: 'nobody could open a context',
    name: 'a context that was emptied and put back is the same again',
    rule: 'S5',
    steps: [
      open('alice'),
      step(
        `select set_config('attack.kept', current_setting('bailiwick.context'), true) is not null`,
        'true',
      ),
      plant(''),
      step(MEMORIES, 0),
      step(
        `select set_config('bailiwick.context', current_setting('attack.kept'), true) is not null`,
        'true',
      ),
      step(MEMORIES, 7),
    ],
  },
];

export const SEALS: readonly SqlAttack[] = [...none, ...madeUp, ...edited, ...signed];
