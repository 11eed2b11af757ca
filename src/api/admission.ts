// Who may begin, when there are more who want to than this server can serve: a bounded number of operations at a time, a bounded wait,
// and between tenants as fair as src/api/fair-queue.ts is.
//
// Stands after the credential is verified and the body is read, and before GraphQL: from here on a request costs. A tenant is known by a
// verified token; an API key is of a tenant only once the database has said so, and until then it waits with all other keys that nobody
// knows. What is refused here was not begun. A stream takes a place for each look and none in between. Where nobody waits
// this is a map and some sums: no timer, no promise.

import { LRUCache } from 'lru-cache';
import type { Caller } from '../auth/actor.ts';
import type { Database } from '../db/session.ts';
import { FairQueue, type Place } from './fair-queue.ts';
import { Lag } from './lag.ts';
import { Overloaded } from './overloaded.ts';
import { Pace } from './pace.ts';

export type AdmissionLimits = {
  /** Operations at a time; as many as this where they wait for the database, and fewer where they are enough to keep this process busy. */
  readonly concurrent: number;
  /** Of them, of one tenant. */
  readonly perTenant: number;
  /** How many may wait. */
  readonly queued: number;
  /** How long, in milliseconds. */
  readonly queueMs: number;
};

/** Leave to work. */
export type Slot = {
  /** Gives it back; more than once is no harm. */
  release(): void;
  /** Waits for another one of the same tenant, for what is part of something that has begun. Never refused. */
  again(): Promise<Slot>;
};

/** What one may wait, of the longest wait, in a queue that stands. */
const STANDING = 0.2;

/** Least milliseconds between two times of looking for who has waited too long. */
const LOOK_MS = 5;

/** Whose tenants are remembered, and for how long, in milliseconds. */
const REMEMBERED = { callers: 10_000, milliseconds: 600_000 } as const;

/** With names that no tenant has. */
const FLOWS = { nobody: '?', newKeys: '?key', server: '?server' } as const;

export class Admission {
  readonly #queue: FairQueue;
  readonly #tenants = new LRUCache<string, string>({
    max: REMEMBERED.callers,
    ttl: REMEMBERED.milliseconds,
  });
  readonly #pace: Pace;
  readonly #lag: Lag;
  #timer: NodeJS.Timeout | undefined;

  constructor({ concurrent, perTenant, queued, queueMs }: AdmissionLimits) {
    this.#queue = new FairQueue({
      places: concurrent,
      perFlow: perTenant,
      waiting: queued,
      patienceMs: queueMs,
      standingMs: queueMs * STANDING,
    });
    this.#pace = new Pace(concurrent);
    this.#lag = new Lag(queueMs * STANDING);
  }

  /**
   * Before anything is spent on a request: where this process is behind, turn after turn, only those go on who have proved
   * themselves lately, because of strangers nobody knows for whom they would be served.
   *
   * @throws {Overloaded}
   */
  letIn(proved: boolean): void {
    if (this.#lag.note(performance.now()) && !proved) {
      throw new Overloaded();
    }
  }

  /**
   * Leave to work for a caller whose credential was verified, as far as it can be without the database. At once or later.
   *
   * @throws {Overloaded} where there are too many, or it took too long.
   */
  enter(caller: Caller): Slot | Promise<Slot> {
    return this.#enter(this.#flowOf(caller), false);
  }

  /** The same for a tenant that a verified token names. */
  enterFor(tenant: string): Slot | Promise<Slot> {
    const name = `tenant ${tenant}`;
    return this.#enter(this.#tenants.get(name) ?? name, false);
  }

  /**
   * A database each of whose transactions waits for its turn, all together like those of one tenant: for what the server does itself for
   * people of whom it does not know yet who they are.
   */
  inTurn(database: Database): Database {
    const { client } = database;
    const $transaction = (async (...args: Parameters<typeof client.$transaction>) => {
      const slot = await this.#enter(FLOWS.server, false);
      try {
        return await client.$transaction(...args);
      } finally {
        slot.release();
      }
    }) as typeof client.$transaction;
    // nothing else of a client is used outside a transaction (src/db/session.ts)
    return { ...database, client: { $transaction } as typeof client };
  }

  /** The database has said of which tenant a caller is. */
  learn(caller: Caller, tenantId: string): void {
    const name = nameOf(caller);
    if (name !== undefined) {
      this.#tenants.set(name, tenantId);
    }
  }

  #flowOf(caller: Caller): string {
    const name = nameOf(caller);
    if (name === undefined) {
      return FLOWS.nobody;
    }
    return this.#tenants.get(name) ?? (caller.kind === 'key' ? FLOWS.newKeys : name);
  }

  #enter(flow: string, patient: boolean): Slot | Promise<Slot> {
    const { place, instead } = this.#queue.join(flow, performance.now(), patient);
    instead?.tell?.();
    if (place.state === 'taken') {
      return this.#slotOf(flow, place);
    }
    if (place.state === 'refused') {
      throw new Overloaded();
    }
    this.#timer ??= setTimeout(() => this.#expire(), LOOK_MS);
    return new Promise((resolve, reject) => {
      // by a name of its own first (docs/decisions/0036-what-an-operation-leaves-behind-is-young.md)
      const tell = () =>
        place.state === 'taken' ? resolve(this.#slotOf(flow, place)) : reject(new Overloaded());
      place.tell = tell;
    });
  }

  #slotOf(flow: string, place: Place): Slot {
    return {
      release: () => {
        const now = performance.now();
        this.#queue.places = this.#pace.next(this.#queue.places, now);
        for (const begun of this.#queue.leave(place, now)) {
          begun.tell?.();
        }
      },
      again: async () => await this.#enter(flow, true),
    };
  }

  /** One timer for all who wait, and none where nobody does. */
  #expire(): void {
    const now = performance.now();
    const { refused, next } = this.#queue.expire(now);
    for (const { tell } of refused) {
      tell?.();
    }
    this.#timer =
      next === undefined ? undefined : setTimeout(() => this.#expire(), Math.max(LOOK_MS, next - now));
  }
}

/** Does something in another slot of the same tenant; without any where there is no admission. */
export async function again<Result>(slot: Slot | undefined, work: () => Promise<Result>): Promise<Result> {
  const another = await slot?.again();
  try {
    return await work();
  } finally {
    another?.release();
  }
}

/** By what a caller's tenant is remembered; undefined for nobody. */
function nameOf(caller: Caller): string | undefined {
  switch (caller.kind) {
    case 'anonymous':
      return undefined;
    case 'subject':
    case 'issued':
      return `tenant ${caller.tenant}`;
    case 'key':
      return `key ${caller.hash}`;
    default:
      return caller satisfies never;
  }
}
