// What a trusted issuer must look like, in the environment and in the database.

import { expect, test } from 'vitest';
import { addressProblem, configuredIssuer, registeredIssuer } from '../src/trust.ts';

const ROW = '01890a5d-ac96-774b-bcce-b302099a8057';
const good = {
  issuer: 'https://id.acme.example',
  audience: 'bailiwick',
  jwksUri: 'https://id.acme.example/keys',
};
const { jwksUri, ...nowhere } = good;
const urn = (claim: string, path?: string[]) => ({ ...good, tenant: { strategy: 'urn_claim', claim, path } });

test.each<[what: string, issuer: object, where: string]>([
  ['no address of its keys', nowhere, 'jwksUri'],
  ['two addresses of its keys', { ...good, discovery: jwksUri }, 'jwksUri'],
  ['keys in the clear', { ...nowhere, jwksUri: 'http://id.acme.example/keys' }, 'jwksUri'],
  ['a discovery document in the clear', { ...nowhere, discovery: 'http://id.acme.example/d' }, 'discovery'],
  ['an address that is none', { ...nowhere, jwksUri: 'keys' }, 'jwksUri'],
  ['an empty name', { ...good, issuer: '' }, 'issuer'],
  ['a name of 256 characters', { ...good, issuer: 'i'.repeat(256) }, 'issuer'],
  ['a type that is not of access tokens', { ...good, types: ['logout+jwt'] }, 'types.0'],
  ['a type in other letters', { ...good, types: ['jwt'] }, 'types.0'],
  ['no type', { ...good, types: [] }, 'types'],
  ['an algorithm that this server does not use', { ...good, algorithms: ['HS256'] }, 'algorithms.0'],
  ['no algorithm', { ...good, algorithms: [] }, 'algorithms'],
  ['an unknown way to the tenant', { ...good, tenant: { strategy: 'guess' } }, 'tenant.strategy'],
  [
    'a way to the tenant of another strategy',
    { ...good, tenant: { strategy: 'fixed', claim: 'x' } },
    'tenant',
  ],
  [
    'a prefix that every group has',
    { ...good, tenant: { strategy: 'group_prefix', claim: 'g', prefix: '' } },
    'tenant.prefix',
  ],
  ['a URN that is none', urn('acme:iam:org'), 'tenant.claim'],
  ['a URN with a namespace of one character', urn('urn:a:org'), 'tenant.claim'],
  ['a URN with a namespace that ends in a hyphen', urn('urn:acme-:org'), 'tenant.claim'],
  ['a URN without a name', urn('urn:acme:'), 'tenant.claim'],
  ['a URN with a space', urn('urn:acme:iam org'), 'tenant.claim'],
  ['a URN with half an escape', urn('urn:acme:iam%2'), 'tenant.claim'],
  ['a URN and a line more', urn('urn:acme:iam\n'), 'tenant.claim'],
  ['an empty path', urn('urn:acme:iam', []), 'tenant.path'],
  ['a path of nine steps', urn('urn:acme:iam', Array(9).fill('a')), 'tenant.path'],
  ['no tenants at all', { ...good, tenants: [] }, 'tenants'],
  ['the id of a row in the environment', { ...good, id: ROW }, ''],
  ['the claim of the tenant by its former name', { ...good, tenantClaim: 'tenant' }, ''],
])('an issuer with %s is refused', (_, issuer, where) => {
  const { success, error } = configuredIssuer.safeParse(issuer);
  expect([success, error?.issues.some(({ path }) => path.join('.').startsWith(where))]).toEqual([
    false,
    true,
  ]);
});

test.each([
  ['no id', good],
  ['an id that is no UUID', { ...good, id: '7' }],
  ['an id in upper case', { ...good, id: ROW.toUpperCase() }],
  ['two addresses of its keys', { ...good, id: ROW, discovery: jwksUri }],
])('a row with %s is refused', (_, row) => {
  expect(registeredIssuer.safeParse(row).success).toBe(false);
});

test.each([
  ['http://id.acme.example/keys', 'HTTPS'],
  ['http://127.0.0.1.acme.example/keys', 'HTTPS'],
  ['http://localhost.acme.example/keys', 'HTTPS'],
  ['http://10.0.0.1/keys', 'HTTPS'],
  ['file:///keys', 'HTTPS'],
  ['https://user:secret@id.acme.example/keys', 'password'],
])('keys are not fetched from %s', (uri, why) => {
  expect(addressProblem(new URL(uri))).toContain(why);
});

test.each([
  'https://id.acme.example/keys',
  'http://localhost:1/keys',
  'http://127.0.0.1:1/keys',
  'http://[::1]:1/keys',
])('keys may be fetched from %s', (uri) => {
  expect(addressProblem(new URL(uri))).toBeUndefined();
});

test('what is left out is strict: access tokens only, and the tenant in its own claim', () => {
  expect(configuredIssuer.parse(good)).toEqual({
    ...good,
    types: ['at+jwt'],
    algorithms: ['RS256', 'ES256'],
    tenant: { strategy: 'provider_claim', claim: 'tenant' },
  });
  expect(registeredIssuer.parse({ ...good, id: ROW })).toMatchObject({ id: ROW, types: ['at+jwt'] });
});

test.each([
  'urn:acme:iam:org',
  'URN:ACME:iam',
  'urn:example-x1:a/b;c=d%2F',
  'urn:acme:iam?+resolve?=query#fragment',
])('%s is a URN', (claim) => {
  expect(configuredIssuer.safeParse(urn(claim)).success).toBe(true);
});
