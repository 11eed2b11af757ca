// The one property: in a random world, everybody gets through the server what the model says. And what a failure looks
// like: the smallest world found, with who asked for what.
//
// A world offers over a thousand mutations to its askers, each a chain of statements, so a run makes a share of them, chosen
// by a salt that is drawn with the world: the same world and salt, the same share. Reading is whole in every world. When
// something differs, smaller worlds are searched for the fields that differed and for nothing else, on every row.

import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describeAsker, describeWorld } from '../../../../src/assurance/describe.ts';
import { worlds } from '../../../../src/assurance/generate.ts';
import type { Asker, World } from '../../../../src/assurance/world.ts';
import { type Choice, type Difference, play } from './play.ts';
import type { Attempt } from './scene.ts';
import type { Stage } from './stage.ts';

export type Comparison = {
  operations: number;
  /** Rows that SQL would have shown and the second layer left out. */
  withheld: number;
  /** Answers compared, by field. */
  readonly compared: Map<string, number>;
};

export type Extent = {
  readonly count: number;
  readonly seed: number;
  /** One mutation of so many is made; 1: all. */
  readonly share: number;
};

/** Of these there are more by far than of others, and the SQL half of this instrument tries them all. */
const PLENTIFUL: ReadonlyMap<string, number> = new Map([
  ['grantDelegation', 4],
  ['redelegate', 4],
  ['createApiKey', 4],
  ['registerClient', 4],
  ['addWorldMember', 2],
]);

function sampled(salt: number, share: number): Choice {
  return (asker: Asker, { field, name }: Attempt) => {
    const digest = createHash('sha1')
      .update(`${salt} ${describeAsker(asker)} ${name}`)
      .digest();
    return share === 1 || digest.readUInt32BE() % (share * (PLENTIFUL.get(field) ?? 1)) === 0;
  };
}

/**
 * Plays random worlds and compares each answer with the model.
 *
 * @throws the smallest world found in which one differs, as text.
 */
export async function compareThroughApi(stage: Stage, { count, seed, share }: Extent): Promise<Comparison> {
  const total: Comparison = { operations: 0, withheld: 0, compared: new Map() };
  let done = 0;
  let suspects: ReadonlySet<string> | undefined;
  await fc.assert(
    fc.asyncProperty(worlds, fc.noShrink(fc.nat()), async (world, salt) => {
      const fields = suspects;
      const choice: Choice =
        fields === undefined ? sampled(salt, share) : (_, { field }) => fields.has(field);
      const played = await play(stage, world, choice);
      const differences = played.differences.filter(({ field }) => fields?.has(field) ?? true);
      if (differences.length > 0) {
        suspects ??= new Set(differences.map(({ field }) => field));
        throw new Error(explain(world, differences));
      }
      total.operations += played.operations;
      total.withheld += played.withheld;
      for (const [field, answers] of played.compared) {
        total.compared.set(field, (total.compared.get(field) ?? 0) + answers);
      }
      done += 1;
      if (count > 25 && done % 25 === 0) {
        process.stderr.write(`${done} of ${count} worlds, ${total.operations} operations\n`);
      }
    }),
    { seed, numRuns: count },
  );
  return total;
}

/** Differences and their world, for whoever has to understand them. */
export function explain(world: World, differences: readonly Difference[]): string {
  const shown = differences
    .slice(0, 5)
    .map(({ asker, name, model, api }) =>
      [
        `${asker === undefined ? 'nobody' : describeAsker(asker)}: ${name}`,
        `  the model ${model || '(no row)'}`,
        `  the API   ${api || '(no row)'}`,
      ].join('\n'),
    );
  const more = differences.length > shown.length ? [`and ${differences.length - shown.length} more`] : [];
  return ['', describeWorld(world), '', ...shown, ...more, ''].join('\n');
}
