// `bailiwick adopt status` and `validate`: how far each table is, and whether everything is as it should be.

import type pg from 'pg';
import { type Adopting, readInstallation, readTables } from '../../adoption/installation.ts';
import { SCHEMAS } from '../../adoption/names.ts';
import { wordsOf } from '../../adoption/shadow.ts';
import { type Validated, validate } from '../../adoption/validation.ts';
import type { AdoptValues } from '../adopt.ts';
import type { ExitCode, Io } from '../command.ts';
import { progress } from '../progress.ts';
import { adopting, chosen, ticketSecret, wholeOr } from './work.ts';

const PEOPLE = 20;

export async function status(client: pg.Client, values: AdoptValues, io: Io): Promise<ExitCode> {
  const { schema } = await readInstallation(client);
  const tables = chosen(await readTables(client), values);
  const { rows: phases } = await client.query<{ phase: string; ms: number; lockMs: number; steps: number }>(
    `select phase, sum(ms)::float8 as ms, max(lock_ms)::float8 as "lockMs", count(*)::int as steps
       from ${SCHEMAS.state}.journal group by 1 order by min(id)`,
  );
  if (values.json === true) {
    const said = tables.map(({ name, phase, since, step, lookedAt }) => ({
      table: name,
      phase,
      since,
      step,
      lookedAt,
    }));
    io.out(`${JSON.stringify({ schema, tables: said, phases }, null, 2)}\n`);
    return 0;
  }
  const width = Math.max(...tables.map(({ name }) => name.length));
  for (const { name, phase, since, step, lookedAt } of tables) {
    const under =
      step === null
        ? ''
        : step === 'leaving'
          ? ', being taken back'
          : `, backfill under way: ${step}, ${lookedAt} rows`;
    io.out(`${name.padEnd(width)}  ${wordsOf(phase)} since ${since.toISOString().slice(0, 19)}${under}\n`);
  }
  for (const { phase, ms, lockMs, steps } of phases) {
    io.out(
      `${phase}: ${steps} steps, ${(ms / 1000).toFixed(1)} s in all, the longest lock ${lockMs.toFixed(0)} ms\n`,
    );
  }
  return 0;
}

export async function validating(client: pg.Client, values: AdoptValues, io: Io): Promise<ExitCode> {
  const work = await adopting(client, values, io);
  const names = chosen(await readTables(client), values).map(({ name }) => name);
  const found = await lookOver(work, names, values, io);
  if (values.json === true) {
    io.out(`${JSON.stringify({ sound: isSound(found), tables: found }, null, 2)}\n`);
  } else {
    io.out(found.map(lineOf).join(''));
  }
  return isSound(found) ? 0 : 1;
}

/** Validates tables, with a bar. */
async function lookOver(
  work: Adopting,
  names: readonly string[],
  values: AdoptValues,
  io: Io,
): Promise<Validated[]> {
  const people =
    values.all === true ? Number.MAX_SAFE_INTEGER : wholeOr('people', values.people, PEOPLE, 0, 1_000_000);
  const bar = progress(io, 'tables validated');
  try {
    const { secret } = ticketSecret(io);
    return await validate(work, { names, people, secret }, (_, done, total) => bar.at(done, total));
  } finally {
    bar.end();
  }
}

/** The same where a phase changes, unless nobody wants it. */
export const lookAround = async (
  work: Adopting,
  names: readonly string[],
  values: AdoptValues,
  io: Io,
): Promise<Validated[]> =>
  values['skip-validation'] === true ? [] : await lookOver(work, names, values, io);

/** Says where tables are after a change of phase, and what was found of them then. */
export function told(
  tables: readonly { readonly table: string; readonly phase: string }[],
  found: readonly Validated[],
  { json }: AdoptValues,
  io: Io,
): ExitCode {
  io.out(
    json === true ? `${JSON.stringify({ tables, validated: found }, null, 2)}\n` : found.map(lineOf).join(''),
  );
  return isSound(found) ? 0 : 1;
}

export const isSound = (found: readonly Validated[]): boolean => found.every(({ sound }) => sound);

/** What was found of a table, in a few lines. */
export function lineOf(one: Validated): string {
  const {
    table,
    phase,
    rows,
    owners,
    unowned,
    misplaced,
    samples,
    compared,
    different,
    same,
    changedOwners,
  } = one;
  const before =
    same === undefined
      ? ''
      : same
        ? ', the same as before'
        : `, not the same as before${changedOwners === undefined ? '' : ` for ${changedOwners} owners`}: written meanwhile, or lost`;
  return [
    `${table}: ${phase === 'none' ? '' : `${phase}, `}${rows} rows${phase === 'none' ? '' : ` of ${owners} owners`}, digest ${one.digest}${before}`,
    ...(unowned > 0 ? [`  ${unowned} rows that nobody owns`] : []),
    ...(misplaced > 0
      ? [`  ${misplaced} rows that are not where the declaration says, such as ${samples.join(', ')}`]
      : []),
    ...(compared > 0
      ? [
          `  ${compared} people compared, ${different.length === 0 ? 'each sees the same both ways' : `not the same: ${different.slice(0, 5).join(', ')}`}`,
        ]
      : []),
    '',
  ].join('\n');
}
