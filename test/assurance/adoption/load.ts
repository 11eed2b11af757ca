// Old and new application code at work on the shop, at a steady rate, and an account of every request: what it was, how it was answered,
// how long that took, and whether that answer was right at that moment.
//
// Nothing may fail, but that strict isolation hides rows from code that does not say for whom it works, and refuses what it writes. While
// tables are on their way to it or back, either is right for old code; new code notices nothing. Whoever changes that says so (`turn`).

import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { dice } from '../concurrency/dice.ts';
import { Exposed, Hidden, type Query, Refused } from './acts.ts';
import { REQUESTS, type Request } from './requests.ts';
import type { Things } from './things.ts';

/** Runs work as this user: a session of the library. */
export type AsUser = (user: number, work: (db: Query) => Promise<void>) => Promise<void>;

/** What must hold for old code: it works; it is kept out; either. */
export type Old = 'works' | 'either' | 'kept out';

export type Moment = {
  readonly name: string;
  readonly old: Old;
  /** Whether there is new code already. */
  readonly new: boolean;
};

export type Account = {
  /** Moment -> `old reads an order` -> outcome -> requests. */
  readonly counts: ReadonlyMap<string, ReadonlyMap<string, ReadonlyMap<string, number>>>;
  /** Requests that were answered otherwise than they must. */
  readonly failed: readonly string[];
};

export type Load = {
  readonly account: Account;
  readonly made: number;
  readonly moment: Moment;
  /** Something else holds from now on: waits until every request is answered that was sent before. */
  turn(to: Moment): Promise<void>;
  /** Milliseconds of the longest request since it was last asked, and which it was. */
  longest(): { readonly ms: number; readonly what: string };
  /** All times of requests so far, in milliseconds. */
  readonly times: readonly number[];
  /** Waits until every request is answered, and sends none until `resume`. */
  pause(): Promise<void>;
  resume(): void;
  end(): Promise<void>;
};

export type LoadOptions = {
  readonly oldUrl: string;
  readonly asUser: AsUser;
  /** Requests in a second, of old code and new code each. */
  readonly rate: number;
  /** Clients of each. */
  readonly clients: number;
};

/** Begins with old code alone, which works. */
export function startLoad(things: Things, { oldUrl, asUser, rate, clients }: LoadOptions): Load {
  const pool = new pg.Pool({ connectionString: oldUrl, max: clients, application_name: 'shop before' });
  const counts = new Map<string, Map<string, Map<string, number>>>();
  const failed: string[] = [];
  const times: number[] = [];
  let now: Moment = { name: 'before', old: 'works', new: false };
  let longest = { ms: 0, what: 'none' };
  let running = true;
  let waiting: Promise<void> | undefined;
  let go: () => void = () => undefined;
  let under = 0;
  let operation = 0;

  async function send(request: Request): Promise<void> {
    operation += 1;
    const roll = dice(operation);
    const during = now;
    const prepared = request.prepare(things, roll, during.old === 'kept out');
    if (prepared === undefined) {
      return;
    }
    const began = performance.now();
    let outcome = 'ok';
    let fault: Error | undefined;
    try {
      const { as, run } = prepared;
      await (as !== undefined
        ? asUser(as, run)
        : request.transaction
          ? inTransaction(pool, run)
          : run((text, values) => pool.query(text, values)));
      prepared.done?.();
    } catch (error) {
      fault = error as Error;
      outcome = outcomeOf(fault);
    } finally {
      prepared.over?.();
    }
    const ms = performance.now() - began;
    times.push(ms);
    const what = `${request.code} ${request.kind}`;
    if (ms > longest.ms) {
      longest = { ms, what };
    }
    const kinds = counts.get(during.name) ?? new Map<string, Map<string, number>>();
    counts.set(during.name, kinds);
    const outcomes = kinds.get(what) ?? new Map<string, number>();
    kinds.set(what, outcomes);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    if (!rightFor(request, during.old).has(outcome)) {
      failed.push(`${during.name}: ${what}: ${outcome} ${fault?.message ?? ''} (after ${Math.round(ms)} ms)`);
    }
  }

  async function client(code: Request['code'], first: number): Promise<void> {
    const every = (1000 * clients) / rate;
    await sleep((every * first) / clients);
    const roll = dice(-1 - first - (code === 'new' ? clients : 0));
    while (running) {
      while (waiting !== undefined) {
        await waiting;
      }
      const began = performance.now();
      const request = choose(code, now, roll);
      if (running && request !== undefined) {
        under += 1;
        await send(request).finally(() => {
          under -= 1;
        });
      }
      await sleep(Math.max(1, every - (performance.now() - began)));
    }
  }

  const all = (['old', 'new'] as const).flatMap((code) =>
    Array.from({ length: clients }, (_, n) => client(code, n)),
  );
  const done = Promise.all(all);
  // whoever ends the load hears of it
  done.catch(() => undefined);
  async function pause(): Promise<void> {
    waiting ??= new Promise((resolve) => {
      go = resolve;
    });
    while (under > 0) {
      await sleep(2);
    }
  }
  function resume(): void {
    waiting = undefined;
    go();
  }
  return {
    account: { counts, failed },
    times,
    get made() {
      return times.length;
    },
    get moment() {
      return now;
    },
    longest() {
      const taken = longest;
      longest = { ms: 0, what: 'none' };
      return taken;
    },
    async turn(to) {
      await pause();
      now = to;
      resume();
    },
    pause,
    resume,
    async end() {
      running = false;
      resume();
      await done;
      await pool.end();
    },
  };
}

/** Requests of one moment. */
function choose(code: Request['code'], moment: Moment, roll: (sides: number) => number): Request | undefined {
  const some = REQUESTS.filter(
    (one) =>
      one.code === code &&
      (code === 'old' || moment.new) &&
      (one.strict !== true || moment.old === 'kept out'),
  );
  let left = roll(
    Math.max(
      1,
      some.reduce((sum, { weight }) => sum + weight, 0),
    ),
  );
  return some.find(({ weight }) => {
    left -= weight;
    return left < 0;
  });
}

function rightFor({ code, kind, always }: Request, old: Old): ReadonlySet<string> {
  if (kind === 'writes in the name of somebody else') {
    return new Set(['refused', 'ok']);
  }
  if (code === 'new' || always === true || old === 'works') {
    return new Set(['ok']);
  }
  return new Set(old === 'either' ? ['ok', 'hidden', '42501'] : ['hidden', '42501']);
}

function outcomeOf(error: Error & { code?: string }): string {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (at instanceof Hidden) {
      return 'hidden';
    }
    if (at instanceof Exposed) {
      return 'exposed';
    }
    if (at instanceof Refused) {
      return 'refused';
    }
  }
  return error.code ?? error.name;
}

async function inTransaction(pool: pg.Pool, work: (db: Query) => Promise<void>): Promise<void> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('begin');
    await work((text, values) => client.query(text, values));
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch((lost: Error) => {
      broken = lost;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}
