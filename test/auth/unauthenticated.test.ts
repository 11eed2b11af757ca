// The one answer to whoever proves nothing: when it leaves, and what the log says of it. That all causes look alike
// from outside: test/api/unauthenticated.test.ts.

import { expect, test } from 'vitest';
import { Refusal, refused } from '../../src/auth/refusal.ts';
import { challenge, leavesAt, recordOf, STEP, untilItLeaves } from '../../src/auth/unauthenticated.ts';
import { BailiwickError } from '../../src/errors.ts';

test.each<[ready: number, leaves: number]>([
  [0, 1],
  [0.001, 1],
  [0.999, 1],
  [1, 1],
  [1.001, 2],
  [2, 2],
  [40.5, 41],
])('an answer that is ready after %d steps leaves after a whole number of them: %d', (ready, steps) => {
  expect(leavesAt(ready * STEP)).toBe(steps * STEP);
});

// A lower bound: a busy machine makes it later, never earlier.
test.each([0, 0.3, 0.99, 1.2])(
  'no answer leaves before its time, %d steps after its request',
  async (ago) => {
    const arrived = performance.now() - ago * STEP;
    await untilItLeaves(arrived);
    expect(performance.now() - arrived).toBeGreaterThanOrEqual(leavesAt(ago * STEP));
  },
);

test('a scheme that is not taken is not named', () => {
  expect(challenge(false)).toBe('Bearer');
  expect(challenge(true)).toBe('Bearer, DPoP algs="ES256 RS256"');
});

test('the log tells whoever presents nothing, a bad credential and one that the database refuses apart', () => {
  const attempt = { source: '203.0.113.7', credential: 'fingerprint' };
  const anonymous = new BailiwickError('UNAUTHENTICATED');
  const unknown = new BailiwickError('UNAUTHENTICATED', undefined, { cause: new Error('no such subject') });
  expect(recordOf(refused('expired'), attempt)).toEqual({
    event: 'auth.refused',
    reason: 'expired',
    detail: new Refusal('expired').message,
    ...attempt,
  });
  expect(recordOf(unknown, attempt)).toMatchObject({ reason: 'database', detail: 'no such subject' });
  expect(recordOf(anonymous, { source: '203.0.113.7' })).toMatchObject({ reason: 'anonymous' });
});
