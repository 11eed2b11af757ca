// `bailiwick adopt seal` and `unseal`: what stands in columns that were declared `encrypted`, and the way back.

import type pg from 'pg';
import { readTables, type TableState } from '../../adoption/installation.ts';
import { type Going, type Outcome, sealable } from '../../adoption/sealed-values.ts';
import { sealTable, unsealTable } from '../../adoption/sealing.ts';
import { wordsOf } from '../../adoption/shadow.ts';
import { readKeyConfig } from '../../config.ts';
import { openDataKeyRing } from '../../crypto/keys.ts';
import { openRoots } from '../../encryption.ts';
import type { AdoptValues } from '../adopt.ts';
import { type ExitCode, type Io, UsageError } from '../command.ts';
import { progress } from '../progress.ts';
import { isSound, lineOf, lookAround } from './state.ts';
import { adopting, chosen, paceOf } from './work.ts';

export const sealing = (client: pg.Client, values: AdoptValues, io: Io): Promise<ExitCode> =>
  each(client, values, io, 'sealed', sealTable);

export const unsealing = (client: pg.Client, values: AdoptValues, io: Io): Promise<ExitCode> =>
  each(client, values, io, 'in clear', unsealTable);

async function each(
  client: pg.Client,
  values: AdoptValues,
  io: Io,
  done: string,
  work: typeof sealTable,
): Promise<ExitCode> {
  const started = await adopting(client, values, io);
  const tables = chosen(await readTables(client), values).filter((state) => sealable(state).length > 0);
  if (tables.length === 0) {
    throw new UsageError('no column of these tables is declared encrypted');
  }
  const elsewhere = tables.filter(({ phase }) => work === sealTable && phase !== 'strict');
  if (elsewhere.length > 0) {
    throw new UsageError(
      `${elsewhere.map(({ name, phase }) => `${name} is ${wordsOf(phase)}`).join(', ')}: what is sealed is read in sessions alone, so sealing comes after strict`,
    );
  }
  const roots = await openRoots({ keys: readKeyConfig(io.env) });
  try {
    const ring = openDataKeyRing(roots);
    const outcomes: Outcome[] = [];
    for (const state of tables) {
      io.signal.throwIfAborted();
      outcomes.push(
        await withBar(io, state, (looking) =>
          work(started, state, { ring, looking, pace: paceOf(values, io) }),
        ),
      );
    }
    // what is in the values is the same as before, and what stands in the table is not
    const found = await lookAround(
      started,
      tables.map(({ name }) => name),
      values,
      io,
    );
    io.out(
      values.json === true
        ? `${JSON.stringify({ tables: outcomes, validated: found }, null, 2)}\n`
        : `${outcomes.map((one) => inWords(one, done)).join('')}${found.map((one) => lineOf({ ...one, same: undefined })).join('')}`,
    );
    return isSound(found) && outcomes.every(({ faults }) => faults.length === 0) ? 0 : 1;
  } finally {
    roots.provider.close?.();
  }
}

async function withBar(
  io: Io,
  { name }: TableState,
  work: (looking: Going['looking']) => Promise<Outcome>,
): Promise<Outcome> {
  const bar = progress(io, `rows of ${name}`);
  try {
    return await work((_, rows, total) => bar.at(rows, Math.max(rows, total)));
  } finally {
    bar.end();
  }
}

function inWords({ table, changed, moved, gone, faults }: Outcome, done: string): string {
  const said = [
    `${changed} values ${done}`,
    ...(moved > 0 ? [`${moved} sealed anew for who has them now`] : []),
    ...(gone > 0 ? [`${gone} gone, because their key was destroyed`] : []),
    ...(faults.length > 0 ? [`${faults.length} do not open, and stay as they are`] : []),
  ];
  const lines = faults
    .slice(0, 20)
    .map(({ column, key, reason }) => `  ${column} of ${key.join(' ')}: ${reason}\n`);
  return `${table}: ${said.join('; ')}\n${lines.join('')}`;
}
