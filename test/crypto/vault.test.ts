// The provider whose key lies in Vault: what Vault refuses, how it fails, and that no error tells what was sent there.
//
// The library that the provider uses talks to a stand-in over HTTP. No test has met a real Vault.

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { newKey } from '../../src/crypto/primitives.ts';
import { keyIdOf } from '../../src/crypto/provider.ts';
import { openVaultProvider, type VaultSettings } from '../../src/crypto/providers/vault.ts';
import { certificate } from '../auth/certificate.ts';
import { outcome, REFUSED, shown, spellings } from './refusals.ts';
import { startVaultServer, type VaultServer } from './vault-server.ts';

const BINDING = { tenant: 'acme', purpose: 'fields' };
const UNREACHABLE = { name: 'KeyProviderError', reason: 'unreachable' };

async function vault(key?: string): Promise<VaultServer> {
  const server = await startVaultServer(key);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

const providerOf = ({ address, token, namespace }: VaultServer, settings: Partial<VaultSettings> = {}) =>
  openVaultProvider({ address, token, namespace, timeoutMs: 5_000, ...settings });

test.each<[string, Partial<VaultSettings>, RegExp]>([
  ['plain HTTP to another machine', { address: 'http://vault.example:8200' }, /HTTPS/],
  ['an address that is none', { address: 'vault' }, /must be a URL/],
  ['a password in the address', { address: 'https://a:b@vault.example' }, /user name or password/],
  ['a query in the address', { address: 'https://vault.example/?a=b' }, /must not contain/],
  ['no token', { token: undefined }, /needs a token/],
  ['an empty token', { token: '' }, /needs a token/],
  ['two tokens', { tokenFile: 'token' }, /not both/],
  ['a mount that leads elsewhere', { mount: '../sys' }, /mount/],
  ['a key that leads elsewhere', { key: 'a/../b' }, /name of the key/],
  ['a key with a colon', { key: 'a:b' }, /name of the key/],
])('%s is refused before anything is asked', (_, settings, finding) => {
  const right = { address: 'https://vault.example', token: 'hvs.token', timeoutMs: 1_000 };
  expect(() => openVaultProvider({ ...right, ...settings })).toThrow(finding);
});

test('another binding, another Vault and another key of the same one do not open it', async () => {
  const server = await vault();
  const provider = providerOf(server);
  const wrapped = await provider.wrap(newKey(), BINDING);
  for (const binding of [{ ...BINDING, tenant: 'other' }, { tenant: 'acme' }, {}]) {
    await expect(provider.unwrap(wrapped, binding)).rejects.toMatchObject(REFUSED);
  }
  await expect(providerOf(await vault()).unwrap(wrapped, BINDING)).rejects.toMatchObject(REFUSED);

  const asked = server.requests.length;
  await expect(providerOf(server, { key: 'other' }).unwrap(wrapped, BINDING)).rejects.toMatchObject({
    ...REFUSED,
    message: expect.stringContaining('configured for other'),
  });
  expect(server.requests).toHaveLength(asked);
});

/** With every byte of what Vault made changed, and with something else before it. */
function alterations(wrapped: string): string[] {
  const [, id = '', rest = ''] = wrapped.split(':');
  const blob = Buffer.from(rest, 'base64');
  const bytes = Array.from(blob, (byte, at) => {
    const altered = Buffer.from(blob);
    altered[at] = byte ^ 1;
    return `vault:${id}:${altered.toString('base64')}`;
  });
  const ids = [
    'bailiwick.v2',
    'bailiwick.v0',
    'bailiwick.v01',
    'bailiwick.v',
    'bailiwick',
    'other.v1',
    '',
    'v1',
  ];
  const others = [
    `${wrapped}A`,
    `${wrapped}=`,
    `${wrapped}:`,
    `env:${id}:${rest}`,
    ` ${wrapped}`,
    `vault:v1:${rest}`,
  ];
  return [...bytes, ...ids.map((other) => `vault:${other}:${rest}`), ...others];
}

test('a change of any byte of a wrapped key is refused, and shown nowhere', async () => {
  const server = await vault();
  const provider = providerOf(server);
  const key = newKey();
  const wrapped = await provider.wrap(key, BINDING);
  const all = alterations(wrapped);
  expect(all.length).toBeGreaterThan(60);
  for (const altered of all) {
    const error = await outcome(provider.unwrap(altered, BINDING));
    expect(error).toMatchObject(REFUSED);
    const told = shown(error);
    const rest = altered.split(':')[2] ?? altered;
    for (const secret of [server.token, altered, rest, ...spellings(key)]) {
      expect(told).not.toContain(secret);
    }
  }
});

test('what Vault is told to wrap, it does not tell on in an error', async () => {
  const server = await vault();
  const provider = providerOf(server);
  const key = newKey();
  server.misbehave((request, response) => {
    const chunks: Uint8Array[] = [];
    request.on('data', (chunk: Uint8Array) => chunks.push(chunk));
    request.on('end', () => {
      const errors = [`${Buffer.concat(chunks)} ${request.headers['x-vault-token']}`];
      response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ errors }));
    });
  });
  const error = await outcome(provider.wrap(key, BINDING));
  expect(error).toMatchObject(REFUSED);
  for (const secret of [server.token, ...spellings(key)]) {
    expect(shown(error)).not.toContain(secret);
  }
});

test('a wrong token and a wrong namespace are refused, once, without the token', async () => {
  const server = await vault();
  server.namespace = 'team';
  const token = `hvs.${randomBytes(8).toString('hex')}`;
  for (const settings of [{ token }, { namespace: undefined }, { namespace: 'other' }]) {
    const error = await outcome(providerOf(server, settings).wrap(newKey(), BINDING));
    expect(error).toMatchObject({ ...REFUSED, message: expect.stringContaining('answered 403') });
    expect(shown(error)).not.toContain(settings.token ?? server.token);
  }
  expect(server.requests).toHaveLength(3);
  expect(await providerOf(server).current()).toBe('vault:bailiwick.v1');
});

test('a key or a mount that is not there is refused', async () => {
  const server = await vault();
  for (const settings of [{ key: 'other' }, { mount: 'elsewhere' }]) {
    await expect(providerOf(server, settings).current()).rejects.toMatchObject({
      ...REFUSED,
      message: expect.stringContaining('no such mount or key'),
    });
  }
});

test('a Vault that takes no notice of the binding wraps nothing', async () => {
  const server = await vault();
  server.ignoresAssociatedData = true;
  await expect(providerOf(server).wrap(newKey(), BINDING)).rejects.toMatchObject({
    ...REFUSED,
    message: expect.stringContaining('too old'),
  });
});

test('a Vault that is sealed, failing, or asked too often is unreachable, after a second attempt', async () => {
  const server = await vault();
  server.sealed = true;
  const provider = providerOf(server);
  await expect(provider.current()).rejects.toMatchObject({
    ...UNREACHABLE,
    message: expect.stringContaining('sealed'),
  });
  expect(server.requests).toHaveLength(2);
  server.sealed = false;
  for (const status of [429, 500, 502]) {
    server.misbehave((_, response) => response.writeHead(status).end('{"errors":[]}'), 2);
    await expect(provider.current()).rejects.toMatchObject(UNREACHABLE);
  }
  expect(await provider.current()).toBe('vault:bailiwick.v1');
});

test('nobody listening, a broken connection and an answer that is none are unreachable', async () => {
  const closed = createServer();
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
  const address = closed.address();
  const port = typeof address === 'object' ? address?.port : 0;
  await new Promise((resolve) => closed.close(resolve));
  const server = await vault();
  const key = newKey();
  const error = await outcome(providerOf(server, { address: `http://127.0.0.1:${port}` }).wrap(key, BINDING));
  expect(error).toMatchObject({ ...UNREACHABLE, message: expect.stringContaining('ECONNREFUSED') });
  for (const secret of [server.token, ...spellings(key)]) {
    expect(shown(error)).not.toContain(secret);
  }

  const provider = providerOf(server);
  server.misbehave((request) => request.socket.destroy(), 2);
  await expect(provider.wrap(key, BINDING)).rejects.toMatchObject(UNREACHABLE);
  for (const body of ['', 'a page', '{}', '{"data":{"ciphertext":5}}', 'null']) {
    server.misbehave((_, response) => response.end(body), 1);
    await expect(provider.wrap(key, BINDING)).rejects.toMatchObject(UNREACHABLE);
  }
});

test.each([
  ['never answers', () => {}],
  [
    'never ends its answer',
    (_: unknown, response: { write(text: string): void }) => response.write('{"data"'),
  ],
])('a Vault that %s is unreachable when the time is up', async (_, listener) => {
  const server = await vault();
  const provider = providerOf(server, { timeoutMs: 60 });
  server.misbehave(listener);
  const start = performance.now();
  const error = await outcome(provider.wrap(newKey(), BINDING));
  expect(error).toMatchObject({ ...UNREACHABLE, message: expect.stringContaining('in time') });
  expect(performance.now() - start).toBeLessThan(1_000);
  expect(server.requests).toHaveLength(1);
});

test('a redirect to another server takes the token nowhere', async () => {
  const server = await vault();
  const other = await vault();
  for (const status of [302, 307]) {
    server.misbehave((_, response) =>
      response.writeHead(status, { location: `${other.address}/v1/transit/keys/bailiwick` }).end(),
    );
    const error = await outcome(providerOf(server).wrap(newKey(), BINDING));
    expect(error).toMatchObject({ ...UNREACHABLE, message: expect.stringContaining('redirects') });
    expect(shown(error)).not.toContain(server.token);
  }
  expect(other.requests).toEqual([]);
});

test('a certificate that nobody vouches for is refused, whatever the environment says', async () => {
  let requests = 0;
  const server = createTlsServer(certificate('localhost'), (_, response) => {
    requests += 1;
    response.end('{"data":{"latest_version":1}}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  for (const name of ['VAULT_SKIP_VERIFY', 'NODE_TLS_REJECT_UNAUTHORIZED']) {
    vi.stubEnv(name, name === 'VAULT_SKIP_VERIFY' ? '1' : '0');
  }
  onTestFinished(() => void vi.unstubAllEnvs());
  const settings = { address: `https://localhost:${port}`, token: 'hvs.token', timeoutMs: 5_000 };
  await expect(openVaultProvider(settings).current()).rejects.toMatchObject(UNREACHABLE);
  expect(requests).toBe(0);
});

test('the variables of the library, and of proxies, decide nothing', async () => {
  const server = await vault();
  const other = await vault();
  for (const name of ['VAULT_ADDR', 'HTTP_PROXY', 'http_proxy', 'ALL_PROXY']) {
    vi.stubEnv(name, other.address);
  }
  for (const name of ['VAULT_TOKEN', 'VAULT_NAMESPACE', 'VAULT_PREFIX']) {
    vi.stubEnv(name, '/other');
  }
  vi.stubEnv('NO_PROXY', '');
  vi.stubEnv('no_proxy', '');
  onTestFinished(() => void vi.unstubAllEnvs());

  expect(await providerOf(server).current()).toBe('vault:bailiwick.v1');
  expect(other.requests).toEqual([]);
});

test('a token that was renewed in its file is read again, once, when the old one is refused', async () => {
  const server = await vault();
  const made = mkdtempSync(join(tmpdir(), 'bailiwick-token-'));
  onTestFinished(() => rmSync(made, { recursive: true }));
  const tokenFile = join(made, 'token');
  // an empty file is no reason to take a token from elsewhere
  vi.stubEnv('VAULT_TOKEN', server.token);
  onTestFinished(() => void vi.unstubAllEnvs());
  const provider = providerOf(server, { token: undefined, tokenFile });
  await expect(provider.current()).rejects.toMatchObject(REFUSED);
  expect(server.requests).toEqual([]);

  writeFileSync(tokenFile, '');
  await expect(provider.current()).rejects.toMatchObject(REFUSED);
  expect(server.requests).toHaveLength(1);

  writeFileSync(tokenFile, `${server.token}\n`);
  await provider.current();
  server.token = `hvs.${randomBytes(8).toString('hex')}`;
  await expect(provider.current()).rejects.toMatchObject(REFUSED);
  expect(server.requests).toHaveLength(4);
  writeFileSync(tokenFile, server.token);
  // both meet the refusal, and one of them finds the new token already read
  expect(await Promise.all([provider.current(), provider.current()])).toHaveLength(2);
  expect(server.requests).toHaveLength(8);
});

test('a rotation is not tried twice, because it may have happened', async () => {
  const server = await vault();
  server.misbehave((request) => request.socket.destroy(), 1);
  await expect(providerOf(server).rotate()).rejects.toMatchObject(UNREACHABLE);
  expect(server.requests).toEqual(['POST /v1/transit/keys/bailiwick/rotate']);
});

test('nothing that is printed of a provider shows the token', async () => {
  const server = await vault();
  expect(shown(providerOf(server))).not.toContain(server.token);
});

test('what was wrapped opens again, also after one failure on the way', async () => {
  const server = await vault('team.v1');
  const provider = providerOf(server, { key: 'team.v1' });
  const key = newKey();
  const wrapped = await provider.wrap(key, BINDING);
  expect(wrapped).toMatch(/^vault:team\.v1\.v1:[\w+/]+=*$/);
  expect(keyIdOf(wrapped)).toBe(await provider.current());
  server.misbehave((_, response) => response.writeHead(503).end(), 1);
  expect(Buffer.from(await provider.unwrap(wrapped, BINDING))).toEqual(key);
});

test('after a rotation the new version wraps, and what the old one wrapped still opens', async () => {
  const server = await vault();
  const provider = providerOf(server);
  const key = newKey();
  const old = await provider.wrap(key, BINDING);
  expect(await provider.rotate()).toBe('vault:bailiwick.v2');
  const fresh = await provider.wrap(key, BINDING);
  expect([old, fresh].map(keyIdOf)).toEqual(['vault:bailiwick.v1', 'vault:bailiwick.v2']);
  for (const wrapped of [old, fresh]) {
    expect(Buffer.from(await provider.unwrap(wrapped, BINDING))).toEqual(key);
  }
});
