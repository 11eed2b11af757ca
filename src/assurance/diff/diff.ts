// Compares two sets of policies by what they do: which objects differ, what each difference alone lets people do that they could
// not before or takes away, and what all of them do together. Played in random worlds on two scratch databases.
//
// A widening that no played world shows is not found; the worlds are those in which PostgreSQL and the model are compared,
// and mutation testing says which faults they show.

import { sampleWorlds } from '../generate.ts';
import type { World } from '../world.ts';
import type { Access } from './catalog.ts';
import { changedObjects, nameOfChange } from './catalog.ts';
import { compare, type Difference, type Played, withParts } from './effect.ts';
import { openScratch, type Scratch, type Server } from './scratch.ts';
import type { Source } from './sources.ts';

export type Change = {
  /** `policy memories.update_own` */
  readonly id: string;
  /** The id and what it becomes: what a decision record names. */
  readonly name: string;
  readonly how: 'added' | 'removed' | 'changed';
  /** What it does alone; undefined when PostgreSQL takes it only together with others, and when it was not tried. */
  readonly difference: Difference | undefined;
};

export type PolicyDiff = {
  readonly from: string;
  readonly to: string;
  readonly changes: readonly Change[];
  /** All changes together. */
  readonly whole: Difference;
  readonly worlds: number;
  /** Answers compared on each side. */
  readonly answers: number;
};

export type DiffOptions = {
  readonly worlds: number;
  readonly seed: number;
  /**
   * Names of changes that were decided. Given them, a change is tried alone only where that can matter: if all together
   * widen, and if nobody decided on it yet. Enough to decide, not to explain.
   */
  readonly decided?: { has(name: string): boolean };
  /** Told before each step, of how many. */
  readonly progress?: (done: number, of: number, what: string) => void;
};

/** What a change from one source to the other does. @throws when either does not fit the tables of this tree. */
export async function diffPolicies(
  server: Server,
  from: Source,
  to: Source,
  { worlds: count, seed, decided, progress = () => undefined }: DiffOptions,
): Promise<PolicyDiff> {
  const [before, after] = await openBoth(server, from, to);
  try {
    const ids = changedObjects(before.access, after.access);
    const worlds = ids.length === 0 ? [] : sampleWorlds(seed, count);
    progress(0, ids.length + 1, 'all together');
    const [old, now] = await Promise.all([playAll(before, worlds), playAll(after, worlds)]);
    const parts = (access: Access, id: string) => access.get(id)?.parts ?? [];
    const given = (difference: Difference, id: string) =>
      withParts(difference, id, parts(before.access, id), parts(after.access, id));
    const played = compare(old, now);
    const whole = ids.reduce(given, played);
    const changes: Change[] = [];
    for (const id of ids) {
      progress(changes.length + 1, ids.length + 1, id);
      const described = describe(id, before.access, after.access);
      const difference =
        ids.length === 1 || (decided !== undefined && whole.gained === 0)
          ? played
          : decided?.has(described.name)
            ? undefined
            : await alone(before, after.access, id, worlds, old);
      changes.push({ ...described, difference: difference && given(difference, id) });
    }
    const answers = old.reduce((sum, { observations }) => sum + observations.length, 0);
    return { from: from.name, to: to.name, changes, whole, worlds: worlds.length, answers };
  } finally {
    await Promise.all([before.end(), after.end()]);
  }
}

/**
 * The names of changes that a decision must name, if all together let somebody do more: each that does so alone, and those that
 * cannot be judged alone; or all, when none does so alone.
 */
export function widenings({ changes, whole }: PolicyDiff): string[] {
  if (whole.gained === 0) {
    return [];
  }
  const blamed = changes.filter(({ difference }) => difference === undefined || difference.gained > 0);
  return (blamed.length === 0 ? changes : blamed).map(({ name }) => name);
}

async function openBoth(server: Server, from: Source, to: Source): Promise<[Scratch, Scratch]> {
  const before = await openScratch(server, from);
  try {
    return [before, await openScratch(server, to)];
  } catch (error) {
    await before.end();
    throw error;
  }
}

async function playAll(scratch: Scratch, worlds: readonly World[]): Promise<Played> {
  const played = [];
  for (const world of worlds) {
    played.push({ world, observations: await scratch.play(world) });
  }
  return played;
}

/** What one object changes when everything else stays. */
async function alone(
  before: Scratch,
  other: Access,
  id: string,
  worlds: readonly World[],
  old: Played,
): Promise<Difference | undefined> {
  try {
    return await before.withObjects(other, [id], async () => compare(old, await playAll(before, worlds)));
  } catch (error) {
    // refused by PostgreSQL, because it needs another object that is not there yet
    if ((error as { code?: string }).code === undefined) {
      throw error;
    }
    return undefined;
  }
}

function describe(id: string, from: Access, to: Access): Pick<Change, 'id' | 'name' | 'how'> {
  const how = !from.has(id) ? 'added' : to.has(id) ? 'changed' : 'removed';
  return { id, name: nameOfChange(id, to), how };
}
