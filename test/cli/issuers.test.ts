// `bailiwick issuers`: what cannot be trusted is refused with the reason, and what was added is what a token is held against.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { seedCast } from '../../src/demo/seed.ts';
import { ISSUER } from '../kit/as.ts';
import { createTestDatabase, type TestDatabase } from '../kit/database.ts';
import { testKeys } from '../kit/keys.ts';
import { transcript } from './transcript.ts';

let database: TestDatabase;
let env: Record<string, string>;
beforeAll(async () => {
  database = await createTestDatabase();
  await seedCast(database.migratorUrl, { issuer: ISSUER, keys: testKeys() });
  env = { DATABASE_URL: database.runtimeUrl, MIGRATION_DATABASE_URL: database.migratorUrl };
});
afterAll(() => database.drop());

const ADD = 'issuers add --issuer https://id.example --audience api';
const JWKS = '--jwks https://id.example/keys';

test('what cannot be trusted is wrong use, and says why', async () => {
  const cases: [line: string, fault: RegExp][] = [
    ['issuers', /say which: list, add, suspend, remove/],
    [`${ADD} ${JWKS}`, /--tenant <slug>/],
    ['issuers add --tenant acme', /--issuer <iss>/],
    [`${ADD} --tenant acme`, /jwksUri or discovery must be given/],
    [`${ADD} --tenant acme ${JWKS} --discovery https://id.example/d`, /not both/],
    [`${ADD} --tenant acme --jwks http://id.example/keys`, /must be HTTPS/],
    [`${ADD} --tenant acme ${JWKS} --algorithm HS256`, /algorithms/],
    [`${ADD} --tenant acme ${JWKS} --type id+jwt`, /types/],
    [`${ADD} --tenant acme ${JWKS} --tenant-from header:x-tenant`, /--tenant-from is one of/],
    [`${ADD} --tenant acme ${JWKS} --tenant-from urn:not`, /URN/],
  ];
  for (const [line, fault] of cases) {
    const { code, out, err } = await transcript(line, env);
    expect([line, code, out]).toEqual([line, 2, '']);
    expect(err).toMatch(fault);
  }
  expect((await transcript('issuers list --json', env)).out).toBe('[]\n');
});

test('a tenant that is not there trusts nobody, and one issuer is trusted by one tenant', async () => {
  const nowhere = await transcript(`${ADD} --tenant nowhere ${JWKS}`, env);
  expect([nowhere.code, nowhere.out]).toEqual([1, '']);
  expect(await transcript(`${ADD} --tenant acme ${JWKS}`, env)).toEqual({
    code: 0,
    out: 'added  acme  https://id.example\n',
    err: '',
  });
  const second = await transcript(`${ADD} --tenant globex ${JWKS}`, env);
  expect([second.code, second.err]).toEqual([
    1,
    'there is no tenant globex, or another tenant trusts this issuer already\n',
  ]);
});

test('an issuer is listed with its rules, changed by adding it again, suspended, and removed', async () => {
  await transcript(`${ADD} --tenant acme ${JWKS}`, env);
  const changed = `${ADD} --tenant acme ${JWKS} --tenant-from group:groups=tenant: --algorithm ES256`;
  expect((await transcript(changed, env)).out).toBe('changed  acme  https://id.example\n');
  const list = await transcript('issuers list --tenant acme', env);
  expect(list.out).toContain('acme  https://id.example\n');
  expect(list.out).toContain('{"claim":"groups","prefix":"tenant:","strategy":"group_prefix"}');
  expect((await transcript('issuers list --tenant globex', env)).out).toBe('');
  const suspended = await transcript('issuers suspend --issuer https://id.example', env);
  expect(suspended.out).toBe('suspended  https://id.example\n');
  expect(JSON.parse((await transcript('issuers list --json', env)).out)).toMatchObject([
    { tenant: 'acme', status: 'suspended', settings: { algorithms: ['ES256'] } },
  ]);
  expect((await transcript('issuers remove --issuer https://id.example', env)).code).toBe(0);
  expect(await transcript('issuers remove --issuer https://id.example', env)).toEqual({
    code: 1,
    out: '',
    err: 'no tenant trusts https://id.example\n',
  });
});

test('each rule for the tenant is written the way the verifier reads it', async () => {
  const rules: [rule: string, tenant: object][] = [
    ['claim:org', { strategy: 'provider_claim', claim: 'org' }],
    ['urn:acme:org#a.b', { strategy: 'urn_claim', claim: 'urn:acme:org', path: ['a', 'b'] }],
    ['urn:acme:org', { strategy: 'urn_claim', claim: 'urn:acme:org' }],
    ['group:groups=a=b:', { strategy: 'group_prefix', claim: 'groups', prefix: 'a=b:' }],
    ['fixed:acme', { strategy: 'fixed', tenant: 'acme' }],
  ];
  for (const [rule, tenant] of rules) {
    expect([
      rule,
      (await transcript(`${ADD} --tenant acme ${JWKS} --tenant-from ${rule}`, env)).code,
    ]).toEqual([rule, 0]);
    const [listed] = JSON.parse((await transcript('issuers list --json', env)).out) as { settings: object }[];
    expect(listed?.settings).toMatchObject({ tenant });
  }
});
