// What stands in the columns of rows: of those that a world becomes (load.ts), and of those that somebody wants to make
// (statements.ts). Times are relative to now, names become ids. No SQL, no rule.

import { newId } from '../ids.ts';
import { ACTIONS, CALL, DIGESTS, lineOf } from './actions.ts';
import type { NewGrant } from './grants.ts';
import type { NewKey } from './keys.ts';
import type { Lie, NewRow } from './moves.ts';
import type { TableName } from './rows.ts';
import type { Value } from './sealing.ts';
import {
  type Approval,
  type Baseline,
  type DataKey,
  type Delegation,
  idOf,
  type Key,
  type Permission,
  type Principal,
  type Service,
  type Tenant,
  tenantId,
} from './world.ts';

export type Columns = Record<string, unknown>;

/** An id that no row has. */
export const NEW = idOf('m99');

/** A value that names a key and is sealed with none: as much as the database looks at. */
export const under = (key: string): string => `bwe1.${key.replaceAll('-', '')}.x`;

export function wrapped(
  { holder, version, state }: DataKey,
  since: (seconds: number) => string | null,
  wrap: () => string,
): Columns {
  return {
    holder_id: idOf(holder),
    tenant_key_id: idOf('r0'),
    version,
    wrapped: state === 'destroyed' ? null : wrap(),
    erasable: false,
    created_at: since(-86_400),
    retired_at: state === 'retired' ? since(-86_000) : null,
    destroyed_at: state === 'destroyed' ? since(-60) : null,
  };
}

/** What every credential for a service is, whatever else. */
const SERVICE = {
  ...{ service: 'new', label: 'new', kind: 'api_key', scopes: [], owner_only: true },
  ...{ origin: 'https://new.invalid', header: 'authorization', prefix: '', calls: [{ name: CALL }] },
};

export function served(
  { agent, ownerOnly, ends }: Service,
  since: (seconds: number | null) => string | null,
): Columns {
  return {
    ...SERVICE,
    agent_id: agent === null ? null : idOf(`a${agent}`),
    owner_only: ownerOnly,
    expires_at: since(ends),
  };
}

export function ruled({ agent, service, action, effect }: Permission): Columns {
  return { agent_id: agent === null ? null : idOf(`a${agent}`), service, action, effect };
}

/** What there is to say of a request; under which rules it was made is put there when these are. */
export function requested(
  { delegation, about, current, ends, decision, redeemed }: Approval,
  tenant: Tenant,
  since: (seconds: number | null) => string | null,
): Columns {
  const { delegate, owner } = tenant.delegations[delegation] ?? { delegate: 0, owner: 0 };
  return {
    ...asking(about, `a${delegate}`, lineOf(tenant, delegation)),
    version: current ? CURRENT : 'past',
    expires_at: since(ends),
    decision,
    decided_at: since(decision === null ? null : -60),
    decided_by: decision === null ? null : idOf(`u${owner}`),
    redeemed_at: since(redeemed ? -60 : null),
    redemption_id: redeemed ? NEW : null,
    created_at: since(-86_400),
    created_by: idOf(`a${delegate}`),
    delegation_id: idOf(`d${delegation}`),
  };
}

/** What an agent has done, through the delegation under which it asked for something. */
export function done({ delegation }: Approval, tenant: Tenant): Columns {
  const agent = idOf(`a${tenant.delegations[delegation]?.delegate ?? 0}`);
  const chain = lineOf(tenant, delegation).map((n) => idOf(`d${n}`));
  return { ...ACTED, agent_id: agent, chain, created_by: agent, delegation_id: idOf(`d${delegation}`) };
}
export const ACTED = { service: 'new', action: 'beds.dig', outcome: 'succeeded' };

/** With which nothing is usual yet, so that a call to anywhere is 0.9 from it. */
export function usual(
  { agent, frozen, lenient }: Baseline,
  since: (seconds: number | null) => string | null,
): Columns {
  return {
    agent_id: idOf(`a${agent}`),
    frozen_at: since(frozen ? -60 : null),
    threshold: lenient ? 0.95 : 0.5,
    learned: [],
  };
}
/** What an agent has read, of whomever. */
export const READ = { day: '2026-11-22', operation: 'memories', kind: 'Memory', times: 1 };

/** Stands for the version of the rules that are there. */
export const CURRENT = 'current';

/** Who asks for which action, through what. */
const asking = (about: number, by: Principal, chain: readonly number[]): Columns => ({
  ...ACTIONS[about],
  digest: DIGESTS[about],
  agent_id: idOf(by),
  chain: chain.map((n) => idOf(`d${n}`)),
});

export function keyed({ kind, entity, capabilities, pinned, ends, revoked }: Key, now: number): Columns {
  const at = (seconds: number) => new Date(now + seconds * 1000).toISOString();
  return {
    entity_id: idOf(entity),
    kind,
    label: `of ${entity}`,
    hint: kind === 'key' ? 'bwk_Test' : null,
    public_key: kind === 'client' ? {} : null,
    capabilities,
    pinned_id: pinned === null ? null : idOf(`d${pinned}`),
    expires_at: at(ends),
    revoked_at: revoked ? at(-60) : null,
    revoked_by: revoked ? idOf('u0') : null,
    created_at: at(-86_400),
  };
}

export function granted(delegation: Delegation, now: number): Columns {
  const at = (seconds: number) => new Date(now + seconds * 1000).toISOString();
  const { delegator, delegate, parent, depth, redelegate, capabilities, place, starts, ends, revoked } =
    delegation;
  return {
    delegator_id: idOf(delegator),
    delegate_id: idOf(`a${delegate}`),
    parent_id: parent === null ? null : idOf(`d${parent}`),
    depth,
    redelegate,
    capabilities,
    world_id: place === null ? null : idOf(`w${place}`),
    not_before: at(starts),
    expires_at: at(ends),
    revoked_at: revoked ? at(-60) : null,
    revoked_by: revoked ? idOf(`u${delegation.owner}`) : null,
    created_at: at(Math.min(starts, 0)),
  };
}

export const sealed = (value: Value): string => (value === 'plain' ? 'plain' : under(idOf(`e${value}`)));

/** Where the id of a new row says something: whose instructions these are; of an entry of the log, that it was made just now. */
const IDS: Readonly<Partial<Record<TableName, (agent: number | undefined) => string | undefined>>> = {
  agent_instructions: (agent) => (agent === undefined ? undefined : idOf(`a${agent}`)),
  activity_entries: () => newId(),
};

/** What stands in a row that somebody wants to insert. */
export function newColumns(table: TableName, row: NewRow): Columns {
  const { tenant, owner, kind, status, place, shared, user, agent, value, about, by, chain, approval, lie } =
    row;
  const common = {
    tenant_id: tenantId(tenant),
    // what is sealed is for an agent that exists, perhaps instructed already: that comes after the policy
    id: IDS[table]?.(agent) ?? NEW,
    owner_id: idOf(owner),
    ...lying(lie),
  };
  const at = place === undefined || place === null ? {} : { world_id: idOf(`w${place}`) };
  const member = user === undefined ? {} : { entity_id: idOf(`u${user}`), role: 'member' };
  const own: Readonly<Partial<Record<TableName, object>>> = {
    entities: { kind, status: status ?? 'active' },
    agents: { name: 'new', settings: {} },
    agent_instructions: { system_prompt: value === undefined ? null : sealed(value) },
    worlds: { name: 'new' },
    world_members: member,
    memories: {
      ...{ sensitive: value !== undefined, content: value === undefined ? 'new' : sealed(value) },
      ...(shared === undefined ? {} : { shared }),
      ...{ kind: 'note', tags: [], metadata: value === undefined ? {} : sealed(value) },
    },
    service_credentials: { ...SERVICE, agent_id: agent === undefined ? null : idOf(`a${agent}`) },
    service_secrets: { secret: value === undefined ? null : sealed(value), secret_index: 'new' },
    permissions: {
      ...{ agent_id: agent === undefined ? null : idOf(`a${agent}`), service: 'fresh' },
      ...{ action: '*', effect: 'allow' },
    },
    approvals: {
      ...asking(about ?? 0, by ?? owner, chain ?? []),
      ...{ arguments: value === undefined ? null : sealed(value), expires_at: soon(600) },
      ...(lie === 'version' ? { version: 'f'.repeat(64) } : {}),
    },
    activity_entries: {
      ...ACTED,
      ...(about === undefined ? {} : ACTIONS[about]),
      ...{ agent_id: idOf(by ?? owner), chain: (chain ?? []).map((n) => idOf(`d${n}`)) },
      ...(lie === 'moment' ? { id: idOf('y99') } : lie === 'outcome' ? { outcome: 'denied' } : {}),
      ...(approval === undefined ? {} : { approval_id: idOf(`q${approval}`) }),
    },
    baselines: { agent_id: agent === undefined ? null : idOf(`a${agent}`) },
  };
  return { ...common, ...own[table], ...at };
}

function lying(lie: NewRow['lie']): Columns {
  const columns: Readonly<Partial<Record<string, string>>> = {
    maker: 'created_by',
    request: 'request_id',
    delegation: 'delegation_id',
  } satisfies Record<Lie, string>;
  const column = columns[lie ?? ''];
  return column === undefined ? {} : { [column]: idOf('u98') };
}

/** The arguments of a key that somebody wants to make. */
export function keyColumns({ entity, capabilities, pinned, ends }: NewKey): Columns {
  return {
    entity_id: idOf(entity),
    capabilities,
    pinned_id: pinned === null ? null : idOf(`d${pinned}`),
    expires_at: soon(ends),
  };
}

/** A time so many seconds from now. */
export const soon = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();

/** A delegation that somebody wants to grant. */
export function grantColumns(grant: NewGrant, tenant: number): Columns {
  return {
    tenant_id: tenantId(tenant),
    id: idOf('d99'),
    owner_id: idOf(grant.owner),
    delegator_id: idOf(grant.delegator),
    delegate_id: idOf(grant.delegate),
    parent_id: grant.parent === null ? null : idOf(`d${grant.parent}`),
    depth: grant.depth,
    redelegate: grant.redelegate,
    capabilities: grant.capabilities,
    world_id: grant.place === null ? null : idOf(`w${grant.place}`),
    not_before: soon(grant.starts),
    expires_at: soon(grant.ends),
    ...lying(grant.lie),
  };
}
