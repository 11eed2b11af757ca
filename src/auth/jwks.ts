// Where the keys of an issuer come from: a JWK Set over HTTP, cached so that neither the issuer's bad days nor a flood
// of made-up key ids reach the callers with good tokens.
//
// jose's remote key set has no pause after a failed fetch, no limit on the size of an answer, and answers nobody once
// its keys are old and the issuer is down; hence our own. What a key is good for is decided in jwk.ts, where keys are
// in discovery.ts, and how a document is fetched in fetch.ts. Never takes an address from a token: whoever chooses the
// address chooses the keys.

import { ageOf } from './age.ts';
import type { Budget } from './budget.ts';
import { type KeyLocation, keyAddress } from './discovery.ts';
import { type FetchOptions, fetchJson } from './fetch.ts';
import { readKeySet, selectKey, type VerificationKey } from './jwk.ts';
import { refused } from './refusal.ts';

/** The keys of one issuer. */
export type KeySource = {
  /**
   * The key with this id, or the only key when the token names none; undefined when there is no such key.
   *
   * @throws {BailiwickError} UNAUTHENTICATED (`keys`) when the issuer's keys cannot be had at all.
   */
  find(id: string | undefined): Promise<VerificationKey | undefined>;
  /** Ends a fetch under way; no other reaches the issuer. */
  close(): void;
};

export type RemoteKeysOptions = FetchOptions & {
  /** Milliseconds since the epoch. */
  readonly now?: (() => number) | undefined;
  /** Longest fetch including its body, and that of the discovery document before it, in milliseconds. */
  readonly timeoutMs?: number | undefined;
};

const MINUTE = 60_000;

/** The age of a key set, in milliseconds, from which ... */
// biome-ignore format: one age per line
const AGE = {
  refresh:   5 * MINUTE, // ... it is fetched again in the background
  expired:  10 * MINUTE, // ... a caller waits for the new one, unless the issuer has just failed
  unusable: 60 * MINUTE, // ... it answers nobody, even while the issuer is down
};

/** Shortest time between two fetches, whatever the reason and the outcome of the first. */
const REFETCH_MS = 30_000;

/** How long, and for how many, it is remembered that the issuer does not know a key id. */
const UNKNOWN = { ms: 1 * MINUTE, ids: 1000 };

/** Keys that this process holds itself. */
export function localKeySource(set: unknown): KeySource {
  const keys = readKeySet(set);
  return { find: async (id) => selectKey(keys, id), close: () => {} };
}

/**
 * Keys that an issuer publishes; fetched when first asked for, so that a start does not depend on the issuer.
 *
 * @param budget What all issuers together may be asked because of unknown key ids. Fetches that only age calls for do
 *   not count: nobody can cause more of them.
 */
export function remoteKeySource(
  location: KeyLocation,
  options: RemoteKeysOptions = {},
  budget?: Budget,
): KeySource {
  const { now = Date.now, timeoutMs = 5_000 } = options;
  const address = keyAddress(location, now, options);
  const closing = new AbortController();
  const unknown = new Map<string, number>();
  let held: { readonly keys: readonly VerificationKey[]; readonly since: number } | undefined;
  let attempted: number | undefined;
  let failure: unknown;
  let pending: Promise<void> | undefined;

  const age = (since: number | undefined) => ageOf(since, now);

  const load = async (since: number): Promise<void> => {
    try {
      const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(timeoutMs)]);
      const uri = await address.get(signal);
      held = { keys: readKeySet(await fetchJson(uri, signal, options)), since };
      failure = undefined;
    } catch (cause) {
      address.doubt();
      failure = cause;
    } finally {
      pending = undefined;
    }
  };

  /** Joins the fetch under way, or starts one unless it is too soon. Never rejects. */
  const refresh = (limit?: Budget): Promise<void> => {
    if (pending === undefined && age(attempted) >= REFETCH_MS && (limit?.take() ?? true)) {
      attempted = now();
      pending = load(attempted);
    }
    return pending ?? Promise.resolve();
  };

  const keepFresh = async (): Promise<void> => {
    const old = age(held?.since);
    if (old >= AGE.refresh) {
      const refreshed = refresh();
      if (old >= AGE.unusable || (old >= AGE.expired && failure === undefined)) {
        await refreshed;
      }
    }
  };

  const rememberUnknown = (id: string): void => {
    const oldest = unknown.size < UNKNOWN.ids ? undefined : unknown.keys().next().value;
    if (oldest !== undefined) {
      unknown.delete(oldest);
    }
    unknown.set(id, now());
  };

  return {
    async find(id) {
      await keepFresh();
      if (held === undefined || age(held.since) >= AGE.unusable) {
        throw refused('keys', failure);
      }
      const asked = held;
      const key = selectKey(asked.keys, id);
      if (key !== undefined || id === undefined || age(unknown.get(id)) < UNKNOWN.ms) {
        return key;
      }
      // Perhaps the issuer has rotated its keys since.
      await refresh(budget);
      const found = selectKey(held.keys, id);
      if (found === undefined && held !== asked) {
        rememberUnknown(id);
      }
      return found;
    },
    close: () => closing.abort(),
  };
}
