// Which tenant a token speaks of. Every token is signed by the right key; only the way to its tenant differs.

import { expect, onTestFinished, test } from 'vitest';
import { createVerifier } from '../../src/auth/token.ts';
import type { TenantStrategy } from '../../src/trust.ts';
import { claims, ecKey, forge, issuerConfig, NOW, refusal, uniform } from './forge.ts';

const key = ecKey('ec');
const URN = 'urn:acme:iam:org';

/** What becomes of a token with these claims, of an issuer that is configured like this. */
function verify(tenant: TenantStrategy, changed: Record<string, unknown>, tenants?: string[]) {
  const config = issuerConfig({ tenant, ...(tenants && { tenants }) });
  const verifier = createVerifier([], {
    now: () => NOW * 1000,
    inProcess: [{ config, jwks: () => ({ keys: [key.jwk] }) }],
  });
  return verifier.verify(forge(key, { claims: { tenant: undefined, ...changed } }));
}

const claim: TenantStrategy = { strategy: 'provider_claim', claim: 'org' };
const urn: TenantStrategy = { strategy: 'urn_claim', claim: URN };
const within: TenantStrategy = { strategy: 'urn_claim', claim: URN, path: ['org', 'id'] };
const group: TenantStrategy = { strategy: 'group_prefix', claim: 'groups', prefix: 'tenant:' };

test.each<[what: string, strategy: TenantStrategy, changed: Record<string, unknown>]>([
  ['only a claim of another name', claim, { tenant: 'acme' }],
  ['the claim in other letters', claim, { Org: 'acme' }],
  ['the claim one level below', claim, { realm: { org: 'acme' } }],
  ['a list in the claim', claim, { org: ['acme'] }],
  ['an object in the claim', claim, { org: { id: 'acme' } }],
  ['a number in the claim', claim, { org: 7 }],
  ['null in the claim', claim, { org: null }],
  ['nothing in the claim', claim, { org: '' }],
  ['a line break in the claim', claim, { org: 'acme\nglobex' }],
  ['256 characters in the claim', claim, { org: 'a'.repeat(256) }],
  ['a claim that every object inherits', { strategy: 'provider_claim', claim: 'constructor' }, {}],

  ['a claim whose URN goes on', urn, { [`${URN}:x`]: 'acme' }],
  ['a claim whose URN is in other letters', urn, { [URN.toUpperCase()]: 'acme' }],
  ['an object where the URN should lead to text', urn, { [URN]: { id: 'acme' } }],
  ['text where a path should begin', within, { [URN]: 'acme' }],
  ['a path that ends early', within, { [URN]: { org: 'acme' } }],
  ['a path that goes on', within, { [URN]: { org: { id: { id: 'acme' } } } }],
  ['a path through a list', { ...within, path: ['0'] }, { [URN]: ['acme'] }],
  ['a path through text', { ...within, path: ['0'] }, { [URN]: 'acme' }],
  ['a path to what every object inherits', { ...within, path: ['constructor', 'name'] }, { [URN]: {} }],

  ['no groups', group, {}],
  ['an empty list of groups', group, { groups: [] }],
  ['no group that fits', group, { groups: ['staff', 'xtenant:acme', 'Tenant:acme'] }],
  ['two groups that fit', group, { groups: ['tenant:acme', 'tenant:globex'] }],
  ['one group that fits, twice', group, { groups: ['tenant:acme', 'tenant:acme'] }],
  ['a group that is only the prefix', group, { groups: ['tenant:'] }],
  ['a group that is only the prefix, beside one that fits', group, { groups: ['tenant:', 'tenant:acme'] }],
  ['a list of groups that holds a number', group, { groups: ['tenant:acme', 7] }],
  ['a list of groups that holds a list', group, { groups: [['tenant:acme']] }],
  ['groups in an object', group, { groups: { 0: 'tenant:acme' } }],
  ['groups in one text', group, { groups: 'staff tenant:acme' }],
])('a token with %s names no tenant and is refused', async (_, strategy, changed) => {
  expect(await refusal(verify(strategy, changed))).toEqual(uniform('tenant'));
});

// JSON knows no prototypes: this is a member like any other, and belongs to the object that spells it.
test('a claim named __proto__ does not pass for what it seems to inherit', async () => {
  const payload = `${JSON.stringify(claims({ tenant: undefined })).slice(0, -1)},"__proto__":{"org":"acme"}}`;
  const verifier = createVerifier([], {
    now: () => NOW * 1000,
    inProcess: [{ config: issuerConfig({ tenant: claim }), jwks: () => ({ keys: [key.jwk] }) }],
  });
  expect(await refusal(verifier.verify(forge(key, { payload })))).toEqual(uniform('tenant'));
});

test('what every object inherits is no claim', async () => {
  Object.defineProperty(Object.prototype, 'org', { value: 'acme', configurable: true });
  onTestFinished(() => void Reflect.deleteProperty(Object.prototype, 'org'));

  expect(await refusal(verify(claim, {}))).toEqual(uniform('tenant'));
  expect(await verify(claim, { org: 'globex' })).toMatchObject({ tenant: 'globex' });
});

test.each<[what: string, strategy: TenantStrategy, changed: Record<string, unknown>]>([
  ['a claim', claim, { org: 'globex' }],
  ['a group', group, { groups: ['tenant:globex'] }],
  ['the configuration', { strategy: 'fixed', tenant: 'globex' }, {}],
])('a tenant from %s that the issuer may not speak for is refused', async (_, strategy, changed) => {
  expect(await refusal(verify(strategy, changed, ['acme']))).toEqual(uniform('tenant'));
});

test('a fixed tenant is not overruled by any claim', async () => {
  const fixed: TenantStrategy = { strategy: 'fixed', tenant: 'acme' };
  expect(await verify(fixed, { tenant: 'globex' })).toMatchObject({ tenant: 'acme' });
});

test.each<[what: string, strategy: TenantStrategy, changed: Record<string, unknown>]>([
  ['a claim', claim, { org: 'acme' }],
  [
    'a claim with dots in its name',
    { ...claim, claim: 'https://a.example/org' },
    { 'https://a.example/org': 'acme' },
  ],
  ['a claim whose name is a URN', urn, { [URN]: 'acme' }],
  ['an object in a claim whose name is a URN', within, { [URN]: { org: { id: 'acme' }, id: 'globex' } }],
  ['the one group that fits', group, { groups: ['staff', 'tenant:acme', 'tenants:globex'] }],
  ['a single group', group, { groups: 'tenant:acme' }],
])('the tenant is read from %s', async (_, strategy, changed) => {
  expect(await verify(strategy, changed, ['acme'])).toMatchObject({ tenant: 'acme', subject: 'alice' });
});
