// `bailiwick adopt backfill`, `shadow` and `strict`: the way forward, one phase at a time.

import { resolve } from 'node:path';
import type pg from 'pg';
import { backfill } from '../../adoption/backfill.ts';
import { Expressions } from '../../adoption/expressions.ts';
import { lookAnew, readFindings, readLooking } from '../../adoption/findings.ts';
import {
  type Adopting,
  beginAdopting,
  install,
  PHASES,
  readTables,
  type TableState,
} from '../../adoption/installation.ts';
import { takeInventory } from '../../adoption/inventory.ts';
import { AdoptionError } from '../../adoption/kernel.ts';
import { changePhase, wordsOf } from '../../adoption/shadow.ts';
import type { AdoptValues } from '../adopt.ts';
import { type ExitCode, type Io, UsageError } from '../command.ts';
import { progress } from '../progress.ts';
import { findingLine } from './findings.ts';
import { isSound, lineOf, lookAround, told } from './state.ts';
import {
  adopting,
  chosen,
  milliseconds,
  paceOf,
  patienceOf,
  readDeclared,
  telling,
  ticketSecret,
} from './work.ts';

const DAY = '24h';

export async function backfilling(client: pg.Client, values: AdoptValues, io: Io): Promise<ExitCode> {
  const { path, folder, adoption } = await readDeclared(values);
  if (adoption === undefined) {
    throw new UsageError(`there is no ${path}: bailiwick adopt plan proposes one`);
  }
  const pace = paceOf(values, io);
  await beginAdopting(client);
  const inventory = await takeInventory(client, adoption.schema ?? 'public');
  const work: Adopting = {
    client,
    adoption,
    inventory,
    expressions: new Expressions(inventory),
    patience: patienceOf(values),
    told: telling(io),
  };
  const { secret, file } = ticketSecret(io);
  const { kid, fresh } = await install(work, secret, resolve(folder));
  if (values.json !== true) {
    io.err(
      `${fresh ? 'installed' : 'there'}: schemas bailiwick, bailiwick_data, bailiwick_adoption; tickets are signed with ${kid}${
        file === undefined ? '' : `, in ${file}: the application needs the same`
      }\n`,
    );
  }
  const tables = chosen(await readTables(client), values);
  const begun = tables.filter(({ phase, step }) => phase === 'none' && step === null).map(({ name }) => name);
  await lookAround(work, begun, values, io);
  let bar: { readonly of: string; readonly shown: ReturnType<typeof progress> } | undefined;
  const done = await backfill(
    work,
    tables.map(({ name }) => name),
    pace,
    (what, at, total) => {
      if (bar?.of !== what) {
        bar?.shown.end();
        bar = { of: what, shown: progress(io, `rows of ${what}`) };
      }
      bar.shown.at(at, Math.max(at, total));
    },
  );
  bar?.shown.end();
  const after = await readTables(client);
  const complete = done.flatMap(({ table, owned }) => (owned ? [table] : []));
  const found = await lookAround(work, complete, values, io);
  if (values.json === true) {
    io.out(`${JSON.stringify({ tables: done, validated: found }, null, 2)}\n`);
  } else {
    const width = Math.max(...after.map(({ name }) => name.length));
    for (const { name, phase } of chosen(after, values)) {
      const said = done.find(({ table }) => table === name);
      const aside = Object.entries(said?.quarantined ?? {}).map(([reason, rows]) => `${rows} ${reason}`);
      io.out(
        `${name.padEnd(width)}  ${
          said?.owned === false
            ? `${said.unplaced} rows that no source places: add one, or declare who gets them, and call it again`
            : `${phase === 'none' ? 'not begun' : wordsOf(phase)}${aside.length > 0 ? `; in quarantine: ${aside.join(', ')}` : ''}`
        }\n`,
      );
    }
    io.out(found.map(lineOf).join(''));
  }
  return isSound(found) && done.every(({ owned }) => owned) ? 0 : 1;
}

export async function shadowing(client: pg.Client, values: AdoptValues, io: Io): Promise<ExitCode> {
  return await advance(client, values, io, 'owned', 'shadow', async () => []);
}

export async function strictly(client: pg.Client, values: AdoptValues, io: Io): Promise<ExitCode> {
  const period = milliseconds('period', values.period ?? DAY);
  return await advance(client, values, io, 'shadow', 'strict', async (work, tables) => {
    const findings = (await readFindings(work.client)).filter(({ accepted }) => accepted === null);
    const looking = await readLooking(work.client);
    const lost = tables.filter(({ name }) => !looking.has(name)).map(({ name }) => name);
    await lookAnew(work.client, lost);
    return tables.flatMap(({ name }) => {
      const since = looking.get(name);
      if (since === undefined) {
        return [
          `${name}: what was seen was lost when the server crashed; it is looked at anew from now on\n`,
        ];
      }
      // who does not want to wait must have an explanation for everything since the phase began
      const from = period === 0 ? since : new Date(Date.now() - period);
      const open = findings.filter(({ table, lastAt }) => table === name && lastAt >= from);
      return [
        ...(since > from
          ? [`${name}: in shadow since ${since.toISOString()}, which is not yet ${values.period ?? DAY}\n`]
          : []),
        ...open.map((one) => findingLine(one)),
      ];
    });
  });
}

/** Takes tables of one phase to the next; those that are there already are left. */
async function advance(
  client: pg.Client,
  values: AdoptValues,
  io: Io,
  from: 'owned' | 'shadow',
  to: 'shadow' | 'strict',
  against: (work: Adopting, tables: readonly TableState[]) => Promise<readonly string[]>,
): Promise<ExitCode> {
  const work = await adopting(client, values, io);
  const tables = chosen(await readTables(client), values);
  const ready = tables.filter(({ phase }) => phase === from);
  const behind = tables.filter(({ phase }) => PHASES.indexOf(phase) < PHASES.indexOf(from));
  if (behind.length > 0) {
    throw new AdoptionError(
      `${behind.map(({ name, phase }) => `${name} is ${wordsOf(phase)}`).join(', ')}: ${to} comes after ${from}`,
    );
  }
  const objections = await against(work, ready);
  if (objections.length > 0) {
    for (const one of objections) {
      io.err(one);
    }
    io.err(
      `Nothing was changed. Mend the code behind these, or say why they are as they should be (bailiwick adopt accept), or look over another --period.\n`,
    );
    return 1;
  }
  for (const { name } of ready) {
    io.signal.throwIfAborted();
    await changePhase(work, name, to);
    if (values.json !== true) {
      io.err(`${name}: ${to}\n`);
    }
  }
  if (values.json !== true) {
    io.out(`${ready.length} of ${tables.length} tables went from ${from} to ${to}; the others were there.\n`);
  }
  const found = await lookAround(
    work,
    ready.map(({ name }) => name),
    values,
    io,
  );
  return told(
    tables.map(({ name }) => ({ table: name, phase: to })),
    found,
    values,
    io,
  );
}
