// `bailiwick adopt rollback` and `remove`: the way back.

import type pg from 'pg';
import { isInstalled, PHASES, type PhaseName, readTables } from '../../adoption/installation.ts';
import { remove, rollBack } from '../../adoption/rollback.ts';
import { wordsOf } from '../../adoption/shadow.ts';
import type { AdoptValues } from '../adopt.ts';
import { type ExitCode, type Io, UsageError } from '../command.ts';
import { lookAround, told } from './state.ts';
import { adopting, chosen } from './work.ts';

export async function rollingBack(client: pg.Client, values: AdoptValues, io: Io): Promise<ExitCode> {
  const { to } = values;
  if (to !== undefined && !PHASES.slice(0, 3).some((phase) => phase === to)) {
    throw new UsageError(`--to ${to}: say none, owned or shadow`);
  }
  const work = await adopting(client, values, io);
  const tables = chosen(await readTables(client), values);
  // what is furthest goes back by one, and the others no further than that: called again after an interruption, it does what was left
  const furthest = Math.max(0, ...tables.map(({ phase }) => PHASES.indexOf(phase)));
  const target = (to as PhaseName | undefined) ?? (PHASES[Math.max(0, furthest - 1)] as PhaseName);
  for (const { name } of tables) {
    io.signal.throwIfAborted();
    await rollBack(work, name, target);
  }
  const after = chosen(await readTables(client), values);
  if (values.json !== true) {
    const width = Math.max(...after.map(({ name }) => name.length));
    for (const { name, phase } of after) {
      io.out(`${name.padEnd(width)}  ${wordsOf(phase)}\n`);
    }
  }
  const found = await lookAround(
    work,
    after.map(({ name }) => name),
    values,
    io,
  );
  return told(
    after.map(({ name, phase }) => ({ table: name, phase })),
    found,
    values,
    io,
  );
}

export async function removing(client: pg.Client, values: AdoptValues, io: Io): Promise<ExitCode> {
  if (values.yes !== true) {
    throw new UsageError(
      'remove takes every table back and drops what was installed, delegations too: say --yes if that is what you want',
    );
  }
  if (!(await isInstalled(client))) {
    io.out('There is nothing to remove: nothing is adopted in this database.\n');
    return 0;
  }
  const work = await adopting(client, values, io);
  const kept = await remove(work);
  io.out('Removed: policies, constraints, indexes, triggers, columns, and the three schemas.\n');
  if (kept.length > 0) {
    io.out(`Left: ${kept.join(', ')}, which another database of this server uses.\n`);
  }
  return 0;
}
