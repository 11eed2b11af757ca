// Attacks with tokens (docs/isolation.md, section 6 and 7): forged, edited, borrowed, stretched, contradicted. Each is sent to the
// real server, and all must get the same 401. Every token is really signed with the key that its case names.

import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import {
  AUDIENCE,
  claims,
  DELEGATION,
  ecKey,
  type Forgery,
  forge,
  forgeHmac,
  ISSUER,
  NOW,
  OTHER_DELEGATION,
  part,
  rsaKey,
  signatureForExponentOne,
} from '../../auth/forge.ts';
import type { Attack } from './attack.ts';

export const EC = ecKey('ec');
export const RSA = rsaKey('rsa');
export const LEAKED = ecKey('leaked');
const STRANGER = ecKey('ec');
const WEAK = rsaKey('weak', 1024);
const CUBE = rsaKey('cube', 2048, 3);
const P384 = ecKey('p384', 'P-384');
const ENCRYPTION = rsaKey('encryption');
const ONE = { ...rsaKey('one').jwk, e: 'AQ' };
/** What the issuer publishes: two good keys, one that is on the deny-list, and some that must not be used. */
export const PUBLISHED: readonly object[] = [
  EC.jwk,
  RSA.jwk,
  LEAKED.jwk,
  WEAK.jwk,
  CUBE.jwk,
  P384.jwk,
  { ...ENCRYPTION.jwk, use: 'enc' },
  ONE,
];
export const DENIED = ['leaked'];

export type TokenAttack = Attack & {
  /** The headers that are sent, besides those of every request. */
  readonly headers: () => Readonly<Record<string, string>>;
  /** HTTP status; 401 unless given. */
  readonly status?: number;
};

const good = forge(EC);
const [header = '', payload = '', signature = ''] = good.split('.');
const goodClaims = JSON.stringify(claims());
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const headed = (headers: Readonly<Record<string, unknown>>) => forge(EC, { headers });
const appended = (member: string): Forgery => ({ payload: `${goodClaims.slice(0, -1)},${member}}` });
const nested = (levels: number): object =>
  levels === 1 ? { sub: 'a' } : { sub: 'a', act: nested(levels - 1) };
const zero = Buffer.alloc(32);

/** A good token with its 64 bytes of signature, r and then s, changed. */
function resigned(change: (r: Buffer, s: Buffer) => readonly Buffer[]): string {
  const bytes = Buffer.from(signature, 'base64url');
  return `${header}.${payload}.${Buffer.concat(change(bytes.subarray(0, 32), bytes.subarray(32))).toString('base64url')}`;
}
/** The same bytes spelt differently: the last bits of the last character mean nothing. */
function respelt(token: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return token.slice(0, -1) + alphabet.charAt(alphabet.indexOf(token.slice(-1)) + 1);
}
function exponentOne(): string {
  const data = `${part({ alg: 'RS256', typ: 'at+jwt', kid: 'one' })}.${part(claims())}`;
  return `${data}.${signatureForExponentOne(data).toString('base64url')}`;
}

type Forged = Readonly<Record<string, () => string>>;
const forged: Readonly<Record<string, Forged>> = {
  'JWT algorithm': {
    'ES256 announced for an RSA signature': () => forge(RSA, { headers: { alg: 'ES256' } }),
    'RS256 announced for an EC signature': () => headed({ alg: 'RS256' }),
    'ES384, which is not used here': () => headed({ alg: 'ES384' }),
    'an algorithm in other letters': () => headed({ alg: 'es256' }),
    'algorithms in a list': () => headed({ alg: ['ES256'] }),
    'no algorithm': () => headed({ alg: undefined }),
  },
  'JWT none': {
    'alg none, without a signature': () => `${part({ alg: 'none', typ: 'at+jwt' })}.${payload}.`,
    'alg none, with a signature': () => headed({ alg: 'none' }),
    'alg None in other letters': () => headed({ alg: 'None' }),
    'an empty signature': () => `${header}.${payload}.`,
    'HS256 with the RSA key in PEM as its secret': () =>
      forgeHmac(RSA.publicKey.export({ type: 'spki', format: 'pem' }), 'rsa'),
    'HS256 with the EC key in DER as its secret': () =>
      forgeHmac(EC.publicKey.export({ type: 'spki', format: 'der' }), 'ec'),
    'HS256 with the published key as its secret': () => forgeHmac(JSON.stringify(RSA.jwk), 'rsa'),
    'HS256 with an empty secret': () => forgeHmac('', 'rsa'),
  },
  'JWT keys': {
    'an RSA key of 1024 bits': () => forge(WEAK),
    'an RSA key with the exponent 3': () => forge(CUBE),
    'an RSA key with the exponent 1, which signs by itself': exponentOne,
    'an EC key on another curve': () => forge(P384),
    'a key that is for encryption': () => forge(ENCRYPTION),
    'a signature of zeros': () => resigned(() => [zero, zero]),
    'a signature with r = 0': () => resigned((_, s) => [zero, s]),
    'a signature with s = 0': () => resigned((r) => [r, zero]),
    'a signature of 63 bytes': () => resigned((r, s) => [r, s.subarray(0, 31)]),
    'a signature of 65 bytes': () => resigned((r, s) => [r, s, Buffer.alloc(1)]),
    'a stranger’s key under a known id': () => forge(STRANGER),
    'claims exchanged after signing': () =>
      good
        .split('.')
        .with(1, part(claims({ sub: 'bob' })))
        .join('.'),
  },
  'JWT kid': {
    'a key id that is not known': () => headed({ kid: 'unknown' }),
    'a key id in other letters': () => headed({ kid: 'EC' }),
    'a key id that is a path': () => headed({ kid: '../keys/ec' }),
    'a key id that is SQL': () => headed({ kid: `ec' or '1'='1` }),
    'a key id that is a number': () => headed({ kid: 7 }),
    'an empty key id': () => headed({ kid: '' }),
    'no key id, where there are several keys': () => headed({ kid: undefined }),
  },
  'JWT headers': {
    'its own key in the header': () => forge(STRANGER, { headers: { jwk: STRANGER.jwk } }),
    'the right key in the header': () => headed({ jwk: EC.jwk }),
    'an address for its key (jku)': () => headed({ jku: 'https://mallory.example/keys' }),
    'an address for its certificate (x5u)': () => headed({ x5u: 'https://mallory.example/certificate' }),
    'its own certificate (x5c)': () => headed({ x5c: ['MIIB'] }),
  },
  'JWT crit': {
    'an extension nobody knows': () => headed({ crit: ['x'], x: 1 }),
    'an empty list of extensions': () => headed({ crit: [] }),
    'b64 false, announced': () => headed({ crit: ['b64'], b64: false }),
    'b64 false, not announced': () => headed({ b64: false }),
    'five parts, a JWE that inflates': () =>
      `${part({ alg: 'RSA-OAEP', enc: 'A256GCM', zip: 'DEF' })}.AA.AA.AA.AA`,
  },
  'JWT typ': {
    'the type of an id token': () => headed({ typ: 'JWT' }),
    'the type of a logout token': () => headed({ typ: 'logout+jwt' }),
    'the type of a DPoP proof': () => headed({ typ: 'dpop+jwt' }),
    'a type that only ends like it': () => headed({ typ: 'that+jwt' }),
    'no type': () => headed({ typ: undefined }),
  },
  'JWT form': {
    'two claims of one name': () => forge(EC, appended('"sub":"bob"')),
    'two claims of one name, one escaped': () => forge(EC, appended('"\\u0073ub":"bob"')),
    'two headers of one name': () => forge(EC, { header: '{"alg":"none","alg":"ES256","typ":"at+jwt"}' }),
    'two members of one name in act': () => forge(EC, appended('"act":{"sub":"a","sub":"b"}')),
    'something after its claims': () => forge(EC, { payload: `${goodClaims}{}` }),
    'claims that are a list': () => forge(EC, { payload: [claims()] }),
    'claims that are null': () => forge(EC, { payload: 'null' }),
    'claims that are not JSON': () => forge(EC, { payload: 'sub=alice' }),
    padding: () => `${good}==`,
    'stray bits at its end': () => respelt(good),
    'base64 with + and /': () => `${header}.${payload}.+/+/`,
    'two parts': () => `${header}.${payload}`,
    'four parts': () => `${good}.AA`,
    'a ticket in its place': () => `t1.ticket.${payload}`,
  },
  'JWT size': { 'more than 8 KiB': () => forge(EC, { claims: { padding: 'x'.repeat(8 * 1024) } }) },
  'JWT rotation': { 'a key that is on the deny-list': () => forge(LEAKED) },
};

const claimed: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>> = {
  'JWT issuer': {
    'an unknown issuer': { iss: 'https://mallory.example' },
    'an issuer with a slash more': { iss: `${ISSUER}/` },
    'no issuer': { iss: undefined },
    'issuers in a list': { iss: [ISSUER] },
    'a tenant that its issuer may not speak for': { tenant: 'globex', sub: 'mallory' },
    'a tenant that its subject is not of': { tenant: 'globex' },
    'no tenant': { tenant: undefined },
    'two tenants': { tenant: ['acme', 'globex'] },
  },
  'JWT audience': {
    'another audience': { aud: 'https://other.example' },
    'an audience that only begins like ours': { aud: `${AUDIENCE}/x` },
    'no audience': { aud: undefined },
    'audiences in a list of a list': { aud: [[AUDIENCE]] },
    'several audiences and nobody who asked': { aud: [AUDIENCE, 'b'] },
  },
  'JWT time': {
    'no expiry': { exp: undefined },
    'an expiry in text': { exp: String(NOW + 60) },
    'an expiry of 1e308': { exp: 1e308 },
    'an expiry that is past': { iat: NOW - 600, exp: NOW - 300 },
    'an expiry centuries away': { exp: NOW + 1e10 },
    'a life of more than a day': { iat: NOW, exp: NOW + 86_401 },
    'an expiry before its issue': { iat: NOW + 10, exp: NOW },
    'no time of issue': { iat: undefined },
    'a time of issue a day ahead': { iat: NOW + 86_400, exp: NOW + 90_000 },
    'a beginning in a minute': { nbf: NOW + 60 },
    'a beginning in text': { nbf: '0' },
  },
  'JWT subject': {
    'no subject': { sub: undefined },
    'an empty subject': { sub: '' },
    'a subject that is a number': { sub: 7 },
    'a subject with U+0000': { sub: 'alice\0' },
    'a subject that is nobody': { sub: 'nobody' },
    'the e-mail address of somebody': { sub: 'alice@acme.example' },
  },
  'JWT act D6': {
    'an actor that is text': { act: 'scout' },
    'an actor in a list': { act: [{ sub: 'scout' }] },
    'an actor without a subject': { act: {} },
    'an actor of another issuer': { act: { sub: 'scout', iss: 'https://mallory.example' } },
    'actors nested five deep': { act: nested(5) },
    'an actor and no delegation': { act: { sub: 'scout' } },
    'an actor who is not the delegate': { act: { sub: 'scribe' }, delegation_id: DELEGATIONS.scout.id },
    'an actor for an owner who did not delegate': {
      sub: 'bob',
      act: { sub: 'scout' },
      delegation_id: DELEGATIONS.scout.id,
    },
    'a prior actor who is the delegate': {
      act: { sub: 'scribe', act: { sub: 'scout' } },
      delegation_id: DELEGATIONS.scout.id,
    },
    'a delegation that is no id': { delegation_id: '7' },
    'a delegation that is not there': { delegation_id: OTHER_DELEGATION },
  },
  'JWT sender': {
    'its sender’s key by thumbprint, as a bearer': { cnf: { jkt: 'x' } },
    'its sender’s key by certificate, as a bearer': { cnf: { 'x5t#S256': 'x' } },
    'a confirmation that is null': { cnf: null },
  },
  'JWT scopes': { 'scopes in a list': { scope: ['memory:read'] } },
};
const spelt: Readonly<Record<string, string>> = {
  'an expiry of 1e999': '"exp":1e999',
  'a time of issue of -1e999': '"iat":-1e999',
  'half a character as its subject': '"sub":"\\ud800"',
};

type Presented = readonly [rule: string, headers: () => Record<string, string>, status?: number];
const presented: Readonly<Record<string, Presented>> = {
  'the scheme DPoP for a bearer token': ['JWT sender', () => ({ authorization: `DPoP ${good}` })],
  'the scheme Basic': ['JWT form', () => ({ authorization: `Basic ${good}` })],
  'two tokens in one header': ['JWT form', () => ({ authorization: `Bearer ${good}, Bearer ${good}` })],
  'something after the token': ['JWT form', () => ({ authorization: `Bearer ${good} x` })],
  'an API key': ['JWT API keys', () => ({ 'x-api-key': 'bw_1' })],
  'a token and an API key': ['JWT API keys D7', () => ({ ...bearer(good), 'x-api-key': 'bw_1' }), 400],
  'a delegation and no token': ['D1', () => ({ 'delegation-id': DELEGATION })],
  'another delegation in the header than in the token': [
    'D6',
    () => ({
      ...bearer(forge(EC, { claims: { sub: 'scout', delegation_id: DELEGATIONS.scout.id } })),
      'delegation-id': DELEGATIONS.scoutInGarden.id,
    }),
  ],
  'two delegations in the header': [
    'D1',
    () => ({
      ...bearer(forge(EC, { claims: { sub: 'scout' } })),
      'delegation-id': `${DELEGATIONS.scout.id}, ${DELEGATIONS.scoutInGarden.id}`,
    }),
    400,
  ],
  'a delegation in upper case': [
    'D1',
    () => ({
      ...bearer(forge(EC, { claims: { sub: 'scout' } })),
      'delegation-id': DELEGATIONS.scout.id.toUpperCase(),
    }),
    400,
  ],
  'the delegation of somebody else': [
    'D2',
    () => ({ ...bearer(good), 'delegation-id': DELEGATIONS.scout.id }),
  ],
  'a cookie instead of a header': [
    'G13',
    () => ({ cookie: `access_token=${good}; authorization=Bearer ${good}` }),
  ],
  nothing: ['JWT uniform', () => ({})],
};

const tokens = { group: 'tokens', gain: 'the name of any subject' } as const;
const accepted: Readonly<Record<string, () => Record<string, string>>> = {
  'a good token under ES256': () => bearer(good),
  'a good token under RS256': () => bearer(forge(RSA)),
  'a delegation in the token': () =>
    bearer(forge(EC, { claims: { act: { sub: 'scout' }, delegation_id: DELEGATIONS.scout.id } })),
  'a delegation in the header': () => ({
    ...bearer(forge(EC, { claims: { sub: 'scout' } })),
    'delegation-id': DELEGATIONS.scout.id,
  }),
  'our audience among several, and who asked': () =>
    bearer(forge(EC, { claims: { aud: ['b', AUDIENCE], azp: 'frontend' } })),
};

export const TOKENS: readonly TokenAttack[] = [
  ...Object.entries(forged).flatMap(([rule, cases]) =>
    Object.entries(cases).map(
      ([what, token]): TokenAttack => ({
        ...tokens,
        name: `a token with ${what}`,
        rule,
        headers: () => bearer(token()),
      }),
    ),
  ),
  ...Object.entries(claimed).flatMap(([rule, cases]) =>
    Object.entries(cases).map(
      ([what, changed]): TokenAttack => ({
        ...tokens,
        name: `a token with ${what}, rightly signed`,
        rule,
        headers: () => bearer(forge(EC, { claims: changed })),
      }),
    ),
  ),
  ...Object.entries(spelt).map(
    ([what, member]): TokenAttack => ({
      ...tokens,
      name: `a token with ${what}, rightly signed`,
      rule: 'JWT time JWT subject',
      headers: () => {
        const [name = ''] = /\w+/.exec(member) ?? [];
        const others = JSON.stringify(claims({ [name]: undefined }));
        return bearer(forge(EC, { payload: `${others.slice(0, -1)},${member}}` }));
      },
    }),
  ),
  ...Object.entries(presented).map(
    ([what, [rule, headers, status]]): TokenAttack => ({
      ...tokens,
      name: `presenting ${what}`,
      rule,
      headers,
      ...(status && { status }),
    }),
  ),
  ...Object.entries(accepted).map(
    ([what, headers]): TokenAttack => ({
      ...tokens,
      control: true,
      name: `presenting ${what} works`,
      gain: 'nobody could come in',
      rule: 'JWT uniform',
      headers,
      status: 200,
    }),
  ),
];
