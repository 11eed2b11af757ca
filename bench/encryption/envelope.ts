// What one envelope costs: values of 2 KiB sealed and opened in turns, on one thread, without a database. Run as
// `node bench/encryption/envelope.ts`.
//
// Each round seals a batch and opens it, so that both meet the same machine; the medians are over rounds. Keys are open already,
// as they are in a server that has used them within the last minute.

import { createSecretKey, randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { open, type Place, seal } from '../../src/crypto/envelope.ts';
import { newKey } from '../../src/crypto/primitives.ts';
import { median, text } from './figures.ts';

const BYTES = 2048;
const BATCH = 500;
const ROUNDS = 60;

const key = { id: randomUUID(), version: 1, secret: createSecretKey(newKey()) };
const keyOf = () => key;
const values = Array.from({ length: BATCH }, () => text(BYTES));
const places = values.map(
  (): Place => ({
    tenantId: randomUUID(),
    ownerId: randomUUID(),
    table: 'memories',
    column: 'content',
    rowId: randomUUID(),
  }),
);
const placeOf = (n: number): Place => places[n] as Place;

/** Microseconds for each of a batch. */
function time(work: () => void): number {
  const begin = performance.now();
  work();
  return ((performance.now() - begin) * 1000) / BATCH;
}

const sealing: number[] = [];
const opening: number[] = [];
let wrong = 0;
for (let round = -10; round < ROUNDS; round += 1) {
  let sealed: string[] = [];
  let opened: string[] = [];
  const toSeal = time(() => {
    sealed = values.map((value, n) => seal(value, placeOf(n), key));
  });
  const toOpen = time(() => {
    opened = sealed.map((stored, n) => open(stored, placeOf(n), keyOf));
  });
  wrong += opened.filter((value, n) => value !== values[n]).length;
  if (round >= 0) {
    sealing.push(toSeal);
    opening.push(toOpen);
  }
}

const row = (name: string, times: readonly number[]) => {
  const each = median(times);
  return `| ${name} | ${each.toFixed(1)} µs | ${Math.round(1_000_000 / each)} |`;
};
process.stdout.write(
  [
    `${ROUNDS} rounds of ${BATCH} values of ${BYTES} bytes, Node ${process.version}, one thread of ${availableParallelism()} cores`,
    '',
    '| | median | per second |',
    '| --- | --- | --- |',
    row('seal', sealing),
    row('open', opening),
    '',
    `values that came back as others: ${wrong}`,
    '',
  ].join('\n'),
);
process.exitCode = wrong === 0 ? 0 : 1;
