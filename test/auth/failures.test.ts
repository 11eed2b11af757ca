// How often credentials may fail. The clock is the test's own: that of the process is replaced, timers included.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { presentedCredential } from '../../src/auth/credentials.ts';
import { type Attempt, countFailures, type Failures, TooManyFailures } from '../../src/auth/failures.ts';

const HERE = '203.0.113.7';
const ELSEWHERE = '198.51.100.9';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function attempt(failures: Failures, authorization: string, source = HERE): Attempt {
  const presented = presentedCredential(new Headers({ authorization }));
  if (presented === undefined) {
    throw new TypeError('presents nothing');
  }
  return failures.attempt(source, presented);
}

/** Lets different credentials of one source fail. */
async function fail(failures: Failures, times: number, source = HERE): Promise<void> {
  for (let time = 0; time < times; time += 1) {
    await failures.failed(attempt(failures, `Bearer ${source}.${time}`, source));
  }
}

/** Seconds that an attempt has to wait; 0 when it is admitted. */
async function wait(failures: Failures, tried: Attempt): Promise<number> {
  return failures.admit(tried).then(
    () => 0,
    (error: unknown) => {
      expect(error).toBeInstanceOf(TooManyFailures);
      return (error as TooManyFailures).retryAfter;
    },
  );
}

test('after sixty failures of a source, the next credential from there has to wait', async () => {
  const failures = countFailures();
  await fail(failures, 59);
  expect(await wait(failures, attempt(failures, 'Bearer new'))).toBe(0);
  await fail(failures, 1);
  expect(await wait(failures, attempt(failures, 'Bearer new'))).toBe(60);
});

test('after ten failures of a credential, it has to wait wherever it comes from', async () => {
  const failures = countFailures();
  for (let time = 0; time < 10; time += 1) {
    expect(await wait(failures, attempt(failures, 'Bearer a.b.c', `10.0.0.${time}`))).toBe(0);
    await failures.failed(attempt(failures, 'Bearer a.b.c', `10.0.0.${time}`));
  }
  expect(await wait(failures, attempt(failures, 'Bearer a.b.c', ELSEWHERE))).toBe(60);
});

test('writing the scheme in other letters or spaces makes no new credential', async () => {
  const failures = countFailures({ perCredential: 3 });
  for (const spelt of ['Bearer a.b.c', 'BEARER a.b.c', 'bearer  a.b.c ']) {
    await failures.failed(attempt(failures, spelt));
  }
  expect(await wait(failures, attempt(failures, 'bEARER a.b.c'))).toBeGreaterThan(0);
});

test('a credential that keeps failing has to wait although it proved itself before', async () => {
  const failures = countFailures();
  const tried = attempt(failures, 'Bearer a.b.c');
  failures.proved(tried);
  for (let time = 0; time < 10; time += 1) {
    await failures.failed(tried);
  }
  expect(await wait(failures, tried)).toBe(60);
});

test('waiting does not begin anew with what fails to be admitted', async () => {
  const failures = countFailures();
  await fail(failures, 60);
  vi.advanceTimersByTime(45_000);
  const tried = attempt(failures, 'Bearer new');
  expect([await wait(failures, tried), await wait(failures, tried)]).toEqual([15, 15]);
});

test('a token that needs a proof is not blocked for its owner by a thief elsewhere', async () => {
  const failures = countFailures();
  for (let time = 0; time < 10; time += 1) {
    await failures.failed(attempt(failures, 'DPoP a.b.c', ELSEWHERE));
    await failures.failed(attempt(failures, 'Bearer a.b.c', ELSEWHERE));
  }
  expect(await wait(failures, attempt(failures, 'DPoP a.b.c', ELSEWHERE))).toBe(60);
  expect(await wait(failures, attempt(failures, 'DPoP a.b.c', HERE))).toBe(0);
});

test('what proved itself ten minutes ago is as new', async () => {
  const failures = countFailures();
  const tried = attempt(failures, 'Bearer a.b.c');
  failures.proved(tried);
  vi.advanceTimersByTime(10 * 60_000 - 1);
  await fail(failures, 60);
  expect(await wait(failures, tried)).toBe(0);
  vi.advanceTimersByTime(1);
  expect(await wait(failures, tried)).toBe(60);
});

test('what proved itself in the future, by a clock that was set back, is as new', async () => {
  const failures = countFailures();
  const tried = attempt(failures, 'Bearer a.b.c');
  failures.proved(tried);
  vi.setSystemTime(Date.now() - 60_000);
  await fail(failures, 60);
  expect(await wait(failures, tried)).toBeGreaterThan(0);
});

test('the memory for sources and credentials has an end, and the oldest are forgotten first', async () => {
  const failures = countFailures({ perSource: 1, perCredential: 1, remembered: 3 });
  const each = Array.from({ length: 5 }, (_, i) => attempt(failures, `Bearer ${i}`, `10.0.0.${i}`));
  for (const tried of each) {
    await failures.failed(tried);
  }
  const waits = [];
  for (const tried of each) {
    waits.push((await wait(failures, tried)) > 0);
  }
  expect(waits).toEqual([false, false, true, true, true]);
  // the limiter holds one timer for each key that it remembers
  expect(vi.getTimerCount()).toBe(6);
});

test('the memory for what has proved itself has an end, and what proved itself again is kept', async () => {
  const failures = countFailures({ perSource: 1, remembered: 2 });
  const [a, b, c] = ['a', 'b', 'c'].map((text) => attempt(failures, `Bearer ${text}`));
  if (a === undefined || b === undefined || c === undefined) {
    throw new TypeError('three attempts expected');
  }
  for (const tried of [a, b, a, c]) {
    failures.proved(tried);
  }
  await fail(failures, 1);
  expect([await wait(failures, a), await wait(failures, b), await wait(failures, c)]).toEqual([0, 60, 0]);
});

test('a fingerprint tells nothing, and no two processes share one', () => {
  const text = 'Basic YWxpY2U6c2VjcmV0';
  const [one, other] = [countFailures(), countFailures()].map(
    (failures) => attempt(failures, text).credential,
  );
  expect(one).toMatch(/^[A-Za-z0-9_-]{16}$/);
  expect(one).not.toBe(other);
});

test('who proved itself is let in from behind an address where others fail', async () => {
  const failures = countFailures();
  failures.proved(attempt(failures, 'Bearer a.b.c'));
  await fail(failures, 1000);
  expect(await wait(failures, attempt(failures, 'Bearer a.b.c'))).toBe(0);
  expect(await wait(failures, attempt(failures, 'Bearer new'))).toBe(60);
});

test('failures of one source do not count for another', async () => {
  const failures = countFailures();
  await fail(failures, 1000, ELSEWHERE);
  expect(await wait(failures, attempt(failures, 'Bearer new', HERE))).toBe(0);
});

test('after a minute a source and a credential are as new', async () => {
  const failures = countFailures();
  await fail(failures, 60);
  vi.advanceTimersByTime(59_999);
  expect(await wait(failures, attempt(failures, 'Bearer new'))).toBe(1);
  vi.advanceTimersByTime(1);
  expect(await wait(failures, attempt(failures, 'Bearer new'))).toBe(0);
});
