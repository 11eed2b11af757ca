// Named calls: what may be named, and what parameters can make of an address. They leave neither the path nor the origin.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addressOf, namedCalls } from '../../src/services/call.ts';

const ORIGIN = 'https://api.example.com';
const of = (path: string, parameters: object = {}, query: object = {}) =>
  addressOf(
    ORIGIN,
    { path },
    { parameters: parameters as Record<string, unknown>, query: query as Record<string, unknown> },
  ).href;

test.each([
  ['a path that is none', 'repos'],
  ['an empty path', ''],
  ['another host', '//evil.example/x'.replace('//', '/\\')],
  ['a query', '/search?q=1'],
  ['a fragment', '/a#b'],
  ['a segment of dots', '/a/../b'],
  ['a single dot', '/./b'],
  ['an escape', '/a%2e%2e/b'],
  ['a space', '/a b'],
  ['a line feed', '/a\nb'],
  ['a brace that does not end', '/a/{b'],
  ['a name in braces that is none', '/a/{B}'],
])('%s is no path of a call', (_, path) => {
  expect(namedCalls.safeParse([{ name: 'x', method: 'GET', path }]).success).toBe(false);
});

test('two calls of one name, a method that is none and a name in capitals are refused', () => {
  const call = { name: 'x', method: 'GET', path: '/' };
  expect(namedCalls.safeParse([call, call]).success).toBe(false);
  expect(namedCalls.safeParse([{ ...call, method: 'TRACE' }]).success).toBe(false);
  expect(namedCalls.safeParse([{ ...call, name: 'Issues' }]).success).toBe(false);
  expect(namedCalls.safeParse([call]).success).toBe(true);
});

test.each([
  ['left out', '/a/{b}', {}],
  ['empty', '/a/{b}', { b: '' }],
  ['dots', '/a/{b}', { b: '..' }],
  ['a dot', '/a/{b}', { b: '.' }],
  ['dots in two parts', '/a/{b}{c}', { b: '.', c: '.' }],
  ['one too many', '/a/{b}', { b: 'x', c: 'y' }],
  ['no text', '/a/{b}', { b: ['x'] }],
  ['half a character', '/a/{b}', { b: '\ud800' }],
])('a parameter that is %s is refused', (_, path, parameters) => {
  expect(() => of(path, parameters)).toThrow(expect.objectContaining({ code: 'BAD_USER_INPUT' }));
});

test('a query of objects is refused', () => {
  expect(() => of('/', {}, { q: { a: 1 } })).toThrow(expect.objectContaining({ code: 'BAD_USER_INPUT' }));
  expect(() => of('/', {}, { q: [null] })).toThrow(expect.objectContaining({ code: 'BAD_USER_INPUT' }));
});

test('whatever stands in parameters and query, the address keeps its origin, and its path the segments that were named', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, q) => {
      fc.pre(a !== '' && a.isWellFormed() && q.isWellFormed() && a !== '.' && a !== '..');
      const url = new URL(of('/repos/{a}/issues', { a }, { q }));
      expect(url.origin).toBe(ORIGIN);
      const segments = url.pathname.split('/');
      expect(segments).toHaveLength(4);
      expect(decodeURIComponent(segments[2] ?? '')).toBe(a);
      expect(url.searchParams.getAll('q')).toEqual([q]);
      expect(url.hash).toBe('');
    }),
    { numRuns: 50 },
  );
});

test('parameters and a query of text, numbers, truth values and lists go where they belong', () => {
  expect(of('/beds/{bed}/issues/{n}', { bed: 'lower left', n: 7 }, { open: true, tag: ['a', 'b'] })).toBe(
    'https://api.example.com/beds/lower%20left/issues/7?open=true&tag=a&tag=b',
  );
});
