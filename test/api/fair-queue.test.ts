// The queue by itself, moved by hand: whose turn it is, what each gets, and what has an end.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FairQueue, type Place, type QueueLimits } from '../../src/api/fair-queue.ts';

const LIMITS: QueueLimits = { places: 1, perFlow: 1, waiting: 100, patienceMs: 250, standingMs: 100 };

/** A queue with one turn after another, in which every turn takes as long as `costs` says for its flow. */
function inTurns(limits: Partial<QueueLimits> = {}) {
  const queue = new FairQueue({ ...LIMITS, ...limits });
  const order: string[] = [];
  let now = 0;
  const taken: Place[] = [];
  const begin = (places: readonly Place[]) => {
    for (const place of places) {
      order.push(place.flow.name);
      taken.push(place);
    }
  };
  return {
    queue,
    order,
    taken,
    come(name: string, patient = false) {
      const joined = queue.join(name, now, patient);
      begin(joined.place.state === 'taken' ? [joined.place] : []);
      return joined;
    },
    /** The one who has been there for longest goes, after so many milliseconds. */
    go(ms: number) {
      now += ms;
      const place = taken.shift() as Place;
      begin(queue.leave(place, now));
      return place.flow.name;
    },
    wait(ms: number) {
      now += ms;
      return queue.expire(now);
    },
  };
}

test('whoever comes to a flood is next, and the flood in the order in which it came', () => {
  const { come, go, order } = inTurns();
  for (let n = 0; n < 5; n += 1) {
    come('flood');
  }
  go(10);
  come('quiet');
  expect(order).toEqual(['flood', 'flood']);
  go(10);
  go(10);
  go(10);
  expect(order).toEqual(['flood', 'flood', 'quiet', 'flood', 'flood']);
});

test('a flow whose turns take four times as long has a fourth of the turns', () => {
  const { come, go, order } = inTurns();
  for (let n = 0; n < 60; n += 1) {
    come('long');
    come('short');
  }
  const costs: Readonly<Record<string, number>> = { long: 40, short: 10 };
  for (let n = 0; n < 50; n += 1) {
    go(costs[order.at(-1) as string] as number);
  }
  const long = order.filter((name) => name === 'long').length;
  expect(long).toBeGreaterThanOrEqual(9);
  expect(long).toBeLessThanOrEqual(12);
});

test('who was away has saved nothing up, and owes nothing for what was refused', () => {
  const { come, go, order, wait } = inTurns({ waiting: 6 });
  for (let n = 0; n < 20; n += 1) {
    come('a');
    come('b');
  }
  // all who waited were refused; b comes back after a has been alone for long
  wait(300);
  for (let n = 0; n < 20; n += 1) {
    come('a');
    go(10);
  }
  order.length = 0;
  come('a');
  come('a');
  come('b');
  come('b');
  for (let n = 0; n < 4; n += 1) {
    go(10);
  }
  expect(order.slice(0, 4).filter((name) => name === 'b')).toHaveLength(2);
});

test('a flow has no more places than one may have, while others are free for others', () => {
  const { come } = inTurns({ places: 4, perFlow: 3 });
  const states = Array.from({ length: 5 }, () => come('flood').place.state);
  expect(states).toEqual(['taken', 'taken', 'taken', 'waiting', 'waiting']);
  expect(come('quiet').place.state).toBe('taken');
  expect(come('other').place.state).toBe('waiting');
});

test('of fewer places one flow has its part and no more', () => {
  const { queue, come } = inTurns({ places: 9, perFlow: 6 });
  queue.places = 3;
  expect(Array.from({ length: 3 }, () => come('flood').place.state)).toEqual(['taken', 'taken', 'waiting']);
  expect(come('quiet').place.state).toBe('taken');
});

test('where no more may wait, the longest flow loses its last, and a flow that is itself the longest is refused', () => {
  const { come } = inTurns({ waiting: 3 });
  come('flood');
  const waiting = Array.from({ length: 3 }, () => come('flood').place);
  expect(come('flood').place.state).toBe('refused');
  const { place, instead } = come('quiet');
  expect([place.state, instead]).toEqual(['waiting', waiting[2]]);
  expect(waiting.map(({ state }) => state)).toEqual(['waiting', 'waiting', 'refused']);
});

test('who waits too long is refused; in a queue that stands already after a part of that', () => {
  const { come, wait } = inTurns();
  come('a');
  const first = come('a').place;
  expect(wait(249)).toEqual({ refused: [], next: 250 });
  const second = come('a').place;
  expect(wait(1)).toEqual({ refused: [first], next: 349 });
  expect(wait(98).refused).toEqual([]);
  expect(wait(1)).toEqual({ refused: [second], next: undefined });
});

test('where turns take long, one may wait for ten of them in a queue that stands, and no longer than in any', () => {
  const { come, go, wait } = inTurns({ patienceMs: 1000 });
  come('a');
  come('a');
  for (let n = 0; n < 60; n += 1) {
    come('a');
    go(40);
  }
  const { place } = come('a');
  wait(300);
  expect(place.state).toBe('waiting');
  wait(150);
  expect(place.state).toBe('refused');
});

test('what is part of something that has begun is never refused', () => {
  const { come, wait, go, queue } = inTurns({ waiting: 0 });
  come('a');
  const { place } = come('a', true);
  expect(come('b').place.state).toBe('refused');
  expect(wait(100_000)).toEqual({ refused: [], next: undefined });
  go(1);
  expect([place.state, queue.size]).toEqual(['taken', { taken: 1, waiting: 0 }]);
});

test('where fewer places are in use than there are, who has nothing begins at once beside them, but one alone', () => {
  const { come, go, queue } = inTurns({ places: 4, perFlow: 4 });
  queue.places = 2;
  expect(['flood', 'flood', 'flood'].map((name) => come(name).place.state)).toEqual([
    'taken',
    'taken',
    'waiting',
  ]);
  expect(['quiet', 'quiet', 'another'].map((name) => come(name).place.state)).toEqual([
    'taken',
    'waiting',
    'waiting',
  ]);
  expect(queue.size.taken).toBe(3);
  go(1);
  // those in use are what is given back to
  expect(queue.size.taken).toBe(2);
});

test('who has had more than those who wait is not let in beside them', () => {
  const { come, go, queue } = inTurns({ places: 3, perFlow: 3 });
  queue.places = 1;
  come('ahead');
  expect(come('flood').place.state).toBe('taken');
  come('flood');
  expect(go(100)).toBe('ahead');
  expect([come('ahead').place.state, come('new').place.state]).toEqual(['waiting', 'taken']);
});

test('a place that is given back twice is one place', () => {
  const { come, queue } = inTurns();
  const { place } = come('a');
  const waiting = ['b', 'c'].map((name) => come(name).place);
  expect(queue.leave(place, 1)).toEqual([waiting[0]]);
  expect(queue.leave(place, 2)).toEqual([]);
  expect(queue.size).toEqual({ taken: 1, waiting: 1 });
});

test('nothing is remembered of whoever is gone', () => {
  const { come, go, queue } = inTurns({ places: 2, perFlow: 2 });
  come('stays');
  for (let n = 0; n < 2000; n += 1) {
    come(`flow ${n}`);
    come('stays');
    go(1);
    go(1);
  }
  expect(queue.remembered).toBeLessThan(200);
});

const FLOWS = ['a', 'b', 'c', 'd'];
const move = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('come'), flow: fc.constantFrom(...FLOWS) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('come patiently'), flow: fc.constantFrom(...FLOWS) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('go'), which: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait'), ms: fc.nat(300) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('places'), count: fc.integer({ min: 1, max: 6 }) }) },
);
const limits = fc.record({
  places: fc.integer({ min: 1, max: 6 }),
  perFlow: fc.integer({ min: 1, max: 6 }),
  waiting: fc.nat(8),
  patienceMs: fc.constant(250),
  standingMs: fc.constant(100),
});

test('whatever comes and goes: places and waiting are bounded, no place is idle that somebody could have, each flow keeps its order, all end', () => {
  fc.assert(
    fc.property(limits, fc.array(move, { maxLength: 120 }), (limits, moves) => {
      const queue = new FairQueue({ ...limits, perFlow: Math.min(limits.perFlow, limits.places) });
      const all: Place[] = [];
      let now = 0;
      const taken = () => all.filter(({ state }) => state === 'taken');
      const waiting = () => all.filter(({ state }) => state === 'waiting');
      const begunInOrder = (begun: readonly Place[]) => {
        for (const place of begun) {
          const before = waiting().filter(
            (one) => one.flow.name === place.flow.name && all.indexOf(one) < all.indexOf(place),
          );
          expect(before).toEqual([]);
        }
      };
      for (const one of moves) {
        now += 1;
        const atMost = Math.max(Math.min(queue.places + 1, limits.places), taken().length);
        if ('flow' in one) {
          const { place, instead } = queue.join(one.flow, now, one.do === 'come patiently');
          all.push(place);
          expect(instead?.state ?? 'refused').toBe('refused');
          expect(place.patient && place.state === 'refused').toBe(false);
        } else if ('which' in one) {
          const place = taken()[one.which % Math.max(1, taken().length)];
          begunInOrder(place === undefined ? [] : queue.leave(place, now));
        } else if ('ms' in one) {
          now += one.ms;
          const { refused } = queue.expire(now);
          expect(refused.every(({ since }) => now - since >= limits.standingMs)).toBe(true);
          expect(waiting().every(({ since, patient }) => patient || now - since < limits.patienceMs)).toBe(
            true,
          );
        } else {
          queue.places = one.count;
          continue;
        }
        expect(queue.size).toEqual({ taken: taken().length, waiting: waiting().length });
        expect(taken().length).toBeLessThanOrEqual(atMost);
        expect(waiting().filter(({ patient }) => !patient).length).toBeLessThanOrEqual(limits.waiting);
        for (const { flow } of taken()) {
          expect(flow.taken).toBeLessThanOrEqual(limits.perFlow);
        }
      }
      // everybody who waits has a turn as soon as places become free, and no place is left over meanwhile
      while (taken().length > 0) {
        now += 1;
        begunInOrder(queue.leave(taken()[0] as Place, now));
        const share = Math.min(
          limits.perFlow,
          Math.max(1, Math.ceil((queue.places * Math.min(limits.perFlow, limits.places)) / limits.places)),
        );
        const couldHave = waiting().filter(({ flow }) => flow.taken < share);
        expect(taken().length < queue.places ? couldHave : []).toEqual([]);
      }
      expect(waiting()).toEqual([]);
      expect(queue.remembered).toBe(0);
    }),
    { numRuns: 500 },
  );
});

test('two flows that both always wait have had the same, to within three turns, whatever their turns take', () => {
  const cost = fc.integer({ min: 1, max: 50 });
  fc.assert(
    fc.property(fc.array(fc.tuple(cost, cost), { minLength: 30, maxLength: 80 }), (costs) => {
      const queue = new FairQueue({ ...LIMITS, waiting: 1000 });
      const had = { a: 0, b: 0 };
      const names = ['a', 'b'] as const;
      const waiting = costs.flatMap(() => names.map((name) => queue.join(name, 0).place));
      let now = 0;
      for (const [ofA, ofB] of costs) {
        const place = waiting.find(({ state }) => state === 'taken') as Place;
        const name = place.flow.name as 'a' | 'b';
        const ms = name === 'a' ? ofA : ofB;
        now += ms;
        had[name] += ms;
        queue.leave(place, now);
        expect(Math.abs(had.a - had.b)).toBeLessThanOrEqual(3 * 50);
      }
    }),
  );
});
