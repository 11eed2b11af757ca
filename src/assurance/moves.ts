// What everybody tries in a world: each verb on each row, with and without looking first; inserts in everybody's name; grants
// keys and sessions that stretch each limit by one; ending every delegation, key and credential; having credentials for services
// used; and each question that the kernel answers. Data: statements.ts says how a move is put to PostgreSQL, the model says what must come of it.

import { grantsOf, type NewGrant, nameOfGrant } from './grants.ts';
import {
  keysOf,
  type NewKey,
  type NewSession,
  nameOfKey,
  nameOfRotation,
  nameOfSession,
  type Rotation,
  rotationsOf,
  sessionsOf,
} from './keys.ts';
import { nameOfOutside, type OutsideMove, outsideMoves } from './outside.ts';
import { TABLES, type TableName } from './rows.ts';
import {
  dataKeysOf,
  instructedBy,
  type NewDataKey,
  nameOfValue,
  purposeOf,
  type Value,
  valuesOf,
} from './sealing.ts';
import { serviceMoves } from './services.ts';
import { sharingMoves } from './sharing-moves.ts';
import { type Asker, type Principal, principals, type Status, type Tenant, type World } from './world.ts';

/** A row to insert, by names; what is left out is taken from the context by column defaults. */
export type NewRow = {
  readonly tenant: number;
  readonly owner: Principal;
  readonly kind?: 'user' | 'agent' | 'world';
  readonly status?: Status;
  readonly place?: number | null;
  /** Of a memory: with the members of that world. */
  readonly shared?: boolean;
  /** Of a membership: whose. */
  readonly user?: number;
  /** Of instructions: whose, where they have sealed values. Of a credential for a service or a rule: for whom alone; of a baseline: for whom. */
  readonly agent?: number;
  /** What stands in the encrypted columns of a row that says it is sealed. */
  readonly value?: Value;
  /** Of a request for approval: about which action; of that and of an entry of the log: by whom and through which delegations, by index. */
  readonly about?: number;
  readonly by?: Principal;
  readonly chain?: readonly number[];
  /** Of an entry of the log: which approval it says was redeemed for it. */
  readonly approval?: number;
  readonly lie?: Lie | 'version' | 'moment' | 'outcome';
};

/** Tables with encrypted columns. */
export const SEALED = ['memories', 'agent_instructions', 'service_secrets', 'approvals'] as const;
export type SealedTable = (typeof SEALED)[number];
/** Those in which somebody may put another value: what was asked for stays as it was asked for. */
export type ResealedTable = Exclude<SealedTable, 'approvals'>;

/** What a row can lie about: who made it, in which request, through which delegation. */
export const LIES = ['maker', 'request', 'delegation'] as const;
export type Lie = (typeof LIES)[number];

export type Move =
  /** Which rows are seen, changed or removed by a statement without a WHERE. */
  | { readonly verb: 'see' | 'update' | 'delete'; readonly table: TableName }
  /** The same when the statement also looks at them: RETURNING, as an ORM sends it. */
  | { readonly verb: 'update seen' | 'delete seen'; readonly table: TableName }
  | { readonly verb: 'insert'; readonly table: TableName; readonly row: NewRow }
  /** To write a value into the encrypted columns of whatever may be changed. */
  | { readonly verb: 'seal'; readonly table: ResealedTable; readonly value: Value }
  /** To let the members of its world see a memory, and to take back whatever may be changed. */
  | { readonly verb: 'share'; readonly memory: number }
  | { readonly verb: 'take back' }
  /** To have a first key kept. */
  | { readonly verb: 'keep tenant key'; readonly purpose: 'wrap' | 'index' }
  | { readonly verb: 'keep data key'; readonly wanted: NewDataKey }
  /** To make a delegation, and to ask the kernel why not. */
  | { readonly verb: 'grant' | 'why not'; readonly grant: NewGrant }
  /** Through the kernel's functions; of one's own tenant. */
  | { readonly verb: 'revoke' | 'narrow'; readonly delegation: number }
  | { readonly verb: 'kill'; readonly agent: number }
  /** To make a key or a client, to ask why not, and to put one in the place of another. */
  | { readonly verb: 'make key' | 'make client' | 'why no key'; readonly wanted: NewKey }
  | { readonly verb: 'start session'; readonly wanted: NewSession }
  | { readonly verb: 'rotate'; readonly rotation: Rotation }
  | { readonly verb: 'revoke key'; readonly key: number }
  /** Of whom, by name. */
  | { readonly verb: 'end credentials'; readonly entity: string }
  /** To tell that a key was used. */
  | { readonly verb: 'use'; readonly key: number }
  | OutsideMove
  | { readonly verb: 'describe' }
  | { readonly verb: 'audit' };

/** Tables of which the runtime role may change or remove rows at all; access.test.ts shows that it may not elsewhere. */
export const CHANGEABLE: readonly TableName[] = [
  'entities',
  'users',
  'agents',
  'agent_instructions',
  'worlds',
  'world_members',
  'memories',
  'service_credentials',
  'service_secrets',
  'permissions',
  'baselines',
];
export const REMOVABLE: readonly TableName[] = [
  'world_members',
  'memories',
  'service_credentials',
  'service_secrets',
  'permissions',
];
export const INSERTABLE: readonly TableName[] = [
  'entities',
  'agents',
  'agent_instructions',
  'worlds',
  'world_members',
  'delegations',
  'memories',
  'service_credentials',
  'service_secrets',
  'permissions',
  'approvals',
  'activity_entries',
  'baselines',
];
/** Those of which each asker tries a part. */
const IN_TURN: readonly TableName[] = ['service_credentials', 'service_secrets', 'permissions', 'baselines'];
const always = (table: TableName) => !IN_TURN.includes(table);

/** Everything that an asker tries in a world. Nobody (undefined) tries what the first principal would. */
export function movesOf(world: World, asker: Asker | undefined): Move[] {
  const somebody: Asker = asker ?? {
    tenant: 0,
    actor: 'u0',
    delegation: null,
    onBehalfOf: null,
    token: { scopes: [], expired: false },
  };
  const tenant = world.tenants[somebody.tenant];
  if (tenant === undefined) {
    return [];
  }
  const stretched = grantsOf(tenant, somebody);
  return [
    ...TABLES.map((table): Move => ({ verb: 'see', table })),
    ...CHANGEABLE.filter(always).flatMap((table): Move[] => [
      { verb: 'update', table },
      { verb: 'update seen', table },
    ]),
    ...REMOVABLE.filter(always).flatMap((table): Move[] => [
      { verb: 'delete', table },
      { verb: 'delete seen', table },
    ]),
    ...insertions(world, somebody),
    ...sealings(world, tenant, somebody),
    ...sharingMoves(tenant, somebody, ownerOf(tenant, somebody)),
    ...serviceMoves(world, tenant, somebody, ownerOf(tenant, somebody)),
    ...outsideMoves(world, tenant, somebody),
    ...stretched.map((grant): Move => ({ verb: 'why not', grant })),
    // the policy asks for the same reason: a few show that it does
    ...stretched.slice(0, 4).map((grant): Move => ({ verb: 'grant', grant })),
    ...stretched
      .slice(0, 1)
      .flatMap((grant) => LIES.map((lie): Move => ({ verb: 'grant', grant: { ...grant, lie } }))),
    ...tenant.delegations.flatMap((_, delegation): Move[] => [
      { verb: 'revoke', delegation },
      { verb: 'narrow', delegation },
    ]),
    ...tenant.agents.map((_, agent): Move => ({ verb: 'kill', agent })),
    ...keyMoves(tenant, somebody),
    { verb: 'describe' },
    { verb: 'audit' },
  ];
}

/** The person or agent whose rows an asker is about. */
function ownerOf(tenant: Tenant, { actor, delegation }: Asker): Principal {
  const chain = delegation === null ? undefined : tenant.delegations[delegation];
  return chain === undefined ? actor : `u${chain.owner}`;
}

function sealings(world: World, tenant: Tenant, asker: Asker): Move[] {
  const owner = ownerOf(tenant, asker);
  const agent = instructedBy(tenant, asker, owner);
  const own = valuesOf(world, asker, owner);
  const common = { tenant: asker.tenant, owner };
  return [
    { verb: 'keep tenant key', purpose: purposeOf(asker) },
    ...dataKeysOf(tenant, asker, owner).map((wanted): Move => ({ verb: 'keep data key', wanted })),
    ...own.map((value): Move => ({ verb: 'insert', table: 'memories', row: { ...common, value } })),
    ...own.slice(-1).map((value): Move => ({ verb: 'seal', table: 'memories', value })),
    ...(agent === undefined
      ? []
      : valuesOf(world, asker, `a${agent}`).flatMap((value): Move[] => [
          { verb: 'insert', table: 'agent_instructions', row: { ...common, agent, value } },
          { verb: 'seal', table: 'agent_instructions', value },
        ])),
  ];
}

function keyMoves(tenant: Tenant, asker: Asker): Move[] {
  const stretched = keysOf(tenant, asker);
  return [
    ...stretched.map((wanted): Move => ({ verb: 'why no key', wanted })),
    ...stretched
      .filter(({ pinned }, n) => n < 3 || pinned !== null)
      .map((wanted): Move => ({ verb: 'make key', wanted })),
    ...stretched.slice(0, 1).map((wanted): Move => ({ verb: 'make client', wanted })),
    ...sessionsOf(tenant, asker).map((wanted): Move => ({ verb: 'start session', wanted })),
    ...rotationsOf(tenant).map((rotation): Move => ({ verb: 'rotate', rotation })),
    ...tenant.keys.flatMap((_, key): Move[] => [
      { verb: 'revoke key', key },
      { verb: 'use', key },
    ]),
    ...[...principals(tenant), 'w0'].map((entity): Move => ({ verb: 'end credentials', entity })),
  ];
}

/** A short name, the same for the same move. */
export function nameOfMove(move: Move): string {
  switch (move.verb) {
    case 'insert': {
      const { tenant, owner, kind, status, place, shared, user, agent, ...row } = move.row;
      const { value, about, by, chain, approval, lie } = row;
      return [
        `insert ${move.table} of ${owner}`,
        ...(kind === undefined ? [] : [`as ${kind}`]),
        ...(status === undefined ? [] : [status]),
        ...(place === undefined || place === null ? [] : [`in w${place}`]),
        ...(shared === true ? ['shared'] : []),
        ...(user === undefined ? [] : [`for u${user}`]),
        ...(agent === undefined ? [] : [`for a${agent}`]),
        ...(value === undefined ? [] : [nameOfValue(value)]),
        ...(about === undefined ? [] : [`about ${about}`]),
        ...(by === undefined ? [] : [`by ${by} through [${chain?.map((n) => `d${n}`).join(' ')}]`]),
        ...(move.table === 'activity_entries'
          ? [`by ${by} through [${chain?.map((n) => `d${n}`).join(' ')}]`]
          : []),
        ...(approval === undefined ? [] : [`with q${approval}`]),
        ...(lie === undefined ? [] : [`lying about the ${lie}`]),
        `in tenant-${tenant}`,
      ].join(' ');
    }
    case 'seal':
      return `seal ${move.table} ${nameOfValue(move.value)}`;
    case 'share':
      return `share m${move.memory}`;
    case 'keep tenant key':
      return `keep a key to ${move.purpose}`;
    case 'keep data key':
      return `keep a data key for ${move.wanted.holder} below ${move.wanted.below}`;
    case 'grant':
    case 'why not':
      return `${move.verb} ${nameOfGrant(move.grant)}`;
    case 'revoke':
    case 'narrow':
      return `${move.verb} d${move.delegation}`;
    case 'kill':
      return `kill a${move.agent}`;
    case 'make key':
    case 'make client':
    case 'why no key':
      return `${move.verb} ${nameOfKey(move.wanted)}`;
    case 'start session':
      return `${move.verb} ${nameOfSession(move.wanted)}`;
    case 'rotate':
      return `replace ${nameOfRotation(move.rotation)}`;
    case 'revoke key':
    case 'use':
      return `${move.verb} k${move.key}`;
    case 'end credentials':
      return `end credentials of ${move.entity}`;
    case 'take back':
    case 'describe':
    case 'audit':
      return move.verb;
    case 'see':
    case 'update':
    case 'update seen':
    case 'delete':
    case 'delete seen':
      return `${move.verb} ${move.table}`;
    default:
      return nameOfOutside(move);
  }
}

function insertions({ tenants }: World, asker: Asker): Move[] {
  const tenant = tenants[asker.tenant];
  if (tenant === undefined) {
    return [];
  }
  const at = asker.tenant;
  const insert = (table: TableName, row: NewRow): Move => ({ verb: 'insert', table, row });
  const owner = ownerOf(tenant, asker);
  const everywhere = tenant.places.map((_, place) => place);
  const lies = LIES.map((lie) => ({ tenant: at, owner, lie }));
  const abroad = tenants.length > 1 ? [{ tenant: 1 - at, owner }] : [];
  return [
    ...principals(tenant).flatMap((other): Move[] => [
      insert('memories', { tenant: at, owner: other }),
      insert('entities', { tenant: at, owner: other, kind: 'agent' }),
      insert('entities', { tenant: at, owner: other, kind: 'world' }),
      insert('agents', { tenant: at, owner: other }),
      insert('agent_instructions', { tenant: at, owner: other }),
      insert('worlds', { tenant: at, owner: other }),
    ]),
    insert('entities', { tenant: at, owner, kind: 'user' }),
    insert('entities', { tenant: at, owner, kind: 'agent', status: 'suspended' }),
    insert('entities', { tenant: at, owner, kind: 'world', status: 'archived' }),
    ...everywhere.flatMap((place): Move[] => [
      insert('memories', { tenant: at, owner, place }),
      insert('world_members', {
        tenant: at,
        owner: `u${tenant.places[place]?.owner}` as Principal,
        place,
        user: 0,
      }),
      insert('world_members', { tenant: at, owner, place, user: tenant.users.length - 1 }),
    ]),
    ...[...lies, ...abroad].flatMap((row): Move[] => [
      insert('memories', row),
      insert('agents', row),
      insert('worlds', row),
    ]),
    ...lies.flatMap((row): Move[] =>
      everywhere.map((place) => insert('world_members', { ...row, place, user: 0 })),
    ),
    ...abroad.flatMap((row): Move[] => [
      insert('entities', { ...row, kind: 'agent' }),
      insert('agent_instructions', row),
      ...everywhere.slice(0, 1).map((place) => insert('world_members', { ...row, place, user: 0 })),
    ]),
  ];
}
