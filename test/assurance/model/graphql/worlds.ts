// What the model says of every mutation of worlds and memberships, and of memories.

import type { Row } from '../../../../src/assurance/rows.ts';
import { alive, mayInsert, maySee, shares } from '../rules.ts';
import { staysSealed } from '../sealing.ts';
import {
  BAD_INPUT,
  changeable,
  changed,
  DESTROYED,
  FORBIDDEN,
  found,
  globalId,
  NO_SUCH,
  namesOf,
  removing,
  rowOf,
  type Scene,
  sealingFor,
  seesNew,
  type Tried,
  UNREADABLE,
  updated,
} from './scene.ts';

const NEW = -1;

function createWorld(scene: Scene): Tried[] {
  const { a } = scene;
  const row = { tenant: a.at, owner: a.owner };
  const member = { place: NEW, user: Number(a.owner.slice(1)) };
  const makes =
    mayInsert(a, 'entities', { ...row, kind: 'world' }) &&
    seesNew(scene, 'entities', { kind: 'world', status: 'active', place: NEW }) &&
    mayInsert(a, 'worlds', row) &&
    seesNew(scene, 'worlds', { place: NEW }) &&
    mayInsert(a, 'world_members', { ...row, ...member }) &&
    seesNew(scene, 'world_members', member);
  return [
    {
      what: 'alone',
      input: { name: 'new' },
      outcome: makes ? 'World' : FORBIDDEN,
      changes: ['+entities', '+world_members', '+worlds'],
    },
  ];
}

function updateWorld(scene: Scene): Tried[] {
  return namesOf(scene.world, 'World').map((name) => ({
    what: name,
    input: { id: globalId('World', name), name: 'marked' },
    outcome: updated(scene, 'World', name),
    changes: [changed(scene, 'worlds', name)],
  }));
}

function deleteWorld(scene: Scene): Tried[] {
  return namesOf(scene.world, 'World').map((name) => {
    const entity = rowOf(scene, 'entities', name);
    const may = changeable(scene, entity) && entity.owner === scene.a.owner;
    return {
      what: name,
      input: { id: globalId('World', name) },
      outcome: !may ? 'NotFound' : found(scene, 'World', name) ? `World ${name}` : UNREADABLE,
      changes: [changed(scene, 'entities', name)],
    };
  });
}

function addWorldMember(scene: Scene): Tried[] {
  return namesOf(scene.world, 'World').flatMap((world) =>
    namesOf(scene.world, 'User').map((user) => ({
      what: `${user} to ${world}`,
      input: { worldId: globalId('World', world), userId: globalId('User', user) },
      outcome: outcomeOfAdding(scene, world, user),
      changes: ['+world_members'],
    })),
  );
}

function outcomeOfAdding(scene: Scene, world: string, user: string): string {
  const { a, rows } = scene;
  const [place, index] = [world, user].map((name) => Number(name.slice(1)));
  const there = rows.find(
    (row) => row.table === 'world_members' && row.place === place && row.user === index,
  );
  if (!found(scene, 'World', world) || rowOf(scene, 'worlds', world)?.owner !== a.owner) {
    return 'NotFound';
  }
  if (there !== undefined && found(scene, 'WorldMember', there.name)) {
    return 'AlreadyThere';
  }
  const member = { place: place ?? NEW, user: index ?? NEW };
  const row = { tenant: a.at, owner: a.owner, ...member };
  if (!mayInsert(a, 'world_members', row) || !seesNew(scene, 'world_members', member)) {
    return FORBIDDEN;
  }
  // an owner takes part as the owner and never as a member
  return user === a.owner ? BAD_INPUT : rowOf(scene, 'users', user) === undefined ? NO_SUCH : 'WorldMember';
}

function updateWorldMember(scene: Scene): Tried[] {
  return namesOf(scene.world, 'WorldMember').map((name) => ({
    what: name,
    input: {
      id: globalId('WorldMember', name),
      role: rowOf(scene, 'world_members', name)?.guest ? 'MEMBER' : 'GUEST',
    },
    outcome: updated(scene, 'WorldMember', name),
    changes: [changed(scene, 'world_members', name)],
  }));
}

const removeWorldMember = (scene: Scene): Tried[] => removing(scene, 'WorldMember', 'RemovedMember');

type Note = {
  readonly agent?: string;
  readonly world?: string;
  readonly sensitive?: true;
  readonly shared?: true;
};

const noteInput = ({ agent, world, sensitive, shared }: Note) => ({
  content: 'new',
  ...(sensitive && { sensitive }),
  ...(shared && { shared }),
  ...(agent === undefined ? {} : { agentId: globalId('Agent', agent) }),
  ...(world === undefined ? {} : { worldId: globalId('World', world) }),
});

/** Of writing notes, one or several; undefined when nothing stands against it. */
function refusalOfNotes(scene: Scene, notes: readonly Note[]): string | undefined {
  const { a } = scene;
  const underChain = a.chain.length > 0;
  if (notes.some(({ shared, world }) => shared && world === undefined)) {
    return BAD_INPUT;
  }
  const unknown = notes.some(
    ({ agent, world }) =>
      // under a delegation the acting agent may name itself without being allowed to read agents
      (agent !== undefined && !(underChain && agent === a.actor) && !found(scene, 'Agent', agent)) ||
      (world !== undefined && !found(scene, 'World', world)),
  );
  if (unknown) {
    return 'NotFound';
  }
  if (notes.some(({ sensitive }) => sensitive) && sealingFor(scene, a.owner) === undefined) {
    return DESTROYED;
  }
  const placeOf = ({ world }: Note) => (world === undefined ? null : Number(world.slice(1)));
  const may = notes.every((note) =>
    mayInsert(a, 'memories', {
      ...{ tenant: a.at, owner: a.owner, place: placeOf(note) },
      ...(note.shared && { shared: true }),
    }),
  );
  if (!may) {
    return FORBIDDEN;
  }
  // a note names an agent of its owner's, which an agent by itself is not
  const agents = notes.flatMap(({ agent }) => agent ?? []);
  return agents.every((agent) => rowOf(scene, 'agents', agent)?.owner === a.owner) ? undefined : NO_SUCH;
}

function notesOf(scene: Scene): Note[] {
  const { a, world } = scene;
  return [
    {},
    // without any authority the answer depends on whether the server remembers that the keys were destroyed
    ...(alive(a) || sealingFor(scene, a.owner) !== undefined ? [{ sensitive: true } as const] : []),
    ...namesOf(world, 'Agent').map((agent) => ({ agent })),
    ...namesOf(world, 'World').map((name) => ({ world: name })),
    ...namesOf(world, 'World').map((name) => ({ world: name, shared: true }) as const),
    { shared: true } as const,
  ];
}

const nameOfNote = ({ agent, world, sensitive, shared }: Note) =>
  `${agent ?? world ?? (sensitive ? 'a secret' : 'nobody')}${shared ? ', shared' : ''}`;
/** The first key of the owner, where a note is the first that is sealed. */
const keyFor = (scene: Scene, { sensitive }: Note): readonly string[] =>
  sensitive ? (sealingFor(scene, scene.a.owner)?.made ?? []) : [];

function createMemory(scene: Scene): Tried[] {
  return notesOf(scene).map((note) => {
    const { world } = note;
    const place = world === undefined ? null : Number(world.slice(1));
    const read = maySee(scene.a, {
      table: 'memories',
      tenant: scene.a.at,
      name: 'new',
      owner: scene.a.owner,
      place,
    });
    return {
      what: `with ${nameOfNote(note)}`,
      input: noteInput(note),
      outcome: refusalOfNotes(scene, [note]) ?? (read ? 'Memory' : UNREADABLE),
      changes: ['+memories', ...keyFor(scene, note)],
    };
  });
}

function createMemories(scene: Scene): Tried[] {
  return notesOf(scene).map((note) => ({
    what: `with nobody and ${nameOfNote(note)}`,
    input: { memories: [noteInput({}), noteInput(note)] },
    outcome: refusalOfNotes(scene, [{}, note]) ?? 'CreatedMemories',
    changes: ['+memories', '+memories', ...keyFor(scene, note)],
  }));
}

type Change = { readonly content?: string; readonly sensitive?: boolean; readonly shared?: boolean };
const CHANGES: readonly Change[] = [
  { content: 'marked' },
  { sensitive: true },
  { sensitive: false },
  { shared: true },
  { shared: false },
];

/** New content; to be sensitive or no longer: then what stands there is sealed or opened; to be shared or taken back. */
function updateMemory(scene: Scene): Tried[] {
  return namesOf(scene.world, 'Memory').flatMap((name) =>
    CHANGES.map((change: Change) => {
      const row = rowOf(scene, 'memories', name);
      const may = row !== undefined && found(scene, 'Memory', name) && changeable(scene, row);
      const seals =
        typeof row?.sealed === 'number' ? change.content !== undefined : change.sensitive === true;
      return {
        what: `${name}: ${Object.entries(change).join(' ')}`,
        input: { id: globalId('Memory', name), ...change },
        outcome: may ? (refusalOfChange(scene, row, seals, change) ?? `Memory ${name}`) : 'NotFound',
        changes: [
          changed(scene, 'memories', name),
          ...(seals ? (sealingFor(scene, scene.a.owner)?.made ?? []) : []),
        ],
      };
    }),
  );
}

function refusalOfChange(
  scene: Scene,
  row: Row,
  seals: boolean,
  { sensitive, shared = row.shared === true }: Change,
): string | undefined {
  const { a } = scene;
  if (seals && sealingFor(scene, a.owner) === undefined) {
    return DESTROYED;
  }
  if (sensitive === false && a.tenant.dataKeys[row.sealed ?? -1]?.state === 'destroyed') {
    return DESTROYED;
  }
  // what is not written anew stays under its key, which must count
  if ((sensitive !== false && !staysSealed(a, row)) || (shared && !shares(a, row.place, 'update'))) {
    return FORBIDDEN;
  }
  // what is sensitive is not shared
  const hidden = sensitive ?? typeof row.sealed === 'number';
  return shared && hidden ? BAD_INPUT : undefined;
}

const deleteMemory = (scene: Scene): Tried[] => removing(scene, 'Memory', 'DeletedMemory');

export const OF_WORLDS = {
  createWorld,
  updateWorld,
  deleteWorld,
  addWorldMember,
  updateWorldMember,
  removeWorldMember,
  createMemory,
  createMemories,
  updateMemory,
  deleteMemory,
};
