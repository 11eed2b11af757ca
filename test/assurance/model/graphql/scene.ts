// Somebody with authority in a world, and what attempts are made of: a mutation with its input, and what the model says
// must come of it, as an outcome and as the rows that would have changed.

import { type Row, rowsOf, type TableName } from '../../../../src/assurance/rows.ts';
import { type Asker, idOf, nameOf, type Principal, type World } from '../../../../src/assurance/world.ts';
import { type Authority, mayDelete, maySee, mayUpdate } from '../rules.ts';
import { type NodeType, shows, TABLE_OF } from './sight.ts';

export type Attempt = {
  readonly field: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** Says what is tried, the same for the same attempt. */
  readonly name: string;
  /** `Agent a0`, `NotFound`, `DelegationRefused WORLD`, `error FORBIDDEN`. */
  readonly outcome: string;
  /** As the stage tells them. */
  readonly changes: readonly string[];
  /** Whether others in the same transaction would find another world, or nothing at all. */
  readonly alone: boolean;
};

/** What attempts of one mutation say for themselves; the rest follows. */
export type Tried = {
  readonly input: Attempt['input'];
  /** What tells it from the others of the mutation. */
  readonly what: string;
  readonly outcome: string;
  readonly changes: readonly string[];
  /** What a refusal changes all the same. */
  readonly noted?: readonly string[];
};

export type Scene = {
  readonly world: World;
  /** Under the delegation to which its key is bound, where it is. */
  readonly asker: Asker;
  readonly a: Authority;
  /** Of the asker's tenant. */
  readonly rows: readonly Row[];
};

export function sceneOf(world: World, asker: Asker, a: Authority): Scene {
  const delegation = a.key?.pinned ?? asker.delegation;
  return {
    world,
    asker: { ...asker, delegation },
    a,
    rows: rowsOf(world).filter(({ tenant }) => tenant === a.at),
  };
}

const LISTS = {
  User: ['u', 'users'],
  Agent: ['a', 'agents'],
  World: ['w', 'places'],
  WorldMember: ['p', 'members'],
  Delegation: ['d', 'delegations'],
  Memory: ['m', 'memories'],
  Credential: ['k', 'keys'],
  ServiceCredential: ['s', 'services'],
  Permission: ['l', 'permissions'],
  Approval: ['q', 'approvals'],
  ActivityEntry: ['y', 'approvals'],
  Baseline: ['b', 'baselines'],
  AccessReceipt: ['c', 'receipts'],
} as const;

/** Names of a type in any tenant of the world, and one that is nowhere: what anybody can think of asking for. */
export function namesOf({ tenants }: World, type: Exclude<NodeType, 'Tenant'>): string[] {
  const [letter, list] = LISTS[type];
  const most = Math.max(...tenants.map((tenant) => tenant[list].length));
  return [...Array.from({ length: most }, (_, n) => `${letter}${n}`), `${letter}90`];
}

export function globalId(type: NodeType, name: string): string {
  return Buffer.from(`${type}:${idOf(name)}`).toString('base64url');
}

/** The name of a row by its global id; undefined for one that was made after the world. */
export function nameOfGlobal(id: string): string | undefined {
  const [, uuid = ''] = Buffer.from(id, 'base64url').toString().split(':');
  const name = nameOf(uuid);
  return name === uuid ? undefined : name;
}

/** A row of the asker's tenant. */
export function rowOf({ rows }: Scene, table: TableName, name: string): Row | undefined {
  return rows.find((row) => row.table === table && row.name === name);
}

/** Whether a row is found by its type. */
export function found(scene: Scene, type: NodeType, name: string): boolean {
  const row = rowOf(scene, TABLE_OF[type], name);
  return row !== undefined && shows(scene.a, type, row, scene.rows);
}

/** Whoever sees a row has the key of what is sealed in it, unless that was destroyed. */
export const opens = ({ a }: Scene, { sealed }: Row): boolean =>
  sealed === null || sealed === undefined || a.tenant.dataKeys[sealed]?.state !== 'destroyed';

/** Whether a statement that looks for a row may also change it. */
export function changeable({ a }: Scene, row: Row | undefined): row is Row {
  return row !== undefined && maySee(a, row) && mayUpdate(a, row);
}

/** Whether the asker could see a row that it makes: a statement that returns what it inserted is refused otherwise. */
export function seesNew({ a }: Scene, table: TableName, row: Partial<Row>): boolean {
  return maySee(a, { table, tenant: a.at, name: 'new', owner: a.owner, ...row });
}

/** How the stage tells of a row that is different. */
export const changed = ({ a }: Scene, table: TableName, name: string) => `~${table} t${a.at}/${name}`;
export const gone = ({ a }: Scene, table: TableName, name: string) => `-${table} t${a.at}/${name}`;

/** What comes of changing a row of a type. */
export const updated = (scene: Scene, type: NodeType, name: string): string =>
  found(scene, type, name) && changeable(scene, rowOf(scene, TABLE_OF[type], name))
    ? `${type} ${name}`
    : 'NotFound';

/** Removing each row of a type, one after the other; what comes of it is called by this name. */
export function removing(scene: Scene, type: Exclude<NodeType, 'Tenant'>, outcome: string): Tried[] {
  const table = TABLE_OF[type];
  return namesOf(scene.world, type).map((name) => {
    const row = rowOf(scene, table, name);
    const may = row !== undefined && found(scene, type, name) && mayDelete(scene.a, row);
    return {
      what: name,
      input: { id: globalId(type, name) },
      outcome: may ? `${outcome} ${name}` : 'NotFound',
      changes: [gone(scene, table, name)],
    };
  });
}

/**
 * What sealing something new for a holder comes to: its current key is there, or its first one is made; otherwise all its keys were
 * destroyed or replaced by none.
 */
export function sealingFor(
  { a }: Scene,
  holder: Principal | 'new',
): { readonly made: readonly string[] } | undefined {
  const keys = a.tenant.dataKeys.filter((key) => key.holder === holder);
  return keys.length === 0
    ? { made: ['+data_keys'] }
    : keys.some(({ state }) => state === 'live')
      ? { made: [] }
      : undefined;
}

/** Where nothing can be sealed any more. */
export const DESTROYED = 'error CONFLICT';
export const FORBIDDEN = 'error FORBIDDEN';
export const BAD_INPUT = 'error BAD_USER_INPUT';
/** What may be done and not read back, by whoever may write a kind and not read it: nothing is kept. */
export const UNREADABLE = 'error FORBIDDEN';
/** A reference out of reach. */
export const NO_SUCH = 'error NOT_FOUND';
