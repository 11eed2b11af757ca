// How far long work is: at a terminal one line that is written over, elsewhere a line every ten seconds and at the end, and nothing
// where there is nothing to do.

import { expect, test } from 'vitest';
import type { Io } from '../../src/cli/command.ts';
import { progress } from '../../src/cli/progress.ts';

/** What was written, by a clock that is set. */
function watch(terminal?: boolean) {
  const written: string[] = [];
  const io: Io = {
    out: () => expect.unreachable(),
    err: (text) => void written.push(text),
    env: {},
    ...(terminal === undefined ? {} : { terminal }),
    signal: new AbortController().signal,
  };
  const clock = { ms: 5000 };
  const bar = progress(io, 'sealed', () => clock.ms);
  const at = (ms: number, done: number, total: number) => {
    clock.ms = 5000 + ms;
    bar.at(done, total);
  };
  return { written, bar, at };
}

test.each([true, false, undefined])('of nothing, nothing is said (terminal: %s)', (terminal) => {
  const { written, bar, at } = watch(terminal);
  at(0, 0, 0);
  at(60_000, 0, 0);
  bar.end();
  expect(written).toEqual([]);
});

test('without a terminal there is a line every ten seconds and one at the end, and no control character', () => {
  const { written, bar, at } = watch();
  at(0, 0, 400);
  at(9999, 90, 400);
  at(10_000, 100, 400);
  at(10_001, 101, 400);
  at(19_999, 199, 400);
  at(20_000, 200, 400);
  at(20_500, 400, 400);
  bar.end();
  expect(written).toEqual([
    'sealed: 100 of 400, 30 s left\n',
    'sealed: 200 of 400, 20 s left\n',
    'sealed: 400 of 400\n',
  ]);
});

test('at a terminal one line is written over, at most ten times a second, and ended once', () => {
  const { written, bar, at } = watch(true);
  at(99, 1, 4);
  at(1000, 1, 4);
  at(1050, 2, 4);
  at(1100, 3, 4);
  at(1101, 4, 4);
  bar.end();
  expect(written).toEqual([
    `\r[${'#'.repeat(8).padEnd(30)}] sealed: 1 of 4, 3 s left\u001b[K`,
    `\r[${'#'.repeat(23).padEnd(30)}] sealed: 3 of 4, 1 s left\u001b[K`,
    `\r[${'#'.repeat(30)}] sealed: 4 of 4\u001b[K`,
    '\n',
  ]);
});

test('a bar that was never shown leaves no empty line', () => {
  const { written, bar, at } = watch(true);
  at(50, 1, 4);
  bar.end();
  expect(written).toEqual([]);
});
