// The command that adopts is killed outright, at fifty points of the way forward and back, while old and new code are at work. Whenever it is
// called again it goes on; what it says of a table is true of the catalog at every moment; and in the end all is as if nobody had disturbed it.
//
// What is complete is read off from an undisturbed run on the same data. SEED=… chooses the same points again, KILLS=… another number of
// them; where in a statement they fall stays chance. Left out of `npm test`.

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, inject, onTestFinished, test } from 'vitest';
import { report } from '../../kit/report.ts';
import { dice, SEED } from '../concurrency/dice.ts';
import { differences } from './catalog.ts';
import { compare } from './digests.ts';
import { type Old, startLoad } from './load.ts';
import { type Marks, marksOf, type Phase } from './marks.ts';
import { misplaced } from './placed.ts';
import { KEPT, type KeptName, plantedIn, tenantsFor } from './planted.ts';
import { INSTRUMENT, makeStage, type Stage } from './stage.ts';
import { after, afterSteps, catalogIn, gone, lastStep, statesOf, untrue } from './states.ts';
import { takeThings } from './things.ts';

const TENANTS = tenantsFor(Number(process.env.ADOPT_ROWS || 20_000));
const KILLS = Number(process.env.KILLS || 50);
const RATE = 15;
const CLIENTS = 3;

type Leg = { readonly line: string; readonly to: Phase; readonly old: Old };
const ACCEPT = 'accept --all --reason old-code-goes-on-friday';
const FORWARD: readonly Leg[] = [
  { line: 'backfill', to: 'owned', old: 'works' },
  { line: 'shadow', to: 'shadow', old: 'works' },
  { line: ACCEPT, to: 'shadow', old: 'works' },
  { line: 'strict --period 0s', to: 'strict', old: 'either' },
];
const BACK: readonly Leg[] = [
  { line: 'rollback --to shadow', to: 'shadow', old: 'either' },
  { line: 'rollback --to owned', to: 'owned', old: 'works' },
  { line: 'rollback --to none', to: 'none', old: 'works' },
];

/** Walks the whole way once, undisturbed. */
async function undisturbed(stage: Stage) {
  const before = await catalogIn(stage);
  const times = new Map<string, number>();
  const steps = new Map<string, number>();
  const marks: Partial<Record<Phase, ReadonlyMap<KeptName, readonly string[]>>> = {};
  let catalog: readonly string[] = before;
  const { ms: start } = await stage.adopt('status');
  for (const { line, to } of [...FORWARD, ...BACK, ...FORWARD]) {
    const first = await stage.admin(lastStep);
    const { code, err, out, ms } = await stage.adopt(line);
    expect([line, code === 0 ? '' : `${code}: ${err}${out}`]).toEqual([line, '']);
    steps.set(line, (await stage.admin(lastStep)) - first);
    times.set(line, Math.min(ms, times.get(line) ?? Number.POSITIVE_INFINITY));
    catalog = await catalogIn(stage, (await statesOf(stage)).numbers);
    const found = marksOf(before, catalog);
    for (const table of KEPT) {
      // the second time as the first, and back as it was
      expect([
        to,
        table,
        ...differences(marks[to]?.get(table) ?? found.get(table) ?? [], found.get(table) ?? []),
      ]).toEqual([to, table]);
    }
    marks[to] ??= found;
  }
  for (const table of KEPT) {
    expect([table, marks.none?.get(table)]).toEqual([table, []]);
    expect(marks.strict?.get(table)?.some((line) => line.includes('policy'))).toBe(true);
  }
  return { before, times, steps, start, marks: marks as Marks, catalog };
}

test(`killed at ${KILLS} points, adoption goes on each time, and no phase is ever half done`, {
  timeout: 3_600_000,
}, async () => {
  const server = inject('testServer');
  const quiet = await makeStage(server, TENANTS, CLIENTS);
  onTestFinished(() => quiet.end());
  const reference = await undisturbed(quiet);

  const stage = await makeStage(server, TENANTS, CLIENTS);
  onTestFinished(() => stage.end());
  const { admin, set } = stage;
  const before = await catalogIn(stage);
  expect(differences(reference.before, before)).toEqual([]);
  const things = await admin((client) => takeThings(client, TENANTS));
  const load = startLoad(things, {
    oldUrl: set.oldUrl,
    asUser: stage.asUser,
    rate: RATE,
    clients: CLIENTS,
  });
  onTestFinished(() => load.end());
  const roll = dice(0);
  const kills = new Map<string, number>();
  const half: string[] = [];
  let killed = 0;
  let runs = 0;

  async function look(when: string): Promise<void> {
    half.push(...(await untrue(stage, before, reference.marks)).map((one) => `${when}: ${one}`));
  }

  /** When to kill: at some step of the journal, or at some time. What is left of both is less each time. */
  function chance(
    line: string,
    times: number,
  ): [until: (ended: AbortSignal) => Promise<unknown>, when: string] {
    const steps = Math.round((reference.steps.get(line) ?? 0) / (1 + times));
    if (steps > 0 && roll(3) > 0) {
      const step = 1 + roll(steps);
      return [afterSteps(stage, step), `after ${step} of ${steps} steps`];
    }
    // the first part of every run is Node's
    const span = (reference.times.get(line) ?? 0) - 0.7 * reference.start;
    const ms = 0.7 * reference.start + roll(Math.round(Math.max(50, span / (1 + times))));
    return [after(ms), `after ${Math.round(ms)} ms`];
  }

  /** Has a leg done, however often it is killed. */
  async function walk({ line, to, old }: Leg, upTo: number): Promise<void> {
    await load.turn({ name: line, old, new: load.moment.new });
    for (let left = upTo; ; left -= 1) {
      const [until, when] = left > 0 && killed < KILLS ? chance(line, upTo - left) : [undefined, 'not'];
      const { code, err, out } = await stage.adopt(line, until);
      runs += 1;
      if (code === 1 && err.includes('Nothing was changed') && left > -10) {
        // statements that nobody had seen before
        await stage.adopt(ACCEPT);
        continue;
      }
      if (code !== null) {
        // killed or not before, it goes on and comes to its end
        expect([line, code === 0 ? '' : `${code}: ${err}${out}`]).toEqual([line, '']);
        break;
      }
      killed += 1;
      kills.set(line, (kills.get(line) ?? 0) + 1);
      // every third time at once, while the server still does what the dead one had asked for
      if (roll(3) > 0) {
        await gone(stage);
        await look(`${line}, killed ${when}`);
      }
    }
    await look(line);
    const { states } = await statesOf(stage);
    expect([
      line,
      ...new Set([...states.values()].map(({ phase, underWay }) => `${phase} ${underWay}`)),
    ]).toEqual([line, `${to} false`]);
    await load.turn({ name: to, old: to === 'strict' ? 'kept out' : 'works', new: true });
    await sleep(200);
  }

  const began = performance.now();
  // as often there and back as it takes, and there once more
  for (let times = 0; killed < KILLS && times < 10; times += 1) {
    for (const leg of [...FORWARD, ...BACK]) {
      await walk(leg, leg.line === ACCEPT ? 1 : leg.to === 'owned' ? 6 : 4);
    }
  }
  for (const leg of FORWARD) {
    await walk(leg, 0);
  }
  await load.pause();
  const comparison = await admin((client) => compare(client, things.ledger));
  const elsewhere = await admin((client) => misplaced(client, TENANTS));
  const { rows: quarantined } = await admin((client) =>
    client.query<{ name: KeptName; n: number }>(
      `select "table" as name, count(*)::int as n from bailiwick_adoption.quarantined group by 1 order by 1`,
    ),
  );
  const otherwise = differences(reference.catalog, await catalogIn(stage, (await statesOf(stage)).numbers));
  // out again, which is killed as well
  await load.turn({ name: 'remove', old: 'either', new: false });
  for (let left = 3; ; left -= 1) {
    const span = (reference.times.get('rollback --to none') ?? 0) + roll(1000);
    const { code, err, out } = await stage.adopt(
      'remove --yes',
      left > 0 ? after(0.7 * reference.start + roll(Math.round(span))) : undefined,
    );
    runs += 1;
    if (code === 0 || (code === 1 && err.includes('nothing is adopted'))) {
      break;
    }
    expect(['remove', code === null ? '' : `${code}: ${err}${out}`]).toEqual(['remove', '']);
    killed += 1;
    kills.set('remove', (kills.get('remove') ?? 0) + 1);
    await gone(stage);
    await look('remove, killed');
  }
  await load.pause();
  const afterwards = await admin((client) => compare(client, things.ledger));
  const leftBehind = differences(before, await catalogIn(stage));
  report({
    instrument: INSTRUMENT,
    what: 'adoption killed and gone on with',
    figures: {
      rows: 1000 * TENANTS,
      kills: killed,
      runs,
      'half phases': half.length,
      requests: load.made,
      failed: load.account.failed.length,
      'lost or changed': comparison.wrong.length + afterwards.wrong.length,
      'otherwise than undisturbed': otherwise.length + elsewhere.length,
      'left behind': leftBehind.length,
    },
    details: [
      `seed ${SEED}; ${((performance.now() - began) / 1000).toFixed(1)} s`,
      ...[...kills].map(
        ([line, n]) =>
          `${line}: killed ${n} times; undisturbed ${Math.round(reference.times.get(line) ?? 0)} ms`,
      ),
      ...half,
      ...otherwise,
      ...elsewhere,
      ...leftBehind,
      ...load.account.failed,
    ],
  });
  expect(half.slice(0, 20)).toEqual([]);
  expect(load.account.failed.slice(0, 20)).toEqual([]);
  expect([...comparison.wrong, ...afterwards.wrong]).toEqual([]);
  expect(elsewhere).toEqual([]);
  expect(otherwise).toEqual([]);
  expect(quarantined.map(({ name, n }) => [name, n])).toEqual(
    KEPT.map((table) => [table, plantedIn(table, TENANTS).quarantined])
      .filter(([, n]) => n !== 0)
      .sort(),
  );
  expect(leftBehind).toEqual([]);
  expect(killed).toBeGreaterThanOrEqual(KILLS);

  // and half a phase would have been noticed
  await quiet.admin((client) =>
    client.query(`
      drop policy bailiwick_tenant on shop.orders;
      alter table shop.notes no force row level security;
      alter table shop.agents drop constraint bailiwick_owned;
      alter table shop.events disable row level security;
      update bailiwick_adoption.tables set phase = 'shadow' where name = 'rooms'`),
  );
  const noticed = await untrue(quiet, before, reference.marks);
  for (const table of ['orders', 'notes', 'agents', 'events', 'rooms']) {
    expect([table, noticed.some((line) => line.startsWith(`${table} is`))]).toEqual([table, true]);
  }
});
