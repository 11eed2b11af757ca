// What the model says of every mutation of delegations: granting, passing on, shortening, ending, and the kill switch.

import { grantsOf, type NewGrant } from '../../../../src/assurance/grants.ts';
import type { Delegation } from '../../../../src/assurance/world.ts';
import { isCapability } from '../../../../src/capabilities.ts';
import { grantRefusal, mayEnd, mayKill } from '../granting.ts';
import { heldBy } from './agents.ts';
import { endedKeysOf } from './keys.ts';
import {
  BAD_INPUT,
  changed,
  FORBIDDEN,
  found,
  globalId,
  namesOf,
  rowOf,
  type Scene,
  seesNew,
  type Tried,
  UNREADABLE,
} from './scene.ts';

type Terms = Pick<NewGrant, 'delegate' | 'redelegate' | 'capabilities' | 'place' | 'starts' | 'ends'>;

/** What a client can say of a delegation it wants; owner, delegator and parent are not its to say. */
function termsOf({ a, asker }: Scene): Terms[] {
  const all = grantsOf(a.tenant, asker).map(
    ({ delegate, redelegate, capabilities, place, starts, ends }): Terms => ({
      delegate,
      redelegate,
      capabilities,
      place,
      starts,
      ends,
    }),
  );
  return [...new Map(all.map((terms) => [JSON.stringify(terms), terms])).values()];
}

const fromNow = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();

function inputOf({ delegate, redelegate, capabilities, place, starts, ends }: Terms): Tried['input'] {
  return {
    delegateId: globalId('Agent', delegate),
    redelegate,
    capabilities,
    worldId: place === null ? null : globalId('World', `w${place}`),
    notBefore: fromNow(starts),
    expiresAt: fromNow(ends),
  };
}

const nameOf = ({ delegate, redelegate, capabilities, place, starts, ends }: Terms) =>
  `to ${delegate} [${capabilities.join(' ')}] passing on ${redelegate}${place === null ? '' : ` in w${place}`}, ${starts} s to ${ends} s`;

function granting(scene: Scene, terms: Terms, parent: number | null): string {
  const { a } = scene;
  const { capabilities, redelegate } = terms;
  if (!capabilities.every(isCapability) || capabilities.length === 0 || redelegate < 0 || redelegate > 3) {
    return BAD_INPUT;
  }
  const depth = parent === null ? 1 : a.chain.length + 1;
  const grant: NewGrant = { ...terms, owner: a.owner, delegator: a.actor, parent, depth };
  const refusal = grantRefusal(a, grant);
  if (refusal !== undefined) {
    return `DelegationRefused ${refusal.toUpperCase()}`;
  }
  const delegation: Delegation = {
    ...grant,
    owner: Number(a.owner.slice(1)),
    delegate: Number(terms.delegate.slice(1)),
    revoked: false,
  };
  return seesNew(scene, 'delegations', { delegation }) ? 'Delegation' : FORBIDDEN;
}

function grantDelegation(scene: Scene): Tried[] {
  return termsOf(scene).map((terms) => ({
    what: nameOf(terms),
    input: inputOf(terms),
    outcome: granting(scene, terms, null),
    changes: ['+delegations'],
  }));
}

function redelegate(scene: Scene): Tried[] {
  const { delegation } = scene.asker;
  return termsOf(scene).map((terms) => ({
    what: nameOf(terms),
    input: inputOf(terms),
    outcome: delegation === null ? 'DelegationRefused AUTHORITY' : granting(scene, terms, delegation),
    changes: ['+delegations'],
  }));
}

/** Each delegation that there might be, by name and as it is in the asker's tenant. */
function ofEach(
  scene: Scene,
  make: (name: string, index: number, one?: Delegation) => Omit<Tried, 'what'>,
): Tried[] {
  return namesOf(scene.world, 'Delegation').map((name) => {
    const index = Number(name.slice(1));
    return { what: name, ...make(name, index, scene.a.tenant.delegations[index]) };
  });
}

const MINUTE = 60;

function narrowDelegation(scene: Scene): Tried[] {
  return ofEach(scene, (name, index, one) => {
    const may = one !== undefined && mayEnd(scene.a, index) && one.starts < MINUTE;
    return {
      input: { id: globalId('Delegation', name), expiresAt: fromNow(MINUTE) },
      outcome: !may ? 'NotFound' : found(scene, 'Delegation', name) ? `Delegation ${name}` : UNREADABLE,
      changes: one !== undefined && one.ends > MINUTE ? [changed(scene, 'delegations', name)] : [],
    };
  });
}

/** Whether the asker holds it as far as it can tell: it then renounces it, and does not revoke it. */
const holdsIt = (scene: Scene, name: string, one: Delegation | undefined) =>
  `a${one?.delegate}` === scene.a.actor && found(scene, 'Delegation', name);

function ended(scene: Scene, name: string, one: Delegation | undefined): Pick<Tried, 'changes'> {
  return { changes: one?.revoked ? [] : [changed(scene, 'delegations', name)] };
}

function revokeDelegation(scene: Scene): Tried[] {
  return ofEach(scene, (name, index, one) => ({
    input: { id: globalId('Delegation', name) },
    outcome:
      one !== undefined && !holdsIt(scene, name, one) && mayEnd(scene.a, index)
        ? `RevokedDelegation ${name}`
        : 'NotFound',
    ...ended(scene, name, one),
  }));
}

function renounceDelegation(scene: Scene): Tried[] {
  return ofEach(scene, (name, index, one) => ({
    input: { id: globalId('Delegation', name) },
    outcome:
      index === scene.asker.delegation
        ? BAD_INPUT
        : one !== undefined && holdsIt(scene, name, one) && mayEnd(scene.a, index)
          ? `RevokedDelegation ${name}`
          : 'NotFound',
    ...ended(scene, name, one),
  }));
}

function revokeAgent(scene: Scene): Tried[] {
  return namesOf(scene.world, 'Agent').map((name) => {
    const index = Number(name.slice(1));
    const held = heldBy(scene, index);
    return {
      what: name,
      input: { agentId: globalId('Agent', name) },
      outcome:
        rowOf(scene, 'agents', name) !== undefined && mayKill(scene.a, index)
          ? ['StoppedAgent', name, ...held].join(' ')
          : 'NotFound',
      changes: [...held.map((d) => changed(scene, 'delegations', d)), ...endedKeysOf(scene, name)],
    };
  });
}

export const OF_DELEGATIONS = {
  grantDelegation,
  redelegate,
  narrowDelegation,
  revokeDelegation,
  renounceDelegation,
  revokeAgent,
};
