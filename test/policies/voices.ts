// Who speaks in the probe: every actor of the cast, under which delegation, and whose rows stand in which relation to it.
//
// Those without a label are left out of ACCESS.txt: each holds a delegation or a token that names one kind only, or one of each of kinds
// that have nothing to do with each other, so that a policy which forgets to ask for the kind is noticed.

import {
  ACTORS,
  type ActorName,
  AGENTS,
  type AgentName,
  type TenantSlug,
  USERS,
  type UserName,
} from '../../src/demo/cast.ts';
import { DELEGATIONS } from '../../src/demo/delegations.ts';
import type { DelegationId } from '../../src/ids.ts';
import { NARROW } from './arrangement.ts';
import { HOPS } from './permissions.ts';

export type Voice = {
  readonly name: string;
  /** As ACCESS.txt calls it. */
  readonly label?: string;
  /** Nobody has no context, and a service one without an actor. */
  readonly actor: ActorName | undefined;
  readonly service?: true;
  readonly delegation?: DelegationId;
  readonly scopes?: readonly string[];
};

const grants = DELEGATIONS;
export const VOICES: readonly Voice[] = [
  { name: 'alice', actor: 'alice', label: 'alice' },
  {
    name: 'alice via scout',
    actor: 'scout',
    delegation: grants.scout.id,
    label: 'alice via scout, full delegation',
  },
  {
    name: 'alice via scout in garden',
    actor: 'scout',
    delegation: grants.scoutInGarden.id,
    label: 'alice via scout, Garden only',
  },
  {
    name: 'alice via scribe',
    actor: 'scribe',
    delegation: grants.scribe.id,
    label: 'alice via scribe, depth 2',
  },
  { name: 'scout', actor: 'scout', label: 'scout as itself' },
  { name: 'alice via late', actor: 'late', delegation: grants.late.id, label: 'alice via late, expired' },
  { name: 'alice via rogue', actor: 'rogue', delegation: grants.rogue.id, label: 'alice via rogue, revoked' },
  { name: 'bob', actor: 'bob', label: 'bob' },
  { name: 'bob via bobot', actor: 'bobot', delegation: grants.bobot.id, label: 'bob via bobot' },
  { name: 'ada', actor: 'ada', label: 'ada, administrator' },
  { name: 'mallory', actor: 'mallory', label: 'mallory, other tenant' },
  { name: 'mallory via mimic', actor: 'mimic', delegation: grants.mimic.id, label: 'mallory via mimic' },
  { name: 'identity service', actor: undefined, service: true, label: 'the server itself, verifying' },
  { name: 'nobody', actor: undefined, label: 'nobody' },
  { name: 'alice for agents', actor: 'alice', scopes: ['agent:read', 'agent:update'] },
  { name: 'maker', actor: 'rogue', delegation: NARROW.maker.id },
  { name: 'mapper', actor: 'rogue', delegation: NARROW.mapper.id },
  { name: 'gardener', actor: 'late', delegation: NARROW.gardener.id },
  { name: 'warden', actor: 'late', delegation: NARROW.warden.id },
  { name: 'lister', actor: 'late', delegation: NARROW.lister.id },
  { name: 'courier', actor: 'scribe', delegation: NARROW.courier.id },
  { name: 'confidant', actor: 'scribe', delegation: NARROW.confidant.id },
  { name: 'alice keeping services', actor: 'alice', scopes: ['credential:create', 'credential:delete'] },
  { name: 'alice changing services', actor: 'alice', scopes: ['credential:read', 'credential:update'] },
  { name: 'ruled', actor: 'late', delegation: NARROW.ruled.id },
  { name: 'asker', actor: 'rogue', delegation: NARROW.asker.id },
  { name: 'reader', actor: 'rogue', delegation: NARROW.reader.id },
  { name: 'pesterer', actor: 'late', delegation: NARROW.pesterer.id },
  { name: 'usurper', actor: 'rogue', delegation: NARROW.usurper.id },
  { name: 'listener', actor: 'late', delegation: NARROW.listener.id },
  { name: 'teller', actor: 'late', delegation: NARROW.teller.id },
  { name: 'watched', actor: 'scout', delegation: NARROW.watched.id },
  { name: 'of two hops', actor: 'late', delegation: HOPS.lower },
  {
    name: 'alice making rules',
    actor: 'alice',
    scopes: ['permission:create', 'permission:delete', 'baseline:create'],
  },
  {
    name: 'alice changing rules',
    actor: 'alice',
    scopes: ['permission:read', 'permission:update', 'baseline:read', 'baseline:update'],
  },
  { name: 'alice deciding', actor: 'alice', scopes: ['approval:update', 'receipt:read'] },
];

/** How a row stands to a voice. */
export type Relation = 'own' | 'owner' | 'garden' | 'shared' | 'foreign' | 'other';

/** The columns of ACCESS.txt, and what its legend says of them. */
export const RELATIONS: Readonly<Record<Relation, readonly [column: string, meaning: string]>> = {
  own: ['own', 'of the one who acts'],
  owner: ["owner's", 'of the person for whom an agent acts'],
  garden: ['in Garden', 'the same, standing in the world Garden'],
  shared: ['shared', "somebody else's, standing in a world of which the person is a member"],
  foreign: ['colleague', 'of somebody else in the same tenant'],
  other: ['outside', 'of another tenant'],
};

/** The person at the root of an actor's authority: itself, or the owner of the agent. */
export function personOf(actor: ActorName): UserName {
  return actor in AGENTS ? AGENTS[actor as AgentName].owner : (actor as UserName);
}

const ownAgent: Readonly<Partial<Record<ActorName, AgentName>>> = {
  alice: 'rogue',
  bob: 'bobot',
  mallory: 'mimic',
};

/** The agent that a person owns; an agent is itself its own. Under the owner's name: a sibling of the acting agent. */
export function agentOf(who: ActorName, relation: Relation, { actor }: Voice): AgentName | undefined {
  if (relation === 'owner') {
    return personOf(who) !== 'alice' ? undefined : actor === 'scout' ? 'scribe' : 'scout';
  }
  return who in AGENTS ? (who as AgentName) : ownAgent[who];
}

/** Whether a voice has a context at all. */
export const isSomebody = ({ actor, service }: Voice): boolean => actor !== undefined || service === true;

/** Whose row stands in that relation to the voice; undefined where there is no such case. */
export function keeper({ actor }: Voice, relation: Relation): ActorName | undefined {
  const person = actor === undefined ? undefined : personOf(actor);
  const tenant: TenantSlug = person === undefined ? 'acme' : USERS[person].tenant;
  switch (relation) {
    case 'own':
      return actor;
    case 'garden':
      return actor !== undefined && actor in AGENTS && tenant === 'acme' ? person : undefined;
    case 'owner':
      return actor !== undefined && actor in AGENTS ? person : undefined;
    case 'shared':
      return person === 'alice' ? 'bob' : person === 'bob' || person === 'ada' ? 'alice' : undefined;
    case 'foreign':
      return tenant === 'globex'
        ? undefined
        : person === 'bob' || person === 'ada' || person === undefined
          ? 'alice'
          : 'bob';
    case 'other':
      return tenant === 'globex' ? 'alice' : 'mallory';
    default:
      return relation satisfies never;
  }
}

/** The tenant of an actor; nobody looks from outside, so whichever it is. */
export function tenantOf(actor: ActorName | undefined): TenantSlug {
  return actor === undefined ? 'acme' : ACTORS[actor].tenant;
}
