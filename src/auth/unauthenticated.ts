// The one answer to whoever proves nothing: the schemes it names, when it leaves, and its line in the log.
//
// What differs between two refusals helps whoever is guessing, and time differs too: a malformed header is refused at
// once, an unknown subject after a question to the database. So an answer leaves when a whole number of steps has
// passed since its request arrived. That hides what differs within a step, not that a step was missed; no credential is
// guarded by it, since none can be guessed bit by bit. Delays nothing but refusals, and does not know what was asked.

import { setTimeout as sleep } from 'node:timers/promises';
import type { BailiwickError } from '../errors.ts';
import type { Attempt } from './failures.ts';
import { ALGORITHMS } from './jwk.ts';
import { REFUSALS, Refusal, type RefusalReason } from './refusal.ts';

/** Milliseconds. Longer than the database takes to refuse on a connection that was opened for it. */
export const STEP = 50;

/**
 * The value of `WWW-Authenticate`, a list of challenges (RFC 9110 section 11.6.1). API keys have no scheme to be named
 * by.
 *
 * @param takesProofs Whether the scheme DPoP is taken (RFC 9449 section 7.1).
 */
export function challenge(takesProofs: boolean): string {
  return takesProofs ? `Bearer, DPoP algs="${ALGORITHMS.toSorted().join(' ')}"` : 'Bearer';
}

/** When an answer may leave that is ready now; both in milliseconds since its request arrived. */
export function leavesAt(ready: number): number {
  return Math.max(1, Math.ceil(ready / STEP)) * STEP;
}

/** Waits until an answer may leave whose request arrived at that time of `performance.now()`. */
export async function untilItLeaves(arrived: number): Promise<void> {
  const due = arrived + leavesAt(performance.now() - arrived);
  // A timer may go off a little early.
  for (let left = due - performance.now(); left > 0; left = due - performance.now()) {
    await sleep(Math.ceil(left));
  }
}

const OF_TIME: ReadonlySet<RefusalReason> = new Set(['expired', 'early', 'iat']);

/**
 * Whether nothing but time is the matter with a credential. A trusted issuer has signed it, so nobody is guessing; and when
 * a clock is wrong, everybody would be made to wait for longer than it is.
 */
export function isOfTime({ cause }: BailiwickError): boolean {
  return cause instanceof Refusal && OF_TIME.has(cause.reason);
}

/** What the log says of a refusal. Not the credential: its fingerprint. */
export type RefusalRecord = {
  readonly event: 'auth.refused';
  readonly reason: RefusalReason;
  /** For people. */
  readonly detail: string;
  readonly source: string;
  readonly credential: string | undefined;
};

/**
 * Describes a refusal for the log.
 *
 * @param error UNAUTHENTICATED. Its cause is a `Refusal`, or what the database said; none, if nothing was presented.
 */
export function recordOf(
  { cause }: BailiwickError,
  { source, credential }: Pick<Attempt, 'source'> & Partial<Attempt>,
): RefusalRecord {
  const reason =
    cause instanceof Refusal ? cause.reason : credential === undefined ? 'anonymous' : 'database';
  const detail = cause instanceof Error ? cause.message : REFUSALS[reason];
  return { event: 'auth.refused', reason, detail, source, credential };
}
