// Keeping an issuer's keys, which come from a real HTTP server on loopback that rotates, stalls and fails.
import type { ServerResponse } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { createBudget } from '../../src/auth/budget.ts';
import { type KeySource, type RemoteKeysOptions, remoteKeySource } from '../../src/auth/jwks.ts';
import { ecKey, ISSUER, refusal } from './forge.ts';
import { type KeyServer, startKeyServer } from './key-server.ts';

const [first, second, third] = [ecKey('first').jwk, ecKey('second').jwk, ecKey('third').jwk];
const SECONDS = 1_000;
const MINUTES = 60 * SECONDS;

type Stage = { server: KeyServer; keys: KeySource; clock: { at: number } };

/** A key server that publishes the first key, a source that reads from it, and the source's clock in milliseconds. */
async function stage(options: RemoteKeysOptions = {}): Promise<Stage> {
  const clock = { at: 1_800_000_000_000 };
  const server = await startKeyServer(first);
  const keys = remoteKeySource(
    { issuer: ISSUER, jwksUri: server.uri },
    { now: () => clock.at, reach: 'loopback', ...options },
  );
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
  ['a failure of the server', (r: ServerResponse) => r.writeHead(500).end()],
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

test('a storm over many issuers causes ten fetches a second at most, and nobody is forgotten', async () => {
  const { server, keys, clock } = await stage();
  const budget = createBudget(10, () => clock.at);
  const options = { now: () => clock.at, reach: 'loopback' } as const;
  const sources = Array.from({ length: 25 }, () =>
    remoteKeySource({ issuer: ISSUER, jwksUri: server.uri }, options, budget),
  );
  await Promise.all([keys, ...sources].map((source) => source.find('first'))); // what is needed is not counted
  expect(server.requests()).toBe(26);
  server.publish(first, second);
  clock.at += 1 * MINUTES;

  const storm = () =>
    Promise.all(
      sources.flatMap((source, n) => ['second', `made-up-${n}`, `too-${n}`].map((id) => found(source, id))),
    );
  const known = (ids: readonly (string | undefined)[]) => ids.filter((id) => id === 'second').length;
  expect(known(await storm())).toBe(10);
  expect(server.requests()).toBe(26 + 10);
  clock.at += 999;
  expect(known(await storm())).toBe(10);
  expect(server.requests()).toBe(26 + 10);

  clock.at += 1;
  expect(known(await storm())).toBe(20);
  clock.at += 1 * SECONDS;
  expect(known(await storm())).toBe(25);
  expect(server.requests()).toBe(26 + 25);
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
