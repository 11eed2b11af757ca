// What both benchmarks of encryption need: a middle value, and text to encrypt.

import { randomBytes } from 'node:crypto';

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [below = Number.NaN, above = Number.NaN] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 0 ? (below + above) / 2 : above;
}

/** Text of so many bytes, each time another, in which nothing repeats. */
export function text(bytes: number): string {
  return randomBytes(bytes).toString('base64url').slice(0, bytes);
}
