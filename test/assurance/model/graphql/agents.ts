// What the model says of every mutation of users and agents.

import type { Principal } from '../../../../src/assurance/world.ts';
import { mayKill } from '../granting.ts';
import { inPerson, mayInsert } from '../rules.ts';
import { endedKeysOf } from './keys.ts';
import {
  changeable,
  changed,
  DESTROYED,
  FORBIDDEN,
  found,
  globalId,
  namesOf,
  rowOf,
  type Scene,
  sealingFor,
  seesNew,
  type Tried,
  UNREADABLE,
  updated,
} from './scene.ts';

const NEW_ENTITY = { kind: 'agent', status: 'active' } as const;

function createAgent(scene: Scene): Tried[] {
  const { a, world } = scene;
  const row = { tenant: a.at, owner: a.owner };
  const makes =
    mayInsert(a, 'entities', { ...row, kind: 'agent' }) &&
    seesNew(scene, 'entities', NEW_ENTITY) &&
    mayInsert(a, 'agents', row) &&
    seesNew(scene, 'agents', {});
  const made = ['+agents', '+entities'];
  return [
    { what: 'alone', input: {}, outcome: makes ? 'Agent' : FORBIDDEN, changes: made },
    {
      what: 'with instructions',
      input: { systemPrompt: 'new' },
      outcome: makes && instructs(scene, 'new') ? 'Agent' : FORBIDDEN,
      changes: ['+agent_instructions', '+data_keys', ...made],
    },
    ...namesOf(world, 'Agent').map((parent) => ({
      what: `below ${parent}`,
      input: { parentId: globalId('Agent', parent) },
      outcome: !found(scene, 'Agent', parent) ? 'NotFound' : makes ? 'Agent' : FORBIDDEN,
      changes: made,
    })),
  ].map((tried) => ({ ...tried, input: { name: 'new', ...tried.input } }));
}

function updateAgent(scene: Scene): Tried[] {
  return namesOf(scene.world, 'Agent').flatMap((name): Tried[] => {
    const id = globalId('Agent', name);
    const seen = found(scene, 'Agent', name);
    return [
      {
        what: `${name}'s name`,
        input: { id, name: 'marked' },
        outcome: seen && changeable(scene, rowOf(scene, 'agents', name)) ? `Agent ${name}` : 'NotFound',
        changes: [changed(scene, 'agents', name)],
      },
      {
        // of an agent that it may know, everybody may know that it has instructions
        what: `${name}'s instructions`,
        input: { id, systemPrompt: 'marked' },
        outcome: !seen ? 'NotFound' : outcomeOfInstructing(scene, name as Principal),
        changes: [
          ...(sealingFor(scene, name as Principal)?.made ?? []),
          rowOf(scene, 'agent_instructions', name) === undefined
            ? '+agent_instructions'
            : changed(scene, 'agent_instructions', name),
        ],
      },
    ];
  });
}

/** Sealed before it is written: by whoever may have the key, whatever it may write. */
function outcomeOfInstructing(scene: Scene, name: Principal): string {
  if (!inPerson(scene.a)) {
    return FORBIDDEN;
  }
  if (sealingFor(scene, name) === undefined) {
    return DESTROYED;
  }
  return instructs(scene, name) ? `Agent ${name}` : FORBIDDEN;
}

function instructs(scene: Scene, name: string): boolean {
  const told = rowOf(scene, 'agent_instructions', name);
  const row = { tenant: scene.a.at, owner: scene.a.owner };
  return told === undefined
    ? mayInsert(scene.a, 'agent_instructions', row) && seesNew(scene, 'agent_instructions', {})
    : changeable(scene, told);
}

/** Status and ceiling: of agents of the owner; what may be changed and not be read back is refused. */
function ofEntity(scene: Scene, name: string): string {
  const entity = rowOf(scene, 'entities', name);
  const may = changeable(scene, entity) && entity.owner === scene.a.owner;
  return !may ? 'NotFound' : found(scene, 'Agent', name) ? `Agent ${name}` : UNREADABLE;
}

function ofEach(
  scene: Scene,
  make: (name: string, index: number) => Pick<Tried, 'input'> & Partial<Pick<Tried, 'changes'>>,
): Tried[] {
  return namesOf(scene.world, 'Agent').map((name) => ({
    what: name,
    outcome: ofEntity(scene, name),
    changes: [changed(scene, 'entities', name)],
    ...make(name, Number(name.slice(1))),
  }));
}

function setAgentStatus(scene: Scene): Tried[] {
  return ofEach(scene, (name, index) => {
    const active = scene.a.tenant.agents[index]?.status === 'active';
    return { input: { id: globalId('Agent', name), status: active ? 'SUSPENDED' : 'ACTIVE' } };
  });
}

function setAgentCeiling(scene: Scene): Tried[] {
  return ofEach(scene, (name, index) => {
    const none = scene.a.tenant.agents[index]?.ceiling === null;
    return { input: { id: globalId('Agent', name), capabilities: none ? ['memory:read'] : null } };
  });
}

function deleteAgent(scene: Scene): Tried[] {
  return ofEach(scene, (name, index) => ({
    input: { id: globalId('Agent', name) },
    // archived, an agent holds nothing that counts; its delegations and keys end by themselves only where the token may end them
    changes: [
      changed(scene, 'entities', name),
      ...(mayKill(scene.a, index)
        ? [...heldBy(scene, index).map((d) => changed(scene, 'delegations', d)), ...endedKeysOf(scene, name)]
        : []),
    ],
  }));
}

/** What an agent holds that was not revoked before. */
export function heldBy({ a }: Scene, agent: number): string[] {
  return a.tenant.delegations.flatMap(({ delegate, revoked }, n) =>
    delegate === agent && !revoked ? [`d${n}`] : [],
  );
}

function updateProfile(scene: Scene): Tried[] {
  const { owner } = scene.a;
  return [
    {
      what: 'name',
      input: { displayName: 'marked' },
      outcome: updated(scene, 'User', owner),
      changes: [changed(scene, 'users', owner)],
    },
  ];
}

export const OF_AGENTS = {
  createAgent,
  updateAgent,
  setAgentStatus,
  setAgentCeiling,
  deleteAgent,
  updateProfile,
};
