// Issuers that are looked up: what is remembered of them, for how long, and how little a stranger can make us ask.

import { expect, onTestFinished, test } from 'vitest';
import { createIssuerCache, type IssuerDirectory } from '../../src/auth/directory.ts';
import { localKeySource } from '../../src/auth/jwks.ts';
import { createVerifier } from '../../src/auth/token.ts';
import type { IssuerConfig } from '../../src/trust.ts';
import { ecKey, forge, ISSUER, issuerConfig, NOW, refusal, uniform } from './forge.ts';
import { startKeyServer } from './key-server.ts';

const SECONDS = 1_000;
const MINUTES = 60 * SECONDS;
const key = ecKey('ec');

/** A directory that can be changed, broken and held up, and the cache in front of it. */
function stage(...issuers: readonly string[]) {
  const clock = { at: NOW * 1000 };
  const rows = new Map<string, IssuerConfig>(issuers.map((issuer) => [issuer, issuerConfig({ issuer })]));
  const asked: string[] = [];
  const opened: string[] = [];
  const closed: string[] = [];
  const directory: { lookup: IssuerDirectory['lookup'] } = { lookup: async (name) => rows.get(name) };
  const cache = createIssuerCache(
    {
      lookup: (name) => {
        asked.push(name);
        return directory.lookup(name);
      },
    },
    {
      now: () => clock.at,
      timeoutMs: 60 * SECONDS,
      open: ({ issuer, audience }) => {
        opened.push(`${issuer} ${audience}`);
        return {
          ...localKeySource({ keys: [] }),
          close: () => void closed.push(`${issuer} ${audience}`),
        };
      },
    },
  );
  const find = async (name: string) => (await cache.find(name))?.config.audience;
  const failing = async () => {
    throw new Error('the database is away');
  };
  return { clock, rows, asked, opened, closed, directory, cache, find, failing };
}

const { audience } = issuerConfig();

test('a name of 256 characters is asked about nowhere', async () => {
  const name = 'i'.repeat(256);
  const { find, asked } = stage(name);
  expect(await find(name)).toBeUndefined();
  expect(asked).toEqual([]);
});

test('an issuer that is in no directory is not there, and is not asked about again for 30 seconds', async () => {
  const { clock, rows, find, asked } = stage();
  expect(await find('a')).toBeUndefined();
  rows.set('a', issuerConfig({ issuer: 'a' }));
  clock.at += 29 * SECONDS;
  expect(await find('a')).toBeUndefined();
  expect(asked).toEqual(['a']);

  clock.at += 1 * SECONDS;
  expect(await find('a')).toBe(audience);
});

test('an issuer that has been withdrawn does not count after 30 seconds, also when nobody asked meanwhile', async () => {
  const { clock, rows, find, closed } = stage('a');
  await find('a');
  rows.clear();
  clock.at += 30 * SECONDS;

  expect(await find('a')).toBeUndefined();
  expect(closed).toEqual([`a ${audience}`]);
});

test('an answer about another issuer is not believed', async () => {
  const { rows, cache, opened } = stage();
  rows.set('a', issuerConfig({ issuer: 'b' }));
  expect(await refusal(cache.find('a'))).toEqual(uniform('directory'));
  expect(opened).toEqual([]);
});

test('names that nobody knows are asked about 20 times a second, and the rest is refused', async () => {
  const { clock, find, asked, cache } = stage('good');
  await find('good');
  clock.at += 1 * SECONDS;

  const storm = await Promise.allSettled(Array.from({ length: 500 }, (_, n) => cache.find(`made-up-${n}`)));
  expect(storm.filter(({ status }) => status === 'rejected')).toHaveLength(480);
  expect(asked).toHaveLength(1 + 20);
  expect(await refusal(cache.find('made-up-too'))).toEqual(uniform('directory'));
  expect(await find('good')).toBe(audience); // who is known does not notice
  expect(await find('made-up-0')).toBeUndefined(); // and who is known to be nobody is not asked about again

  clock.at += 1 * SECONDS;
  expect(await find('made-up-too')).toBeUndefined();
  expect(asked).toHaveLength(1 + 21);
});

test('a storm of names does not keep known issuers from being looked up again', async () => {
  const { clock, rows, find, cache } = stage('good');
  await find('good');
  rows.set('good', issuerConfig({ issuer: 'good', audience: 'changed' }));
  clock.at += 30 * SECONDS;
  await Promise.allSettled(Array.from({ length: 50 }, (_, n) => cache.find(`made-up-${n}`)));

  expect(await find('good')).toBe('changed');
});

test('callers that ask at once share one lookup', async () => {
  const { find, asked, opened } = stage('a');
  expect(new Set(await Promise.all(Array.from({ length: 50 }, () => find('a'))))).toEqual(
    new Set([audience]),
  );
  expect([asked, opened]).toEqual([['a'], [`a ${audience}`]]);
});

test('what is known is renewed in the background, and nobody waits for it', async () => {
  const { clock, rows, find, asked, directory } = stage('a');
  await find('a');
  const { promise, resolve } = Promise.withResolvers<IssuerConfig | undefined>();
  directory.lookup = () => promise;
  clock.at += 15 * SECONDS;
  expect(await find('a')).toBe(audience);
  expect(asked).toEqual(['a', 'a']);

  rows.set('a', issuerConfig({ issuer: 'a', audience: 'changed' }));
  resolve(rows.get('a'));
  await expect.poll(() => find('a'), { interval: 5 }).toBe('changed');
});

test('a configuration that has changed gets new keys, and one that has not keeps its own', async () => {
  const { clock, rows, find, opened, closed, cache } = stage('a', 'b');
  const before = await cache.find('b');
  await find('a');
  rows.set('a', issuerConfig({ issuer: 'a', audience: 'changed' }));
  rows.set('b', issuerConfig({ issuer: 'b' })); // equal, though another object
  clock.at += 30 * SECONDS;

  expect(await find('a')).toBe('changed');
  expect((await cache.find('b'))?.keys).toBe(before?.keys);
  expect(opened).toEqual([`b ${audience}`, `a ${audience}`, 'a changed']);
  expect(closed).toEqual([`a ${audience}`]);
});

test('while lookups fail, known issuers count for ten minutes and no longer', async () => {
  const { clock, find, cache, directory, failing } = stage('a');
  await find('a');
  directory.lookup = failing;
  for (let minute = 1; minute < 10; minute += 1) {
    clock.at += 1 * MINUTES;
    expect(await find('a')).toBe(audience);
  }
  clock.at += 1 * MINUTES;
  expect(await refusal(cache.find('a'))).toEqual(uniform('directory'));
});

test('while lookups fail, one name is asked about once a second, and its recovery is noticed', async () => {
  const { clock, find, asked, rows, directory, failing } = stage('a');
  await find('a');
  directory.lookup = failing;
  clock.at += 30 * SECONDS;
  await find('a');
  asked.length = 0;
  for (let n = 0; n < 10; n += 1) {
    clock.at += 100;
    await find('a');
  }
  expect(asked).toEqual(['a']);

  rows.set('a', issuerConfig({ issuer: 'a', audience: 'changed' }));
  directory.lookup = async (name) => rows.get(name);
  clock.at += 1 * SECONDS;
  await expect.poll(() => find('a'), { interval: 5 }).toBe('changed');
});

test('a lookup that fails for a new name is refused and remembers nothing', async () => {
  const { cache, find, directory, failing, rows } = stage('a');
  directory.lookup = failing;
  expect(await refusal(cache.find('a'))).toEqual(uniform('directory'));
  directory.lookup = () => {
    throw new Error('at once');
  };
  expect(await refusal(cache.find('a'))).toEqual(uniform('directory'));
  directory.lookup = async (name) => rows.get(name);
  expect(await find('a')).toBe(audience);
});

test('while lookups are known to fail, nobody waits for the next failure', async () => {
  const { clock, find, directory, failing } = stage('a');
  await find('a');
  directory.lookup = failing;
  clock.at += 30 * SECONDS;
  await find('a');
  directory.lookup = () => new Promise(() => {});
  clock.at += 1 * SECONDS;

  expect(await find('a')).toBe(audience);
});

test('a lookup that never answers is given up on', async () => {
  const options = { now: () => NOW * 1000, timeoutMs: 50, open: () => localKeySource({ keys: [] }) };
  const cache = createIssuerCache({ lookup: () => new Promise(() => {}) }, options);
  expect(await refusal(cache.find('a'))).toEqual(uniform('directory'));
});

test('a clock that was set back does not make what is known young', async () => {
  const { clock, rows, find } = stage('a');
  await find('a');
  rows.clear();
  clock.at -= 60 * MINUTES;
  expect(await find('a')).toBeUndefined();
});

test('a thousand issuers are remembered, and the one used least recently goes and is closed', async () => {
  const names = Array.from({ length: 1_001 }, (_, n) => `i-${n}`);
  const { clock, find, closed } = stage(...names);
  for (const name of names.slice(0, 1_000)) {
    clock.at += 50;
    await find(name);
  }
  await find('i-0');
  clock.at += 50;
  await find('i-1000');

  expect(closed).toEqual([`i-1 ${audience}`]);
});

test('a closed cache closes every source and asks no more', async () => {
  const { cache, find, closed, asked } = stage('a', 'b');
  await find('a');
  cache.close();

  expect(await find('b')).toBeUndefined();
  expect([closed, asked]).toEqual([[`a ${audience}`], ['a']]);
});

test('an answer that comes after closing opens nothing', async () => {
  const { cache, find, directory, opened } = stage('a');
  const { promise, resolve } = Promise.withResolvers<IssuerConfig | undefined>();
  directory.lookup = () => promise;
  const waiting = find('a');
  cache.close();
  resolve(issuerConfig({ issuer: 'a' }));

  expect(await waiting).toBeUndefined();
  expect(opened).toEqual([]);
});

test('a verifier takes issuers from the directory, and its own before those', async () => {
  await using server = await startKeyServer(key.jwk);
  const registered = issuerConfig({
    issuer: 'https://registered.example',
    jwksUri: server.uri,
    id: '01890a5d-ac96-774b-bcce-b302099a8057',
  });
  const asked: string[] = [];
  const verifier = createVerifier([issuerConfig({ jwksUri: server.uri })], {
    now: () => NOW * 1000,
    reach: 'loopback',
    directory: {
      lookup: async (name) => {
        asked.push(name);
        return name === registered.issuer ? registered : undefined;
      },
    },
  });
  onTestFinished(() => verifier.close());
  const by = (iss: unknown) => verifier.verify(forge(key, { claims: { iss } }));

  expect(await refusal(by('https://nobody.example'))).toEqual(uniform('iss'));
  expect(await refusal(by(['https://registered.example']))).toEqual(uniform('iss'));
  const idToken = forge(key, { headers: { typ: 'id+jwt' }, claims: { iss: 'https://somebody.example' } });
  expect(await refusal(verifier.verify(idToken))).toEqual(uniform('typ'));
  expect(await by(ISSUER)).toMatchObject({ issuer: ISSUER, issuerId: undefined });
  expect(await by(registered.issuer)).toMatchObject({ issuer: registered.issuer, issuerId: registered.id });
  expect(asked).toEqual(['https://nobody.example', registered.issuer]);

  verifier.close();
  expect(await refusal(by(registered.issuer))).toEqual(uniform('iss'));
});
