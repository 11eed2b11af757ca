// Issuers that are not in the environment, remembered for seconds: what the database says of an issuer, without asking it
// for every token.
//
// A configuration that is withdrawn stops counting within half a minute; when the database cannot be asked, what it said
// last counts a little longer. Names are chosen by strangers, so that everything remembered about them is bounded, and so
// is how often a new name is asked about. Decides nothing about tokens, and knows no SQL.

import { isDeepStrictEqual } from 'node:util';
import type { IssuerConfig } from '../trust.ts';
import { ageOf } from './age.ts';
import { createBudget } from './budget.ts';
import type { KeySource } from './jwks.ts';
import { refused } from './refusal.ts';

/** Where issuers are looked up. */
export type IssuerDirectory = {
  /** The issuer of exactly this name; undefined when there is none. Rejects when that cannot be said. */
  lookup(issuer: string): Promise<IssuerConfig | undefined>;
};

/** An issuer and its keys. */
export type TrustedIssuer = { readonly config: IssuerConfig; readonly keys: KeySource };

export type IssuerCache = {
  /**
   * The issuer of this name; undefined when there is none.
   *
   * @throws {BailiwickError} UNAUTHENTICATED (`directory`) when that cannot be found out.
   */
  find(issuer: string): Promise<TrustedIssuer | undefined>;
  /** Closes all key sources. */
  close(): void;
};

export type IssuerCacheOptions = {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Makes the key source of an issuer that is new or has changed. */
  readonly open: (config: IssuerConfig) => KeySource;
  /** Longest wait for a lookup, in milliseconds. */
  readonly timeoutMs?: number | undefined;
};

const SECOND = 1_000;

/** The age of what was looked up, in milliseconds, from which ... */
// biome-ignore format: one age per line
const AGE = {
  refresh:   15 * SECOND, // ... it is looked up again in the background
  expired:   30 * SECOND, // ... a caller waits for the answer, unless the last lookup has just failed
  unusable: 600 * SECOND, // ... it answers nobody, even while lookups fail
};

/** Shortest time between two lookups of one name when the first has failed. */
const RETRY_MS = 1 * SECOND;

/**
 * How long, and for how many names, it is remembered that there is no such issuer. There cannot be more than 600 new
 * ones in that time, so what is dropped is old already.
 */
const ABSENT = { ms: 30 * SECOND, names: 1_000 };

/** Issuers remembered; the one that was used least recently goes first. */
const MAX_ISSUERS = 1_000;

/** Lookups per second of names that nothing is remembered about. */
const NEW_NAMES = 20;

/** The longest `iss`, in characters, that anything is asked about. */
const MAX_NAME = 255;

type Entry = TrustedIssuer & {
  /** When the answer was asked for. */
  since: number;
  /** When the last lookup failed, if no other has succeeded since. */
  failedAt: number | undefined;
};

export function createIssuerCache(
  { lookup }: IssuerDirectory,
  { now, open, timeoutMs = 5_000 }: IssuerCacheOptions,
): IssuerCache {
  const known = new Map<string, Entry>();
  const absent = new Map<string, number>();
  const pending = new Map<string, Promise<void>>();
  const budget = createBudget(NEW_NAMES, now);
  let closed = false;

  const age = (since: number | undefined) => ageOf(since, now);

  const forget = (name: string): void => {
    known.get(name)?.keys.close();
    known.delete(name);
  };

  const rememberAbsent = (name: string, since: number): void => {
    forget(name);
    absent.delete(name);
    absent.set(name, since);
    dropOldest(absent, ABSENT.names, (oldest) => absent.delete(oldest));
  };

  const rememberKnown = (name: string, config: IssuerConfig, since: number): void => {
    const entry = known.get(name);
    if (entry !== undefined && isDeepStrictEqual(entry.config, config)) {
      entry.since = since;
      entry.failedAt = undefined;
      return;
    }
    forget(name);
    absent.delete(name);
    known.set(name, { config, keys: open(config), since, failedAt: undefined });
    dropOldest(known, MAX_ISSUERS, forget);
  };

  const ask = async (name: string): Promise<void> => {
    const since = now();
    try {
      const config = await within(timeoutMs, lookup(name));
      if (config !== undefined && config.issuer !== name) {
        throw new TypeError('The directory answered with another issuer');
      }
      if (closed) {
        return;
      }
      if (config === undefined) {
        rememberAbsent(name, since);
      } else {
        rememberKnown(name, config, since);
      }
    } catch (cause) {
      const entry = known.get(name);
      if (entry !== undefined) {
        entry.failedAt = now();
      }
      throw cause;
    }
  };

  /** Joins the lookup under way, or starts one. */
  const join = (name: string): Promise<void> => {
    const lookedUp = pending.get(name) ?? ask(name).finally(() => pending.delete(name));
    pending.set(name, lookedUp);
    return lookedUp;
  };

  const refresh = async (name: string, entry: Entry): Promise<void> => {
    const old = age(entry.since);
    if (old < AGE.refresh || (age(entry.failedAt) < RETRY_MS && !pending.has(name))) {
      return;
    }
    // A failure is no news to this caller: the entry says what becomes of it.
    const refreshed = join(name).catch(() => {});
    if (old >= AGE.unusable || (old >= AGE.expired && entry.failedAt === undefined)) {
      await refreshed;
    }
  };

  return {
    async find(name) {
      if (closed || name.length > MAX_NAME || age(absent.get(name)) < ABSENT.ms) {
        return undefined;
      }
      const held = known.get(name);
      if (held !== undefined) {
        await refresh(name, held);
      } else {
        if (!pending.has(name) && !budget.take()) {
          throw refused('directory', new Error('Too many new issuers are being asked about'));
        }
        await join(name).catch((cause: unknown) => {
          throw refused('directory', cause);
        });
      }
      const entry = known.get(name);
      if (entry === undefined) {
        return undefined;
      }
      if (age(entry.since) >= AGE.unusable) {
        throw refused('directory', new Error('The directory has not answered for too long'));
      }
      known.delete(name); // to the end, as the one used most recently
      known.set(name, entry);
      return entry;
    },
    close() {
      closed = true;
      for (const name of [...known.keys()]) {
        forget(name);
      }
    },
  };
}

function dropOldest(map: ReadonlyMap<string, unknown>, most: number, drop: (name: string) => void): void {
  const [oldest] = map.keys();
  if (map.size > most && oldest !== undefined) {
    drop(oldest);
  }
}

async function within<Answer>(ms: number, answer: Promise<Answer>): Promise<Answer> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('The directory did not answer in time')), ms);
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
