// Races between calls of a service and the end of the chain through which they are made: what an agent asks for after the end was
// acknowledged never reaches the service, and nothing reaches it whose use was not kept before.
//
// RACES=… and SEED=… as in races.long.test.ts. That the races are races is checked too: calls reached the service before, some were
// under way when the end was, and a kernel that forgets the end, or to keep a use, loses them.

import { expect } from 'vitest';
import { report } from '../../kit/report.ts';
import { CallRace, type CallTally, newCallTally } from './calls.ts';
import { type Course, LANES } from './course.ts';
import { dice, SEED } from './dice.ts';
import { type Fault, KINDS, type Kind } from './endings.ts';
import { type Office, openOffice } from './office.ts';
import { FORGETFUL_RACES, test as onCourse, racesOf } from './on-course.ts';
import { makeParties, partyOf } from './parties.ts';

const test = onCourse.extend('office', { scope: 'file' }, async ({ database }, { onCleanup }) => {
  const office = await openOffice(database);
  onCleanup(() => office.close());
  return office;
});

type Place = { readonly course: Course; readonly office: Office };

/** Runs a number of races of a kind, with parties of their own that were made before. */
async function run({ course, office }: Place, name: string, kind: Kind, races: number): Promise<CallTally> {
  const tally = newCallTally();
  const { administrator } = course;
  let next = 0;
  const lane = async () => {
    for (let n = next++; n < races && tally.wrong.length < 20; n = next++) {
      const party = partyOf(name, n);
      const end = () => kind.end({ party, administrator, session: course.sessions(party) });
      const race = new CallRace(tally, party, { depth: kind.make.depth, end }, administrator);
      await race.run(office, dice(n));
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return tally;
}

for (const [ending, kind] of Object.entries(KINDS)) {
  if (kind.calls === undefined) {
    continue;
  }
  const name = `call-${ending}`;
  const races = racesOf(kind.calls);
  const what = kind.what.replace('against use', 'against calls of a service');

  test(`${what}: nothing asked for afterwards reaches it, and nothing whose use was not kept`, {
    timeout: 0,
  }, async ({ database, course, office }) => {
    await makeParties(database, name, races, kind.make);
    const began = performance.now();
    const { calls, reached, ...tally } = await run({ course, office }, name, kind, races);
    const seconds = Number(((performance.now() - began) / 1000).toFixed(1));
    expect(tally.wrong).toEqual([]);
    expect(reached.after).toBe(0);
    expect(tally.races).toBe(races);
    expect(tally.turned).toBe(races);
    expect(calls.after).toBeGreaterThanOrEqual(races);
    expect(tally.kept).toBe(reached.before + reached.overlapping);
    // all but those with a single line of calls go on while the end is on its way
    expect(tally.overlapped).toBeGreaterThan(races / 4);
    report({
      instrument: 'concurrency',
      what,
      figures: {
        races,
        calls: calls.before + calls.overlapping + calls.after,
        overlapping: calls.overlapping,
        'after the end': calls.after,
        'reached the service after': reached.after,
      },
      details: [
        `seed ${SEED}, ${seconds} s`,
        ...(['before', 'overlapping', 'after'] as const).map(
          (when) => `${when}: ${calls[when]} calls, ${reached[when]} of them reached the service`,
        ),
        `asked for before the end was acknowledged, arrived afterwards: ${tally.late}`,
        `uses kept: ${tally.kept}`,
      ],
    });
  });

  test(`${what}: races are lost where the kernel forgets the end`, { timeout: 0 }, async ({
    database,
    course,
    office,
  }) => {
    const [faults = []] = kind.faults;
    await makeParties(database, `${name}-forgotten`, FORGETFUL_RACES, kind.make);
    const { wrong, reached } = await course.without(faults, () =>
      run({ course, office }, `${name}-forgotten`, kind, FORGETFUL_RACES),
    );
    expect(reached.after).toBeGreaterThan(0);
    expect(wrong).toContainEqual(expect.stringContaining('left after the end'));
  });
}

/** The call is recorded nowhere. */
const UNKEPT: Fault = {
  function: 'use_service',
  condition: 'perform bailiwick.audit(',
  instead: 'perform num_nulls(',
};

test('races are lost where the kernel forgets to keep a use', { timeout: 0 }, async ({
  database,
  course,
  office,
}) => {
  const { revoked } = KINDS;
  if (revoked === undefined) {
    throw new TypeError('no ending by revocation');
  }
  await makeParties(database, 'call-unkept', FORGETFUL_RACES, revoked.make);
  const { wrong } = await course.without([UNKEPT], () =>
    run({ course, office }, 'call-unkept', revoked, FORGETFUL_RACES),
  );
  expect(wrong).toContainEqual(expect.stringContaining('left before it was kept'));
});
