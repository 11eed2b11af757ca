// The rows that a world becomes, with the facts by which rules tell them apart. Names, not ids; no SQL, no rule.

import type { Delegation, Key, Principal, Status, Tenant, World } from './world.ts';

export const TABLES = [
  'tenants',
  'entities',
  'users',
  'agents',
  'agent_instructions',
  'worlds',
  'world_members',
  'delegations',
  'memories',
  'issuers',
  'credentials',
] as const;
export type TableName = (typeof TABLES)[number];

/** What of a row matters to who may do what with it. */
export type Row = {
  readonly table: TableName;
  /** Index of its tenant. */
  readonly tenant: number;
  /** Its name within the tenant; entities and their subtypes share it. */
  readonly name: string;
  readonly owner: Principal | null;
  readonly kind?: 'user' | 'agent' | 'world';
  readonly status?: Status;
  /** The world in which it stands; of a world, itself. */
  readonly place?: number | null;
  /** Of a membership: whose. */
  readonly user?: number;
  readonly delegation?: Delegation;
  readonly key?: Key;
};

/** Every row of a world. */
export function rowsOf(world: World): Row[] {
  return world.tenants.flatMap((tenant, at) => [
    { table: 'tenants', tenant: at, name: `t${at}`, owner: null },
    ...entityRows(tenant, at),
    ...tenant.members.map(({ place, user }, n): Row => {
      const owner: Principal = `u${tenant.places[place]?.owner}` as Principal;
      return { table: 'world_members', tenant: at, name: `p${n}`, owner, place, user };
    }),
    ...tenant.delegations.map(
      (delegation, n): Row => ({
        table: 'delegations',
        tenant: at,
        name: `d${n}`,
        owner: `u${delegation.owner}`,
        delegation,
      }),
    ),
    ...tenant.memories.map(
      ({ owner, place }, n): Row => ({ table: 'memories', tenant: at, name: `m${n}`, owner, place }),
    ),
    ...(tenant.issuer === null ? [] : [{ table: 'issuers' as const, tenant: at, name: 'i0', owner: null }]),
    ...tenant.keys.map(
      (key, n): Row => ({
        table: 'credentials',
        tenant: at,
        name: `k${n}`,
        owner: personOf(tenant, key.entity),
        key,
      }),
    ),
  ]);
}

function entityRows(tenant: Tenant, at: number): Row[] {
  return [
    ...tenant.users.flatMap(({ status }, n): Row[] => {
      const common = { tenant: at, name: `u${n}`, owner: `u${n}` as const };
      return [
        { table: 'entities', kind: 'user', status, ...common },
        { table: 'users', ...common },
      ];
    }),
    ...tenant.agents.flatMap(({ owner, status, instructed }, n): Row[] => {
      const common = { tenant: at, name: `a${n}`, owner: `u${owner}` as const };
      return [
        { table: 'entities', kind: 'agent', status, ...common },
        { table: 'agents', ...common },
        ...(instructed ? [{ table: 'agent_instructions' as const, ...common }] : []),
      ];
    }),
    ...tenant.places.flatMap(({ owner, status }, n): Row[] => {
      const common = { tenant: at, name: `w${n}`, owner: `u${owner}` as const, place: n };
      return [
        { table: 'entities', kind: 'world', status, ...common },
        { table: 'worlds', ...common },
      ];
    }),
  ];
}

/** The person in whose bailiwick a principal is. */
export function personOf({ agents }: Tenant, principal: Principal): Principal {
  return principal.startsWith('u') ? principal : `u${agents[Number(principal.slice(1))]?.owner ?? 0}`;
}
