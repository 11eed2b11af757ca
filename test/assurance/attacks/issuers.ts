// Attacks on where keys come from (docs/isolation.md, section 6, JWKS and storms): an issuer, or whoever stands between, that
// answers with redirects, floods, doubles or somebody else's keys; and callers who make the server ask for nothing.

import type { ServerResponse } from 'node:http';
import { createVerifier, type Verifier } from '../../../src/auth/token.ts';
import { addressProblem } from '../../../src/trust.ts';
import { ecKey, forge, ISSUER, issuerConfig, NOW, refusal } from '../../auth/forge.ts';
import { type KeyServer, startKeyServer } from '../../auth/key-server.ts';
import { ALLOWED, type Attack, REFUSED } from './attack.ts';

export type IssuerAttack = Attack & { run(): Promise<string> };

const KEY = ecKey('ec');
const STRANGER = ecKey('stranger');
const now = () => NOW * 1000;

async function fetching(
  work: (keys: KeyServer, verifier: Verifier) => Promise<string>,
  ...published: readonly object[]
): Promise<string> {
  const keys = await startKeyServer(...published);
  const verifier = createVerifier([issuerConfig({ jwksUri: keys.uri })], { now, reach: 'loopback' });
  try {
    return await work(keys, verifier);
  } finally {
    verifier.close();
    await keys[Symbol.asyncDispose]();
  }
}
async function unaccepted(verifier: Verifier, token: string): Promise<string> {
  const { code } = await refusal(verifier.verify(token));
  return code === 'UNAUTHENTICATED' ? REFUSED : code;
}

const SET = JSON.stringify({ keys: [KEY.jwk] });
const ANSWERS: Readonly<Record<string, (response: ServerResponse) => unknown>> = {
  'a redirect to other keys': (response) =>
    response.writeHead(302, { location: 'https://mallory.example/keys' }).end(),
  'good keys, but not with 200': (response) => response.writeHead(203).end(SET),
  'more than 64 KiB': (response) => response.end(SET + ' '.repeat(70_000)),
  'two members of one name': (response) => response.end(`{"keys":[],"keys":[${JSON.stringify(KEY.jwk)}]}`),
  'two keys with one id': (response) =>
    response.end(JSON.stringify({ keys: [KEY.jwk, { ...STRANGER.jwk, kid: 'ec' }] })),
  'something that is no key set': (response) => response.end('<html>'),
};
const issuers = { group: 'tokens', gain: 'keys of one’s own among those that are trusted' } as const;

export const ISSUERS: readonly IssuerAttack[] = [
  ...Object.entries(ANSWERS).map(
    ([what, answer]): IssuerAttack => ({
      ...issuers,
      name: `an issuer’s address that answers with ${what}`,
      rule: 'JWT JWKS',
      run: () =>
        fetching(async (keys, verifier) => {
          keys.respond((_, response) => answer(response));
          return unaccepted(verifier, forge(KEY));
        }),
    }),
  ),
  ...[
    'http://id.acme.example/keys',
    'http://127.0.0.1.acme.example/keys',
    'file:///keys',
    'https://user:secret@id.acme.example/keys',
  ].map(
    (uri): IssuerAttack => ({
      ...issuers,
      name: `keys fetched from ${uri}`,
      rule: 'JWT JWKS',
      run: async () => (addressProblem(new URL(uri)) === undefined ? 'would be fetched' : REFUSED),
    }),
  ),
  {
    ...issuers,
    name: 'one issuer’s key under the name of another issuer',
    rule: 'JWT issuer JWT JWKS',
    gain: 'the subjects of every other issuer',
    run: () =>
      fetching(
        async (mine) => {
          const other = issuerConfig({ issuer: 'https://mallory.example', jwksUri: mine.uri });
          return fetching(async (theirs) => {
            const both = createVerifier([issuerConfig({ jwksUri: theirs.uri }), other], {
              now,
              reach: 'loopback',
            });
            const outcome = await unaccepted(
              both,
              forge(STRANGER, { headers: { kid: 'ec' }, claims: { iss: ISSUER } }),
            );
            both.close();
            return outcome;
          }, KEY.jwk);
        },
        { ...STRANGER.jwk, kid: 'ec' },
      ),
  },
  {
    ...issuers,
    name: 'a storm of key ids that nobody knows',
    rule: 'JWT storm',
    gain: 'an issuer that is flooded through us, and good tokens that wait',
    run: () =>
      fetching(async (keys, verifier) => {
        await verifier.verify(forge(KEY));
        const storm = Array.from({ length: 100 }, (_, index) =>
          unaccepted(verifier, forge(KEY, { headers: { kid: `unknown-${index}` } })),
        );
        const good = await verifier.verify(forge(KEY));
        const odd = (await Promise.all(storm)).find((outcome) => outcome !== REFUSED);
        return (
          odd ?? (good.subject === 'alice' && keys.requests() <= 2 ? REFUSED : `${keys.requests()} fetches`)
        );
      }, KEY.jwk),
  },
  {
    ...issuers,
    name: 'a storm of tokens that are of no issuer or no form',
    rule: 'JWT storm',
    gain: 'an issuer that is flooded through us',
    run: () =>
      fetching(async (keys, verifier) => {
        const tokens = [
          'x',
          forge(KEY, { headers: { typ: 'JWT' } }),
          forge(KEY, { claims: { iss: 'https://mallory.example' } }),
        ];
        const odd = (await Promise.all(tokens.map((token) => unaccepted(verifier, token)))).find(
          (outcome) => outcome !== REFUSED,
        );
        return odd ?? (keys.requests() === 0 ? REFUSED : `${keys.requests()} fetches`);
      }, KEY.jwk),
  },
  {
    ...issuers,
    control: true,
    name: 'a key that its issuer publishes is fetched and used',
    gain: 'nobody could come in',
    rule: 'JWT JWKS',
    run: () =>
      fetching(
        async (_, verifier) =>
          (await verifier.verify(forge(KEY))).subject === 'alice' ? ALLOWED : 'somebody else',
        KEY.jwk,
      ),
  },
];
