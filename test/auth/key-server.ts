// A real HTTP server on loopback that publishes a JWK Set, and misbehaves when told to.
//
// Counts requests, since most guarantees about a cache are about requests that do not happen.

import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Certificate } from './certificate.ts';

export type KeyServer = AsyncDisposable & {
  readonly uri: string;
  /** Requests so far. */
  readonly requests: () => number;
  /** Answers with these keys from now on. */
  publish(...keys: readonly object[]): void;
  /** Answers like this from now on. */
  respond(listener: RequestListener): void;
};

export function startKeyServer(...keys: readonly object[]): Promise<KeyServer> {
  return start((listener) => createServer(listener), 'http://127.0.0.1', keys);
}

/** The same over TLS, as `https://keys.example`, which must be resolved to 127.0.0.1. */
export function startTlsKeyServer(certificate: Certificate, ...keys: readonly object[]): Promise<KeyServer> {
  return start((listener) => createTlsServer(certificate, listener), 'https://keys.example', keys);
}

async function start(
  create: (listener: RequestListener) => Server,
  origin: string,
  keys: readonly object[],
): Promise<KeyServer> {
  let requests = 0;
  let listener: RequestListener = () => {};
  const server = create((request, response) => {
    requests += 1;
    listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  const keyServer: KeyServer = {
    uri: `${origin}:${port}/keys`,
    requests: () => requests,
    publish(...published) {
      listener = (_, response) => response.end(JSON.stringify({ keys: published }));
    },
    respond(other) {
      listener = other;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  keyServer.publish(...keys);
  return keyServer;
}
