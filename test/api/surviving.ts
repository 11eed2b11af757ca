// vitest's `test` with a server that must survive: after every test it answers as if nothing had been.

import { expect } from 'vitest';
import { dataOf } from '../kit/answer.ts';
import { test as base } from '../kit/server.ts';

export const PING = '{ viewer { live } }';

export const test = base.extend('survived', { auto: true }, async ({ query }, { onCleanup }) => {
  onCleanup(async () => {
    expect(dataOf(await query('alice', PING))).toEqual({ viewer: { live: true } });
  });
  return true;
});

/** A text for each index, joined by spaces. */
export const repeat = (count: number, text: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => text(index)).join(' ');
