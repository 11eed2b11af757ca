// The environment: what is wrong is refused, all at once; and the README's table says what is read.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readConfig } from '../src/config.ts';
import { PostureError } from '../src/errors.ts';
import { SETTINGS } from '../src/settings.ts';

const findings = (env: Record<string, string>): readonly string[] => {
  try {
    readConfig(env);
    return [];
  } catch (error) {
    return error instanceof PostureError ? error.findings : [String(error)];
  }
};

test('one database URL without the other is refused', () => {
  const [finding] = findings({ DATABASE_URL: 'postgresql://bailiwick_runtime@db/app' });
  expect(finding).toContain('DATABASE_URL and MIGRATION_DATABASE_URL go together');
  expect(findings({ MIGRATION_DATABASE_URL: 'postgresql://bailiwick_migrator@db/app' })).toHaveLength(1);
});

test('development mode is refused when NODE_ENV says production', () => {
  expect(findings({ MODE: 'development', NODE_ENV: 'production' })[0]).toContain(
    'is refused when NODE_ENV=production',
  );
});

test('every problem is named at the same time', () => {
  const wrong = findings({
    PORT: '99999',
    LOG_LEVEL: 'loud',
    DATABASE_URL: 'mysql://x',
    TICKET_KEY: 'short',
    ISSUERS: '[{"issuer":"https://issuer.example"}]',
  });
  for (const name of [
    'PORT',
    'LOG_LEVEL',
    'DATABASE_URL',
    'TICKET_KEY',
    'ISSUERS.0.jwksUri',
    'ISSUERS.0.audience',
  ]) {
    expect(wrong.some((finding) => finding.startsWith(`${name} `))).toBe(true);
  }
});

test('a key provider without its settings is refused at the start', () => {
  expect(findings({ KEY_PROVIDER: 'vault,env,aws' })).toEqual([
    'KEY_PROVIDER vault needs VAULT_ADDR',
    'KEY_PROVIDER env needs KEY_ENCRYPTION_KEY',
    'KEY_PROVIDER aws needs AWS_KMS_KEY',
  ]);
  const vault = { KEY_PROVIDER: 'vault', VAULT_ADDR: 'https://vault.example:8200' };
  const which = ['KEY_PROVIDER vault needs either VAULT_TOKEN or VAULT_TOKEN_FILE'];
  expect(findings(vault)).toEqual(which);
  expect(findings({ ...vault, VAULT_TOKEN: 't', VAULT_TOKEN_FILE: '/t' })).toEqual(which);
  expect(findings({ KEY_PROVIDER: 'kms' })).toHaveLength(1);
  expect(findings({ KEY_ENCRYPTION_KEY: `${'a'.repeat(43)},short` })).toHaveLength(1);
});

test('where the outermost keys are follows from what is set', () => {
  const key = 'a'.repeat(43);
  expect(readConfig({}).keys).toMatchObject({ order: ['local'], keys: [] });
  expect(readConfig({}).keys.erasureDir).toMatch(/erasure$/);
  expect(readConfig({ KEY_ENCRYPTION_KEY: `${key}, ${key}` }).keys).toMatchObject({
    order: ['env'],
    keys: [key, key],
  });
  const external = readConfig({
    DATABASE_URL: 'postgresql://bailiwick_runtime@db/app',
    MIGRATION_DATABASE_URL: 'postgresql://bailiwick_migrator@db/app',
    KEY_PROVIDER: 'aws,local',
    AWS_KMS_KEY: 'alias/bailiwick',
  });
  expect(external.keys).toMatchObject({ order: ['aws', 'local'], aws: { keyId: 'alias/bailiwick' } });
  expect(external.keys.erasureDir).toBeUndefined();
});

test('the environment gives no issuer the id of a row', () => {
  const issuer = {
    issuer: 'i',
    audience: 'a',
    jwksUri: 'https://i/',
    id: '01890a5d-ac96-774b-bcce-b302099a8057',
  };
  expect(findings({ ISSUERS: JSON.stringify([issuer]) })).toEqual(['ISSUERS.0 Unrecognized key: "id"']);
});

test('keys come from the Internet alone unless something else was said', () => {
  expect(readConfig({}).issuerReach).toBe('public');
  expect(readConfig({ MODE: 'development' }).issuerReach).toBe('loopback');
  expect(readConfig({ ALLOW_PRIVATE_ISSUERS: 'false' }).issuerReach).toBe('public');
  expect(readConfig({ ALLOW_PRIVATE_ISSUERS: 'true' }).issuerReach).toBe('any');
  for (const value of ['1', 'yes', 'TRUE ']) {
    expect(findings({ ALLOW_PRIVATE_ISSUERS: value })).toEqual([
      'ALLOW_PRIVATE_ISSUERS must be true or false',
    ]);
  }
});

test('a list of refused keys with a gap or with something too long in it is refused', () => {
  const gap = 'must be key ids with commas between them';
  expect(findings({ DENIED_KEY_IDS: 'a,,b' })).toEqual([`DENIED_KEY_IDS.1 ${gap}`]);
  expect(findings({ DENIED_KEY_IDS: ' ' })).toEqual([`DENIED_KEY_IDS.0 ${gap}`]);
  expect(findings({ DENIED_KEY_IDS: 'k'.repeat(256) })).toHaveLength(1);
});

test('refused keys are read one by one, and none is refused unless it is said', () => {
  expect(readConfig({}).deniedKeyIds).toEqual([]);
  expect(readConfig({ DENIED_KEY_IDS: 'leaked-1, Leaked 2' }).deniedKeyIds).toEqual(['leaked-1', 'Leaked 2']);
});

test("an administrator's URL is checked like the others, and needs neither of them", () => {
  expect(findings({ ADMIN_DATABASE_URL: 'mysql://x' })).toEqual([
    'ADMIN_DATABASE_URL must be a postgresql:// URL',
  ]);
  const adminUrl = 'postgresql://postgres@db/app';
  expect(readConfig({ ADMIN_DATABASE_URL: adminUrl }).adminUrl).toBe(adminUrl);
  expect(readConfig({ ADMIN_DATABASE_URL: '' }).adminUrl).toBeUndefined();
});

test('the public address is an origin and nothing more, and proxies are counted', () => {
  for (const wrong of [
    'https://api.example/',
    'https://api.example/x',
    'https://u@api.example',
    'ftp://api.example',
  ]) {
    expect(findings({ PUBLIC_URL: wrong })[0]).toMatch(/^PUBLIC_URL must be an/);
  }
  expect(readConfig({ PUBLIC_URL: 'https://api.example:8443' }).publicUrl).toBe('https://api.example:8443');
  expect(findings({ TRUST_PROXY: '-1' })).toEqual(['TRUST_PROXY must be at least 0']);
  expect(readConfig({ TRUST_PROXY: '2' }).trustProxy).toBe(2);
});

test('an issuer of the environment is read with what it leaves out', () => {
  const issuer = { issuer: 'i', audience: 'a', discovery: 'https://i/.well-known/openid-configuration' };
  expect(readConfig({ ISSUERS: JSON.stringify([issuer]) }).issuers).toEqual([
    {
      ...issuer,
      types: ['at+jwt'],
      algorithms: ['RS256', 'ES256'],
      tenant: { strategy: 'provider_claim', claim: 'tenant' },
    },
  ]);
});

test('a statement may not outlive its transaction', () => {
  expect(findings({ STATEMENT_TIMEOUT_MS: '9000', TRANSACTION_TIMEOUT_MS: '6000' })).toEqual([
    'STATEMENT_TIMEOUT_MS must not exceed TRANSACTION_TIMEOUT_MS',
  ]);
});

test('nothing set means an embedded database on loopback, in production mode', () => {
  expect(readConfig({})).toMatchObject({
    port: 4000,
    host: '127.0.0.1',
    database: { kind: 'embedded' },
    development: false,
    issuers: [],
  });
});

test('an empty variable counts as unset', () => {
  expect(readConfig({ PORT: '', DATABASE_URL: '' }).port).toBe(4000);
});

test("the README's table lists every setting with its default and what it is", () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  for (const [name, { default: fallback, about }] of Object.entries(SETTINGS)) {
    expect(readme).toContain(
      `| \`${name}\` | ${fallback === undefined ? '' : `\`${fallback}\` `}| ${about} |`,
    );
  }
});
