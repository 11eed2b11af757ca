// What a change of policies does to those who ask: every answer of every random world, before and after. More than before is
// a widening, less a narrowing; an answer in other words is neither.

import { describeAsker, describeWorld } from '../describe.ts';
import type { Observation } from '../observe.ts';
import { rowsOf } from '../rows.ts';
import { slugOf, type World } from '../world.ts';

export type Effect = 'widening' | 'narrowing' | 'both' | 'neutral';

/** One answer that changed. */
export type Example = {
  /** What was tried: `update memories`. */
  readonly what: string;
  readonly who: string;
  /** Rows and rights that came or went, each with its line in the world where it has one. */
  readonly items: readonly string[];
  /** The world in which it was seen, as text. */
  readonly world: string;
};

export type Difference = {
  readonly effect: Effect;
  /** How many answers gave more, and less. */
  readonly gained: number;
  readonly lost: number;
  /** The first of each. */
  readonly widening: Example | undefined;
  readonly narrowing: Example | undefined;
};

export type Played = readonly { readonly world: World; readonly observations: readonly Observation[] }[];

/** Compares what came of the same moves in the same worlds. */
export function compare(before: Played, after: Played): Difference {
  let gained = 0;
  let lost = 0;
  let widening: Example | undefined;
  let narrowing: Example | undefined;
  before.forEach(({ world, observations }, w) => {
    const others = new Map((after[w]?.observations ?? []).map((one) => [keyOf(one), one]));
    const mine = new Map(observations.map((one) => [keyOf(one), one]));
    for (const key of new Set([...mine.keys(), ...others.keys()])) {
      const [old, now] = [mine.get(key), others.get(key)];
      if (old?.outcome === now?.outcome) {
        continue;
      }
      const one = old ?? now;
      const [had, has] = [rightsOf(world, old), rightsOf(world, now)];
      const more = [...has].filter((right) => !had.has(right));
      const less = [...had].filter((right) => !has.has(right));
      gained += more.length > 0 ? 1 : 0;
      lost += less.length > 0 ? 1 : 0;
      if (one !== undefined && more.length > 0) {
        widening ??= exampleOf(world, one, more);
      }
      if (one !== undefined && less.length > 0) {
        narrowing ??= exampleOf(world, one, less);
      }
    }
  });
  return { effect: effectOf(gained, lost), gained, lost, widening, narrowing };
}

function effectOf(gained: number, lost: number): Effect {
  return gained > 0 ? (lost > 0 ? 'both' : 'widening') : lost > 0 ? 'narrowing' : 'neutral';
}

/**
 * Adds what privileges give by themselves, whether or not a played move shows it: a column more is more.
 *
 * @param before What the object gave, part by part; `after`, what it gives.
 */
export function withParts(
  difference: Difference,
  id: string,
  before: readonly string[],
  after: readonly string[],
): Difference {
  const beyond = (some: readonly string[], others: readonly string[]) =>
    others.includes('*') ? [] : some.filter((part) => !others.includes(part));
  const [more, less] = [beyond(after, before), beyond(before, after)];
  const example = (items: readonly string[]): Example => ({
    what: id,
    who: 'by the grant alone',
    items,
    world: '',
  });
  const gained = difference.gained + more.length;
  const lost = difference.lost + less.length;
  return {
    effect: effectOf(gained, lost),
    gained,
    lost,
    widening: difference.widening ?? (more.length > 0 ? example(more) : undefined),
    narrowing: difference.narrowing ?? (less.length > 0 ? example(less) : undefined),
  };
}

const keyOf = ({ asker, name }: Observation) =>
  `${asker === undefined ? 'nobody' : describeAsker(asker)} ${name}`;

/** An answer as a set, of which more is more. A context that no longer opens gives nothing at all. */
function rightsOf(world: World, observation: Observation | undefined): ReadonlySet<string> {
  if (observation === undefined || /^[0-9A-Z]{5}$/.test(observation.outcome)) {
    return new Set();
  }
  const { move, outcome } = observation;
  if (move === 'open') {
    return new Set(['a context']);
  }
  const words = outcome.split(' ').filter((word) => word !== '');
  switch (move.verb) {
    case 'delete': {
      // the answer is what is left
      const left = new Set(words);
      const all = rowsOf(world).filter(({ table }) => table === move.table);
      return new Set(all.map(({ tenant, name }) => `t${tenant}/${name}`).filter((row) => !left.has(row)));
    }
    case 'describe':
      // the word with strokes is who they are, not what they may
      return new Set(words.filter((word) => !['nobody', 'dead'].includes(word) && !word.includes('/')));
    case 'why not':
    case 'why no key':
      return new Set(outcome === 'no reason' ? ['no reason against it'] : []);
    case 'keep tenant key':
    case 'keep data key':
      return new Set(outcome === 'kept' ? ['a first key that is kept'] : []);
    case 'make key':
    case 'make client':
    case 'start session':
    case 'rotate':
      // anything else is the reason why not
      return new Set(outcome.startsWith('made') ? words : []);
    case 'use service':
      // anything else is the reason why not
      return new Set(outcome.startsWith('used') ? words : []);
    case 'decide':
    case 'redeem':
      // anything else is the reason why not
      return new Set(outcome.startsWith('done') ? words : []);
    default:
      return new Set(words.filter((word) => !['refused', 'unfit', 'nothing'].includes(word)));
  }
}

function exampleOf(world: World, { asker, move, name }: Observation, items: readonly string[]): Example {
  const lines = describeWorld(world).split('\n');
  return {
    what: move !== 'open' && 'table' in move ? `${move.verb} ${move.table}` : name,
    who: asker === undefined ? 'nobody' : describeAsker(asker),
    items: items.slice(0, 3).map((item) => lineOf(item, lines) ?? item),
    world: describeWorld(world),
  };
}

/** The line of a row, `t0/m1`, in the description of its world. */
function lineOf(item: string, lines: readonly string[]): string | undefined {
  const [, tenant, name] = /^t(\d+)\/(\w+)$/.exec(item) ?? [];
  const from = lines.findIndex((line) => line.startsWith(slugOf(Number(tenant))));
  const line = lines.slice(from + 1).find((one) => one.startsWith(`  ${name} `));
  return tenant === undefined || line === undefined ? undefined : `${slugOf(Number(tenant))}: ${line.trim()}`;
}
