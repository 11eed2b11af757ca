// Which addresses keys may be fetched from. The tables name what cloud providers, routers and operating systems put there.

import { expect, test } from 'vitest';
import { reachProblem } from '../../src/outgoing/address.ts';

const tls = new URL('https://keys.example/');
const plain = new URL('http://localhost/');

test.each([
  ['0.0.0.0', 'this host'],
  ['0.1.2.3', 'this network'],
  ['10.0.0.1', 'private'],
  ['100.64.0.1', 'shared by a carrier'],
  ['100.100.100.200', 'metadata of a cloud'],
  ['127.0.0.1', 'loopback'],
  ['127.255.255.254', 'loopback'],
  ['169.254.169.254', 'metadata of a cloud'],
  ['172.16.0.1', 'private'],
  ['172.31.255.255', 'private'],
  ['192.0.0.8', 'reserved'],
  ['192.0.2.1', 'documentation'],
  ['192.88.99.1', 'relays of 6to4'],
  ['192.168.1.1', 'private'],
  ['198.18.0.1', 'benchmarks'],
  ['198.51.100.1', 'documentation'],
  ['203.0.113.1', 'documentation'],
  ['224.0.0.1', 'multicast'],
  ['240.0.0.1', 'reserved'],
  ['255.255.255.255', 'broadcast'],
  ['::', 'this host'],
  ['::1', 'loopback'],
  ['::7f00:1', 'loopback, as IPv4-compatible'],
  ['::ffff:10.0.0.1', 'private, as IPv4-mapped'],
  ['::ffff:a9fe:a9fe', 'metadata of a cloud, as IPv4-mapped'],
  ['::ffff:0:10.0.0.1', 'private, as IPv4-translated'],
  ['64:ff9b::10.0.0.1', 'private, through NAT64'],
  ['64:ff9b::a9fe:a9fe', 'metadata of a cloud, through NAT64'],
  ['64:ff9b:1::8.8.8.8', 'a NAT64 of the local network'],
  ['100::1', 'discarded'],
  ['2001::1', 'Teredo'],
  ['2001:db8::1', 'documentation'],
  ['2002:7f00:1::', 'loopback, as 6to4'],
  ['3fff::1', 'documentation'],
  ['4000::1', 'not given out'],
  ['5f00::1', 'segment routing'],
  ['fc00::1', 'unique local'],
  ['fd00:ec2::254', 'metadata of a cloud'],
  ['fe80::1', 'link-local'],
  ['fe80::1%lo', 'link-local, with a zone'],
  ['fec0::1', 'site-local'],
  ['ff02::1', 'multicast'],
  ['localhost', 'no address at all'],
])('%s (%s) is out of reach', (address) => {
  expect(reachProblem(address, tls, 'public')).toContain('special');
  expect(reachProblem(address, tls, 'loopback')).toContain('special');
});

test.each(['8.8.8.8', '172.32.0.1', '2606:4700::1111', '::ffff:8.8.8.8', '64:ff9b::8.8.8.8'])(
  '%s is an address of the Internet',
  (address) => {
    expect(reachProblem(address, tls, 'public')).toBeUndefined();
  },
);

test('plain HTTP reaches this machine, and only where that was said', () => {
  for (const address of ['127.0.0.1', '127.1.2.3', '::1', '::ffff:127.0.0.1']) {
    expect(reachProblem(address, plain, 'public')).toContain('development');
    expect(reachProblem(address, plain, 'loopback')).toBeUndefined();
    expect(reachProblem(address, plain, 'any')).toBeUndefined();
  }
  for (const address of ['8.8.8.8', '10.0.0.1', '0.0.0.0', '::']) {
    expect(reachProblem(address, plain, 'any')).toContain('loopback');
  }
});

test('private addresses are in reach over HTTPS when that was said', () => {
  expect(reachProblem('10.0.0.1', tls, 'any')).toBeUndefined();
});
