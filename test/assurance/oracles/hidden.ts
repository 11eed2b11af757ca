// The rows out of sight: one family of Alice's and of her colleague Carol's, in every table there is, and the states they
// can be in. Every state is a fact about rows that the attackers do not see; so the same words must get the same answer
// in all of them, and the answer while the rows do not exist is the one to compare with.
//
// A table that holds tenants' rows and has no row here fails the instrument. Nothing here knows what is allowed.

import { id, TENANTS, USERS } from '../../../src/demo/cast.ts';
import { type Database, migrate, type Sql } from '../../kit/as.ts';
import { insert } from '../../policies/arrangement.ts';
import { TENANT_KEYS, under } from '../../policies/wrapped.ts';
import { type Catalog, tableOf } from './catalog.ts';

const acme = TENANTS.acme.id;
const alice = USERS.alice.id;
const bob = USERS.bob.id;

const INITECH = id<string>(0, '141ec4');
const CAROL = id<string>(1, 'ca401');
const AGENT = id<string>(2, '5ec4e7');
/** Without instructions, without an agent, without a world: parents whose place is free. */
const AGENT_UNTOLD = id<string>(2, '5ec4e71');
const AGENT_ENTITY = id<string>(2, '5ec4e72');
const WORLD = id<string>(3, '5ec4e7');
const WORLD_ENTITY = id<string>(3, '5ec4e72');
/** A data key of the agent's, and one of Carol's. */
const AGENT_KEY = id<string>(12, '5ec4e7');
const CAROLS_KEY = id<string>(12, '5ec4e71');
/** A credential for a service, and its secret. */
const SERVICE = id<string>(10, '5ec4e7');
/** Bob's own, with nobody in it: whatever hangs on it is out of his sight. */
const SHED = id<string>(3, '5ed');

const made = { created_by: alice, delegation_id: null, request_id: id<string>(7, '5ec4e7') };
const later = (days: number) => new Date(Date.UTC(2027, 0, 1) + days * 86_400_000);
const delegation = {
  owner_id: alice,
  delegator_id: alice,
  delegate_id: AGENT,
  not_before: later(0),
  created_at: later(0),
  expires_at: later(30),
  capabilities: ['memory:read'],
  redelegate: 1,
  ...made,
};

const credential = {
  owner_id: alice,
  entity_id: AGENT,
  capabilities: ['memory:read'],
  created_at: later(0),
  expires_at: later(30),
  last_used_at: later(1),
  ...{ created_by: alice, request_id: id(7, '5ec4e7') },
};
const key = { ...credential, hint: 'bwk_hide', pinned_id: id(5, '5ec4e7') };
const service = {
  ...{ id: SERVICE, owner_id: alice, agent_id: AGENT, service: 'hidden-service', label: 'A hidden service' },
  ...{
    kind: 'oauth_token',
    scopes: ['hidden:scope'],
    owner_only: false,
    header: 'x-hidden',
    prefix: 'Hidden ',
  },
  ...{ origin: 'https://hidden-origin.example', calls: '[{"name": "hidden.call"}]' },
  ...{ expires_at: later(30), rotated_at: later(1), last_used_at: later(2), last_used_by: AGENT },
  ...{ created_by: alice, request_id: id(7, '5ec4e7') },
};

export type Row = Readonly<Record<string, unknown>>;

/** Parents first. */
const FAMILY: readonly (readonly [table: string, row: Row])[] = [
  ['tenants', { tenant_id: INITECH, id: INITECH, slug: 'initech', name: 'Initech Holdings' }],
  ['entities', { id: CAROL, kind: 'user', owner_id: CAROL }],
  ['entities', { id: AGENT, kind: 'agent', owner_id: alice, ceiling: '["memory:read"]' }],
  ['entities', { id: AGENT_UNTOLD, kind: 'agent', owner_id: alice }],
  ['entities', { id: AGENT_ENTITY, kind: 'agent', owner_id: alice }],
  ['entities', { id: WORLD, kind: 'world', owner_id: alice }],
  ['entities', { id: WORLD_ENTITY, kind: 'world', owner_id: alice }],
  [
    'identities',
    {
      id: id(9, '5ec4e7'),
      entity_id: CAROL,
      issuer: 'https://hidden-issuer.example/',
      subject: 'carol-subject',
    },
  ],
  [
    'users',
    {
      id: CAROL,
      owner_id: CAROL,
      display_name: 'Carol Hidden',
      email: 'carol@hidden.example',
      locale: 'fr-CH',
      time_zone: 'Europe/Zurich',
    },
  ],
  [
    'agents',
    {
      id: AGENT,
      owner_id: alice,
      name: 'Hidden agent',
      icon: 'hidden-icon',
      description: 'A hidden purpose.',
      model: 'hidden-model',
      settings: '{"hidden": "setting"}',
      ...made,
    },
  ],
  ['agents', { id: AGENT_UNTOLD, owner_id: alice, name: 'Hidden untold agent', ...made }],
  [
    'agent_instructions',
    {
      id: AGENT,
      owner_id: alice,
      system_prompt: under(AGENT_KEY, 'hidden_prompt'),
      private_instructions: under(AGENT_KEY, 'hidden_instructions'),
    },
  ],
  ['worlds', { id: WORLD, owner_id: alice, name: 'Hidden world', description: 'A hidden place.', ...made }],
  [
    'world_members',
    { id: id(4, '5ec4e7'), world_id: WORLD, owner_id: alice, entity_id: alice, role: 'owner', ...made },
  ],
  [
    'world_members',
    { id: id(4, '5ec4e71'), world_id: WORLD, owner_id: alice, entity_id: CAROL, role: 'guest', ...made },
  ],
  ['delegations', { id: id(5, '5ec4e7'), purpose: 'A hidden grant', ...delegation }],
  [
    'delegations',
    { id: id(5, '5ec4e71'), purpose: 'A hidden grant in the shed', world_id: SHED, ...delegation },
  ],
  [
    'memories',
    {
      id: id(6, '5ec4e7'),
      owner_id: alice,
      agent_id: AGENT,
      world_id: WORLD,
      kind: 'hidden-kind',
      content: 'A hidden memory.',
      tags: ['hidden-tag'],
      metadata: '{"hidden": "metadata"}',
      ...made,
    },
  ],
  [
    'memories',
    {
      id: id(6, '5ec4e71'),
      owner_id: alice,
      world_id: SHED,
      content: 'A hidden memory in the shed.',
      ...made,
    },
  ],
  [
    'memories',
    {
      id: id(6, '5ec4e72'),
      owner_id: alice,
      world_id: SHED,
      sensitive: true,
      content: under(AGENT_KEY, 'hidden_memory'),
      metadata: JSON.stringify(under(AGENT_KEY, 'hidden_metadata')),
      ...made,
    },
  ],
  [
    'tenant_keys',
    {
      tenant_id: INITECH,
      id: id(11, '5ec4e7'),
      purpose: 'wrap',
      version: 3,
      wrapped: 'hidden-wrapped-key',
      erasable: true,
      created_at: later(0),
    },
  ],
  [
    'tenant_keys',
    {
      tenant_id: INITECH,
      id: id(11, '5ec4e71'),
      purpose: 'index',
      version: 4,
      wrapped: null,
      erasable: true,
      created_at: later(0),
      destroyed_at: later(2),
    },
  ],
  ...(
    [
      [AGENT_KEY, AGENT, alice],
      [CAROLS_KEY, CAROL, CAROL],
    ] as const
  ).map(([key, holder_id, owner_id], n): [string, Row] => [
    'data_keys',
    {
      ...{ id: key, owner_id, holder_id, tenant_key_id: TENANT_KEYS.acme, version: 21 + n, erasable: true },
      ...{ wrapped: `hidden-data-key-${n}`, created_at: later(0), retired_at: later(1) },
    },
  ]),
  [
    'issuers',
    {
      id: id(9, '5ec4e71'),
      issuer: 'https://hidden-login.example/',
      settings: '{"hidden": "issuer"}',
    },
  ],
  [
    'credentials',
    { id: id(8, '5ec4e71'), label: 'A hidden key', digest: '5ec4e71'.padStart(64, '0'), ...key },
  ],
  [
    'credentials',
    {
      id: id(8, '5ec4e72'),
      label: 'A hidden key in its place',
      digest: '5ec4e72'.padStart(64, '0'),
      replaces_id: id(8, '5ec4e71'),
      ...key,
    },
  ],
  [
    'credentials',
    {
      id: id(8, '5ec4e73'),
      kind: 'client',
      label: 'A hidden client',
      public_key: '{"hidden": "public key"}',
      pinned_id: id(5, '5ec4e7'),
      ...credential,
    },
  ],
  ['credentials', { id: id(8, '5ec4e74'), kind: 'session', label: 'A hidden session', ...credential }],
  ['service_credentials', service],
  [
    'service_secrets',
    { id: SERVICE, owner_id: alice, secret: under(AGENT_KEY, 'hidden_secret'), secret_index: 'hidden-index' },
  ],
  [
    'audit_entries',
    {
      id: id(8, '5ec4e7'),
      event: 'hidden.event',
      actor_id: alice,
      owner_id: alice,
      chain: [],
      request_id: id(7, '5ec4e7'),
      policy_checksum: 'hidden checksum',
    },
  ],
];

/** A hidden row as the database has it, every value in its text form. */
export type Hidden = { readonly table: string; readonly row: Readonly<Record<string, string | null>> };

/** Lays out what the attackers have besides the cast and the arrangement. Stays. */
export async function arrangeShed(sql: Sql): Promise<void> {
  await insert(sql, 'entities', { tenant_id: acme, id: SHED, kind: 'world', owner_id: bob });
  await insert(sql, 'worlds', { tenant_id: acme, id: SHED, owner_id: bob, name: 'Shed', ...made });
}

/** Inserts the family. */
export async function appear(sql: Sql): Promise<void> {
  for (const [table, row] of FAMILY) {
    await insert(sql, table, { tenant_id: acme, ...row });
  }
}

/** Deletes it, children first. */
export async function vanish(sql: Sql): Promise<void> {
  for (const [table, row] of FAMILY.toReversed()) {
    await sql.rows(`delete from ${table} where tenant_id = $1 and id = $2`, [row.tenant_id ?? acme, row.id]);
  }
}

/** What the family will be, without leaving it there. */
export async function readHidden(sql: Sql, catalog: Catalog): Promise<Hidden[]> {
  await sql.client.query('begin');
  await appear(sql);
  const hidden: Hidden[] = [];
  for (const [table, { tenant_id = acme, id: key }] of FAMILY) {
    const columns = tableOf(catalog, table).columns.map(({ name }) => `'${name}', t.${name}::text`);
    const row = await sql.value(
      `select json_build_object(${columns.join(', ')}) from ${table} t where tenant_id = $1 and id = $2`,
      [tenant_id, key],
    );
    hidden.push({ table, row: row as Hidden['row'] });
  }
  await sql.client.query('rollback');
  return hidden;
}

/** How the hidden rows are while somebody asks. */
export const STATES = {
  /** The one that the others are compared with. */
  absent: (_database, work) => work(),
  'absent again': (_database, work) => work(),
  present: (database, work) => whilePresent(database, work),
  'locked by another transaction': (database, work) =>
    whilePresent(database, () => meanwhile(database, lock, work)),
  'inserted by another transaction, not committed': (database, work) => meanwhile(database, appear, work),
  'deleted by another transaction, not committed': (database, work) =>
    whilePresent(database, () => meanwhile(database, vanish, work)),
} as const satisfies Readonly<
  Record<string, <Result>(database: Database, work: () => Promise<Result>) => Promise<Result>>
>;
export type State = keyof typeof STATES;

async function whilePresent<Result>(database: Database, work: () => Promise<Result>): Promise<Result> {
  await migrate(database, appear);
  try {
    return await work();
  } finally {
    await migrate(database, vanish);
  }
}

/** Runs `work` while a transaction that has done something stays open. */
function meanwhile<Result>(
  database: Database,
  something: (sql: Sql) => Promise<void>,
  work: () => Promise<Result>,
): Promise<Result> {
  return migrate(database, async (sql) => {
    await sql.client.query('begin');
    await something(sql);
    const result = await work();
    await sql.client.query('rollback');
    return result;
  });
}

async function lock(sql: Sql): Promise<void> {
  for (const [table, { tenant_id = acme, id: key }] of FAMILY) {
    await sql.rows(`select from ${table} where tenant_id = $1 and id = $2 for update`, [tenant_id, key]);
  }
}
