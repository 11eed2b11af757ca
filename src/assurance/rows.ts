// The rows that a world becomes, with the facts by which rules tell them apart. Names, not ids; no SQL, no rule.

import {
  type Approval,
  type Baseline,
  type DataKey,
  type Delegation,
  firstKeyOf,
  type Key,
  type Permission,
  type Principal,
  type Receipt,
  type Service,
  type Status,
  type Tenant,
  type World,
} from './world.ts';

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
  'tenant_keys',
  'data_keys',
  'service_credentials',
  'service_secrets',
  'permissions',
  'approvals',
  'activity_entries',
  'baselines',
  'access_receipts',
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
  /** Of a membership: whose, and as what. */
  readonly user?: number;
  readonly guest?: boolean;
  /** Of a memory: with the members of its world. */
  readonly shared?: boolean;
  readonly delegation?: Delegation;
  readonly key?: Key;
  readonly dataKey?: DataKey;
  /** Of a credential for a service, and of the secret of one. */
  readonly service?: Service;
  readonly permission?: Permission;
  /** Of a request, and of the entry in the log of what came of it. */
  readonly approval?: Approval;
  readonly baseline?: Baseline;
  readonly receipt?: Receipt;
  /** Of whose key what is sealed in it must be, and the index of the key that it is under; none where nothing is sealed. */
  readonly holder?: Principal;
  readonly sealed?: number | null;
};

/** Every row of a world. */
export function rowsOf(world: World): Row[] {
  return world.tenants.flatMap((tenant, at) => [
    { table: 'tenants', tenant: at, name: `t${at}`, owner: null },
    ...entityRows(tenant, at),
    ...tenant.members.map(({ place, user, guest }, n): Row => {
      const owner: Principal = `u${tenant.places[place]?.owner}` as Principal;
      return { table: 'world_members', tenant: at, name: `p${n}`, owner, place, user, guest };
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
      ({ owner, place, shared, sensitive }, n): Row => ({
        ...{ table: 'memories', tenant: at, name: `m${n}`, owner, place, shared, holder: owner },
        sealed: sensitive ? firstKeyOf(tenant, owner) : null,
      }),
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
    { table: 'tenant_keys', tenant: at, name: 'r0', owner: null },
    ...tenant.dataKeys.map((dataKey, n): Row => {
      const owner = personOf(tenant, dataKey.holder);
      return { table: 'data_keys', tenant: at, name: `e${n}`, owner, dataKey };
    }),
    ...tenant.services.flatMap((service, n): Row[] => {
      const owner: Principal = `u${service.owner}`;
      const common = { tenant: at, name: `s${n}`, owner, service };
      const sealed = firstKeyOf(tenant, owner);
      return [
        { table: 'service_credentials', ...common },
        ...(sealed === null ? [] : [{ table: 'service_secrets' as const, ...common, holder: owner, sealed }]),
      ];
    }),
    ...tenant.permissions.map(
      (permission, n): Row => ({
        ...{ table: 'permissions', tenant: at, name: `l${n}`, owner: `u${permission.owner}`, permission },
      }),
    ),
    ...tenant.approvals.map((approval, n): Row => {
      const owner: Principal = `u${tenant.delegations[approval.delegation]?.owner ?? 0}`;
      const sealed = firstKeyOf(tenant, owner);
      return { table: 'approvals', tenant: at, name: `q${n}`, owner, approval, holder: owner, sealed };
    }),
    // whoever has asked has done something too
    ...tenant.approvals.map((approval, n): Row => {
      const owner: Principal = `u${tenant.delegations[approval.delegation]?.owner ?? 0}`;
      return { table: 'activity_entries', tenant: at, name: `y${n}`, owner, approval };
    }),
    ...tenant.baselines.map((baseline, n): Row => {
      const owner = personOf(tenant, `a${baseline.agent}`);
      return { table: 'baselines', tenant: at, name: `b${n}`, owner, baseline };
    }),
    ...tenant.receipts.map((receipt, n): Row => {
      const { owner } = receipt;
      return { table: 'access_receipts', tenant: at, name: `c${n}`, owner, receipt };
    }),
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
        ...(instructed
          ? [
              {
                ...{ table: 'agent_instructions' as const, ...common, holder: `a${n}` as const },
                sealed: firstKeyOf(tenant, `a${n}`),
              },
            ]
          : []),
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
