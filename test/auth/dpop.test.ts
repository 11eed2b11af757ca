// Proofs of possession: each is really signed by the key that its token is bound to, unless its row says otherwise.

import { expect, test } from 'vitest';
import { checkProof, type ProofRules } from '../../src/auth/dpop.ts';
import type { RefusalReason } from '../../src/auth/refusal.ts';
import { ecKey, forgeHmac, NOW, part, refusal, rsaKey, uniform } from './forge.ts';
import {
  ADDRESS,
  HELD,
  HELD_RSA,
  type ProofForgery,
  proofMemory,
  prove,
  sha256,
  thumbprint,
} from './prove.ts';

const TOKEN = 'a.b.c';
const stranger = ecKey();
const weak = rsaKey(undefined, 1024);
const p384 = ecKey(undefined, 'P-384');
const secret = HELD.privateKey.export({ format: 'jwk' });

const rules = (changed: Partial<ProofRules> = {}): ProofRules => ({
  token: TOKEN,
  thumbprint: thumbprint(HELD),
  method: 'POST',
  address: new URL(ADDRESS),
  now: NOW,
  proofs: proofMemory(),
  ...changed,
});

const check = (forgery: ProofForgery, changed?: Partial<ProofRules>) =>
  checkProof(prove(TOKEN, HELD, forgery), rules(changed));

const good = prove(TOKEN);
const [header = '', claims = '', signature = ''] = good.split('.');
const goodHeader = JSON.stringify({ typ: 'dpop+jwt', alg: 'ES256', jwk: HELD.jwk });

test.each<[guarantee: string, headers: Record<string, unknown>]>([
  ['typ at+jwt', { typ: 'at+jwt' }],
  ['typ JWT', { typ: 'JWT' }],
  ['typ that only ends in dpop+jwt', { typ: 'xdpop+jwt' }],
  ['typ in a list', { typ: ['dpop+jwt'] }],
  ['no typ', { typ: undefined }],
  ['alg none', { alg: 'none' }],
  ['alg HS256', { alg: 'HS256' }],
  ['alg ES384, which this server does not use', { alg: 'ES384' }],
  ['alg RS256 with an EC key', { alg: 'RS256' }],
  ['alg in a list', { alg: ['ES256'] }],
  ['no alg', { alg: undefined }],
  ['no key', { jwk: undefined }],
  ['a key that is text', { jwk: JSON.stringify(HELD.jwk) }],
  ['the private key', { jwk: secret }],
  ['a symmetric key', { jwk: { kty: 'oct', k: 'AAAA' } }],
  ['a public key with a symmetric member', { jwk: { ...HELD.jwk, k: 'AAAA' } }],
  ['a key of another curve', { jwk: p384.jwk }],
  ['a key that is not on its curve', { jwk: { ...HELD.jwk, y: HELD.jwk.x } }],
  ['a key for encryption', { jwk: { ...HELD.jwk, use: 'enc' } }],
  ['jku', { jku: 'https://client.example/keys' }],
  ['x5u', { x5u: 'https://client.example/certificate' }],
  ['x5c', { x5c: ['MIIB'] }],
  ['crit', { crit: ['x'], x: 1 }],
  ['b64', { b64: true }],
])('a header with %s is refused', async (_, headers) => {
  expect(await refusal(check({ headers }))).toEqual(uniform('dpop-header'));
});

test('an RSA key of 1024 bits is refused', async () => {
  const bound = rules({ thumbprint: thumbprint(weak) });
  expect(await refusal(checkProof(prove(TOKEN, weak), bound))).toEqual(uniform('dpop-header'));
});

test.each<[guarantee: string, proof: string]>([
  ['nothing in it', ''],
  ['two parts', `${header}.${claims}`],
  ['four parts', `${good}.AA`],
  ['an empty signature', `${header}.${claims}.`],
  ['a padded header', `${header}=.${claims}.${signature}`],
  ['a padded signature', `${good}==`],
  ['base64 that has + and /', `${header}.${claims}.+/+/`],
  ['a line break at its end', `${good}\n`],
  ['stray bits at the end of its signature', `${header}.${claims}.${respelt(signature)}`],
  ['more than 4 KiB', prove(TOKEN, HELD, { claims: { padding: 'x'.repeat(4 * 1024) } })],
  ['two header members of one name', prove(TOKEN, HELD, { header: `{"alg":"none",${goodHeader.slice(1)}` })],
  ['a header that is a list', prove(TOKEN, HELD, { header: '[]' })],
  ['two claims of one name', prove(TOKEN, HELD, { payload: '{"jti":"a","jti":"b"}' })],
  ['claims that are a list', prove(TOKEN, HELD, { payload: [] })],
  ['claims that are null', prove(TOKEN, HELD, { payload: 'null' })],
  ['claims that are not JSON', prove(TOKEN, HELD, { payload: 'jti' })],
])('a proof with %s is refused', async (_, proof) => {
  expect(await refusal(checkProof(proof, rules()))).toEqual(uniform('dpop-form'));
});

test.each<[guarantee: string, reason: RefusalReason, claims: Record<string, unknown>]>([
  ['no id', 'dpop-jti', { jti: undefined }],
  ['an empty id', 'dpop-jti', { jti: '' }],
  ['an overlong id', 'dpop-jti', { jti: 'j'.repeat(256) }],
  ['an id that is a number', 'dpop-jti', { jti: 1 }],
  ['an id with a line break', 'dpop-jti', { jti: 'a\nb' }],
  ['no method', 'dpop-htm', { htm: undefined }],
  ['another method', 'dpop-htm', { htm: 'GET' }],
  ['the method in small letters', 'dpop-htm', { htm: 'post' }],
  ['no address', 'dpop-htu', { htu: undefined }],
  ['an address in a list', 'dpop-htu', { htu: [ADDRESS] }],
  ['another host', 'dpop-htu', { htu: 'https://other.example/graphql' }],
  [
    'a host that only begins alike',
    'dpop-htu',
    { htu: 'https://api.bailiwick.example.evil.example/graphql' },
  ],
  ['another port', 'dpop-htu', { htu: 'https://api.bailiwick.example:8443/graphql' }],
  ['another scheme', 'dpop-htu', { htu: 'http://api.bailiwick.example/graphql' }],
  ['another path', 'dpop-htu', { htu: 'https://api.bailiwick.example/graphql/' }],
  ['the path in other letters', 'dpop-htu', { htu: 'https://api.bailiwick.example/GraphQL' }],
  ['the path alone', 'dpop-htu', { htu: '/graphql' }],
  ['a user name in its address', 'dpop-htu', { htu: 'https://a:b@api.bailiwick.example/graphql' }],
  ['backslashes in its address', 'dpop-htu', { htu: 'https:\\\\api.bailiwick.example\\graphql' }],
  ['a backslash before its path', 'dpop-htu', { htu: 'https://api.bailiwick.example\\graphql' }],
  ['spaces around its address', 'dpop-htu', { htu: ` ${ADDRESS} ` }],
  ['a tab inside its address', 'dpop-htu', { htu: ADDRESS.replace('graphql', 'graph\tql') }],
  ['no time of issue', 'dpop-iat', { iat: undefined }],
  ['a time of issue that is text', 'dpop-iat', { iat: String(NOW) }],
  ['an age of more than a minute', 'dpop-iat', { iat: NOW - 61 }],
  ['a time of issue more than five seconds ahead', 'dpop-iat', { iat: NOW + 6 }],
  ['no hash of the token', 'dpop-ath', { ath: undefined }],
  ['the hash of another token', 'dpop-ath', { ath: sha256('a.b.d') }],
  ['a padded hash', 'dpop-ath', { ath: `${sha256(TOKEN)}=` }],
])('a proof with %s is refused', async (_, reason, changed) => {
  expect(await refusal(check({ claims: changed }))).toEqual(uniform(reason));
});

test('a time of issue that JSON can spell and no clock can show is refused', async () => {
  const payload = JSON.stringify({ jti: 'a', htm: 'POST', htu: ADDRESS, ath: sha256(TOKEN), iat: 0 });
  const endless = payload.replace('"iat":0', '"iat":1e999');
  expect(await refusal(check({ payload: endless }))).toEqual(uniform('dpop-iat'));
});

test('a proof made with another key than that of the token is refused', async () => {
  expect(await refusal(checkProof(prove(TOKEN, stranger), rules()))).toEqual(uniform('dpop-key'));
});

test('a proof that shows the key of the token and is signed with another is refused', async () => {
  const stolen = prove(TOKEN, stranger, { headers: { jwk: HELD.jwk } });
  expect(await refusal(checkProof(stolen, rules()))).toEqual(uniform('dpop-sig'));
});

test('a proof whose claims were changed after it was signed is refused', async () => {
  const other = prove(TOKEN).split('.')[1];
  const edited = `${header}.${other}.${signature}`;
  expect(await refusal(checkProof(edited, rules()))).toEqual(uniform('dpop-sig'));
});

test('a proof that is signed with the public key as a shared secret is refused', async () => {
  const hmac = forgeHmac(JSON.stringify(HELD.jwk), undefined);
  expect(await refusal(checkProof(hmac, rules()))).toEqual(uniform('dpop-header'));
});

test('a proof whose signature is in the form of another library is refused', async () => {
  const der = Buffer.concat([Buffer.from([0x30, 0x44]), Buffer.from(signature, 'base64url')]);
  const proof = `${header}.${claims}.${der.toString('base64url')}`;
  expect(await refusal(checkProof(proof, rules()))).toEqual(uniform('dpop-sig'));
});

test('no proof is good where the address of the request cannot be told', async () => {
  expect(await refusal(check({}, { address: undefined }))).toEqual(uniform('dpop-htu'));
  expect(await refusal(check({ claims: { htu: undefined } }, { address: undefined }))).toEqual(
    uniform('dpop-htu'),
  );
});

test('a proof counts once, in whatever way it is spelt', async () => {
  const proofs = proofMemory();
  const once = rules({ proofs });
  await checkProof(good, once);
  expect(await refusal(checkProof(good, once))).toEqual(uniform('replay'));
  const { jti } = JSON.parse(Buffer.from(claims, 'base64url').toString());
  const again = prove(TOKEN, HELD, {
    claims: { jti, htu: ADDRESS.toUpperCase().replace('GRAPHQL', 'graphql?a') },
  });
  expect(await refusal(checkProof(again, once))).toEqual(uniform('replay'));
});

test("one client's proof does not use up another's id", async () => {
  const proofs = proofMemory();
  const claim = { claims: { jti: '1' } };
  await checkProof(prove(TOKEN, HELD, claim), rules({ proofs }));
  const other = rules({ proofs, thumbprint: thumbprint(HELD_RSA) });
  expect(await checkProof(prove(TOKEN, HELD_RSA, claim), other)).toBeUndefined();
});

test('a proof is remembered for as long as any process would take it', async () => {
  const proofs = proofMemory();
  const iat = NOW - 10;
  await check({ claims: { iat } }, { proofs });
  const [asked] = proofs.asked;
  expect(asked?.until).toEqual(new Date((iat + 80) * 1000));
  // what leaves the process is of fixed length and says nothing of the client
  expect(asked?.key).toMatch(/^[0-9a-f]{64}$/);
});

test('whatever is wrong with a proof, the memory is not asked', async () => {
  const proofs = proofMemory();
  const bad = [
    prove(TOKEN, stranger),
    prove(TOKEN, stranger, { headers: { jwk: HELD.jwk } }),
    prove('another token'),
    prove(TOKEN, HELD, { claims: { htu: 'https://other.example/' } }),
    prove(TOKEN, HELD, { claims: { iat: NOW - 61 } }),
    `${part({})}.${part({})}.AAAA`,
  ];
  for (const proof of bad) {
    expect(await refusal(checkProof(proof, rules({ proofs })))).toMatchObject({ code: 'UNAUTHENTICATED' });
  }
  expect(proofs.asked).toEqual([]);
});

test.each<[what: string, claims: Record<string, unknown>]>([
  ['a query and a fragment, which are not compared', { htu: `${ADDRESS}?a=b#c` }],
  ['the scheme and the host in other letters', { htu: 'HTTPS://API.Bailiwick.Example/graphql' }],
  ['the usual port', { htu: 'https://api.bailiwick.example:443/graphql' }],
  ['an age of a minute', { iat: NOW - 60 }],
  ['a time of issue five seconds ahead', { iat: NOW + 5 }],
  ['a fraction of a second', { iat: NOW - 0.5 }],
  ['an id of 255 characters', { jti: 'j'.repeat(255) }],
  ['a nonce that nobody asked for', { nonce: 'x' }],
])('a proof with %s is accepted', async (_, changed) => {
  expect(await check({ claims: changed })).toBeUndefined();
});

test.each<[what: string, headers: Record<string, unknown>]>([
  ['typ as a full media type', { typ: 'application/dpop+jwt' }],
  ['typ in other letters', { typ: 'DPoP+JWT' }],
  ['a key id', { kid: 'mine' }],
])('a header with %s is accepted', async (_, headers) => {
  expect(await check({ headers })).toBeUndefined();
});

test('a proof by an RSA key is accepted', async () => {
  const bound = rules({ thumbprint: thumbprint(HELD_RSA) });
  expect(await checkProof(prove(TOKEN, HELD_RSA), bound)).toBeUndefined();
});

/** The same bytes, spelt differently: the last bits of the last character mean nothing. */
function respelt(part: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return part.slice(0, -1) + alphabet.charAt(alphabet.indexOf(part.slice(-1)) + 1);
}
