// What every voice tries: each verb on each row that stands in some relation to it, table by table. Data, no assertions.
//
// A row is found by its tenant and one key column. Writes use a column that the runtime role may write, where there is
// one; inserts are complete and would succeed if no policy stood in their way, because spares were laid out for them.

import {
  ACTORS,
  type ActorName,
  AGENTS,
  id,
  TENANTS,
  USERS,
  type UserName,
  WORLDS,
} from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import { ACTIVITY_BLOCKS } from './activity-attempts.ts';
import {
  ATTIC,
  DELEGATION_OF,
  ENTRIES,
  insertion,
  type Keeper,
  MEMBERS,
  memoryOf,
  SOON,
  SPARES,
  STUDY,
} from './arrangement.ts';
import { BASELINE_BLOCKS } from './baseline-attempts.ts';
import { digestOf, ISSUERS, KEYS, type KeyHolder, ownerOf } from './credentials.ts';
import { PERMISSION_BLOCKS } from './permission-attempts.ts';
import { RECEIPT_BLOCKS } from './receipt-attempts.ts';
import { SERVICE_BLOCKS } from './service-attempts.ts';
import { SHARING_BLOCKS } from './sharing-attempts.ts';
import { agentOf, keeper, personOf, type Relation, tenantOf, type Voice } from './voices.ts';
import { DATA_KEYS, keyOf, TENANT_KEYS, under } from './wrapped.ts';

export type Verb = 'S' | 'I' | 'U' | 'D';
export const VERBS: readonly Verb[] = ['S', 'I', 'U', 'D'];

export type Statement = { readonly text: string; readonly values: readonly unknown[] };
type Row = Readonly<Record<string, unknown>>;

/** One block of ACCESS.txt. */
export type Block = {
  readonly table: string;
  /** Where a table has rows of several kinds: which. */
  readonly kind?: string;
  readonly key: string;
  /** The change that an update makes. */
  readonly set: string;
  readonly relations: readonly Relation[];
  /** The key of the row in that relation to the voice, which `who` keeps. */
  row(who: ActorName, relation: Relation, voice: Voice): string | undefined;
  /** A row that would be inserted for `who`, without its tenant. */
  make(who: ActorName, relation: Relation, voice: Voice): Row | undefined;
};

const NEW = id<string>(9, '1');
const isUser = (who: ActorName): who is UserName => who in USERS;
const spare = (who: ActorName) => (who in SPARES ? SPARES[who as Keeper] : undefined);
const ownWorld: Readonly<Partial<Record<ActorName, string>>> = {
  alice: STUDY,
  bob: WORLDS.workshop.id,
  mallory: WORLDS.vault.id,
};

function agentIdOf(who: ActorName, relation: Relation, voice: Voice): string | undefined {
  const name = agentOf(who, relation, voice);
  return name === undefined ? undefined : AGENTS[name].id;
}

function worldOf(who: ActorName, relation: Relation, { actor }: Voice): string | undefined {
  if (relation === 'garden') {
    return who === 'alice' ? WORLDS.garden.id : undefined;
  }
  if (relation === 'shared') {
    return actor === 'ada' ? STUDY : personOf(actor ?? 'ada') === 'bob' ? WORLDS.garden.id : undefined;
  }
  // to Ada, who is a guest in the Study, Alice's other world is the foreign one
  return relation === 'foreign' && actor === 'ada' ? ATTIC : ownWorld[who];
}

function memberOf(who: ActorName, relation: Relation, voice: Voice) {
  const world =
    relation === 'foreign' && voice.actor === 'ada' ? WORLDS.workshop.id : worldOf(who, relation, voice);
  return Object.values(MEMBERS).find((member) => member.world === world);
}

function delegationOf(who: ActorName, relation: Relation, { actor }: Voice): string | undefined {
  if (relation === 'owner') {
    return who !== 'alice' ? undefined : DELEGATIONS[actor === 'scout' ? 'rogue' : 'scout'].id;
  }
  const name = DELEGATION_OF[who];
  return name === undefined ? undefined : DELEGATIONS[name].id;
}

/** A root delegation in the name of a person, or, as an agent's own, the next hop of the chain it acts through. */
function grant(who: ActorName, relation: Relation, voice: Voice): Row | undefined {
  const held = Object.values(DELEGATIONS).find((other) => other.id === voice.delegation);
  const common = { id: NEW, capabilities: ['memory:read'], expires_at: SOON };
  if (relation === 'own' && !isUser(who)) {
    const owner = ACTORS[personOf(who)].id;
    const delegate_id = spare(personOf(who))?.agent;
    const hop = { owner_id: owner, delegator_id: ACTORS[who].id, delegate_id };
    return { ...common, ...hop, parent_id: held?.id ?? null, depth: (held?.depth ?? 0) + 1 };
  }
  const delegate_id = spare(who)?.agent;
  return (
    delegate_id && {
      ...common,
      owner_id: ACTORS[who].id,
      delegator_id: ACTORS[who].id,
      delegate_id,
      depth: 1,
    }
  );
}

const entityKinds: readonly Block[] = (['user', 'agent', 'world'] as const).map((kind) => ({
  table: 'entities',
  kind,
  key: 'id',
  set: "status = 'suspended'",
  relations:
    kind === 'world'
      ? ['own', 'owner', 'garden', 'shared', 'foreign', 'other']
      : ['own', 'owner', 'foreign', 'other'],
  row: (who, relation, voice) =>
    kind === 'user'
      ? isUser(who)
        ? USERS[who].id
        : undefined
      : kind === 'agent'
        ? agentIdOf(who, relation, voice)
        : worldOf(who, relation, voice),
  make: (who, relation) =>
    relation === 'garden' || relation === 'shared'
      ? undefined
      : { id: NEW, kind, owner_id: kind === 'user' ? NEW : ACTORS[who].id },
}));

export const BLOCKS: readonly Block[] = [
  {
    table: 'tenants',
    key: 'id',
    set: "name = 'Changed'",
    relations: ['own', 'other'],
    row: (who) => TENANTS[tenantOf(who)].id,
    make: () => ({ id: NEW, slug: 'new', name: 'New' }),
  },
  ...entityKinds,
  {
    table: 'users',
    key: 'id',
    set: "display_name = 'Changed'",
    relations: ['own', 'owner', 'foreign', 'other'],
    row: (who) => (isUser(who) ? USERS[who].id : undefined),
    make: (who) =>
      isUser(who) ? { id: USERS[who].id, owner_id: USERS[who].id, display_name: 'New' } : undefined,
  },
  {
    table: 'agents',
    key: 'id',
    set: "name = 'Changed'",
    relations: ['own', 'owner', 'foreign', 'other'],
    row: agentIdOf,
    make: (who) => spare(who) && { id: spare(who)?.agentEntity, owner_id: ACTORS[who].id, name: 'New' },
  },
  {
    table: 'agent_instructions',
    key: 'id',
    set: 'private_instructions = system_prompt',
    relations: ['own', 'owner', 'foreign', 'other'],
    row: agentIdOf,
    make: (who) => {
      const agent = spare(who)?.agent;
      return agent && { id: agent, owner_id: ACTORS[who].id, system_prompt: under(keyOf(agent)) };
    },
  },
  {
    table: 'worlds',
    key: 'id',
    set: "name = 'Changed'",
    relations: ['own', 'owner', 'garden', 'shared', 'foreign', 'other'],
    row: worldOf,
    make: (who, relation) =>
      relation === 'garden' || relation === 'shared' || !spare(who)
        ? undefined
        : { id: spare(who)?.worldEntity, owner_id: ACTORS[who].id, name: 'New' },
  },
  {
    table: 'world_members',
    key: 'id',
    set: "role = 'guest'",
    relations: ['own', 'owner', 'garden', 'shared', 'foreign', 'other'],
    row: (who, relation, voice) => memberOf(who, relation, voice)?.id,
    make: (who, relation, voice) => {
      const member = memberOf(who, relation, voice);
      const owner_id = ACTORS[isUser(who) ? who : personOf(who)].id;
      return member && { id: NEW, world_id: member.world, owner_id, entity_id: member.newcomer };
    },
  },
  {
    table: 'delegations',
    key: 'id',
    set: "purpose = 'Changed'",
    relations: ['own', 'owner', 'foreign', 'other'],
    row: delegationOf,
    make: grant,
  },
  {
    table: 'memories',
    key: 'id',
    // what is said of a change of what is shared stands below
    set: 'shared = false',
    relations: ['own', 'owner', 'garden', 'shared', 'foreign', 'other'],
    row: (who, relation) =>
      memoryOf(who, relation === 'garden' || relation === 'shared' ? 'garden' : undefined),
    make: (who, relation) => ({
      id: NEW,
      owner_id: ACTORS[who].id,
      world_id: relation === 'garden' || relation === 'shared' ? WORLDS.garden.id : null,
      content: 'New.',
      tags: [],
    }),
  },
  ...SHARING_BLOCKS,
  {
    table: 'identities',
    key: 'entity_id',
    set: "subject = 'changed'",
    relations: ['own', 'owner', 'foreign', 'other'],
    row: (who) => ACTORS[who].id,
    make: (who) => ({ id: NEW, entity_id: ACTORS[who].id, issuer: 'https://elsewhere.test/', subject: who }),
  },
  {
    table: 'issuers',
    key: 'id',
    set: "status = 'suspended'",
    relations: ['own', 'other'],
    row: (who) => ISSUERS[ACTORS[who].tenant].id,
    make: () => ({ id: NEW, issuer: 'https://elsewhere.test/', settings: '{}' }),
  },
  {
    table: 'credentials',
    key: 'id',
    set: 'revoked_at = null',
    relations: ['own', 'owner', 'foreign', 'other'],
    row: (who) => (who in KEYS ? KEYS[who as KeyHolder].id : undefined),
    make: (who) => ({
      id: NEW,
      owner_id: ownerOf(who),
      entity_id: ACTORS[who].id,
      label: 'New',
      hint: 'bwk_News',
      digest: digestOf('somebody new'),
      capabilities: ['memory:read'],
      expires_at: SOON,
    }),
  },
  {
    table: 'tenant_keys',
    key: 'id',
    set: "wrapped = 'changed'",
    relations: ['own', 'other'],
    row: (who) => TENANT_KEYS[ACTORS[who].tenant],
    make: () => ({ id: NEW, purpose: 'wrap', version: 99, wrapped: 'x', erasable: false }),
  },
  {
    table: 'data_keys',
    key: 'id',
    set: "wrapped = 'changed'",
    relations: ['own', 'owner', 'foreign', 'other'],
    row: (who) => DATA_KEYS[who],
    make: (who) => ({
      id: NEW,
      owner_id: ownerOf(who),
      holder_id: ACTORS[who].id,
      tenant_key_id: TENANT_KEYS[ACTORS[who].tenant],
      version: 99,
      wrapped: 'x',
      erasable: false,
    }),
  },
  ...SERVICE_BLOCKS,
  ...PERMISSION_BLOCKS,
  ...ACTIVITY_BLOCKS,
  ...BASELINE_BLOCKS,
  ...RECEIPT_BLOCKS,
  {
    table: 'audit_entries',
    key: 'id',
    set: "event = 'changed.event'",
    relations: ['own', 'other'],
    row: (who) => ENTRIES[ACTORS[who].tenant],
    make: (who) => ({
      id: NEW,
      event: 'forged.event',
      actor_id: ACTORS[who].id,
      owner_id: ACTORS[who].id,
      request_id: NEW,
      policy_checksum: '',
    }),
  },
];

/** The name of a block: its table, and which of its rows. */
export function title({ table, kind }: Block): string {
  return kind === undefined ? table : `${table} (${kind}s)`;
}

/** What the voice would send, or undefined where there is no such case. */
export function statement(block: Block, voice: Voice, relation: Relation, verb: Verb): Statement | undefined {
  const who = keeper(voice, relation);
  if (who === undefined) {
    return undefined;
  }
  const tenant_id = block.table === 'tenants' && verb === 'I' ? NEW : TENANTS[tenantOf(who)].id;
  if (verb === 'I') {
    const row = block.make(who, relation, voice);
    return row && insertion(block.table, { tenant_id, ...row });
  }
  const key = block.row(who, relation, voice);
  const where = `from ${block.table} where tenant_id = $1 and ${block.key} = $2`;
  const text = {
    S: `select ${block.key} ${where}`,
    U: `update ${block.table} set ${block.set} ${where.slice(where.indexOf('where'))}`,
    D: `delete ${where}`,
  }[verb];
  return key === undefined ? undefined : { text, values: [tenant_id, key] };
}
