// How far an adoption is, by its own word, and whether that is true; and where on its way it can be caught: after a time, or at a step of
// its journal.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import { catalogOf, differences } from './catalog.ts';
import { halfDone, inWords, type Marks, marksOf, type Phase } from './marks.ts';
import { KEPT, type KeptName } from './planted.ts';
import type { Ran, Stage } from './stage.ts';

type State = { readonly phase: Phase; readonly underWay: boolean };

/** How far each table is, as the database remembers it. */
export async function statesOf({
  admin,
}: Stage): Promise<{ numbers: Map<number, string>; states: Map<KeptName, State> }> {
  const { rows } = await admin((client) =>
    client.query<{ name: KeptName; number: number; phase: Phase; step: string | null }>(
      `select name, number, phase, step from bailiwick_adoption.tables`,
    ),
  );
  return {
    numbers: new Map(rows.map(({ number, name }) => [number, name])),
    states: new Map(rows.map(({ name, phase, step }) => [name, { phase, underWay: step !== null }])),
  };
}

/** The catalog in words that hold for every run. */
export async function catalogIn({ admin, set }: Stage, numbers: ReadonlyMap<number, string> = new Map()) {
  const suffix = set.database.replace('bailiwick_test_', '');
  return inWords(await admin((client) => catalogOf(client, set.roles)), numbers, suffix);
}

/** The number of the last step that was written into the journal. */
export async function lastStep(client: Client): Promise<number> {
  const { rows } = await client.query<{ there: boolean }>(
    `select to_regclass('bailiwick_adoption.journal') is not null as there`,
  );
  if (!rows[0]?.there) {
    return 0;
  }
  const journal = await client.query<{ id: number }>(
    'select coalesce(max(id), 0)::int as id from bailiwick_adoption.journal',
  );
  return journal.rows[0]?.id ?? 0;
}

/** After so many milliseconds. */
export const after = (ms: number) => async (ended: AbortSignal) => {
  const until = performance.now() + ms;
  while (!ended.aborted && performance.now() < until) {
    await sleep(Math.min(20, until - performance.now()));
  }
};

/** As soon as so many steps are done: what comes next has just begun. */
export const afterSteps =
  ({ admin }: Stage, steps: number) =>
  (ended: AbortSignal) =>
    admin(async (client) => {
      const before = await lastStep(client);
      while (!ended.aborted && (await lastStep(client)) < before + steps) {
        await sleep(1);
      }
    });

const toldBy = ({ out }: Ran) =>
  (JSON.parse(out) as { tables: readonly { table: string; phase: Phase; step: string | null }[] }).tables;

/** Nobody adopts any more: a statement that was under way is noticed by the server a little later. */
export async function gone({ admin }: Stage): Promise<void> {
  for (let patience = 600; patience > 0; patience -= 1) {
    const { rows } = await admin((client) =>
      client.query(
        `select from pg_stat_activity where datname = current_database() and application_name like 'bailiwick adopt%'`,
      ),
    );
    if (rows.length === 0) {
      return;
    }
    await sleep(50);
  }
  throw new Error('a killed command is still at work after half a minute');
}

/**
 * Whether what is said of each table is true: of the catalog, of its rows, and for who comes without a context.
 *
 * @param before The catalog when nothing was adopted.
 * @returns what is not, in words.
 */
export async function untrue(on: Stage, before: readonly string[], complete: Marks): Promise<string[]> {
  const installed = await on.admin((client) =>
    client.query<{ there: boolean }>(`select to_regclass('bailiwick_adoption.tables') is not null as there`),
  );
  const { numbers, states } = installed.rows[0]?.there
    ? await statesOf(on)
    : { numbers: new Map<number, string>(), states: new Map<KeptName, State>() };
  const found = marksOf(before, await catalogIn(on, numbers));
  const wrong: string[] = [];
  for (const table of KEPT) {
    const { phase, underWay } = states.get(table) ?? { phase: 'none', underWay: false };
    wrong.push(...halfDone(table, phase, underWay, found.get(table) ?? [], complete));
    await on.admin(async (client) => {
      if (phase !== 'none') {
        const { rows } = await client.query<{ n: number }>(
          `select count(*)::int as n from shop.${table} where bailiwick_owner is null or bailiwick_tenant is null`,
        );
        wrong.push(
          ...(rows[0]?.n === 0 ? [] : [`${table} is ${phase}, and ${rows[0]?.n} rows are nobody's`]),
        );
      }
      await client.query(`set role ${on.set.roles[0]}`);
      const { rowCount } = await client.query(`select from shop.${table} limit 1`);
      if ((rowCount === 0) !== (phase === 'strict')) {
        wrong.push(`${table} is ${phase}, and without a context ${rowCount} rows of it are seen`);
      }
    });
  }
  const said = states.size === 0 ? [] : toldBy(await on.adopt('status --json'));
  wrong.push(
    ...differences(
      [...states].map(([table, { phase, underWay }]) => `${table} ${phase} ${underWay}`),
      said.map(({ table, phase, step }) => `${table} ${phase} ${step !== null}`),
    ).map((line) => `status: ${line}`),
  );
  return wrong;
}
