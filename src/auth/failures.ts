// How often credentials may fail: so many times a minute from one source, and so many with one credential.
//
// Beyond that a request is answered 429 before the verifier or the database is asked. A credential that has just
// proved itself is let in although its source is blocked, since whoever shares an address with an attacker is not the
// attacker; one that is new there has to wait. Kept in this process; where there are others, each tells them what has failed and
// who has proved itself, and counts what it is told like its own (src/db/neighbours.ts). Counts what has failed, so what is in
// flight at the same moment is not held back. Never sees more of a credential than to make a fingerprint of it.

import { createHmac, createSecretKey, hkdfSync, randomBytes } from 'node:crypto';
// this one limiter alone: the package's entry also loads those for databases, three times the work at the start
import RateLimiterMemory from 'rate-limiter-flexible/lib/RateLimiterMemory.js';
import { BailiwickError } from '../errors.ts';
import { ageOf } from './age.ts';
import type { PresentedCredential } from './credentials.ts';

export type FailureLimits = {
  /** Failures a minute from one source, before it has to wait; 60 unless given. */
  readonly perSource?: number | undefined;
  /** Failures a minute with one credential, before it has to wait; 10 unless given. */
  readonly perCredential?: number | undefined;
  /** Most sources, and most credentials, that are remembered at one time; 10 000 unless given. */
  readonly remembered?: number | undefined;
  /** Milliseconds since the epoch, for what has proved itself. The limiter's clock is the process's own. */
  readonly now?: (() => number) | undefined;
  /** The other processes of this installation, and what all of them have, so that each makes the same fingerprints; none unless given. */
  readonly others?: { readonly channel: Others; readonly secret: Uint8Array } | undefined;
};

/** What processes tell each other. */
export type News =
  | { readonly failed: Pick<Attempt, 'source' | 'account'> }
  | { readonly proved: Attempt['account'] };

/** A way to all other processes. What is told may be late, or lost. */
export type Others = {
  tell(news: News): void;
  listen(heard: (news: News) => void): void;
};

/** One request that presents a credential. */
export type Attempt = {
  readonly source: string;
  /** The credential's fingerprint. */
  readonly credential: string;
  /** Under which its failures count. */
  readonly account: string;
};

export type Failures = {
  attempt(source: string, presented: PresentedCredential): Attempt;
  /** @throws {TooManyFailures} when this attempt has to wait. */
  admit(attempt: Attempt): Promise<void>;
  failed(attempt: Attempt): Promise<void>;
  proved(attempt: Attempt): void;
  /** Whether its credential has just proved itself. */
  isProven(attempt: Attempt): boolean;
};

/** The one answer to every attempt that has to wait. */
export class TooManyFailures extends BailiwickError {
  /** Whole seconds. */
  readonly retryAfter: number;

  constructor(retryAfter: number, blocked: string) {
    super('LIMIT_EXCEEDED', 'Too many failed attempts; retry later.', {
      status: 429,
      cause: new Error(`too many failures of this ${blocked}`),
    });
    this.retryAfter = retryAfter;
  }
}

const WINDOW_SECONDS = 60;

/** How long it counts to have proved oneself, in milliseconds. */
const PROOF_LASTS = 10 * 60_000;

/** How often the others hear that somebody goes on proving itself, in milliseconds. */
const TELL_AGAIN = PROOF_LASTS / 2;

/** Characters of base64url: 96 bits, so that nobody finds a second credential with the fingerprint of another. */
const FINGERPRINT_LENGTH = 16;

/** Starts counting. */
export function countFailures(limits: FailureLimits = {}): Failures {
  const { perSource = 60, perCredential = 10, remembered = 10_000, now = Date.now, others } = limits;
  // Nobody who reads a log or a dump can try passwords and short tokens against a fingerprint without this key.
  const key = createSecretKey(
    others === undefined
      ? randomBytes(32)
      : Buffer.from(hkdfSync('sha256', others.secret, '', 'bailiwick failures', 32)),
  );
  const sources = new BoundedCounter(perSource, remembered);
  const accounts = new BoundedCounter(perCredential, remembered);
  const proven = new Map<string, number>();
  /** When the others were told of it. */
  const told = new Map<string, number>();

  const isProven = (account: string) => ageOf(proven.get(account), now) < PROOF_LASTS;

  const remember = (times: Map<string, number>, account: string) => {
    times.delete(account);
    times.set(account, now());
    forgetOldest(times, remembered);
  };

  const count = async ({ source, account }: Pick<Attempt, 'source' | 'account'>) => {
    await Promise.all([sources.count(source), accounts.count(account)]);
  };

  others?.channel.listen((news) => {
    if ('failed' in news) {
      void count(news.failed);
    } else {
      remember(proven, news.proved);
    }
  });

  return {
    attempt(source, { text, bound }) {
      const credential = createHmac('sha256', key)
        .update(text)
        .digest('base64url')
        .slice(0, FINGERPRINT_LENGTH);
      // A token that needs a proof may have been stolen in vain. From elsewhere its thief must not block its owner.
      return { source, credential, account: bound ? `${credential} ${source}` : credential };
    },
    async admit({ source, account }) {
      const ofAccount = await accounts.secondsBlocked(account);
      if (ofAccount > 0) {
        throw new TooManyFailures(ofAccount, 'credential');
      }
      const ofSource = await sources.secondsBlocked(source);
      if (ofSource > 0 && !isProven(account)) {
        throw new TooManyFailures(ofSource, 'source');
      }
    },
    isProven: ({ account }) => isProven(account),
    async failed({ source, account }) {
      others?.channel.tell({ failed: { source, account } });
      await count({ source, account });
    },
    proved({ account }) {
      remember(proven, account);
      if (others !== undefined && ageOf(told.get(account), now) >= TELL_AGAIN) {
        remember(told, account);
        others.channel.tell({ proved: account });
      }
    },
  };
}

/** A limiter whose memory has an end: the library's own keeps every key until its time is up, however many come. */
class BoundedCounter {
  readonly #limiter: RateLimiterMemory;
  readonly #most: number;
  /** The keys of the limiter in the order in which their windows began, and some that it has forgotten. */
  readonly #keys = new Set<string>();

  constructor(points: number, most: number) {
    this.#limiter = new RateLimiterMemory({ points, duration: WINDOW_SECONDS, keyPrefix: '' });
    this.#most = most;
  }

  async secondsBlocked(key: string): Promise<number> {
    const state = await this.#limiter.get(key);
    const blocked = state !== null && state.consumedPoints >= this.#limiter.points;
    return blocked ? Math.max(0, Math.ceil(state.msBeforeNext / 1000)) : 0;
  }

  async count(key: string): Promise<void> {
    const { isFirstInDuration } = await this.#limiter.penalty(key);
    if (isFirstInDuration) {
      this.#keys.delete(key);
      this.#keys.add(key);
      for (const forgotten of forgetOldest(this.#keys, this.#most)) {
        await this.#limiter.delete(forgotten);
      }
    }
  }
}

/** Shortens what keeps its members in the order of insertion. */
function forgetOldest(
  collection: { readonly size: number; keys(): Iterator<string>; delete(key: string): boolean },
  most: number,
): string[] {
  const forgotten: string[] = [];
  while (collection.size > most) {
    const oldest = collection.keys().next();
    if (oldest.done === true) {
      break;
    }
    collection.delete(oldest.value);
    forgotten.push(oldest.value);
  }
  return forgotten;
}
