// A token's form. Each token is really signed by a key that its issuer publishes, unless its row says otherwise.

import { expect, test } from 'vitest';
import type { RefusalReason } from '../../src/auth/refusal.ts';
import { createVerifier } from '../../src/auth/token.ts';
import {
  claims,
  ecKey,
  forge,
  forgeHmac,
  issuerConfig,
  NOW,
  part,
  refusal,
  rsaKey,
  uniform,
} from './forge.ts';

const ec = ecKey('ec');
const rsa = rsaKey('rsa');
const stranger = ecKey('ec');
const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' });
const der = ec.publicKey.export({ type: 'spki', format: 'der' });

const verifier = createVerifier([], {
  now: () => NOW * 1000,
  inProcess: [{ config: issuerConfig(), jwks: () => ({ keys: [ec.jwk, rsa.jwk] }) }],
});

const good = forge(ec);
const [header = '', payload = '', signature = ''] = good.split('.');
const goodClaims = JSON.stringify(claims());

/** Good claims with another member at the end. */
const appended = (member: string) => `${goodClaims.slice(0, -1)},${member}}`;

/** The same bytes, spelt differently: the last bits of the last character mean nothing. */
function respelt(token: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return token.slice(0, -1) + alphabet.charAt(alphabet.indexOf(token.slice(-1)) + 1);
}

test.each<[guarantee: string, reason: RefusalReason, headers: Record<string, unknown>]>([
  ['alg none and a signature', 'alg', { alg: 'none' }],
  ['alg None in other letters', 'alg', { alg: 'None' }],
  ['alg es256 in other letters', 'alg', { alg: 'es256' }],
  ['no alg', 'alg', { alg: undefined }],
  ['alg in a list', 'alg', { alg: ['ES256'] }],
  ['alg ES384, which this server does not use', 'alg', { alg: 'ES384' }],
  ['typ JWT, as an id token has', 'typ', { typ: 'JWT' }],
  ['typ logout+jwt', 'typ', { typ: 'logout+jwt' }],
  ['typ dpop+jwt', 'typ', { typ: 'dpop+jwt' }],
  ['typ that only ends in at+jwt', 'typ', { typ: 'that+jwt' }],
  ['no typ', 'typ', { typ: undefined }],
  ['typ in a list', 'typ', { typ: ['at+jwt'] }],
  ['crit with an unknown extension', 'crit', { crit: ['x'], x: 1 }],
  ['crit that is empty', 'crit', { crit: [] }],
  ['b64 false, announced', 'crit', { crit: ['b64'], b64: false }],
  ['b64 false, not announced', 'crit', { b64: false }],
  ['b64 true', 'crit', { b64: true }],
  ['jwk, even when it is the right key', 'own-key', { jwk: ec.jwk }],
  ['jku', 'own-key', { jku: 'https://id.acme.example/keys' }],
  ['x5u', 'own-key', { x5u: 'https://id.acme.example/certificate' }],
  ['x5c', 'own-key', { x5c: ['MIIB'] }],
  ['a key id that is a number', 'kid', { kid: 7 }],
  ['a key id of null', 'kid', { kid: null }],
  ['an empty key id', 'kid', { kid: '' }],
  ['an overlong key id', 'kid', { kid: 'k'.repeat(256) }],
])('a header with %s is refused', async (_, reason, headers) => {
  expect(await refusal(verifier.verify(forge(ec, { headers })))).toEqual(uniform(reason));
});

test.each<[guarantee: string, reason: RefusalReason, token: string]>([
  ['alg none without a signature', 'form', `${part({ alg: 'none', typ: 'at+jwt' })}.${payload}.`],
  ['HS256 with the RSA public key in PEM as secret', 'alg', forgeHmac(pem, 'rsa')],
  ['HS256 with the EC public key in DER as secret', 'alg', forgeHmac(der, 'ec')],
  ['HS256 with the published JWK as secret', 'alg', forgeHmac(JSON.stringify(rsa.jwk), 'rsa')],
  ['HS256 with an empty secret', 'alg', forgeHmac('', 'rsa')],
  ["a stranger's key in its header", 'own-key', forge(stranger, { headers: { jwk: stranger.jwk } })],
  ['more than 8 KiB', 'size', forge(ec, { claims: { padding: 'x'.repeat(8 * 1024) } })],
  ['nothing in it', 'form', ''],
  ['two parts', 'form', `${header}.${payload}`],
  ['four parts', 'form', `${good}.AA`],
  ['five parts, a JWE', 'form', `${part({ alg: 'RSA-OAEP', enc: 'A256GCM', zip: 'DEF' })}.AA.AA.AA.AA`],
  ['an empty signature', 'form', `${header}.${payload}.`],
  ['a padded header', 'form', `${header}=.${payload}.${signature}`],
  ['padded claims', 'form', `${header}.${payload}=.${signature}`],
  ['a padded signature', 'form', `${good}==`],
  ['stray bits at the end of its EC signature', 'form', respelt(good)],
  ['stray bits at the end of its RSA signature', 'form', respelt(forge(rsa))],
  ['base64 that has + and /', 'form', `${header}.${payload}.+/+/`],
  ['a line break at its end', 'form', `${good}\n`],
  [
    'two header members of one name',
    'json',
    forge(ec, { header: '{"alg":"none","alg":"ES256","typ":"at+jwt"}' }),
  ],
  ['a header that is a list', 'json', forge(ec, { header: '[]' })],
  ['two claims of one name', 'json', forge(ec, { payload: appended('"sub":"bob"') })],
  ['two claims of one name, one escaped', 'json', forge(ec, { payload: appended('"\\u0073ub":"bob"') })],
  ['two members of one name in act', 'json', forge(ec, { payload: appended('"act":{"sub":"a","sub":"b"}') })],
  ['something after its claims', 'json', forge(ec, { payload: `${goodClaims}{}` })],
  ['claims that are a list', 'json', forge(ec, { payload: [claims()] })],
  ['claims that are null', 'json', forge(ec, { payload: 'null' })],
  ['claims that are not JSON', 'json', forge(ec, { payload: 'sub=alice' })],
])('a token with %s is refused', async (_, reason, token) => {
  expect(await refusal(verifier.verify(token))).toEqual(uniform(reason));
});

test.each<[what: string, headers: Record<string, unknown>]>([
  ['typ as a full media type', { typ: 'application/at+jwt' }],
  ['typ in other letters', { typ: 'AT+JWT' }],
  ['members that choose nothing', { x5t: 'AA', cty: 'x' }],
])('a header with %s is accepted', async (_, headers) => {
  expect(await verifier.verify(forge(ec, { headers }))).toMatchObject({ subject: 'alice' });
});
