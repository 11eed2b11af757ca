// Who asks, and what of theirs there is to ask about. The big owner, a small one, and everybody whose authority makes the
// server send something else: through a chain, through one limited to a world, an agent as itself, an administrator.

import { toGlobalId } from '../../../src/api/global-id.ts';
import { type ActorName, AGENTS, TENANTS, USERS, WORLDS } from '../../../src/demo/cast.ts';
import type { DelegationName } from '../../../src/demo/delegations.ts';
import type { Sql } from '../../kit/as.ts';

export type Who = {
  readonly actor: ActorName;
  readonly delegation?: DelegationName;
  /** Whose rows: everybody here acts for one of two owners. */
  readonly owner: 'alice' | 'bob' | 'ada';
};

export const WHO = {
  big: { actor: 'alice', owner: 'alice' },
  small: { actor: 'bob', owner: 'bob' },
  'agent for big': { actor: 'scout', delegation: 'scout', owner: 'alice' },
  'agent for big in one world': { actor: 'scout', delegation: 'scoutInGarden', owner: 'alice' },
  'agent as itself': { actor: 'scout', owner: 'alice' },
  'small agent as itself': { actor: 'bobot', owner: 'bob' },
  administrator: { actor: 'ada', owner: 'ada' },
} as const satisfies Record<string, Who>;
export type WhoName = keyof typeof WHO;

/** One operation that is sent to the server. */
export type Asked = {
  /** What it is, without who asks. */
  readonly name: string;
  readonly who: WhoName;
  readonly text: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  /** Of a mutation that can only be alone: where it fails because it is not, after what the database has part in. */
  readonly alone?: string;
  /** Whether the answer may be without rows; else there must be some, or the plan has shown nothing. */
  readonly mayBeEmpty?: boolean;
};

/** Rows of one owner, as raw ids. */
export type Things = {
  readonly agent: string;
  readonly parent: string;
  readonly world: string;
  readonly memory: string;
  readonly delegation: string;
  /** An API key. */
  readonly key: string;
  /** A credential for a service. */
  readonly held: string;
  readonly rule: string;
  /** An entry of the log of what agents did. */
  readonly entry: string;
  readonly baseline: string;
  readonly receipt: string;
  /** A request that waits. */
  readonly asked: string;
  /** Of the owner's world, not the owner itself. */
  readonly member: string;
  /** The owner's membership in somebody else's world. */
  readonly guest: string;
  /** A user who is not in the owner's world. */
  readonly stranger: string;
  readonly user: string;
  /** A user that is a program, which the tenant's administrators look after; and a key of its. */
  readonly service: string;
  readonly serviceKey: string;
  readonly tenant: string;
};
export type Owners = Readonly<Record<'alice' | 'bob' | 'ada', Things>>;

// from the middle of what there is, where a range is a range
const THINGS = `
  with own as (select $1::uuid as tenant_id, $2::uuid as owner_id),
  world as (select w.* from worlds w natural join own order by id desc offset 5 limit 1),
  service as (select u.* from users u, own where u.tenant_id = own.tenant_id and role = 'service' order by id desc limit 1)
  select
    (select a.id from agents a natural join own join entities e using (tenant_id, id)
      where e.status = 'active' and parent_id is not null order by id desc offset 5 limit 1) as agent,
    (select parent_id from agents natural join own where parent_id is not null order by id desc limit 1) as parent,
    (select id from world) as world,
    (select id from memories natural join own order by id desc offset 50 limit 1) as memory,
    (select id from delegations natural join own
      where revoked_at is null and expires_at > now() + interval '5 days' order by id desc offset 5 limit 1) as delegation,
    (select id from credentials natural join own
      where kind = 'key' and revoked_at is null and expires_at > now() order by id desc offset 2 limit 1) as key,
    (select id from service_credentials natural join own order by id desc offset 2 limit 1) as held,
    (select id from activity_entries natural join own order by id desc offset 5 limit 1) as entry,
    (select id from baselines natural join own order by id desc offset 5 limit 1) as baseline,
    (select id from access_receipts natural join own order by id desc offset 5 limit 1) as receipt,
    (select id from permissions natural join own order by id desc offset 2 limit 1) as rule,
    (select id from approvals natural join own where decision is null and expires_at > now() order by id desc limit 1) as asked,
    (select m.id from world_members m join world w on w.id = m.world_id where role = 'member' order by m.id limit 1) as member,
    (select id from world_members m, own where m.tenant_id = own.tenant_id and entity_id = own.owner_id and role = 'member'
      order by id limit 1) as guest,
    (select u.id from users u, own where u.tenant_id = own.tenant_id and not exists (
       select from world_members m, world w where m.world_id = w.id and m.entity_id = u.id)
      order by u.id desc limit 1) as stranger,
    (select id from service) as service,
    (select k.id from credentials k, service s where k.tenant_id = s.tenant_id and entity_id = s.id
      and kind = 'key' and revoked_at is null and expires_at > now() order by k.id desc limit 1) as "serviceKey",
    owner_id as "user", tenant_id as tenant
  from own`;

export async function findThings(sql: Sql): Promise<Owners> {
  const of = async (owner: 'alice' | 'bob' | 'ada') => {
    const [things] = await sql.rows<Things>(THINGS, [TENANTS.acme.id, USERS[owner].id]);
    if (things === undefined || Object.values(things).includes(null as never)) {
      throw new TypeError(`${owner} lacks something: ${JSON.stringify(things)}`);
    }
    return things;
  };
  return { alice: await of('alice'), bob: await of('bob'), ada: await of('ada') };
}

/** Global ids of the types that `node` knows. */
export function globalIds(things: Things): Readonly<Record<string, string>> {
  return {
    AccessReceipt: toGlobalId('AccessReceipt', things.receipt),
    ActivityEntry: toGlobalId('ActivityEntry', things.entry),
    Agent: toGlobalId('Agent', things.agent),
    Approval: toGlobalId('Approval', things.asked),
    Baseline: toGlobalId('Baseline', things.baseline),
    Credential: toGlobalId('Credential', things.key),
    Delegation: toGlobalId('Delegation', things.delegation),
    Memory: toGlobalId('Memory', things.memory),
    Permission: toGlobalId('Permission', things.rule),
    ServiceCredential: toGlobalId('ServiceCredential', things.held),
    Tenant: toGlobalId('Tenant', things.tenant),
    User: toGlobalId('User', things.user),
    World: toGlobalId('World', things.world),
    WorldMember: toGlobalId('WorldMember', things.member),
  };
}

/** Ids of the cast that stand in the way of nobody. */
export const SCOUT = toGlobalId('Agent', AGENTS.scout.id);
export const SCRIBE = toGlobalId('Agent', AGENTS.scribe.id);
export const GARDEN = toGlobalId('World', WORLDS.garden.id);
