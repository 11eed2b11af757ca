// The keys that sign our tokens: made, published, used and retired on a schedule that needs no restart and no coordination.
//
// A key is published an hour before it signs, so that whoever remembers our key set has fetched it by then, and stays published
// until the last token that it signed has expired. All of that follows from one time per key, the one from which on it
// signs; a row never changes. Of several processes that find a key too old, one adds the next (TokenStore.addSigningKey).
// Private halves are kept wrapped by the key provider, whose keys the database never has.

import { generateKeyPair, type JsonWebKey, type KeyObject, randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { calculateJwkThumbprint, type JWK } from 'jose';
import { ageOf } from '../auth/age.ts';
import { ALGORITHMS, type Algorithm, readKeySet, selectKey } from '../auth/jwk.ts';
import type { KeySource } from '../auth/jwks.ts';
import type { Binding, KeyProvider } from '../crypto/provider.ts';
import type { StoredSigningKey, TokenStore } from '../db/tokens.ts';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

// biome-ignore format: one time per line
export const SCHEDULE = {
  /** How long a key signs, in milliseconds. */
  signs:   30 * 24 * HOUR,
  /** How long it is published before. */
  ahead:   1 * HOUR,
  /** And after: the life of a token, the allowance for clocks, and a minute. */
  retires: (15 * 60 + 30 + 60) * SECOND,
};

/** The age, in milliseconds, from which what was read of the database is read again. */
const REFRESH = 60 * SECOND;

/** Shortest time between two readings that unknown key ids cause. */
const UNKNOWN = 2 * SECOND;

/** A key that signs, with its private half. */
export type SigningKey = JsonWebKey & { readonly kid: string; readonly alg: Algorithm; readonly use: 'sig' };

export type KeyRing = {
  /** The public keys, as they are published (RFC 7517 section 5). */
  published(): Promise<{ keys: JsonWebKey[] }>;
  /** The one key of each algorithm that signs now. */
  signing(): Promise<readonly SigningKey[]>;
  /** Verifies with what is published. */
  readonly source: KeySource;
  /**
   * Has a new key of each algorithm take over, as soon as it has been published for long enough. Returns their ids.
   *
   * @param urgent Whether it signs at once, published or not: where the key that signs must not be trusted any longer.
   */
  rotate(urgent?: boolean): Promise<string[]>;
};

/** Where the keys are kept. */
export type KeyStore = Pick<TokenStore, 'signingKeys' | 'addSigningKey'>;

export type KeyRingOptions = {
  /** Milliseconds since the epoch. */
  readonly now?: (() => number) | undefined;
  readonly schedule?: typeof SCHEDULE | undefined;
};

type State = { readonly keys: readonly StoredSigningKey[]; readonly readAt: number };

/**
 * Opens the ring. Reads nothing yet; the first key is made when one is first asked for.
 *
 * @param provider Wraps the private halves.
 */
export function openKeyRing(
  store: KeyStore,
  provider: KeyProvider,
  { now = Date.now, schedule = SCHEDULE }: KeyRingOptions = {},
): KeyRing {
  let state: State | undefined;
  let pending: Promise<State> | undefined;

  /** Reads what there is, adding what is due. */
  const read = async (): Promise<State> => {
    const readAt = now();
    let keys = await store.signingKeys();
    const due = ALGORITHMS.map((algorithm) => nextOf(algorithm, keys, readAt, schedule)).filter(
      (one) => one !== undefined,
    );
    if (due.length > 0) {
      await Promise.all(due.map((one) => add(store, provider, one)));
      keys = await store.signingKeys();
    }
    return { keys, readAt };
  };

  const refresh = (): Promise<State> => {
    pending ??= read()
      .then((read) => {
        state = read;
        return read;
      })
      .finally(() => {
        pending = undefined;
      });
    return pending;
  };

  const current = async (): Promise<State> => {
    if (state === undefined || ageOf(state.readAt, now) >= REFRESH) {
      return await refresh();
    }
    return state;
  };

  const opened = new Map<string, Promise<JsonWebKey>>();
  /** Unwrapped once; what failed is tried again. */
  const privateHalf = (key: StoredSigningKey): Promise<JsonWebKey> => {
    const opening = opened.get(key.kid) ?? unwrap(key, provider);
    opened.set(key.kid, opening);
    opening.catch(() => opened.delete(key.kid));
    return opening;
  };

  const verifying = ({ keys }: State) => readKeySet({ keys: publishedAt(keys, now(), schedule) });

  return {
    async published() {
      return { keys: publishedAt((await current()).keys, now(), schedule) };
    },
    async signing() {
      const { keys } = await current();
      const present = ALGORITHMS.flatMap((algorithm) => signingAt(algorithm, keys, now()) ?? []);
      return Promise.all(present.map(async (key) => ({ ...(await privateHalf(key)), ...labels(key) })));
    },
    source: {
      async find(id) {
        const known = selectKey(verifying(await current()), id);
        if (known !== undefined || ageOf(state?.readAt, now) < UNKNOWN) {
          return known;
        }
        // perhaps another process has rotated since
        return selectKey(verifying(await refresh()), id);
      },
      close: () => {},
    },
    async rotate(urgent = false) {
      const { keys } = await refresh();
      const activeAt = new Date(now() + (urgent ? 0 : schedule.ahead));
      const next = ALGORITHMS.map((algorithm) => ({
        algorithm,
        activeAt,
        // an urgent one may come before one that is waiting for its turn
        predecessor: urgent ? `urgent ${randomUUID()}` : (of(algorithm, keys).at(-1)?.kid ?? ''),
      }));
      const added = await Promise.all(next.map((one) => add(store, provider, one)));
      await refresh();
      return added;
    },
  };
}

type NewKey = {
  readonly algorithm: Algorithm;
  readonly activeAt: Date;
  readonly predecessor: string;
};

const of = (algorithm: Algorithm, keys: readonly StoredSigningKey[]) =>
  keys.filter((key) => key.algorithm === algorithm);

/** The one that signs at a time: the latest that may by then. */
function signingAt(
  algorithm: Algorithm,
  keys: readonly StoredSigningKey[],
  at: number,
): StoredSigningKey | undefined {
  return of(algorithm, keys).findLast(({ activeAt }) => activeAt.getTime() <= at);
}

/** What must be added by now: the first key, or the one that takes over from a last one that is about to be too old. */
function nextOf(
  algorithm: Algorithm,
  keys: readonly StoredSigningKey[],
  at: number,
  { signs, ahead }: typeof SCHEDULE,
): NewKey | undefined {
  const last = of(algorithm, keys).at(-1);
  if (last === undefined) {
    return { algorithm, activeAt: new Date(at), predecessor: '' };
  }
  const due = last.activeAt.getTime() + signs;
  return due - ahead > at
    ? undefined
    : { algorithm, activeAt: new Date(Math.max(due, at + ahead)), predecessor: last.kid };
}

/** Public keys that may be signed with later, now, or so lately that a token may still be good. */
function publishedAt(
  keys: readonly StoredSigningKey[],
  at: number,
  { retires }: typeof SCHEDULE,
): JsonWebKey[] {
  return keys
    .filter((key) => {
      const successor = of(key.algorithm, keys).find(({ activeAt }) => activeAt > key.activeAt);
      return successor === undefined || successor.activeAt.getTime() + retires > at;
    })
    .map((key) => ({ ...key.publicKey, ...labels(key) }));
}

const labels = ({ kid, algorithm }: StoredSigningKey) => ({ kid, alg: algorithm, use: 'sig' as const });

const generate = promisify(generateKeyPair) as (
  type: string,
  options: object,
) => Promise<{ publicKey: KeyObject; privateKey: KeyObject }>;

async function add(
  store: Pick<TokenStore, 'addSigningKey'>,
  provider: KeyProvider,
  { algorithm, activeAt, predecessor }: NewKey,
): Promise<string> {
  const { publicKey, privateKey } = await (algorithm === 'ES256'
    ? generate('ec', { namedCurve: 'P-256' })
    : generate('rsa', { modulusLength: 2048 }));
  const jwk = publicKey.export({ format: 'jwk' }) as JsonWebKey;
  const kid = await calculateJwkThumbprint(jwk as JWK);
  const wrapped = await wrap(privateKey, provider, kid);
  await store.addSigningKey({ kid, algorithm, publicKey: jwk, privateKey: wrapped, activeAt }, predecessor);
  return kid;
}

/** What a wrapped key is bound to: nobody moves it to another row. */
export const signingKeyBinding = (kid: string): Binding => ({ key: kid, purpose: 'sign' });

async function wrap(key: KeyObject, provider: KeyProvider, kid: string): Promise<Uint8Array> {
  const plain = Buffer.from(JSON.stringify(key.export({ format: 'jwk' })));
  return Buffer.from(await provider.wrap(plain, signingKeyBinding(kid)));
}

/** @throws {KeyProviderError} when it was wrapped under a key that is not to be had, or altered. */
async function unwrap({ kid, privateKey }: StoredSigningKey, provider: KeyProvider): Promise<JsonWebKey> {
  const plain = await provider.unwrap(Buffer.from(privateKey).toString('utf8'), signingKeyBinding(kid));
  return JSON.parse(Buffer.from(plain).toString('utf8')) as JsonWebKey;
}
