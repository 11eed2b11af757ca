// Columns that were declared `encrypted`: their values sealed, each with its owner's key and bound to its place, and opened again.
//
// In batches by the table's key (sealed-values.ts). What is written in clear meanwhile is met by a second pass, after which the constraint holds
// for all. Called again it goes on, and seals anew what has moved to another owner since.

import { looksSealed } from '../crypto/envelope.ts';
import type { Adopting, TableState } from './installation.ts';
import { columnOf } from './inventory.ts';
import { AdoptionError } from './kernel.ts';
import { ADDED, isEnvelope, quoted, SCHEMAS, sealedCheck } from './names.ts';
import { type Going, type Outcome, outcomeOf, sealable, tally, type Work, walk } from './sealed-values.ts';
import { runStep } from './steps.ts';

/**
 * Seals everything that stands in clear in the declared columns of a table, lets nothing else in from then on, and seals anew what
 * has come to another owner.
 *
 * @throws {AdoptionError} where the table is not strict: without a session nobody can read what is sealed.
 */
export async function sealTable(adopting: Adopting, state: TableState, going: Going): Promise<Outcome> {
  const { client, expressions } = adopting;
  const { name } = state;
  if (state.phase !== 'strict') {
    throw new AdoptionError(`${name} is not strict: code without a session could not read what is sealed`);
  }
  const table = expressions.name(name);
  const columns = sealable(state);
  const tallied = tally();
  const work: Work = ({ stored, own, opened, sealed }) =>
    own ? stored : sealed(looksSealed(stored) ? opened() : stored);
  const step = (what: string, sql: string, nobodyWaits = false) =>
    runStep(
      adopting,
      { table: name, phase: 'sealed', step: what, ...(nobodyWaits ? { nobodyWaits: true } : {}) },
      async () => {
        await client.query(sql);
      },
    );
  const where = columns.map(notSealedFor);
  const pass = () => walk(adopting, state, { ...going, where, work, tallied });
  await pass();
  const only = columns.map((one) => `${quoted(one)} is null or ${isEnvelope(quoted(one))}`);
  await step(
    'nothing in clear, not validated',
    `alter table ${table} drop constraint if exists ${sealedCheck},
       add constraint ${sealedCheck} check (${only.map((one) => `(${one})`).join(' and ')}) not valid`,
  );
  await pass();
  // what could not be sealed is told of, and stays the only thing in clear
  if (tallied.faults.size === 0) {
    await step(
      'nothing in clear, validated',
      `alter table ${table} validate constraint ${sealedCheck}`,
      true,
    );
  }
  return outcomeOf(name, tallied);
}

/** Opens everything that is sealed in the declared columns of a table, in whatever phase it is, and lets values in clear in again. */
export async function unsealTable(adopting: Adopting, state: TableState, going: Going): Promise<Outcome> {
  const { name } = state;
  const tallied = tally();
  await runStep(adopting, { table: name, phase: 'opened', step: 'values in clear' }, async () => {
    await adopting.client.query(
      `alter table ${adopting.expressions.name(name)} drop constraint if exists ${sealedCheck}`,
    );
  });
  const where = sealable(state).map((one) => isEnvelope(`t.${quoted(one)}`));
  await walk(adopting, state, { ...going, where, work: ({ opened }) => opened(), tallied });
  return outcomeOf(name, tallied);
}

/** How many values of a table are sealed under keys that are still there: what nothing could open after the keys are gone. */
export async function countSealed({ client, expressions }: Adopting, state: TableState): Promise<number> {
  const columns = sealable(state).filter((one) => columnOf(expressions.table(state.name), one) !== undefined);
  if (columns.length === 0) {
    return 0;
  }
  const { rows } = await client.query<{ values: number }>(
    `select count(*)::float8 as values from ${expressions.name(state.name)} t
       cross join lateral unnest(array[${columns.map((one) => `t.${quoted(one)}`).join(', ')}]::text[]) v (stored)
       join ${SCHEMAS.data}.data_keys k on replace(k.id::text, '-', '') = substr(v.stored, 6, 32)
      where ${isEnvelope('v.stored')} and k.wrapped is not null`,
  );
  return rows[0]?.values ?? 0;
}

/** That a value is in clear, or under a key that is not its owner's, as a condition over `t`. */
const notSealedFor = (column: string): string => `t.${quoted(column)} is not null and not exists (
  select from ${SCHEMAS.data}.data_keys d
   where d.tenant_id = t.${ADDED.tenant} and d.holder_id = t.${ADDED.owner}
     and starts_with(t.${quoted(column)}, 'bwe1.' || replace(d.id::text, '-', '') || '.'))`;
