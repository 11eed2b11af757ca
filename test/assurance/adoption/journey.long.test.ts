// A shop with a past is adopted under load: all the way forward, back, forward again, and out of the database in the end. Nobody's request
// fails but where strict isolation must refuse it, no row is lost or changed, and nothing is left behind.
//
// The commands are the real ones, in processes of their own. ADOPT_ROWS=1000000 is the size that is promised; by itself it is a fiftieth of
// that. Reported: how long each command took, the longest wait for a lock, and the requests. Left out of `npm test`.

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, inject, onTestFinished, test } from 'vitest';
import { report } from '../../kit/report.ts';
import { catalogOf, differences } from './catalog.ts';
import { compare } from './digests.ts';
import { type Load, type Old, startLoad } from './load.ts';
import { type LockWatch, watchLocks } from './locks.ts';
import { inWords, marksOf } from './marks.ts';
import { misplaced } from './placed.ts';
import { KEPT, plantedIn, tenantsFor } from './planted.ts';
import { INSTRUMENT, makeStage, type Stage } from './stage.ts';
import { takeThings } from './things.ts';

const TENANTS = tenantsFor(Number(process.env.ADOPT_ROWS || 20_000));
/** Requests in a second, of old code and of new each. */
const RATE = Number(process.env.ADOPT_RATE || 30);
const CLIENTS = 4;
/** Milliseconds that are spent in a phase before the next command. */
const STAY = Number(process.env.ADOPT_STAY || 1500);

/** A million rows take a quarter of an hour. */
const TIMEOUT = 3_600_000;

type Went = {
  readonly name: string;
  readonly seconds: number;
  readonly wait: { readonly ms: number; readonly what: string };
  readonly longest: { readonly ms: number; readonly what: string };
  readonly made: number;
  readonly failed: number;
};

/** Runs commands while the load goes on, and keeps what each cost. */
function traveller({ adopt }: Stage, load: Load, watch: LockWatch) {
  const went: Went[] = [];
  async function during<Result>(name: string, old: Old, work: () => Promise<Result>): Promise<Result> {
    await load.turn({ name, old, new: load.moment.new });
    const [made, failed] = [load.made, load.account.failed.length];
    watch.take();
    load.longest();
    const began = performance.now();
    const result = await work();
    const wait = watch.take();
    went.push({
      name,
      seconds: (performance.now() - began) / 1000,
      wait: {
        ms: Math.round(wait?.ms ?? 0),
        what: wait === undefined ? 'none' : `${wait.lock}, ${wait.query}, behind ${wait.behind}`,
      },
      longest: load.longest(),
      made: load.made - made,
      failed: load.account.failed.length - failed,
    });
    return result;
  }
  return {
    went,
    /** A command, which must succeed. */
    async command(name: string, line: string, old: Old, codes: readonly (number | null)[] = [0]) {
      const { code, out, err } = await during(name, old, () => adopt(line));
      expect([line, codes.includes(code) ? 'as expected' : `${code}: ${err}${out}`]).toEqual([
        line,
        'as expected',
      ]);
      return out;
    },
    /** Some time in a phase. */
    stay: (name: string, old: Old) => during(name, old, () => sleep(STAY)),
  };
}

test('a shop with a past is adopted under load, taken back, adopted again and let go', {
  timeout: TIMEOUT,
}, async () => {
  const began = performance.now();
  const stage = await makeStage(inject('testServer'), TENANTS, CLIENTS);
  onTestFinished(() => stage.end());
  const { set, admin } = stage;
  const things = await admin((client) => takeThings(client, TENANTS));
  const before = await admin((client) => catalogOf(client, set.roles));
  const watch = await watchLocks(set.adminUrl, set.roles);
  onTestFinished(() => watch.end());
  const load = startLoad(things, {
    oldUrl: set.oldUrl,
    asUser: stage.asUser,
    rate: RATE,
    clients: CLIENTS,
  });
  onTestFinished(() => load.end());
  const { command, stay, went } = traveller(stage, load, watch);

  const wrong: string[] = [];
  /** Nobody writes, and everything is looked at. */
  async function look(when: string, owned: boolean): Promise<void> {
    await load.pause();
    await admin(async (client) => {
      const found = [...(await compare(client, things.ledger)).wrong];
      if (owned) {
        found.push(...(await misplaced(client, TENANTS)));
        const { rows } = await client.query<{ name: string; n: number }>(
          `select "table" as name, count(*)::int as n from bailiwick_adoption.quarantined group by 1`,
        );
        const quarantined = new Map(rows.map(({ name, n }) => [name, n]));
        for (const table of KEPT) {
          const [is, planted] = [quarantined.get(table) ?? 0, plantedIn(table, TENANTS).quarantined];
          found.push(
            ...(is === planted ? [] : [`${table}: ${is} rows in quarantine, and ${planted} were planted`]),
          );
        }
      }
      wrong.push(...found.map((one) => `${when}: ${one}`));
    });
    load.resume();
  }
  async function phases(): Promise<readonly string[]> {
    const { rows } = await admin((client) =>
      client.query<{ phase: string }>('select distinct phase from bailiwick_adoption.tables'),
    );
    return rows.map(({ phase }) => phase);
  }
  /** From nothing to strict. */
  async function forward(time: string): Promise<void> {
    await command(`backfill ${time}`, 'backfill', 'works');
    expect(await phases()).toEqual(['owned']);
    await look(`owned ${time}`, true);
    // from here on there is code that says for whom it works
    await load.turn({ ...load.moment, new: true });
    await stay(`in owned ${time}`, 'works');
    await command(`shadow ${time}`, 'shadow', 'works');
    await stay(`in shadow ${time}`, 'works');
    // it must have seen old code, and strict must not be had for as long as nobody has answered for that; the second time around all of
    // it may have been accepted already
    const seen = await command(
      `report ${time}`,
      'report --json',
      'works',
      time === 'at first' ? [1] : [0, 1],
    );
    expect(seen).toContain('"context"');
    await command(`strict refused ${time}`, 'strict --period 24h', 'works', [1]);
    expect(await phases()).toEqual(['shadow']);
    // while these are accepted, and while it is looked whether there are more, old code goes on
    for (let patience = 10; patience > 0 && (await phases())[0] === 'shadow'; patience -= 1) {
      await command(`accept ${time}`, 'accept --all --reason old-code-goes-on-friday', 'works');
      await command(`strict ${time}`, 'strict --period 0s', 'either', [0, 1]);
    }
    expect(await phases()).toEqual(['strict']);
    await stay(`in strict ${time}`, 'kept out');
    await command(`validate ${time}`, 'validate', 'kept out');
    await look(`strict ${time}`, true);
  }

  async function way(): Promise<void> {
    await stay('before', 'works');
    await command('plan', 'plan', 'works', [0, 1]);
    await forward('at first');
    await command('back to shadow', 'rollback', 'either');
    expect(await phases()).toEqual(['shadow']);
    await stay('in shadow, on the way back', 'works');
    await command('back to owned', 'rollback', 'works');
    expect(await phases()).toEqual(['owned']);
    await look('owned on the way back', true);
    await command('back to nothing', 'rollback', 'works');
    expect(await phases()).toEqual(['none']);
    await look('back at nothing', false);
    const back = await admin((client) => catalogOf(client, set.roles));
    for (const [table, marks] of marksOf(inWords(before, new Map(), ''), inWords(back, new Map(), ''))) {
      wrong.push(...marks.map((line) => `back at nothing: ${table}: ${line}`));
    }
    await stay('back at nothing', 'works');
    await forward('again');
    await load.turn({ ...load.moment, new: false });
    await command('remove', 'remove --yes', 'either');
    await stay('afterwards', 'works');
  }
  // what was seen until then is told in either case
  const end = await way().then(
    () => undefined,
    (error: Error) => error,
  );

  await load.pause();
  const { made, account, times } = load;
  const sorted = times.toSorted((a, b) => a - b);
  const comparison = await admin((client) => compare(client, things.ledger));
  wrong.push(...comparison.wrong.map((line) => `afterwards: ${line}`));
  const after = await admin((client) => catalogOf(client, set.roles));
  const slowest = went.reduce((one, other) => (other.wait.ms > one.wait.ms ? other : one));
  const outcomes = [...account.counts].flatMap(([moment, kinds]) =>
    [...kinds].map(
      ([kind, counts]) => `${moment}: ${kind}: ${[...counts].map(([what, n]) => `${n} ${what}`).join(', ')}`,
    ),
  );
  const leftBehind = end === undefined ? differences(before, after) : [];
  const totals = new Map<string, Map<string, number>>();
  for (const kinds of account.counts.values()) {
    for (const [kind, counts] of kinds) {
      const sum = totals.get(kind) ?? new Map<string, number>();
      totals.set(kind, sum);
      for (const [what, n] of counts) {
        sum.set(what, (sum.get(what) ?? 0) + n);
      }
    }
  }
  report({
    instrument: INSTRUMENT,
    what: 'adoption forward, back, forward again and out',
    figures: {
      rows: 1000 * TENANTS,
      'bad rows': 30 * TENANTS,
      requests: made,
      failed: account.failed.length,
      'rows untouched': comparison.untouched,
      'rows written': comparison.written,
      'lost, changed or misplaced': wrong.length,
      'left behind': leftBehind.length,
      'longest lock wait, ms': slowest.wait.ms,
    },
    details: [
      `${((performance.now() - began) / 1000).toFixed(1)} s; ${RATE} requests a second of old code and of new each`,
      `requests: p50 ${Math.round(sorted[sorted.length >> 1] ?? 0)} ms, p99 ${Math.round(sorted[Math.floor(sorted.length * 0.99)] ?? 0)} ms`,
      `the longest wait for a lock: ${slowest.name}: ${slowest.wait.what}`,
      ...went.map(
        ({ name, seconds, wait, longest, made, failed }) =>
          `${name}: ${seconds.toFixed(1)} s, longest lock wait ${wait.ms} ms, longest request ${Math.round(longest.ms)} ms (${longest.what}), ${made} requests, ${failed} failed`,
      ),
      ...(end === undefined ? [] : [`it came to no end: ${end.message}`]),
      ...wrong,
      ...leftBehind,
      ...account.failed,
      ...[...totals]
        .sort()
        .map(([kind, counts]) => `${kind}: ${[...counts].map(([what, n]) => `${n} ${what}`).join(', ')}`),
    ],
  });
  if (end !== undefined) {
    throw end;
  }
  expect(account.failed.slice(0, 20)).toEqual([]);
  expect(wrong).toEqual([]);
  expect(leftBehind).toEqual([]);
  // there was somebody to be refused, and somebody who was not
  expect(outcomes.some((line) => /^in strict at first: old .*hidden/.test(line))).toBe(true);
  expect(outcomes.some((line) => /^in strict again: old .*42501/.test(line))).toBe(true);
  expect(outcomes.some((line) => /^in strict again: new .* ok/.test(line))).toBe(true);
  expect(watch.looks).toBeGreaterThan(100);
});
