// Fetching keys from an issuer, here a real HTTP server on loopback that redirects, stalls, floods and fails.
import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import {
  jwksUriProblem,
  type KeySource,
  type RemoteKeysOptions,
  remoteKeySource,
} from '../../src/auth/jwks.ts';
import { ecKey, refusal } from './forge.ts';
import { type KeyServer, startKeyServer } from './key-server.ts';

const [first, second, third] = [ecKey('first').jwk, ecKey('second').jwk, ecKey('third').jwk];
const SECONDS = 1_000;
const MINUTES = 60 * SECONDS;

type Stage = { server: KeyServer; keys: KeySource; clock: { at: number } };

/** A key server that publishes the first key, a source that reads from it, and the source's clock in milliseconds. */
async function stage(options: RemoteKeysOptions = {}): Promise<Stage> {
  const clock = { at: 1_800_000_000_000 };
  const server = await startKeyServer(first);
  const keys = remoteKeySource(new URL(server.uri), { now: () => clock.at, ...options });
  onTestFinished(async () => {
    keys.close();
    await server[Symbol.asyncDispose]();
  });
  return { server, keys, clock };
}

const found = async (keys: KeySource, id: string | undefined) => (await keys.find(id))?.id;

/** Until what runs in the background has reached the server and come back. */
async function settled(keys: KeySource, id: string): Promise<void> {
  await expect.poll(() => found(keys, id), { interval: 5 }).toBe(id);
}

test.each([
  ['a redirect', (r: ServerResponse) => r.writeHead(302, { location: '/elsewhere' }).end()],
  [
    'an answer other than 200',
    (r: ServerResponse) => r.writeHead(203).end(JSON.stringify({ keys: [first] })),
  ],
  ['a failure of the server', (r: ServerResponse) => r.writeHead(500).end()],
  ['an answer without a body', (r: ServerResponse) => r.writeHead(204).end()],
  ['something that is not JSON', (r: ServerResponse) => r.end('<html>')],
  ['something that is no key set', (r: ServerResponse) => r.end('{}')],
  [
    'a key set with two members of one name',
    (r: ServerResponse) => r.end(`{"keys":[],"keys":[${JSON.stringify(first)}]}`),
  ],
  [
    'a key set with one id twice',
    (r: ServerResponse) => r.end(JSON.stringify({ keys: [first, { ...second, kid: 'first' }] })),
  ],
  ['a broken connection', (r: ServerResponse) => r.destroy()],
])('%s yields no keys', async (_, answer) => {
  const { server, keys } = await stage();
  server.respond((_request, response) => answer(response));

  expect(await refusal(keys.find('first'))).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'keys' });
  expect(server.requests()).toBe(1);
});

test('a redirect is not followed, even to the same keys', async () => {
  const { server, keys } = await stage();
  server.respond((request, response) =>
    request.url === '/keys'
      ? response.writeHead(307, { location: '/moved' }).end()
      : response.end(JSON.stringify({ keys: [first] })),
  );

  expect(await refusal(keys.find('first'))).toMatchObject({ reason: 'keys' });
  expect(server.requests()).toBe(1);
});

test('an answer that never ends is cut off at 64 KiB', async () => {
  const { server, keys } = await stage();
  const closed = new Promise<void>((resolve) => {
    server.respond((_, response) => {
      const pour = () => {
        while (response.write(' '.repeat(16 * 1024))) {}
      };
      response.on('drain', pour).on('close', resolve);
      pour();
    });
  });

  expect(await refusal(keys.find('first'))).toMatchObject({ reason: 'keys' });
  await closed;
});

test('an answer that is small only while compressed is too large', async () => {
  const { server, keys } = await stage();
  const padded = JSON.stringify({ keys: [first] }) + ' '.repeat(64 * 1024);
  server.respond((_, response) => response.setHeader('content-encoding', 'gzip').end(gzipSync(padded)));

  expect(await refusal(keys.find('first'))).toMatchObject({ reason: 'keys' });
});

test.each([
  ['says nothing', (_: ServerResponse) => {}],
  ['stops in the middle', (response: ServerResponse) => response.write('{"keys":[')],
])('a server that %s is given up on', async (_, stall) => {
  const { server, keys } = await stage({ timeoutMs: 50 });
  server.respond((_request, response) => {
    stall(response);
  });

  expect(await refusal(keys.find('first'))).toMatchObject({ reason: 'keys' });
});

test.each([
  ['http://id.acme.example/keys', 'HTTPS'],
  ['http://127.0.0.1.acme.example/keys', 'HTTPS'],
  ['http://localhost.acme.example/keys', 'HTTPS'],
  ['http://10.0.0.1/keys', 'HTTPS'],
  ['file:///keys', 'HTTPS'],
  ['https://user:secret@id.acme.example/keys', 'password'],
])('keys are not fetched from %s', (uri, why) => {
  expect(jwksUriProblem(new URL(uri))).toContain(why);
});

test.each([
  'https://id.acme.example/keys',
  'http://localhost:1/keys',
  'http://127.0.0.1:1/keys',
  'http://[::1]:1/keys',
])('keys may be fetched from %s', (uri) => {
  expect(jwksUriProblem(new URL(uri))).toBeUndefined();
});

test('callers that ask at once share one fetch', async () => {
  const { server, keys } = await stage();

  expect(await Promise.all(Array.from({ length: 50 }, () => found(keys, 'first')))).toEqual(
    Array(50).fill('first'),
  );
  expect(server.requests()).toBe(1);
});

test('however long a fetch takes, there is one at a time', async () => {
  const { server, keys, clock } = await stage();
  const held: ServerResponse[] = [];
  server.respond((_, response) => held.push(response));
  const early = found(keys, 'first');
  await expect.poll(() => held.length, { interval: 5 }).toBe(1);
  clock.at += 1 * MINUTES;
  const late = found(keys, 'first');
  held[0]?.end(JSON.stringify({ keys: [first] }));

  expect(await Promise.all([early, late])).toEqual(['first', 'first']);
  expect(server.requests()).toBe(1);
});

test('nothing is fetched again while the keys are fresh', async () => {
  const { server, keys, clock } = await stage();
  await keys.find('first');
  clock.at += 4 * MINUTES;

  expect(await found(keys, 'first')).toBe('first');
  expect(server.requests()).toBe(1);
});

test('a storm of unknown key ids does not delay a good token and causes one fetch at most', async () => {
  const { server, keys, clock } = await stage();
  await keys.find('first');
  clock.at += 1 * MINUTES;
  const held: ServerResponse[] = [];
  server.respond((_, response) => held.push(response));

  const storm = Array.from({ length: 1_000 }, (_, n) => found(keys, `made-up-${n}`));
  await expect.poll(() => held.length, { interval: 5 }).toBe(1);
  expect(await found(keys, 'first')).toBe('first'); // while the storm's fetch is still waiting for its answer
  held[0]?.end(JSON.stringify({ keys: [first] }));

  expect(new Set(await Promise.all(storm))).toEqual(new Set([undefined]));
  expect(await found(keys, 'made-up-again')).toBeUndefined();
  expect(server.requests()).toBe(2);
});

test('unknown key ids cause one fetch in 30 seconds, also when the fetches fail', async () => {
  const { server, keys, clock } = await stage();
  await keys.find('first');
  server.respond((_, response) => response.writeHead(500).end());

  for (let passed = 0; passed < 90; passed += 1) {
    clock.at += 1 * SECONDS;
    await keys.find(`made-up-${passed}`);
  }
  expect(server.requests()).toBe(1 + 3);
  expect(await found(keys, 'first')).toBe('first');
});

test('a key id that the issuer has just been asked for is not asked for again', async () => {
  const { server, keys, clock } = await stage();
  await keys.find('first');
  clock.at += 31 * SECONDS;
  await keys.find('made-up');
  clock.at += 31 * SECONDS;
  await keys.find('made-up');
  expect(server.requests()).toBe(2);

  clock.at += 31 * SECONDS;
  await keys.find('made-up');
  expect(server.requests()).toBe(3);
});

test('a key id for which it was too soon to ask is asked for later', async () => {
  const { server, keys, clock } = await stage();
  await keys.find('first');
  server.publish(first, second);

  expect(await found(keys, 'second')).toBeUndefined();
  clock.at += 30 * SECONDS;
  expect(await found(keys, 'second')).toBe('second');
});

test('a thousand unknown key ids are remembered, and the oldest is forgotten first', async () => {
  const { server, keys, clock } = await stage();
  await keys.find('first');
  clock.at += 31 * SECONDS;
  await Promise.all(Array.from({ length: 1_001 }, (_, n) => keys.find(`made-up-${n}`)));
  clock.at += 31 * SECONDS;

  await keys.find('made-up-1');
  expect(server.requests()).toBe(2);
  await keys.find('made-up-0');
  expect(server.requests()).toBe(3);
});

test('a token without key id causes no fetch when there are several keys', async () => {
  const { server, keys, clock } = await stage();
  server.publish(first, second);
  await keys.find('first');
  clock.at += 1 * MINUTES;

  expect(await found(keys, undefined)).toBeUndefined();
  expect(server.requests()).toBe(1);
});

test('a rotation with overlap refuses no token and ends with the old key unknown', async () => {
  const { server, keys, clock } = await stage();
  await keys.find('first');

  server.publish(first, second);
  clock.at += 1 * MINUTES;
  expect([await found(keys, 'second'), await found(keys, 'first')]).toEqual(['second', 'first']);

  server.publish(second, third);
  clock.at += 11 * MINUTES;
  expect([await found(keys, 'third'), await found(keys, 'second'), await found(keys, 'first')]).toEqual([
    'third',
    'second',
    undefined,
  ]);
});

test('keys are renewed in the background, and nobody waits for it', async () => {
  const { server, keys, clock } = await stage();
  await keys.find('first');
  const held: ServerResponse[] = [];
  server.respond((_, response) => held.push(response));
  clock.at += 6 * MINUTES;

  expect(await found(keys, 'first')).toBe('first');
  await expect.poll(() => held.length, { interval: 5 }).toBe(1);
  held[0]?.end(JSON.stringify({ keys: [first, second] }));
  await settled(keys, 'second');
  expect(server.requests()).toBe(2);
});

test('a withdrawn key is not accepted after ten idle minutes', async () => {
  const { server, keys, clock } = await stage();
  await keys.find('first');
  server.publish(second);
  clock.at += 10 * MINUTES;

  expect(await found(keys, 'first')).toBeUndefined();
});

test('known keys outlive a failing issuer for an hour and no longer', async () => {
  const { server, keys, clock } = await stage();
  await keys.find('first');
  server.respond((_, response) => response.writeHead(503).end());

  for (let minute = 1; minute < 60; minute += 1) {
    clock.at += 1 * MINUTES;
    expect(await found(keys, 'first')).toBe('first');
  }
  clock.at += 1 * MINUTES;
  expect(await refusal(keys.find('first'))).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'keys' });
});

test('while an issuer is known to fail, nobody waits for its next failure', async () => {
  const { server, keys, clock } = await stage();
  await keys.find('first');
  server.respond((_, response) => response.writeHead(503).end());
  clock.at += 20 * MINUTES;
  await keys.find('first');
  server.respond(() => {});
  clock.at += 1 * MINUTES;

  expect(await found(keys, 'first')).toBe('first');
});

test('an issuer that is down at the start is asked every 30 seconds, and its recovery is noticed', async () => {
  const { server, keys, clock } = await stage();
  server.respond((_, response) => response.destroy());
  expect(await refusal(keys.find('first'))).toMatchObject({ reason: 'keys' });

  server.publish(first);
  clock.at += 29 * SECONDS;
  expect(await refusal(keys.find('first'))).toMatchObject({ reason: 'keys' });
  expect(server.requests()).toBe(1);

  clock.at += 1 * SECONDS;
  expect(await found(keys, 'first')).toBe('first');
});

test('a set that has become ambiguous does not replace the last good one', async () => {
  const { server, keys, clock } = await stage();
  await keys.find('first');
  server.publish(second, { ...third, kid: 'second' });
  clock.at += 1 * MINUTES;

  expect([await found(keys, 'second'), await found(keys, 'first')]).toEqual([undefined, 'first']);
});

test('a clock that was set back does not make keys young', async () => {
  const { server, keys, clock } = await stage();
  await keys.find('first');
  server.publish(second);
  clock.at -= 60 * MINUTES;

  expect([await found(keys, 'second'), await found(keys, 'first')]).toEqual(['second', undefined]);
});

test('a closed source ends its fetch and starts no other', async () => {
  const { server, keys } = await stage();
  server.respond(() => {});
  const waiting = keys.find('first');
  await expect.poll(() => server.requests(), { interval: 5 }).toBe(1);
  keys.close();

  expect(await refusal(waiting)).toMatchObject({ reason: 'keys' });
  expect(await refusal(keys.find('first'))).toMatchObject({ reason: 'keys' });
  expect(server.requests()).toBe(1);
});
