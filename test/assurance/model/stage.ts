// A database for random worlds, and the one property: in a world, everybody gets what the model says.
//
// How many worlds and which is the caller's; WORLDS and SEED in the environment come first, so that a run can go on for as
// long as somebody likes: WORLDS=100000 SEED=$RANDOM npm run assure -- test/assurance/model

import fc from 'fast-check';
import pg from 'pg';
import { test as base } from 'vitest';
import { worlds } from '../../../src/assurance/generate.ts';
import { loadWorld, prepareForWorlds } from '../../../src/assurance/load.ts';
import { type Observation, type Observing, observe } from '../../../src/assurance/observe.ts';
import type { World } from '../../../src/assurance/world.ts';
import { KEY, trustTickets } from '../../kit/as.ts';
import { createTestDatabase, type TestDatabase } from '../../kit/database.ts';
import { differences, explain } from './expect.ts';

/** Which worlds: the environment's choice, or else the one given. */
export function chosen(count: number): { count: number; seed: number } {
  return { count: Number(process.env.WORLDS || count), seed: Number(process.env.SEED || 20261121) };
}

export type Stage = {
  readonly database: TestDatabase;
  readonly migrator: pg.Client;
  /** Loads a world and lets everybody try everything, or what is chosen. */
  play(world: World, observing?: Observing): Promise<Observation[]>;
};

/** vitest's `test` with a stage for the file. */
export const test = base
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern what a fixture needs
  .extend('stage', { scope: 'file' }, async ({}, { onCleanup }): Promise<Stage> => {
    const database = await createTestDatabase();
    await trustTickets(database);
    const migrator = new pg.Client(database.migratorUrl);
    const runtime = new pg.Client(database.runtimeUrl);
    await Promise.all([migrator.connect(), runtime.connect()]);
    onCleanup(async () => {
      await Promise.all([migrator.end(), runtime.end()]);
      await database.drop();
    });
    await prepareForWorlds(migrator);
    return {
      database,
      migrator,
      async play(world, observing) {
        await loadWorld(migrator, world);
        return await observe(runtime, KEY, world, observing);
      },
    };
  });

/**
 * Plays random worlds and compares each answer with the model.
 *
 * @returns how many answers were compared.
 * @throws the smallest world found in which one differs, as text.
 */
export async function compareWorlds(
  stage: Stage,
  { count, seed }: ReturnType<typeof chosen>,
): Promise<number> {
  let compared = 0;
  let played = 0;
  await fc.assert(
    fc.asyncProperty(worlds, async (world) => {
      const observations = await stage.play(world);
      const found = differences(world, observations);
      if (found.length > 0) {
        throw new Error(explain(world, found));
      }
      compared += observations.length;
      played += 1;
      if (played % 100 === 0) {
        process.stderr.write(`${played} of ${count} worlds, ${compared} answers\n`);
      }
    }),
    { seed, numRuns: count },
  );
  return compared;
}
