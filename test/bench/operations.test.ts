// What the comparison asks of this server is what this server answers: its documents stand outside of everything that is generated from the schema.

import { parse, validate } from 'graphql';
import { expect, test } from 'vitest';
import { type Measured, middleOf, summary } from '../../bench/comparison/measured.ts';
import { operations } from '../../bench/comparison/operations.ts';
import { chart, type Line, table } from '../../bench/comparison/report.ts';
import { schema } from '../../src/schema.ts';

test('every operation of the comparison is one of the schema', () => {
  const asked = operations(1000).map(({ ours }) => ours(3));
  expect(asked.length).toBeGreaterThan(9);
  expect(asked.flatMap(({ query }) => validate(schema, parse(query)).map(({ message }) => message))).toEqual(
    [],
  );
});

test('figures are the middle of the rounds, and a ratio is ours to the other’s', () => {
  const times = Array.from({ length: 100 }, (_, n) => n + 1);
  const one = summary(times, 2, []);
  expect(one).toMatchObject({ throughput: 50, p50: 51, p99: 100, operations: 100, errors: 0 });
  const other: Measured = { ...one, throughput: 20, errors: 1, error: 'HTTP/1.1 500' };
  expect(middleOf([one, other, { ...one, throughput: 30 }])).toMatchObject({ throughput: 30, errors: 1 });
  const line: Line = { suite: 'peer', name: 'a < b', kind: 'read', ours: one, other, otherName: 'somebody' };
  expect(table([line])).toContain('| peer | a < b | 50.0 | 51.0, 100 | somebody | 20.0 | 51.0, 100 | 2.50 |');
  const drawn = chart({ at: '2026-01-01', machine: 'one', settings: {}, lines: [line] });
  expect(drawn).toContain('a &lt; b');
  expect(drawn.match(/<rect /g)).toHaveLength(3);
});
