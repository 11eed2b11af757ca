// How far a client has listened, as the id of an event: opaque to it, and given back in Last-Event-ID (HTML, server-sent events).
//
// It holds snapshots of PostgreSQL and the time at which it was given out. It is no permission and needs no signature: whoever makes
// one up misses events of their own, and sees nothing that they may not.

import { z } from 'zod';
import type { Place } from '../db/events.ts';
import { BailiwickError } from '../errors.ts';

/** Milliseconds after which nobody can resume: below the time for which events are kept (prisma/policies/09-events.sql). */
export const RESUMABLE_MS = 10 * 60_000;

// xmin:xmax:xip_list, as PostgreSQL writes a snapshot; its numbers have 64 bits
const snapshot = z.string().regex(/^\d{1,19}:\d{1,19}:(\d{1,19}(,\d{1,19})*)?$/);
const shape = z.strictObject({
  t: z.int(),
  s: snapshot,
  u: snapshot.optional(),
  a: z
    .string()
    .regex(/^\d{1,18}$/)
    .optional(),
});

export function writePlace({ since, upto, after }: Place, now = Date.now()): string {
  return Buffer.from(JSON.stringify({ t: now, s: since, u: upto, a: after })).toString('base64url');
}

/**
 * The place at which a client wants to go on.
 *
 * @throws {BailiwickError} BAD_USER_INPUT where it is none of ours, or so old that events since may be gone.
 */
export function readPlace(text: string, now = Date.now()): Place {
  let parsed: z.infer<typeof shape>;
  try {
    parsed = shape.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
  } catch (error) {
    throw new BailiwickError('BAD_USER_INPUT', 'Last-Event-ID is not one of this server', { cause: error });
  }
  const { t, s, u, a } = parsed;
  if (now - t > RESUMABLE_MS || ordered(s) === false) {
    throw new BailiwickError(
      'BAD_USER_INPUT',
      'Last-Event-ID is too old to go on from: read what is there anew, and listen without it',
    );
  }
  return { since: s, ...(u === undefined || a === undefined ? {} : { upto: u, after: a }) };
}

/** PostgreSQL refuses a snapshot that ends before it begins. */
function ordered(text: string): boolean {
  const [min = '0', max = '0'] = text.split(':');
  return BigInt(min) > 0n && BigInt(max) >= BigInt(min);
}
