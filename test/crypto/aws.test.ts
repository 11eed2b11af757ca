// The provider whose key lies in AWS KMS: what KMS refuses, how it fails, and that no error tells what was sent there.
//
// AWS's own library talks to a stand-in over HTTP, which checks its signatures. No test has met the real KMS.

import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { newKey } from '../../src/crypto/primitives.ts';
import { keyIdOf } from '../../src/crypto/provider.ts';
import { type AwsSettings, openAwsProvider } from '../../src/crypto/providers/aws.ts';
import { type KmsServer, startKmsServer } from './kms-server.ts';
import { outcome, REFUSED, shown, spellings } from './refusals.ts';

const BINDING = { tenant: 'acme', purpose: 'fields' };
const UNREACHABLE = { name: 'KeyProviderError', reason: 'unreachable' };

beforeEach(() => {
  // the SDK waits for a random part of half a second before its second attempt
  vi.spyOn(Math, 'random').mockReturnValue(0);
  // its chain of credentials ends here, and not at files of this machine or an address of the cloud's
  vi.stubEnv('AWS_CONFIG_FILE', '/dev/null');
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null');
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  return () => {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
  };
});

async function kms(): Promise<KmsServer> {
  const server = await startKmsServer();
  onTestFinished(() => server[Symbol.asyncDispose]());
  vi.stubEnv('AWS_ACCESS_KEY_ID', server.credentials.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', server.credentials.secretAccessKey);
  return server;
}

function providerOf({ endpoint, keys }: KmsServer, settings: Partial<AwsSettings> = {}) {
  const right = { keyId: keys[0], region: 'eu-central-1', endpoint, timeoutMs: 5_000 };
  const provider = openAwsProvider({ ...right, ...settings });
  onTestFinished(() => provider.close?.());
  return provider;
}

test.each(['', 'a:b', 'alias/', 'arn:aws:s3:::bucket', 'a b'])(
  'the key id "%s" is refused at once',
  (keyId) => {
    expect(() => openAwsProvider({ keyId, timeoutMs: 1_000 })).toThrow('the key id must be');
  },
);

test.each(['http://kms.example', 'kms.example', 'https://a:b@kms.example'])(
  'the endpoint %s is refused at once',
  (endpoint) => {
    expect(() => openAwsProvider({ keyId: 'alias/a', endpoint, timeoutMs: 1_000 })).toThrow(
      'the endpoint must',
    );
  },
);

test('another binding does not open it, nor does the key of another', async () => {
  const server = await kms();
  const provider = providerOf(server);
  const wrapped = await provider.wrap(newKey(), BINDING);
  for (const binding of [{ ...BINDING, tenant: 'other' }, { tenant: 'acme' }, {}]) {
    await expect(provider.unwrap(wrapped, binding)).rejects.toMatchObject({
      ...REFUSED,
      message: expect.stringContaining('InvalidCiphertextException'),
    });
  }
  const swapped = wrapped.replace(server.keys[0], server.keys[1]);
  await expect(provider.unwrap(swapped, BINDING)).rejects.toMatchObject({
    ...REFUSED,
    message: expect.stringContaining('IncorrectKeyException'),
  });
  await expect(providerOf(await kms()).unwrap(wrapped, BINDING)).rejects.toMatchObject({
    ...REFUSED,
    message: expect.stringContaining('NotFoundException'),
  });
});

test('what others wrap under the same key passes for no key of ours', async () => {
  const server = await kms();
  await expect(providerOf(server).wrap(newKey(), { bailiwick: 'key' })).rejects.toThrow(TypeError);
  expect(server.requests).toEqual([]);
});

/** With every byte of what KMS made changed, and with something else before it. */
function alterations(wrapped: string): string[] {
  const [, id = '', rest = ''] = wrapped.split(':');
  const blob = Buffer.from(rest, 'base64url');
  const bytes = Array.from(blob, (byte, at) => {
    const altered = Buffer.from(blob);
    altered[at] = byte ^ 1;
    return `aws:${id}:${altered.toString('base64url')}`;
  });
  const ids = [id.slice(1), `${id}0`, '', `key/${id}`];
  const others = [
    `${wrapped}A`,
    `${wrapped}=`,
    `${wrapped}:`,
    `env:${id}:${rest}`,
    ` ${wrapped}`,
    `aws:${id}:`,
  ];
  return [...bytes, ...ids.map((other) => `aws:${other}:${rest}`), ...others];
}

test('a change of any byte of a wrapped key is refused, and shown nowhere', async () => {
  const server = await kms();
  const provider = providerOf(server);
  const key = newKey();
  const wrapped = await provider.wrap(key, BINDING);
  const all = alterations(wrapped);
  expect(all.length).toBeGreaterThan(60);
  for (const altered of all) {
    const error = await outcome(provider.unwrap(altered, BINDING));
    expect(error).toMatchObject(REFUSED);
    const told = shown(error);
    const rest = altered.split(':')[2] || altered;
    const sent = Buffer.from(rest, 'base64url').toString('base64');
    for (const secret of [server.credentials.secretAccessKey, altered, rest, sent, ...spellings(key)]) {
      expect(told).not.toContain(secret);
    }
  }
});

test('a wrong secret is refused, and shown nowhere', async () => {
  const server = await kms();
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'a-wrong-secret');
  const key = newKey();
  const error = await outcome(providerOf(server).wrap(key, BINDING));
  expect(error).toMatchObject({
    ...REFUSED,
    message: expect.stringContaining('InvalidSignatureException'),
  });
  for (const secret of ['a-wrong-secret', server.credentials.secretAccessKey, ...spellings(key)]) {
    expect(shown(error)).not.toContain(secret);
  }
});

test('without credentials KMS is not asked', async () => {
  const server = await kms();
  vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', undefined);
  await expect(providerOf(server).current()).rejects.toMatchObject({
    ...UNREACHABLE,
    message: expect.stringContaining('CredentialsProviderError'),
  });
  expect(server.requests).toEqual([]);
});

test.each([
  ['AccessDeniedException', 400, REFUSED, 1],
  ['DisabledException', 400, REFUSED, 1],
  ['KMSInvalidStateException', 400, REFUSED, 1],
  ['ThrottlingException', 400, UNREACHABLE, 2],
  ['LimitExceededException', 400, UNREACHABLE, 2],
  ['KMSInternalException', 500, UNREACHABLE, 2],
  ['DependencyTimeoutException', 503, UNREACHABLE, 2],
])('%s ends as it should, and is not tried more than twice', async (type, status, expected, attempts) => {
  const server = await kms();
  server.fail(status, type);
  await expect(providerOf(server).wrap(newKey(), BINDING)).rejects.toMatchObject({
    ...expected,
    message: expect.stringContaining(type),
  });
  expect(server.requests.length).toBeLessThanOrEqual(attempts);
});

test('nobody listening and an answer that is none are unreachable', async () => {
  const server = await kms();
  const key = newKey();
  const nowhere = providerOf(server, { endpoint: 'http://127.0.0.1:1' });
  const error = await outcome(nowhere.wrap(key, BINDING));
  expect(error).toMatchObject({ ...UNREACHABLE, message: expect.stringContaining('ECONNREFUSED') });
  for (const secret of [server.credentials.secretAccessKey, ...spellings(key)]) {
    expect(shown(error)).not.toContain(secret);
  }

  for (const body of ['', 'a page', '{}', '{"KeyId":"key/"}', 'null']) {
    server.misbehave((_, response) => response.end(body));
    await expect(providerOf(server).wrap(key, BINDING)).rejects.toMatchObject({ name: 'KeyProviderError' });
    await expect(providerOf(server).current()).rejects.toMatchObject({ name: 'KeyProviderError' });
  }
});

test.each([
  ['never answers', () => {}],
  ['never ends its answer', (_: unknown, response: { write(text: string): void }) => response.write('{"Key')],
])('a KMS that %s is unreachable when the time is up', async (_, listener) => {
  const server = await kms();
  const provider = providerOf(server, { timeoutMs: 60 });
  server.misbehave(listener);
  const start = performance.now();
  const error = await outcome(provider.wrap(newKey(), BINDING));
  expect(error).toMatchObject({ ...UNREACHABLE, message: expect.stringContaining('in time') });
  expect(performance.now() - start).toBeLessThan(1_000);
});

test('credentials that are never found are not waited for longer than KMS itself', async () => {
  const server = await kms();
  server.misbehave(() => {});
  vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', undefined);
  vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', `${server.endpoint}/credentials`);
  const start = performance.now();
  const work = providerOf(server, { timeoutMs: 60 }).current();
  await expect(work).rejects.toMatchObject({ ...UNREACHABLE, message: expect.stringContaining('in time') });
  expect(performance.now() - start).toBeLessThan(1_000);
});

test('keys do not take turns from here, and the refusal says how they do', async () => {
  const server = await kms();
  await expect(providerOf(server).rotate()).rejects.toMatchObject({
    ...REFUSED,
    message: expect.stringMatching(/by itself.*configure its id.*bailiwick keys rotate kek/),
  });
});

test('a wrapped key of another account is asked for where the configured key is, and nowhere else', async () => {
  const server = await kms();
  const provider = providerOf(server, {
    keyId: `arn:aws:kms:eu-central-1:999999999999:key/${server.keys[0]}`,
  });
  const wrapped = await providerOf(server).wrap(newKey(), BINDING);
  await expect(provider.unwrap(wrapped, BINDING)).rejects.toMatchObject(REFUSED);
});

test('what was wrapped opens again, also after one failure on the way', async () => {
  const server = await kms();
  const provider = providerOf(server);
  const key = newKey();
  server.fail(500, 'KMSInternalException', 1);
  const wrapped = await provider.wrap(key, BINDING);
  expect(wrapped).toMatch(/^aws:[\w-]+:[\w-]+$/);
  expect(keyIdOf(wrapped)).toBe(await provider.current());
  expect(Buffer.from(await provider.unwrap(wrapped, BINDING))).toEqual(key);
});

test('a key goes by its id, whatever it is called in the configuration, and is named again to decrypt', async () => {
  const server = await kms();
  const key = newKey();
  const [id] = server.keys;
  for (const keyId of [id, 'alias/bailiwick', server.arnOf(`key/${id}`), server.arnOf('alias/bailiwick')]) {
    const provider = providerOf(server, { keyId });
    expect(await provider.current()).toBe(`aws:${id}`);
    const wrapped = await provider.wrap(key, BINDING);
    expect(keyIdOf(wrapped)).toBe(`aws:${id}`);
    expect(Buffer.from(await provider.unwrap(wrapped, BINDING))).toEqual(key);
    expect(server.requests.at(-1)).toBe(
      `Decrypt ${keyId.startsWith('arn:') ? server.arnOf(`key/${id}`) : id}`,
    );
  }
});

test('when an alias turns to another key, that one wraps, and what the old one wrapped still opens', async () => {
  const server = await kms();
  const key = newKey();
  const provider = providerOf(server, { keyId: 'alias/bailiwick' });
  const old = await provider.wrap(key, BINDING);
  server.alias = server.keys[1];
  const fresh = await provider.wrap(key, BINDING);
  expect([old, fresh].map(keyIdOf)).toEqual(server.keys.map((id) => `aws:${id}`));
  for (const wrapped of [old, fresh]) {
    expect(Buffer.from(await provider.unwrap(wrapped, BINDING))).toEqual(key);
  }
});
