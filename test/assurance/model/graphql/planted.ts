// Faults that are planted into the policies or the kernel of a stage's database, and by which answers the comparison through GraphQL
// notices them. The fault is taken back when the test is over. Which faults there are is for the tests.

import { onTestFinished } from 'vitest';
import type { World } from '../../../../src/assurance/world.ts';
import { applyPolicies } from '../../../../src/db/policies.ts';
import { asAdmin } from '../../../kit/database.ts';
import { play } from './play.ts';
import type { Stage } from './stage.ts';

/** A function of the kernel with other words in it. */
export const rewritten = (name: string, from: string, to: string) => `
  do $do$
  declare
    was text := pg_get_functiondef('bailiwick.${name}'::regproc);
  begin
    assert position('${from}' in was) > 0, 'the words are not there';
    execute replace(was, '${from}', '${to}');
  end $do$`;

/**
 * Plants a fault, and plays worlds until an answer differs.
 *
 * @param mutation The one that is tried; left out, nothing but reading.
 * @returns the fields whose answers differed.
 */
export async function noticedBy(
  stage: Stage,
  fault: string,
  mutation: string | undefined,
  worlds: readonly World[],
): Promise<string[]> {
  await asAdmin(stage.database.adminUrl, (admin) => admin.query(fault));
  onTestFinished(async () => {
    await applyPolicies(stage.database.migratorUrl, { force: true });
  });
  for (const world of worlds) {
    const { differences } = await play(stage, world, (_, { field }) => field === mutation);
    if (differences.length > 0) {
      return [...new Set(differences.map(({ field }) => field))];
    }
  }
  return [];
}
