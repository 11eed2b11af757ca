// What the suites growth, memory and start ask is what this server answers, of whom they say; and what they make of figures is right.

import { parse, validate } from 'graphql';
import { expect, test } from 'vitest';
import type { Measured } from '../../bench/comparison/measured.ts';
import { isGrowthSuite } from '../../bench/growth/grow.ts';
import { type Grown, ratioOf } from '../../bench/growth/growth.ts';
import { growthOf, type Memory } from '../../bench/growth/memory.ts';
import {
  CREATE_KEY,
  comparisons,
  FIRST_QUERY,
  ofClients,
  ofTenants,
  STRANGERS,
} from '../../bench/growth/operations.ts';
import {
  chart,
  growthTable,
  type Kept,
  memoryTable,
  merged,
  page,
  startTable,
} from '../../bench/growth/report.ts';
import { allSizes, sizesOf } from '../../bench/growth/sizes.ts';
import type { Starts } from '../../bench/growth/start.ts';
import { schema } from '../../src/schema.ts';

const LARGEST = { rows: 1_000_000, tenants: 1000, delegations: 10_000, members: 10_000, clients: 256 };
const sizes = allSizes(LARGEST);
const all = [...comparisons(sizes), ...ofTenants(sizes.tenants), ofClients(sizes)];

test('a size that leaves nothing between it and the smallest, or rows that do not divide evenly, are refused', () => {
  expect(() => sizesOf(10_000, 10_000)).toThrow(RangeError);
  expect(() => sizesOf(10_000, 20_000)).toThrow(RangeError);
  expect(() => sizesOf(1, 99.5)).toThrow(RangeError);
  expect(() => allSizes({ ...LARGEST, rows: 1_010_000 })).toThrow(RangeError);
});

test('sizes go from the smallest to the largest, with one of another order between them', () => {
  expect(sizes).toEqual({
    rows: [10_000, 100_000, 1_000_000],
    tenants: [10, 100, 1000],
    delegations: [1, 100, 10_000],
    members: [2, 100, 10_000],
    clients: [1, 10, 256],
  });
  expect(allSizes({ ...LARGEST, rows: 10_000_000, tenants: 100_000 })).toMatchObject({
    rows: [10_000, 1_000_000, 10_000_000],
    tenants: [10, 1000, 100_000],
  });
});

test('every question is one of the schema, and everybody who is compared is asked the same', () => {
  const asked = all.flatMap(({ questions }) => questions.flatMap(({ asked, place }) => [asked, place]));
  const documents = [...asked.flatMap((one) => one?.query ?? []), FIRST_QUERY, CREATE_KEY];
  expect(documents.length).toBeGreaterThan(40);
  expect(
    [...new Set(documents)].flatMap((text) => validate(schema, parse(text)).map(({ message }) => message)),
  ).toEqual([]);
  for (const { questions } of all) {
    expect(new Set(questions.map(({ asked }) => asked.query)).size).toBe(1);
    expect(new Set(questions.map(({ size }) => size)).size).toBe(questions.length);
    expect(questions.length).toBeGreaterThanOrEqual(3);
  }
});

test('of many tenants as many ask as of few, each of another', () => {
  for (const [n, { questions }] of ofTenants([10, 1000, 100_000]).entries()) {
    const most = n < 2 ? 10 : STRANGERS;
    for (const { size, callers } of questions) {
      const tenants = callers.map(({ tenant }) => Number(tenant?.replace('tenant-', '')));
      expect(new Set(tenants).size).toBe(Math.min(most, size));
      expect(Math.min(...tenants)).toBeGreaterThanOrEqual(1);
      expect(Math.max(...tenants)).toBeLessThanOrEqual(size);
    }
  }
});

const measured = (p50: number): Measured => ({ throughput: 1, p50, p99: p50, operations: 9, errors: 0 });
const grown = (...p50: number[]): Grown => ({
  dimension: 'a < b',
  operation: 'page',
  sizes: p50.map((time, n) => ({ size: 10 ** (n + 3), measured: measured(time) })),
});
const memory: Memory = {
  idle: 200,
  peak: 330,
  samples: [
    { operations: 50_000, loaded: 250, resting: 240 },
    { operations: 100_000, loaded: 300, resting: 290 },
    { operations: 150_000, loaded: 330, resting: 280 },
  ],
  throughput: 300,
  errors: 0,
};
const starts: Starts = {
  name: 'existing database',
  starts: [1000, 1400, 1900].map((answered) => ({
    loaded: 500,
    database: 600,
    listening: 900,
    answered,
    processor: 950,
    resident: 210,
  })),
};

test('a ratio is the largest to the smallest, and the goal is met up to it, either way', () => {
  expect(ratioOf(grown(4, 9, 5))).toBe(1.25);
  expect(growthTable([grown(4, 9, 5)])).toContain(
    '| a < b | page | 1 000, 10 000, 100 000 | 4.00, 9.00, 5.00 | 1.25 | yes |',
  );
  expect(growthTable([grown(4, 4, 5.1)])).toContain('| 1.27 | no |');
  expect(growthTable([grown(5, 4, 4)])).toContain('| 0.80 | yes |');
  expect(growthTable([grown(5.1, 4, 4)])).toContain('| 0.78 | no |');
});

test('memory is that at the end to that after the first hundred thousand operations, under load', () => {
  expect(growthOf(memory)).toBeCloseTo(1.1);
  const table = memoryTable(memory);
  expect(table).toContain('| before the first operation |  | 200 |');
  expect(table).toContain('| after 100 000 operations | 300 | 290 |');
  expect(table).toContain('| after 150 000 operations | 330 | 280 |');
  expect(table).toContain('within 1.1: yes | 1.10 | |');
});

test('with no more operations than the first, memory is not said to have kept the goal', () => {
  for (const few of [1, 2]) {
    const short = { ...memory, samples: memory.samples.slice(0, few) };
    expect(growthOf(short)).toBeNaN();
    expect(memoryTable(short)).toContain('not so many operations');
  }
});

test('a start is told by the middle and the worst of all', () => {
  expect(startTable([starts])).toContain(
    '| existing database, 3 times | 500 | 600 | 900 | 1400 | 1900 | 950 | 210 |',
  );
});

test('what is kept is drawn and told suite by suite', () => {
  const head = { at: '2026-01-01', machine: 'one & only', settings: { rounds: 5 } };
  const kept: Kept = {
    growth: { ...head, growth: [grown(4, 4, 8)] },
    memory: { ...head, memory },
    start: { ...head, start: [starts] },
  };
  const drawn = chart(kept);
  expect(drawn).toContain('a &lt; b: page');
  expect(drawn).toContain('one &amp; only');
  expect(drawn.match(/<rect /g)).toHaveLength(3);
  expect(drawn.match(/<polyline points="[\d.,]+ [\d.,]+ [\d.,]+"/g)).toHaveLength(1);
  expect(drawn).not.toContain('NaN');
  expect(page(kept).match(/^## /gm)).toHaveLength(3);
  expect(page({ start: kept.start as never })).not.toContain('## Growth');
});

test('what was not measured this time is kept of growth, and of nothing else', () => {
  const head = { at: '2026-01-01', machine: 'one', settings: {} };
  const [few, many] = [grown(1, 1, 1), { ...grown(2, 2, 2), dimension: 'other' }];
  const before = { ...head, growth: [few, many] };
  expect(merged(before, { ...head, growth: [grown(3, 3, 3)] }).growth).toEqual([many, grown(3, 3, 3)]);
  expect(merged(undefined, { ...head, growth: [few] }).growth).toEqual([few]);
  expect(merged({ ...head, start: [starts] }, { ...head, start: [] })).toEqual({ ...head, start: [] });
});

test('other suites are not taken for these', () => {
  expect(['growth', 'memory', 'start', 'peer', ''].map(isGrowthSuite)).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
});
