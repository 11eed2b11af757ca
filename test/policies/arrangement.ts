// What the probe needs besides the cast: rows that only one policy keeps apart, inserted as the migrator.
//
// Twins are rows in globex with the very ids and owners of Alice's rows in acme, so that nothing but the tenant tells
// them apart. Spares are half-made things of each owner, so that an insert fails on a policy and on nothing else. Two
// more worlds of Alice's, one of them archived, and delegations that name one kind each. Keys stand in credentials.ts, those that
// encrypt in wrapped.ts, credentials for services in services.ts, rules and requests in permissions.ts.

import type { Scope } from '../../src/capabilities.ts';
import { ACTORS, type ActorName, AGENTS, id, TENANTS, USERS, WORLDS } from '../../src/demo/cast.ts';
import { DELEGATIONS, type DelegationName } from '../../src/demo/delegations.ts';
import { MEMORIES } from '../../src/demo/memories.ts';
import type { DelegationId, EntityId, MemoryId, TenantId } from '../../src/ids.ts';
import type { Sql } from '../kit/as.ts';
import { arrangeActivity } from './activity.ts';
import { arrangeKeys, KEYS, makeKey } from './credentials.ts';
import { arrangeEvents } from './happened.ts';
import { arrangePermissions, arrangePermissionTwins, fill, HOPS, TWIN_AGENT } from './permissions.ts';
import { arrangeReceipts, arrangeReceiptTwins } from './receipts.ts';
import { arrangeServices, arrangeServiceTwins } from './services.ts';
import { arrangeSharing, arrangeSharingTwin } from './sharing.ts';
import { arrangeBaselines, arrangeBaselineTwin } from './usual.ts';
import { arrangeWrapped, arrangeWrappedTwins, keepDataKey, keyOf, under } from './wrapped.ts';

const acme = TENANTS.acme.id;
const globex = TENANTS.globex.id;
const alice = USERS.alice.id;
const REQUEST = id<string>(7, 'a44a96e');

/** Owners of spares: who may try to make something of their own. */
export type Keeper = 'alice' | 'bob' | 'mallory' | 'scout';
const KEEPERS: readonly Keeper[] = ['alice', 'bob', 'mallory', 'scout'];
const lastOf = (who: ActorName): string => ACTORS[who].id.slice(-12).replace(/^0+/, '');

/** An entity of kind agent without an agent, a finished agent without instructions, an entity of kind world without a world. */
export const SPARES = Object.fromEntries(
  KEEPERS.map((who) => [
    who,
    {
      agentEntity: id<EntityId>(2, `e0${lastOf(who)}`),
      agent: id<EntityId>(2, `a0${lastOf(who)}`),
      worldEntity: id<EntityId>(3, `e0${lastOf(who)}`),
    },
  ]),
) as Readonly<Record<Keeper, { agentEntity: EntityId; agent: EntityId; worldEntity: EntityId }>>;

/** An agent of Alice's that is archived. */
const RETIRED = id<EntityId>(2, '4e714ed');

/** Study: Alice's, with Ada as a guest. Attic: Alice's, archived, with Bob. */
export const STUDY = id<EntityId>(3, '57d1');
export const ATTIC = id<EntityId>(3, 'a771c');

/** A user in each tenant who has nothing and does nothing. */
export const EXTRA = id<EntityId>(1, 'e84a');

/** Rows of world_members whose role is not owner, and a user who is not yet a member, by the world. */
export const MEMBERS = {
  garden: { id: WORLDS.garden.members.bob?.id ?? '', world: WORLDS.garden.id, newcomer: USERS.ada.id },
  study: { id: id<string>(4, '57d100000ada'), world: STUDY, newcomer: USERS.bob.id },
  workshop: { id: id<string>(4, 'b3c40000e84a'), world: WORLDS.workshop.id, newcomer: USERS.ada.id },
  vault: { id: id<string>(4, 'fa170000e84a'), world: WORLDS.vault.id, newcomer: alice },
} as const;
/** Alice's own membership of her Study. */
export const STUDY_OWNER = id<string>(4, '57d1000a11ce');

/** Delegations by Alice that name one kind each, one that is limited to the Garden in everything, one that names what nobody can hand on. */
export const NARROW: Readonly<
  Record<
    | ('maker' | 'mapper' | 'gardener' | 'warden' | 'lister' | 'courier' | 'confidant' | 'ruled')
    | ('asker' | 'reader' | 'pesterer' | 'usurper' | 'listener' | 'teller' | 'watched'),
    { id: DelegationId; delegate: 'late' | 'rogue' | 'scribe' | 'scout'; capabilities: readonly Scope[] }
  >
> = {
  maker: {
    id: id(5, '3a4e4'),
    delegate: 'rogue',
    capabilities: ['agent:read', 'agent:create', 'agent:update'],
  },
  mapper: {
    id: id(5, '3a99e4'),
    delegate: 'rogue',
    capabilities: ['world:read', 'world:create', 'world:update'],
  },
  gardener: {
    id: id(5, '9a4de4e4'),
    delegate: 'late',
    capabilities: [
      ...(['world:read', 'world:create', 'world:update'] as const),
      ...(['member:read', 'member:create', 'member:update', 'member:delete'] as const),
      ...(['memory:read', 'memory:create', 'memory:update', 'memory:delete'] as const),
    ],
  },
  warden: {
    id: id(5, '3a4de4'),
    delegate: 'late',
    capabilities: ['member:read', 'member:delete', 'user:read', 'user:update'],
  },
  lister: { id: id(5, '1157e4'), delegate: 'late', capabilities: ['credential:read'] },
  courier: {
    id: id(5, 'c041e4'),
    delegate: 'scribe',
    capabilities: ['credential:read', 'credential:execute'],
  },
  confidant: { id: id(5, 'c0f1da'), delegate: 'scribe', capabilities: ['secret:read'] },
  ruled: { id: id(5, '41ed'), delegate: 'late', capabilities: ['permission:read'] },
  asker: { id: id(5, 'a5ce4'), delegate: 'rogue', capabilities: ['approval:create'] },
  reader: { id: id(5, '4eade4'), delegate: 'rogue', capabilities: ['approval:read'] },
  // as many of this one's requests wait as may
  pesterer: { id: id(5, '9e57e4e4'), delegate: 'late', capabilities: ['approval:read', 'approval:create'] },
  usurper: {
    id: id(5, '54e9e4'),
    delegate: 'rogue',
    capabilities: [
      ...(['permission:read', 'permission:create', 'permission:update', 'permission:delete'] as const),
      ...(['approval:read', 'approval:update'] as const),
    ],
  },
  listener: { id: id(5, '1157e9e4'), delegate: 'late', capabilities: ['activity:read'] },
  teller: { id: id(5, '7e11e4'), delegate: 'late', capabilities: ['activity:create', 'baseline:read'] },
  watched: { id: id(5, '3a7c4ed'), delegate: 'scout', capabilities: ['activity:create', 'baseline:read'] },
};

/** An audit entry in each tenant. */
export const ENTRIES = { acme: id<string>(8, 'acce'), globex: id<string>(8, '610be') } as const;

const made = { created_by: alice, delegation_id: null, request_id: REQUEST };

/** Inserts everything above. The cast must be there. */
export async function arrange(sql: Sql): Promise<void> {
  await arrangeWrapped(sql);
  for (const who of KEEPERS) {
    await arrangeSpares(sql, TENANTS[ACTORS[who].tenant].id, ACTORS[who].id, SPARES[who]);
  }
  for (const tenant_id of [acme, globex]) {
    await entity(sql, tenant_id, EXTRA, 'user', EXTRA);
    await insert(sql, 'users', { tenant_id, id: EXTRA, owner_id: EXTRA, display_name: 'Extra' });
  }
  await world(sql, acme, STUDY, 'active');
  await member(sql, acme, STUDY_OWNER, STUDY, alice, alice, 'owner');
  await member(sql, acme, MEMBERS.study.id, STUDY, alice, USERS.ada.id, 'guest');
  await world(sql, acme, ATTIC, 'archived');
  await member(sql, acme, id(4, 'a771ca11ce'), ATTIC, alice, alice, 'owner');
  await member(sql, acme, id(4, 'a771c0b0b'), ATTIC, alice, USERS.bob.id, 'member');
  await member(sql, acme, MEMBERS.workshop.id, WORLDS.workshop.id, USERS.bob.id, EXTRA, 'guest');
  await member(sql, globex, MEMBERS.vault.id, WORLDS.vault.id, USERS.mallory.id, EXTRA, 'guest');
  await entity(sql, acme, RETIRED, 'agent', alice, 'archived');
  for (const agent of [AGENTS.late.id, AGENTS.rogue.id]) {
    await insert(sql, 'agent_instructions', {
      tenant_id: acme,
      id: agent,
      owner_id: alice,
      system_prompt: under(keyOf(agent)),
    });
  }
  for (const [name, { id: grant, delegate, capabilities }] of Object.entries(NARROW)) {
    const world_id = name === 'gardener' ? WORLDS.garden.id : null;
    await delegation(sql, acme, grant, AGENTS[delegate].id, { capabilities, world_id });
  }
  await hops(sql);
  for (const [tenant, entry] of Object.entries(ENTRIES) as ['acme' | 'globex', string][]) {
    await insert(sql, 'audit_entries', {
      tenant_id: TENANTS[tenant].id,
      id: entry,
      event: 'cast.seeded',
      actor_id: alice,
      owner_id: alice,
      chain: [],
      request_id: REQUEST,
      policy_checksum: 'none',
    });
  }
  await arrangeKeys(sql);
  await arrangeServices(sql);
  await arrangePermissions(sql);
  await fill(sql, 'late', NARROW.pesterer.id, 50);
  await arrangeSharing(sql, STUDY, ATTIC);
  await arrangeTwins(sql);
}

async function arrangeTwins(sql: Sql): Promise<void> {
  const scout = AGENTS.scout.id;
  const garden = WORLDS.garden.id;
  await entity(sql, globex, alice, 'user', alice);
  await insert(sql, 'users', { tenant_id: globex, id: alice, owner_id: alice, display_name: "Alice's twin" });
  await agent(sql, globex, scout, alice);
  await insert(sql, 'agent_instructions', {
    tenant_id: globex,
    id: scout,
    owner_id: alice,
    system_prompt: under(keyOf(scout)),
  });
  await world(sql, globex, garden, 'active');
  await member(sql, globex, WORLDS.garden.members.alice?.id ?? '', garden, alice, alice, 'owner');
  await member(sql, globex, MEMBERS.garden.id, garden, alice, USERS.mallory.id, 'member');
  // Ada's twin is a member where she is a guest
  await entity(sql, globex, USERS.ada.id, 'user', USERS.ada.id);
  await insert(sql, 'users', {
    tenant_id: globex,
    id: USERS.ada.id,
    owner_id: USERS.ada.id,
    display_name: "Ada's twin",
  });
  await world(sql, globex, STUDY, 'active');
  await member(sql, globex, MEMBERS.study.id, STUDY, alice, USERS.ada.id, 'member');
  await delegation(sql, globex, DELEGATIONS.scout.id, scout, { capabilities: ['memory:read'] });
  for (const owner_id of [alice, scout]) {
    const twin = MEMORIES.find((note) => ACTORS[note.owner].id === owner_id)?.id;
    await insert(sql, 'memories', {
      tenant_id: globex,
      id: twin,
      owner_id,
      content: 'Twin.',
      tags: [],
      ...made,
    });
  }
  await makeKey(sql, { id: KEYS.alice.id, for: 'alice', tenant: globex });
  await arrangeWrappedTwins(sql);
  await entity(sql, globex, TWIN_AGENT, 'agent', alice);
  await delegation(sql, globex, HOPS.upper, scout, { capabilities: ['approval:read'] });
  await arrangeServiceTwins(sql);
  await arrangePermissionTwins(sql);
  await arrangeActivity(sql);
  await arrangeSharingTwin(sql);
  await arrangeBaselineTwin(sql);
  await sql.rows('update tenants set receipt_every = 2 where tenant_id = $1', [globex]);
  await arrangeBaselines(sql);
  await arrangeReceipts(sql);
  await arrangeReceiptTwins(sql);
  await arrangeEvents(sql);
  await arrangeSpares(sql, globex, alice, SPARES.alice);
}

async function hops(sql: Sql): Promise<void> {
  const capabilities = ['permission:read', 'approval:read', 'approval:create'];
  const { rogue, late } = AGENTS;
  await delegation(sql, acme, HOPS.upper, rogue.id, { capabilities, redelegate: 1 });
  const below = { delegator_id: rogue.id, parent_id: HOPS.upper, depth: 2 };
  await delegation(sql, acme, HOPS.lower, late.id, { capabilities, ...below });
}

async function arrangeSpares(
  sql: Sql,
  tenant: TenantId,
  owner: EntityId,
  spare: (typeof SPARES)[Keeper],
): Promise<void> {
  await entity(sql, tenant, spare.agentEntity, 'agent', owner);
  await agent(sql, tenant, spare.agent, owner);
  await keepDataKey(sql, { tenant, id: keyOf(spare.agent), holder: spare.agent, owner });
  await entity(sql, tenant, spare.worldEntity, 'world', owner);
}

async function entity(
  sql: Sql,
  tenant_id: TenantId,
  key: EntityId,
  kind: string,
  owner_id: EntityId,
  status = 'active',
) {
  await insert(sql, 'entities', { tenant_id, id: key, kind, status, owner_id });
}

async function agent(sql: Sql, tenant_id: TenantId, key: EntityId, owner_id: EntityId): Promise<void> {
  await entity(sql, tenant_id, key, 'agent', owner_id);
  await insert(sql, 'agents', { tenant_id, id: key, owner_id, name: 'Spare', ...made });
}

async function world(sql: Sql, tenant_id: TenantId, key: EntityId, status: string): Promise<void> {
  await entity(sql, tenant_id, key, 'world', alice, status);
  await insert(sql, 'worlds', { tenant_id, id: key, owner_id: alice, name: 'Another', ...made });
}

async function member(
  sql: Sql,
  tenant_id: TenantId,
  key: string,
  world_id: EntityId,
  owner_id: EntityId,
  entity_id: EntityId,
  role: string,
): Promise<void> {
  await insert(sql, 'world_members', { tenant_id, id: key, world_id, owner_id, entity_id, role, ...made });
}

async function delegation(
  sql: Sql,
  tenant_id: TenantId,
  key: DelegationId,
  delegate_id: EntityId,
  rest: Readonly<Record<string, unknown>>,
): Promise<void> {
  const expires_at = new Date(Date.now() + 86_400_000);
  const parties = { owner_id: alice, delegator_id: alice, delegate_id };
  await insert(sql, 'delegations', { tenant_id, id: key, ...parties, expires_at, ...rest, ...made });
}

/** Inserts one row; names of tables and columns are this file's own. */
export async function insert(sql: Sql, table: string, row: Readonly<Record<string, unknown>>): Promise<void> {
  const { text, values } = insertion(table, row);
  await sql.rows(text, values);
}

/** What the database itself says where a row has it: SQL in the place of a value. */
export class Said {
  readonly sql: string;
  constructor(sql: string) {
    this.sql = sql;
  }
}

/** An end in twenty minutes, whenever it is asked for: what is written down once is tried for as long as the mutants take. */
export const SOON = new Said(`now() + interval '20 minutes'`);

/** An INSERT statement for a row. */
export function insertion(
  table: string,
  row: Readonly<Record<string, unknown>>,
): { text: string; values: unknown[] } {
  const values: unknown[] = [];
  const places = Object.values(row).map((value) =>
    value instanceof Said ? value.sql : `$${values.push(value)}`,
  );
  return {
    text: `insert into ${table} (${Object.keys(row).join(', ')}) values (${places.join(', ')})`,
    values,
  };
}

/** Ids of memories of the cast by where they stand: in no world, or in the Garden. */
export function memoryOf(owner: ActorName, place?: 'garden'): MemoryId | undefined {
  return MEMORIES.find((note) => note.owner === owner && note.world === place)?.id;
}

/** The delegation that an actor of the cast grants (a person) or holds (an agent). */
export const DELEGATION_OF: Readonly<Partial<Record<ActorName, DelegationName>>> = {
  alice: 'scout',
  bob: 'bobot',
  mallory: 'mimic',
  scout: 'scout',
  scribe: 'scribe',
  late: 'late',
  rogue: 'rogue',
  bobot: 'bobot',
  mimic: 'mimic',
};
