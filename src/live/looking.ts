// Looks at the database: in turn, so that streams never take all connections from requests, and together, where several streams of the
// same authority listen to the same. One of them looks under its own context, from the place of whoever is furthest behind, and each
// takes of it what it has not seen.
//
// Who may look together is said by a key. Only equal authority and an equal question make an equal key (src/api/streaming.ts); whether
// each stream still has that authority is asked for each by itself (streams.ts).

import type { Place } from '../db/events.ts';
import { oldest, seeing } from './snapshot.ts';

/** What a look has seen, in order. */
export type Seen<Item> = {
  readonly items: readonly (Item & { readonly seq: number; readonly xid: string })[];
  /** Up to which was looked. */
  readonly snapshot: string;
  /** Where the look was cut short, the place in the order after which there is more up to there. */
  readonly cut: number | undefined;
  /** Whether there may be anything else. */
  readonly more: boolean;
  /** Worlds in which others share with the caller. */
  readonly worlds: readonly string[];
};

type Pending<Item> = { readonly places: Place[]; readonly look: Promise<Seen<Item>> };

export class Looking<Item> {
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  /** Looks that wait for their turn: whoever comes meanwhile joins them. */
  readonly #pending = new Map<string, Pending<Item>>();
  #looking = 0;

  /** @param most Looks at a time. */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * What a stream has not seen since its place.
   *
   * @param work Looks from a place; called once for all who look together.
   */
  async look(key: string, place: Place, work: (from: Place) => Promise<Seen<Item>>): Promise<Seen<Item>> {
    if (place.upto !== undefined) {
      return await this.#inTurn(() => work(place));
    }
    const pending = this.#pending.get(key);
    if (pending === undefined) {
      return await this.#begin(key, place, work);
    }
    pending.places.push(place);
    const seen = await pending.look.catch(() => undefined);
    // what became of another's look says nothing about this one
    return seen === undefined ? await this.#inTurn(() => work(place)) : since(place, seen);
  }

  async #begin(key: string, place: Place, work: (from: Place) => Promise<Seen<Item>>): Promise<Seen<Item>> {
    const places = [place];
    const look = this.#inTurn(() => {
      this.#pending.delete(key);
      return work({ since: oldest(places.map(({ since }) => since)) });
    });
    this.#pending.set(key, { places, look });
    return since(place, await look);
  }

  async #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#looking >= this.#most) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#looking += 1;
      // whoever is woken in the same moment joins
      await new Promise((resolve) => setImmediate(resolve));
    }
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) {
        this.#looking -= 1;
      } else {
        next();
      }
    }
  }
}

/** Of what was seen together, what is new since a place. */
function since<Item>(place: Place, seen: Seen<Item>): Seen<Item> {
  const known = seeing(place.since);
  return { ...seen, items: seen.items.filter(({ xid }) => !known(xid)) };
}
