// Fetching a document from an issuer that redirects, stalls and floods, or whose name leads where nothing is to be had.

import type { ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { fetchJson } from '../../src/auth/fetch.ts';
import type { Reach, Resolve } from '../../src/outgoing/address.ts';
import { certificate } from './certificate.ts';
import { type KeyServer, startKeyServer, startTlsKeyServer } from './key-server.ts';

const GOOD = JSON.stringify({ keys: [] });
const SECOND = 1_000;

async function plainServer(): Promise<KeyServer> {
  const server = await startKeyServer();
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

const from = (uri: string, options: { reach?: Reach; resolve?: Resolve; timeoutMs?: number } = {}) =>
  fetchJson(new URL(uri), AbortSignal.timeout(options.timeoutMs ?? 10 * SECOND), {
    reach: 'loopback',
    ...options,
  });

/** A port on loopback where nobody is polite, and the number of connections made to it. */
async function knockable(): Promise<{ port: number; connections: () => number }> {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return { port: typeof address === 'object' ? (address?.port ?? 0) : 0, connections: () => connections };
}

const resolvingTo =
  (...addresses: string[]): Resolve =>
  async () =>
    addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));

test.each([
  ['a redirect', (r: ServerResponse) => r.writeHead(302, { location: '/elsewhere' }).end(GOOD)],
  ['an answer other than 200', (r: ServerResponse) => r.writeHead(203).end(GOOD)],
  ['an answer without a body', (r: ServerResponse) => r.writeHead(204).end()],
  ['an empty body', (r: ServerResponse) => r.end()],
  ['a body that is cut short', (r: ServerResponse) => r.writeHead(200, { 'content-length': 99 }).write(GOOD)],
  ['a broken connection', (r: ServerResponse) => r.destroy()],
  ['text that is not UTF-8', (r: ServerResponse) => r.end(Buffer.from([0x22, 0xff, 0x22]))],
  [
    'another protocol',
    (r: ServerResponse) => r.writeHead(101, { upgrade: 'x', connection: 'upgrade' }).end(),
  ],
])('%s is not taken for a document', async (_, answer) => {
  const server = await plainServer();
  server.respond((_request, response) => {
    answer(response);
    response.socket?.end();
  });

  await expect(from(server.uri)).rejects.toThrow(Error);
  expect(server.requests()).toBe(1);
});

test('a redirect is not followed, even to the same document', async () => {
  const server = await plainServer();
  server.respond((request, response) =>
    request.url === '/keys' ? response.writeHead(307, { location: '/moved' }).end() : response.end(GOOD),
  );

  await expect(from(server.uri)).rejects.toThrow('The issuer answered 307');
  expect(server.requests()).toBe(1);
});

test('an answer that never ends is cut off at 64 KiB', async () => {
  const server = await plainServer();
  const closed = new Promise<void>((resolve) => {
    server.respond((_, response) => {
      const pour = () => {
        while (response.write(' '.repeat(16 * 1024))) {}
      };
      response.on('drain', pour).on('close', resolve);
      pour();
    });
  });

  await expect(from(server.uri)).rejects.toThrow('larger than 65536 bytes');
  await closed;
});

// Otherwise what is small while compressed could be of any size.
test('a compressed answer is neither asked for nor read', async () => {
  const server = await plainServer();
  const asked: unknown[] = [];
  server.respond((request, response) => {
    asked.push(request.headers['accept-encoding']);
    response.setHeader('content-encoding', 'gzip').end(gzipSync(GOOD));
  });

  await expect(from(server.uri)).rejects.toThrow('compressed');
  expect(asked).toEqual(['identity']);
});

test.each([
  ['says nothing', (_: ServerResponse) => {}],
  ['stops in the middle', (response: ServerResponse) => response.write('{"keys":[')],
])('a server that %s is given up on', async (_, stall) => {
  const server = await plainServer();
  server.respond((_request, response) => {
    stall(response);
  });

  await expect(from(server.uri, { timeoutMs: 50 })).rejects.toThrow(Error);
});

test.each<[what: string, addresses: string[], reach: Reach]>([
  ['to this machine', ['127.0.0.1'], 'public'],
  ['to this machine, written as IPv6', ['::ffff:127.0.0.1'], 'public'],
  ['to this machine through NAT64', ['64:ff9b::7f00:1'], 'public'],
  ['to this machine, beside an address of the Internet', ['8.8.8.8', '127.0.0.1'], 'public'],
  ['to this machine, in development', ['127.0.0.1'], 'loopback'],
  ['nowhere', [], 'any'],
])('a name that leads %s is not connected to over HTTPS', async (_, addresses, reach) => {
  const { port, connections } = await knockable();
  const resolve = resolvingTo(...addresses);

  await expect(from(`https://keys.example:${port}/`, { reach, resolve })).rejects.toThrow(
    'is not connected to',
  );
  expect(connections()).toBe(0);
});

test.each(['https://127.0.0.1', 'https://0x7f.1', 'https://[::1]', 'https://[::ffff:127.0.0.1]'])(
  'the literal address %s is not connected to',
  async (origin) => {
    const { port, connections } = await knockable();

    await expect(from(`${origin}:${port}/`, { reach: 'public' })).rejects.toThrow('is not asked');
    expect(connections()).toBe(0);
  },
);

test('private addresses are connected to when that is allowed', async () => {
  const { port, connections } = await knockable();

  const uri = `https://keys.example:${port}/`;
  await expect(from(uri, { reach: 'any', resolve: resolvingTo('127.0.0.1') })).rejects.toThrow(Error);
  expect(connections()).toBe(1);
});

test('plain HTTP does not leave this machine, whatever localhost resolves to', async () => {
  const { port, connections } = await knockable();
  const uri = `http://localhost:${port}/`;

  for (const reach of ['loopback', 'any'] as const) {
    await expect(from(uri, { reach, resolve: resolvingTo('10.0.0.1') })).rejects.toThrow(
      'is not connected to',
    );
  }
  await expect(from(uri, { reach: 'public', resolve: resolvingTo('127.0.0.1') })).rejects.toThrow(
    'is not asked',
  );
  expect(connections()).toBe(0);
});

test('a name is resolved once, and what was checked is what is connected to', async () => {
  const server = await plainServer();
  const answers = [['127.0.0.1'], ['10.0.0.1']];
  const resolve: Resolve = (host) => resolvingTo(...(answers.shift() ?? []))(host);
  const uri = server.uri.replace('127.0.0.1', 'localhost');

  expect(await from(uri, { resolve })).toEqual({ keys: [] });
  expect(answers).toEqual([['10.0.0.1']]);
  await expect(from(uri, { resolve })).rejects.toThrow('is not connected to'); // the name has moved since
  expect(server.requests()).toBe(1);
});

test('a certificate that nobody vouches for is refused, also where the environment says otherwise', async () => {
  const server = await startTlsKeyServer(certificate('keys.example'));
  onTestFinished(() => server[Symbol.asyncDispose]());
  const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  onTestFinished(() => {
    if (before === undefined) {
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    } else {
      process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
    }
  });

  const options = { reach: 'any', resolve: resolvingTo('127.0.0.1') } as const;
  await expect(from(server.uri, options)).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  expect(server.requests()).toBe(0);
});

test('a document is fetched over TLS from whom the system trusts', async () => {
  const own = certificate('keys.example');
  const server = await startTlsKeyServer(own);
  onTestFinished(() => server[Symbol.asyncDispose]());
  const before = getCACertificates('default');
  setDefaultCACertificates([own.cert]);
  onTestFinished(() => setDefaultCACertificates(before));

  const options = { reach: 'any', resolve: resolvingTo('127.0.0.1') } as const;
  expect(await from(server.uri, options)).toEqual({ keys: [] });
  const other = server.uri.replace('keys.example', 'other.example');
  await expect(from(other, options)).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
});
