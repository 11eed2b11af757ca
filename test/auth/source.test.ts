// Where a request came from: what a client writes into a header moves it to no other source.

import { expect, test } from 'vitest';
import { sourceOf } from '../../src/auth/source.ts';

const PROXY = '10.0.0.1';
const CLIENT = '203.0.113.7';
const forwarded = (text: string, trustProxy: number) =>
  sourceOf({ socket: PROXY, forwarded: text }, trustProxy);

test('without a trusted proxy, no header is believed', () => {
  expect(forwarded(CLIENT, 0)).toBe(PROXY);
});

test.each<[guarantee: string, header: string, hops: number]>([
  ['one address before that of one proxy', `1.1.1.1, ${CLIENT}`, 1],
  ['many addresses', `${'1.1.1.1, '.repeat(50)}${CLIENT}`, 1],
  ['rubbish', `x, "y", 0, ${CLIENT}`, 1],
  ['addresses before those of two proxies', `1.1.1.1, 2.2.2.2, ${CLIENT}, 10.0.0.2`, 2],
])('a client that sends %s stays where it is', (_, header, hops) => {
  expect(forwarded(header, hops)).toBe(CLIENT);
});

test.each<[guarantee: string, header: string, hops: number]>([
  ['nothing', '', 1],
  ['a name', 'client.example', 1],
  ['unknown', 'unknown', 1],
  ['a port', `${CLIENT}:443`, 1],
  ['brackets', '[2001:db8::1]', 1],
  ['octal numbers', '0313.0.0161.07', 1],
  ['hexadecimal numbers', '0xcb.0.0x71.7', 1],
  ['an address in one number', '3405803783', 1],
  ['three numbers', '203.0.113', 1],
  ['a fifth number', `${CLIENT}.1`, 1],
  ['nothing after the last comma', `${CLIENT},`, 1],
  ['fewer entries than there are proxies', CLIENT, 2],
])('an entry of %s was not written by a proxy of ours, and the proxy itself counts', (_, header, hops) => {
  expect(forwarded(header, hops)).toBe(PROXY);
});

test('without the header, the proxy itself counts', () => {
  expect(sourceOf({ socket: PROXY, forwarded: undefined }, 1)).toBe(PROXY);
});

test('whoever has a network of IPv6 addresses is one source', () => {
  const sources = ['2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff', '2001:DB8:1:2:0:0:0:9'].map(
    (socket) => sourceOf({ socket, forwarded: undefined }, 0),
  );
  expect(new Set(sources)).toEqual(new Set(['2001:db8:1:2::/64']));
});

test('neighbouring networks are two sources', () => {
  expect(forwarded('2001:db8:1:3::1', 1)).not.toBe(forwarded('2001:db8:1:2::1', 1));
});

test.each<[what: string, socket: string | undefined, source: string]>([
  ['an IPv4 address', CLIENT, CLIENT],
  ['an IPv4 address as IPv6 sockets show it', `::ffff:${CLIENT}`, CLIENT],
  ['the same in hexadecimal', '::ffff:cb00:7107', CLIENT],
  ['a link-local address with its interface', 'fe80::1%eth0', 'fe80::/64'],
  ['loopback', '::1', '::/64'],
  ['no address, as over a Unix socket', undefined, 'unknown'],
])('%s is one source', (_, socket, source) => {
  expect(sourceOf({ socket, forwarded: undefined }, 0)).toBe(source);
});
