// Calls to services: where they do not go, however the name leads there, and what comes back of an answer.

import { expect, test } from 'vitest';
import type { Reach, Resolve } from '../../src/outgoing/address.ts';
import {
  createOutgoing,
  MOST_AT_ONCE,
  MOST_BYTES,
  type Outgoing,
  type OutgoingRequest,
} from '../../src/outgoing/call.ts';
import { startService } from '../services/service.ts';

const get = (url: string): OutgoingRequest => ({ method: 'GET', url: new URL(url), headers: {} });
const over = (reach: Reach, resolve?: Resolve): Outgoing =>
  createOutgoing({ reach, timeoutMs: 20_000, resolve });

const resolvingTo =
  (...addresses: string[]): Resolve =>
  async () =>
    addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));

test.each([
  ['loopback', '127.0.0.1'],
  ['a private network', '10.1.2.3'],
  ['the metadata service of a cloud', '169.254.169.254'],
  ['loopback of IPv6', '::1'],
  ['loopback in another spelling', '::ffff:127.0.0.1'],
])('a name that leads to %s is not connected to, nor is the address itself', async (_, address) => {
  const host = address.includes(':') ? `[${address}]` : address;
  await expect(over('public')(get(`https://${host}/`))).rejects.toMatchObject({ fault: 'address' });
  const named = over('public', resolvingTo(address))(get('https://service.example/'));
  await expect(named).rejects.toMatchObject({ fault: 'address' });
  const mixed = over('public', resolvingTo('93.184.216.34', address))(get('https://service.example/'));
  await expect(mixed).rejects.toMatchObject({ fault: 'address' });
});

test('nothing goes out in clear but to this machine, and that only where it is said', async () => {
  await expect(over('public')(get('http://127.0.0.1:1/'))).rejects.toMatchObject({ fault: 'address' });
  await expect(
    over('any', resolvingTo('93.184.216.34'))(get('http://service.example/')),
  ).rejects.toMatchObject({
    fault: 'address',
  });
});

test('a name that leads nowhere is no address fault', async () => {
  const nowhere: Resolve = async () => Promise.reject(new Error('ENOTFOUND'));
  await expect(over('public', nowhere)(get('https://service.example/'))).rejects.toMatchObject({
    fault: 'connection',
  });
});

test('one call too many at once is refused, and there is room again when one has ended', async () => {
  const go = Promise.withResolvers<void>();
  const answer = { status: 200, contentType: null, body: null, truncated: false };
  const slow: Outgoing = async () => go.promise.then(() => answer);
  const outgoing = createOutgoing({
    reach: 'public',
    timeoutMs: 1000,
    inProcess: new Map([['https://slow.invalid', slow]]),
  });
  const calls = Array.from({ length: MOST_AT_ONCE }, () => outgoing(get('https://slow.invalid/')));
  await expect(outgoing(get('https://slow.invalid/'))).rejects.toMatchObject({ fault: 'busy' });
  go.resolve();
  await Promise.all(calls);
  expect(await outgoing(get('https://slow.invalid/'))).toEqual(answer);
});

test('an answer is cut where it is too long, never in the middle of a character, and left out where it is not text', async () => {
  const service = await startService();
  try {
    const outgoing = over('loopback');
    service.respond((response) =>
      response.setHeader('content-type', 'text/plain').end('€'.repeat(MOST_BYTES)),
    );
    const long = await outgoing(get(service.origin));
    expect(long.truncated).toBe(true);
    expect(long.body).toMatch(/^€+$/);
    expect(Buffer.byteLength(long.body ?? '')).toBeLessThanOrEqual(MOST_BYTES);
    service.respond((response) =>
      response.setHeader('content-type', 'text/plain').end('x'.repeat(MOST_BYTES)),
    );
    expect(await outgoing(get(service.origin))).toMatchObject({ truncated: false });
    service.respond((response) => response.setHeader('content-type', 'application/problem+json').end('{}'));
    expect(await outgoing(get(service.origin))).toMatchObject({ body: '{}' });
    for (const headers of [
      { 'content-type': 'application/octet-stream' },
      { 'content-type': 'text/plain', 'content-encoding': 'gzip' },
      {},
    ]) {
      service.respond((response) => response.writeHead(200, headers).end('x'));
      expect(await outgoing(get(service.origin))).toMatchObject({ status: 200, body: null });
    }
  } finally {
    await service.stop();
  }
});
