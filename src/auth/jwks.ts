// Where the keys of an issuer come from: a JWK Set over HTTP, cached so that neither the issuer's bad days nor a flood
// of made-up key ids reach the callers with good tokens.
//
// jose's remote key set has no pause after a failed fetch, no limit on the size of an answer, and answers nobody once
// its keys are old and the issuer is down; hence our own. What a key is good for is decided in jwk.ts. Never follows
// a redirect and never takes an address from a token: whoever chooses the address chooses the keys.

import { readKeySet, selectKey, type VerificationKey } from './jwk.ts';
import { refused } from './refusal.ts';
import { parseStrictJson } from './strict-json.ts';

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

export type RemoteKeysOptions = {
  /** Milliseconds since the epoch. */
  readonly now?: (() => number) | undefined;
  readonly fetch?: typeof fetch | undefined;
  /** Longest fetch including its body, in milliseconds. */
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

const MAX_BYTES = 64 * 1024;

/** Keys that this process holds itself. */
export function localKeySource(set: unknown): KeySource {
  const keys = readKeySet(set);
  return { find: async (id) => selectKey(keys, id), close: () => {} };
}

/** Keys that an issuer publishes; fetched when first asked for, so that a start does not depend on the issuer. */
export function remoteKeySource(uri: URL, options: RemoteKeysOptions = {}): KeySource {
  const { now = Date.now, timeoutMs = 5_000 } = options;
  const closing = new AbortController();
  const unknown = new Map<string, number>();
  let held: { readonly keys: readonly VerificationKey[]; readonly since: number } | undefined;
  let attempted: number | undefined;
  let failure: unknown;
  let pending: Promise<void> | undefined;

  // A clock that was set back makes things old, not young.
  const age = (since: number | undefined): number => {
    const passed = since === undefined ? Number.POSITIVE_INFINITY : now() - since;
    return passed < 0 ? Number.POSITIVE_INFINITY : passed;
  };

  const load = async (since: number): Promise<void> => {
    try {
      const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(timeoutMs)]);
      held = { keys: readKeySet(await download(uri, signal, options.fetch ?? fetch)), since };
      failure = undefined;
    } catch (cause) {
      failure = cause;
    } finally {
      pending = undefined;
    }
  };

  /** Joins the fetch under way, or starts one unless it is too soon. Never rejects. */
  const refresh = (): Promise<void> => {
    if (pending === undefined && age(attempted) >= REFETCH_MS) {
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
      await refresh();
      const found = selectKey(held.keys, id);
      if (found === undefined && held !== asked) {
        rememberUnknown(id);
      }
      return found;
    },
    close: () => closing.abort(),
  };
}

/** What is wrong with the address of a key set, or undefined. Plain HTTP does not leave this machine. */
export function jwksUriProblem(uri: URL): string | undefined {
  const loopback = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(uri.hostname);
  if (uri.protocol !== 'https:' && !(uri.protocol === 'http:' && loopback)) {
    return 'must be HTTPS; plain HTTP is for loopback addresses only';
  }
  return uri.username + uri.password === '' ? undefined : 'must not contain a user name or password';
}

async function download(uri: URL, signal: AbortSignal, get: typeof fetch): Promise<unknown> {
  const response = await get(uri, { signal, redirect: 'error', headers: { accept: 'application/json' } });
  if (response.status !== 200 || response.body === null) {
    await response.body?.cancel();
    throw new TypeError(`The issuer answered ${response.status}`);
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Counted as it arrives and after decompression; leaving the loop cancels the rest.
  for await (const chunk of response.body) {
    size += chunk.byteLength;
    if (size > MAX_BYTES) {
      throw new TypeError(`The issuer's key set is larger than ${MAX_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  return parseStrictJson(Buffer.concat(chunks));
}
