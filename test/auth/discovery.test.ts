// Keys whose address a discovery document tells. The documents and the keys come from a real HTTP server.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { remoteKeySource } from '../../src/auth/jwks.ts';
import { createVerifier } from '../../src/auth/token.ts';
import { certificate } from './certificate.ts';
import { ecKey, forge, ISSUER, issuerConfig, NOW, refusal } from './forge.ts';
import { startKeyServer, startTlsKeyServer } from './key-server.ts';

const first = ecKey('first');
const second = ecKey('second');
const SECONDS = 1_000;
const MINUTES = 60 * SECONDS;

/** An issuer at one address, and a source that knows only where its document is. */
async function stage() {
  const clock = { at: NOW * 1000 };
  const server = await startKeyServer();
  const { origin } = new URL(server.uri);
  const asked: string[] = [];
  const pages = new Map<string, (request: IncomingMessage, response: ServerResponse) => unknown>();
  server.respond((request, response) => {
    asked.push(request.url ?? '');
    const page = pages.get(request.url ?? '');
    return page === undefined ? response.writeHead(404).end() : page(request, response);
  });
  const publish = (path: string, content: unknown) => {
    pages.set(path, (_, response) => response.end(JSON.stringify(content)));
  };
  const location = { issuer: ISSUER, discovery: `${origin}/.well-known/openid-configuration` };
  const keys = remoteKeySource(location, { now: () => clock.at, reach: 'loopback' });
  publish('/.well-known/openid-configuration', { issuer: ISSUER, jwks_uri: `${origin}/keys` });
  publish('/keys', { keys: [first.jwk] });
  onTestFinished(async () => {
    keys.close();
    await server[Symbol.asyncDispose]();
  });
  return { clock, origin, asked, pages, publish, keys, location };
}

const DOCUMENT = '/.well-known/openid-configuration';

test.each<[what: string, document: (origin: string) => unknown]>([
  ['of another issuer', (origin) => ({ issuer: 'https://mallory.example', jwks_uri: `${origin}/keys` })],
  ['of an issuer with a slash more', (origin) => ({ issuer: `${ISSUER}/`, jwks_uri: `${origin}/keys` })],
  [
    'of an issuer in other letters',
    (origin) => ({ issuer: ISSUER.toUpperCase(), jwks_uri: `${origin}/keys` }),
  ],
  ['of no issuer', (origin) => ({ jwks_uri: `${origin}/keys` })],
  ['of several issuers', (origin) => ({ issuer: [ISSUER], jwks_uri: `${origin}/keys` })],
  ['without an address of keys', () => ({ issuer: ISSUER })],
  ['with several addresses of keys', (origin) => ({ issuer: ISSUER, jwks_uri: [`${origin}/keys`] })],
  ['with an address that is none', () => ({ issuer: ISSUER, jwks_uri: '/keys' })],
  ['with keys in the clear', () => ({ issuer: ISSUER, jwks_uri: 'http://id.acme.example/keys' })],
  ['with keys in a file', () => ({ issuer: ISSUER, jwks_uri: 'file:///etc/passwd' })],
  [
    'with a password for the keys',
    (o) => ({ issuer: ISSUER, jwks_uri: `${o.replace('//', '//a:b@')}/keys` }),
  ],
  ['that is a list', (origin) => [{ issuer: ISSUER, jwks_uri: `${origin}/keys` }]],
])('a document %s yields no keys, and none are fetched', async (_, document) => {
  const { origin, publish, asked, keys } = await stage();
  publish(DOCUMENT, document(origin));

  expect(await refusal(keys.find('first'))).toMatchObject({ reason: 'keys' });
  expect(asked).toEqual([DOCUMENT]);
});

test('a document with two members of one name yields no keys', async () => {
  const { origin, pages, keys } = await stage();
  const uri = `"jwks_uri":"${origin}/keys"`;
  pages.set(DOCUMENT, (_, response) => response.end(`{"issuer":"${ISSUER}",${uri},${uri}}`));

  expect(await refusal(keys.find('first'))).toMatchObject({ reason: 'keys' });
});

test('a document that redirects is not followed', async () => {
  const { origin, publish, pages, asked, keys } = await stage();
  publish('/moved', { issuer: ISSUER, jwks_uri: `${origin}/keys` });
  pages.set(DOCUMENT, (_, response) => response.writeHead(302, { location: '/moved' }).end());

  expect(await refusal(keys.find('first'))).toMatchObject({ reason: 'keys' });
  expect(asked).toEqual([DOCUMENT]);
});

// What a document says is as far from being trusted as what a name resolves to.
test('a document cannot lead to an address that is out of reach', async () => {
  await using issuer = await startTlsKeyServer(certificate('keys.example'), first.jwk);
  const { publish, keys, asked } = await stage();
  publish(DOCUMENT, { issuer: ISSUER, jwks_uri: issuer.uri.replace('keys.example', '127.0.0.1') });

  expect(await refusal(keys.find('first'))).toMatchObject({ reason: 'keys' });
  expect([issuer.requests(), asked]).toEqual([0, [DOCUMENT]]);
});

test('a document is read once for as long as keys are fresh, and the keys as often as they need', async () => {
  const { clock, asked, keys } = await stage();
  await keys.find('first');
  clock.at += 31 * SECONDS;
  await keys.find('made-up');
  expect(asked).toEqual([DOCUMENT, '/keys', '/keys']);

  clock.at += 10 * MINUTES;
  await keys.find('first');
  expect(asked).toEqual([DOCUMENT, '/keys', '/keys', DOCUMENT, '/keys']);
});

test('keys that have moved are found at their new address as soon as the old one fails', async () => {
  const { clock, origin, pages, publish, keys } = await stage();
  await keys.find('first');
  pages.delete('/keys');
  publish('/elsewhere', { keys: [first.jwk, second.jwk] });
  publish(DOCUMENT, { issuer: ISSUER, jwks_uri: `${origin}/elsewhere` });
  clock.at += 31 * SECONDS;
  expect(await keys.find('second')).toBeUndefined();

  clock.at += 31 * SECONDS;
  expect((await keys.find('second'))?.id).toBe('second');
});

test('an issuer whose document is gone is still asked for its keys for an hour, and then no longer', async () => {
  const { clock, pages, publish, keys, asked } = await stage();
  await keys.find('first');
  pages.delete(DOCUMENT);
  publish('/keys', { keys: [first.jwk, second.jwk] });
  clock.at += 11 * MINUTES;
  expect((await keys.find('second'))?.id).toBe('second');

  clock.at += 59 * MINUTES;
  asked.length = 0;
  await keys.find('second').catch(() => undefined);
  expect(asked).toEqual([DOCUMENT]);
});

test('a document that has become unusable does not replace the last good one', async () => {
  const { clock, publish, keys } = await stage();
  await keys.find('first');
  publish(DOCUMENT, { issuer: ISSUER, jwks_uri: 'http://id.acme.example/keys' });
  publish('/keys', { keys: [first.jwk, second.jwk] });
  clock.at += 11 * MINUTES;

  expect((await keys.find('second'))?.id).toBe('second');
});

test('a source that is asked at once by many reads one document', async () => {
  const { asked, keys } = await stage();
  await Promise.all(Array.from({ length: 50 }, () => keys.find('first')));

  expect(asked).toEqual([DOCUMENT, '/keys']);
});

test('an issuer known by its document verifies tokens like any other', async () => {
  const { clock, location } = await stage();
  const config = { ...issuerConfig(location), jwksUri: undefined };
  const verifier = createVerifier([config], { now: () => clock.at, reach: 'loopback' });

  expect(await refusal(verifier.verify(forge(second)))).toMatchObject({ reason: 'key' });
  expect(await verifier.verify(forge(first))).toMatchObject({ issuer: ISSUER });
});
