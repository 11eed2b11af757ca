// vitest's `test`, extended with the cast: a database of the file's own in which alice, scout, bob, mallory and the others
// exist (src/demo), and the ways of becoming one of them.
//
// The database is made when the first test asks for it and dropped after the last; transactions are rolled back.

import { test as base } from 'vitest';
import type { ActorName } from '../../src/demo/cast.ts';
import { DELEGATIONS, type DelegationName } from '../../src/demo/delegations.ts';
import { seedCast } from '../../src/demo/seed.ts';
import { type Acting, as, ISSUER, migrate, raw, type Sql } from './as.ts';
import { createTestDatabase } from './database.ts';
import { testKeys } from './keys.ts';

export type { Sql } from './as.ts';

type Work<Result> = (sql: Sql) => Promise<Result>;

/** Acting under each delegation of the cast: `as('scout', through.scout, ...)`. */
export const through = Object.fromEntries(
  Object.entries(DELEGATIONS).map(([name, { id }]) => [name, { delegation: id }]),
) as Readonly<Record<DelegationName, Pick<Acting, 'delegation'>>>;

/** Acting with nothing special: as itself. */
export const itself: Acting = {};

export const test = base
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern what a fixture needs
  .extend('database', { scope: 'file' }, async ({}, { onCleanup }) => {
    const database = await createTestDatabase();
    onCleanup(() => database.drop());
    await seedCast(database.migratorUrl, { issuer: ISSUER, keys: testKeys() });
    return database;
  })
  .extend('as', { scope: 'file' }, ({ database }) => {
    return <Result>(actor: ActorName, acting: Acting, work: Work<Result>) =>
      as(database, actor, acting, work);
  })
  .extend('raw', { scope: 'file' }, ({ database }) => {
    return <Result>(work: Work<Result>) => raw(database, work);
  })
  .extend('migrate', { scope: 'file' }, ({ database }) => {
    return <Result>(work: Work<Result>) => migrate(database, work);
  });
