// `bailiwick adopt plan`: what stands between an adopter's tables and isolation. Reads in one transaction that cannot write.

import { dirname, resolve } from 'node:path';
import type pg from 'pg';
import {
  type Adoption,
  DeclarationError,
  isExempt,
  listed,
  type Source,
  wordsOf,
} from '../../adoption/declaration.ts';
import { type Inventory, tableOf, takeInventory } from '../../adoption/inventory.ts';
import { type Finding, grouped, RISKS } from '../../adoption/obstacles.ts';
import {
  type Counts,
  countPlaces,
  type Placing,
  type Questions,
  questionsIn,
} from '../../adoption/places.ts';
import { findingsIn, type Plan, planOf, type Step, type TablePlan } from '../../adoption/plan.ts';
import { propose, textOf } from '../../adoption/propose.ts';
import type { AdoptValues } from '../adopt.ts';
import type { ExitCode, Io } from '../command.ts';
import { UsageError } from '../command.ts';
import { progress } from '../progress.ts';
import { readDeclared } from './work.ts';

export async function plan(client: pg.Client, values: AdoptValues, io: Io): Promise<ExitCode> {
  const { path, adoption: declared } = await readDeclared(values);
  if (declared?.schema !== undefined && values.schema !== undefined && values.schema !== declared.schema) {
    throw new UsageError(`--schema ${values.schema}, and ${path} declares ${declared.schema}`);
  }
  await client.query('begin isolation level repeatable read read only');
  const inventory = await takeInventory(client, values.schema ?? declared?.schema ?? 'public');
  if (declared === undefined) {
    return proposing(inventory, path, values.json === true, io);
  }
  const { counts, wrong } =
    values.estimate === true
      ? { counts: new Map<string, Counts>(), wrong: new Map<string, string>() }
      : await countAll(client, inventory, declared, dirname(resolve(path)), io);
  const plan = planOf(declared, inventory, counts, wrong);
  const proposal = propose(inventory, declared);
  const clear = findingsIn(plan).every(({ risk }) => risk !== 'stop');
  if (values.json === true) {
    const { database, version, schema, role } = inventory;
    io.out(`${JSON.stringify({ clear, database, version, schema, role, ...plan, proposal }, null, 2)}\n`);
  } else {
    io.out(formatPlan(plan, declared, inventory, values.steps === true));
    const undeclared = plan.tables.filter(({ is }) => is === 'undeclared').map(({ table }) => table);
    if (undeclared.length > 0 && proposal !== undefined) {
      io.out(`\nWith what can be guessed of ${undeclared.join(', ')}:\n\n${textOf(proposal)}`);
    }
  }
  return clear ? 0 : 1;
}

function proposing(inventory: Inventory, path: string, json: boolean, io: Io): ExitCode {
  const proposal = propose(inventory);
  if (json) {
    io.out(`${JSON.stringify({ clear: false, proposal: proposal ?? null }, null, 2)}\n`);
  } else if (proposal === undefined) {
    io.err(
      `There is no ${path}, and none of ${inventory.tables.length} tables looks as if it held people.\n`,
    );
  } else {
    io.err(`There is no ${path}. A proposal, to be read before it is kept:\n\n`);
    io.out(textOf(proposal));
  }
  return 1;
}

/** Counts every declared table; what is declared and not there is said of its table, and the others are counted all the same. */
async function countAll(client: pg.Client, inventory: Inventory, adoption: Adoption, folder: string, io: Io) {
  const counts = new Map<string, Counts>();
  const wrong = new Map<string, string>();
  const asked = questionsIn(adoption).filter(([name]) => tableOf(inventory, name) !== undefined);
  const shown = progress(io, 'tables counted');
  for (const [at, [name, about]] of asked.entries()) {
    shown.at(at, asked.length);
    try {
      counts.set(name, await countPlaces(client, inventory, adoption, name, about, folder));
    } catch (error) {
      if (!(error instanceof DeclarationError)) {
        throw error;
      }
      wrong.set(name, error.message);
    }
  }
  shown.at(asked.length, asked.length);
  shown.end();
  return { counts, wrong };
}

/** A table of tables, and below each what is in the way. */
function formatPlan(plan: Plan, adoption: Adoption, inventory: Inventory, steps: boolean): string {
  const width = Math.max(...plan.tables.map(({ table }) => table.length), 8);
  const grave = ({ findings }: TablePlan) =>
    RISKS.find((risk) => findings.some((finding) => finding.risk === risk)) ?? 'low';
  const of = new Map<string, Questions>(questionsIn(adoption));
  const blocks = plan.tables.map((one) => {
    const { table, is, counts, bytes, estimatedRows, findings } = one;
    const rows = counts === undefined ? `about ${grouped(Math.max(0, estimatedRows))}` : grouped(counts.rows);
    const declared = adoption.tables[table];
    const why = declared !== undefined && isExempt(declared) ? `: ${declared.exempt}` : '';
    return [
      `${table.padEnd(width)}  ${is === 'undeclared' || is === 'exempt' ? is : `${is}, risk ${grave(one)}`}, ${rows} rows, ${size(bytes)}${why}\n`,
      ...(['owner', 'tenant', 'world'] as const).flatMap((what) => {
        const placing = counts?.[what];
        return placing === undefined
          ? []
          : [`  ${what.padEnd(width - 2)}  ${placingOf(listed(of.get(table)?.[what]), placing)}\n`];
      }),
      ...findings.map((finding) => findingOf(finding, width)),
      ...(steps ? one.steps.map((step) => stepOf(step, width)) : []),
    ].join('');
  });
  const count = (risk: string) => findingsIn(plan).filter((one) => one.risk === risk).length;
  return [
    `database ${inventory.database}, PostgreSQL ${inventory.version}, schema ${inventory.schema}, as ${inventory.role}\n\n`,
    ...blocks,
    ...(plan.findings.length > 0 ? ['\n', ...plan.findings.map((finding) => findingOf(finding, width))] : []),
    `\n${plan.tables.length} tables: ${count('stop')} stop, ${count('high')} high, ${count('low')} low.\n`,
  ].join('');
}

function placingOf(sources: readonly Source[], { by, unplaced, unknown }: Placing): string {
  return [
    ...sources.map((source, n) => `${grouped(by[n] ?? 0)} by ${wordsOf(source)}`),
    ...(unplaced > 0 ? [`${grouped(unplaced)} unplaced`] : []),
    ...(unknown > 0 ? [`${grouped(unknown)} unknown`] : []),
  ].join(', ');
}

const findingOf = ({ risk, code, what, repair }: Finding, width: number) =>
  `  ${risk.padEnd(width - 2)}  ${code}: ${what}\n  ${' '.repeat(width - 2)}  repair: ${repair}\n`;
const stepOf = ({ phase, what, lock, lasts, risk, because }: Step, width: number) =>
  `  ${phase.padEnd(width - 2)}  ${what}\n  ${' '.repeat(width - 2)}  ${lock}: ${lasts}; risk ${risk}${because === undefined ? '' : `: ${because}`}\n`;
const size = (bytes: number) =>
  bytes < 2 ** 20 ? `${Math.ceil(bytes / 1024)} KiB` : `${grouped(bytes / 2 ** 20)} MiB`;
