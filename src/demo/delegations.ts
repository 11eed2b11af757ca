// Who of the cast acts for whom: one delegation of every sort that a reader should meet. A full one that may be passed on,
// one limited to a world, one at depth two, one of every other owner, one that expired and one that was revoked.
//
// Times are relative to the seeding. Rows never change and nothing un-expires, so a later start makes new ones with new
// ids (seed.ts); the ids here are those of the first.

import type { Capability } from '../capabilities.ts';
import type { DelegationId } from '../ids.ts';
import {
  type ActorName,
  type AgentName,
  id,
  type TenantSlug,
  type UserName,
  type WorldName,
} from './cast.ts';

const delegation = (last: string): DelegationId => id(5, last);

export type DelegationName = 'scout' | 'scoutInGarden' | 'scribe' | 'bobot' | 'mimic' | 'late' | 'rogue';
export type Grant = {
  readonly id: DelegationId;
  readonly tenant: TenantSlug;
  readonly owner: UserName;
  readonly delegator: ActorName;
  readonly delegate: AgentName;
  readonly parent?: DelegationName;
  readonly depth: number;
  readonly redelegate: number;
  readonly capabilities: readonly Capability[];
  readonly world?: WorldName;
  readonly purpose: string;
  /** Seconds relative to the time of seeding. */
  readonly made: number;
  readonly expires: number;
  readonly revoked?: number;
};

const MINUTE = 60;
const DAY = 86_400;
const MEMORY: readonly Capability[] = ['memory:read', 'memory:create', 'memory:update', 'memory:delete'];

export const DELEGATIONS: Readonly<Record<DelegationName, Grant>> = {
  scout: {
    id: delegation('5c007'),
    tenant: 'acme',
    owner: 'alice',
    delegator: 'alice',
    delegate: 'scout',
    depth: 1,
    redelegate: 2,
    capabilities: [
      ...MEMORY,
      ...(['agent:read', 'world:read', 'member:read', 'user:read', 'delegation:read'] as const),
      ...(['credential:read', 'credential:execute', 'permission:read'] as const),
      ...(['approval:read', 'approval:create', 'activity:read', 'activity:create'] as const),
    ],
    purpose: "Research and keep Alice's notes",
    made: 0,
    expires: 30 * DAY,
  },
  scoutInGarden: {
    id: delegation('9a0de05c007'),
    tenant: 'acme',
    owner: 'alice',
    delegator: 'alice',
    delegate: 'scout',
    depth: 1,
    redelegate: 0,
    capabilities: [...MEMORY, 'world:read', 'member:read'],
    world: 'garden',
    purpose: 'Help in the Garden and nowhere else',
    made: 0,
    expires: 30 * DAY,
  },
  scribe: {
    id: delegation('5c1be'),
    tenant: 'acme',
    owner: 'alice',
    delegator: 'scout',
    delegate: 'scribe',
    parent: 'scout',
    depth: 2,
    redelegate: 0,
    capabilities: ['memory:read'],
    purpose: 'Write up what Scout has noted',
    made: 0,
    expires: 50 * MINUTE,
  },
  bobot: {
    id: delegation('b0b07'),
    tenant: 'acme',
    owner: 'bob',
    delegator: 'bob',
    delegate: 'bobot',
    depth: 1,
    redelegate: 0,
    capabilities: ['memory:read', 'memory:create', 'user:read'],
    purpose: 'Keep the parts list',
    made: 0,
    expires: 30 * DAY,
  },
  mimic: {
    id: delegation('fa4e'),
    tenant: 'globex',
    owner: 'mallory',
    delegator: 'mallory',
    delegate: 'mimic',
    depth: 1,
    redelegate: 0,
    capabilities: [
      'memory:read',
      'memory:create',
      'agent:read',
      'user:read',
      'credential:read',
      'secret:read',
      'permission:read',
      'approval:read',
      'approval:create',
    ],
    purpose: 'Morning notes',
    made: 0,
    expires: 30 * DAY,
  },
  late: {
    id: delegation('1a7e'),
    tenant: 'acme',
    owner: 'alice',
    delegator: 'alice',
    delegate: 'late',
    depth: 1,
    redelegate: 0,
    capabilities: ['memory:read', 'memory:create'],
    purpose: 'Plan the journey to Trieste',
    made: -10 * DAY,
    expires: -3 * DAY,
  },
  rogue: {
    id: delegation('f0e'),
    tenant: 'acme',
    owner: 'alice',
    delegator: 'alice',
    delegate: 'rogue',
    depth: 1,
    redelegate: 0,
    capabilities: [...MEMORY, 'user:read', 'user:update'],
    purpose: 'Sort the inbox',
    made: -2 * DAY,
    expires: 28 * DAY,
    revoked: -1 * DAY,
  },
};
