// Thousands of races between the use of a chain of delegations and its end, in every way in which it can end: what starts
// after the end was committed sees no row and writes none, in the transaction that was open before as in a new one.
//
// RACES=… runs another total than ten thousand revocations (the other kinds in proportion), SEED=… repeats the decisions
// of one run. That the races are races is checked too: the same transaction saw rows before, statements were under way
// when the end was, and a kernel that forgets the condition loses every kind of them. How long they take is not judged.

import { expect } from 'vitest';
import { report } from '../../kit/report.ts';
import { SEED } from './dice.ts';
import { KINDS } from './endings.ts';
import { FORGETFUL_RACES, racesOf, test } from './on-course.ts';

for (const [name, kind] of Object.entries(KINDS)) {
  const races = racesOf(kind.races);

  test(`${kind.what}: nothing that starts afterwards sees or writes a row`, async ({ course }) => {
    const began = performance.now();
    const tally = await course.run(name, kind, races);
    const seconds = Number(((performance.now() - began) / 1000).toFixed(1));
    expect(tally.wrong).toEqual([]);
    expect(tally.effective.after).toBe(0);
    expect(tally.races).toBe(races);
    // what was acknowledged is what is there, so nothing was written unseen either
    const { rows } = await course.administrator.query<{ n: number }>(
      `select count(*)::int as n from memories m join tenants t using (tenant_id)
        where m.content = 'raced' and starts_with(t.slug, $1 || '-')`,
      [name],
    );
    expect(rows[0]?.n).toBe(tally.kept);
    expect(tally.kept).toBeGreaterThan(0);
    // the same user saw rows and then none; a token can run out before anything is seen
    expect(tally.turned).toBeGreaterThanOrEqual(kind.tokenMs === undefined ? races : races / 2);
    expect(tally.statements.after).toBeGreaterThanOrEqual(2 * races);
    if (kind.tokenMs === undefined) {
      // half of the users begin their second statement together with the end
      expect(tally.overlapped).toBeGreaterThan(races / 4);
    }
    report({
      instrument: 'concurrency',
      what: kind.what,
      figures: {
        races,
        statements: Object.values(tally.statements).reduce((sum, n) => sum + n, 0),
        overlapping: tally.statements.overlapping,
        'after the end': tally.statements.after,
        'rows seen or written after': tally.effective.after,
      },
      details: [
        `seed ${SEED}, ${seconds} s`,
        ...Object.entries(tally.statements).map(
          ([when, n]) =>
            `${when}: ${n} statements, ${tally.effective[when as 'before']} of them reached rows`,
        ),
        `inserts committed before the end: ${tally.kept}`,
        `users that saw rows and later none: ${tally.turned} of ${races}`,
      ],
    });
  });

  for (const [n, faults] of kind.faults.entries()) {
    const forgotten = faults.map(({ condition, instead }) => condition + (instead ? ` -> ${instead}` : ''));
    test(`${kind.what}: races are lost where the kernel forgets ${forgotten.join(', ')}`, async ({
      course,
    }) => {
      const tally = await course.without(faults, () =>
        course.run(`${name}-forgotten-${n}`, kind, FORGETFUL_RACES),
      );
      expect(tally.effective.after).toBeGreaterThan(0);
      expect(tally.wrong).not.toEqual([]);
    });
  }
}
