// The canonical form that approvals are bound to, against the vectors of RFC 8785, and what has none.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { approvalDigest, canonicalForm } from '../../src/approvals/digest.ts';
import { BailiwickError } from '../../src/errors.ts';

// the vectors of RFC 8785, which lie beside the project
const VECTORS = fileURLToPath(new URL('../../../shared/vectors/jcs/', import.meta.url));
const action = (given: Record<string, unknown>) => ({ service: 'mail', action: 'send', arguments: given });

test('what has no canonical form is the client’s mistake and has no digest', () => {
  for (const given of [
    { a: '\ud800' },
    { '\udc00': 1 },
    { a: Number.NaN },
    { a: [Number.POSITIVE_INFINITY] },
  ]) {
    expect(() => approvalDigest(action(given))).toThrow(BailiwickError);
  }
});

test('any other service, action, argument, type or order of a list is another digest', () => {
  const base = approvalDigest(action({ to: 'a', list: [1, 2] }));
  const others = [
    approvalDigest({ ...action({ to: 'a', list: [1, 2] }), service: 'post' }),
    approvalDigest({ ...action({ to: 'a', list: [1, 2] }), action: 'send2' }),
    approvalDigest(action({ to: 'b', list: [1, 2] })),
    approvalDigest(action({ to: 'a', list: [2, 1] })),
    approvalDigest(action({ to: 'a', list: [1, '2'] })),
    approvalDigest(action({ to: 'a', list: [1, 2], cc: null })),
    approvalDigest(action({ to: 'a' })),
  ];
  expect(new Set([base, ...others]).size).toBe(others.length + 1);
});

test('neither the order of members nor the way a number is written matters', () => {
  expect(approvalDigest(action({ b: 1e2, a: { d: 0.5, c: 'ü' } }))).toBe(
    approvalDigest(action(JSON.parse('{"a":{"c":"\\u00fc","d":5e-1},"b":100.0}'))),
  );
  expect(approvalDigest(action({}))).toBe(
    // sha256 of {"action":"send","arguments":{},"service":"mail"}
    '2665a05f17954cb1bb132d6d0f8acb40b91b6589333051bb415a0c9a0c72c037',
  );
});

describe.skipIf(!existsSync(VECTORS))('the vectors of RFC 8785', () => {
  const names = existsSync(VECTORS) ? readdirSync(`${VECTORS}input`) : [];
  test.each(names)('%s has exactly the bytes of the vector', (name) => {
    const read = (side: string) => readFileSync(`${VECTORS}${side}/${name}`, 'utf8');
    expect(canonicalForm(JSON.parse(read('input')))).toBe(read('output').trimEnd());
  });
});
