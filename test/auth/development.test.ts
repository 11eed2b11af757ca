// The issuer of demo tokens: it refuses to exist in production, and its key is readable by its owner alone.

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { createDevelopmentIssuer, type DevelopmentIssuerSettings } from '../../src/auth/development.ts';
import { createVerifier } from '../../src/auth/token.ts';
import { PostureError } from '../../src/errors.ts';
import { type DelegationId, parseId } from '../../src/ids.ts';
import { DELEGATION, NOW, refusal } from './forge.ts';

const alice = { subject: 'alice', tenant: 'acme', scopes: ['memory:read'] };
const now = () => NOW * 1000;

function settings(overrides: Partial<DevelopmentIssuerSettings> = {}): DevelopmentIssuerSettings {
  const parent = mkdtempSync(join(tmpdir(), 'bailiwick-'));
  onTestFinished(() => rmSync(parent, { recursive: true }));
  return {
    dataDir: join(parent, 'data'),
    issuer: 'http://127.0.0.1:4000',
    audience: 'bailiwick',
    development: true,
    nodeEnv: undefined,
    now,
    ...overrides,
  };
}

test.each([
  ['NODE_ENV is production', { nodeEnv: 'production' }],
  ['the mode is not development', { development: false }],
])('there is no development issuer when %s', (_, overrides) => {
  const refused = settings(overrides);

  expect(() => createDevelopmentIssuer(refused)).toThrow(PostureError);
  expect(() => readdirSync(refused.dataDir)).toThrow('ENOENT');
});

test('the key file is for its owner only, and nothing is left beside it', () => {
  const { dataDir, ...rest } = settings();
  createDevelopmentIssuer({ dataDir, ...rest });

  expect(statSync(join(dataDir, 'development-issuer.json')).mode & 0o777).toBe(0o600);
  expect(readdirSync(dataDir)).toEqual(['development-issuer.json']);
});

test('the published key set holds no private member', () => {
  const issuer = createDevelopmentIssuer(settings());

  expect(issuer.jwks().keys.map((key) => Object.keys(key).sort())).toEqual([
    ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'],
  ]);
});

test.each([
  ['cut short', (text: string) => text.slice(0, 40)],
  ['without its private half', (text: string) => text.replace(/,"d":"[^"]*"/, '')],
])('a key file %s is refused without quoting it', (_, damage) => {
  const damaged = settings();
  createDevelopmentIssuer(damaged);
  const path = join(damaged.dataDir, 'development-issuer.json');
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, damage(text));

  try {
    createDevelopmentIssuer(damaged);
    expect.unreachable('was accepted');
  } catch (error) {
    expect(error).toBeInstanceOf(PostureError);
    expect(inspect(error)).not.toContain(text.slice(0, 8));
  }
});

test("its tokens go through the same checks as anybody else's", async () => {
  const issuer = createDevelopmentIssuer(settings());
  const verifier = createVerifier([], { inProcess: [issuer], now });

  expect(await refusal(verifier.verify(await issuer.mint({ ...alice, expiresIn: 86_401 })))).toMatchObject({
    reason: 'lifetime',
  });
  expect(await refusal(verifier.verify(await issuer.mint({ ...alice, subject: '' })))).toMatchObject({
    reason: 'sub',
  });
  expect(await verifier.verify(await issuer.mint(alice))).toMatchObject({
    ...alice,
    issuer: 'http://127.0.0.1:4000',
  });
});

test("another installation's development issuer is a stranger", async () => {
  const [ours, theirs] = [createDevelopmentIssuer(settings()), createDevelopmentIssuer(settings())];
  const verifier = createVerifier([], { inProcess: [ours], now });

  expect(await refusal(verifier.verify(await theirs.mint(alice)))).toMatchObject({ reason: 'key' });
});

test('a token lives for an hour, carries an id of its own and names actor and delegation', async () => {
  const issuer = createDevelopmentIssuer(settings());
  const verifier = createVerifier([], { inProcess: [issuer], now });
  const delegationId = parseId<DelegationId>(DELEGATION);
  const mint = () => issuer.mint({ ...alice, actor: 'scout', delegationId });
  const [one, two] = [await verifier.verify(await mint()), await verifier.verify(await mint())];

  expect(one).toMatchObject({
    subject: 'alice',
    actor: 'scout',
    delegationId,
    expiresAt: new Date((NOW + 3630) * 1000),
  });
  expect(one.tokenId).not.toBe(two.tokenId);
});

test('a token survives a restart', async () => {
  const folder = settings();
  const token = await createDevelopmentIssuer(folder).mint(alice);
  const restarted = createVerifier([], { inProcess: [createDevelopmentIssuer(folder)], now });

  expect(await restarted.verify(token)).toMatchObject({ subject: 'alice' });
});
