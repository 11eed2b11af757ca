// A real HTTP server on loopback that speaks the part of Vault's API that the provider uses: tokens, namespaces, Transit keys in
// versions, AES-256-GCM with associated data. It fails in the ways that a Vault does when told to.
//
// Written from Vault's documentation and not by trying a Vault, which is not to be had here.

import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gcmOpen, gcmSeal, NONCE_BYTES, newKey } from '../../src/crypto/primitives.ts';

export type VaultServer = AsyncDisposable & {
  readonly address: string;
  /** The one that is accepted, in this namespace only. */
  token: string;
  namespace: string | undefined;
  /** Says 503, as a Vault does before it is unsealed. */
  sealed: boolean;
  /** A Vault from before October 2022, which knows no associated data. */
  ignoresAssociatedData: boolean;
  /** Requests so far, as `POST /v1/...`. */
  readonly requests: string[];
  /** Answers so many requests like this, from now on, before it is itself again. */
  misbehave(listener: RequestListener, times?: number): void;
};

type Reply = { readonly status: number; readonly body?: unknown };

const refusal = (status: number, ...errors: string[]): Reply => ({ status, body: { errors } });

/** @param key Name of the Transit key there is, at `transit/`. */
export async function startVaultServer(key = 'bailiwick'): Promise<VaultServer> {
  const versions = [newKey()];
  let misbehaving: { listener: RequestListener; times: number } | undefined;

  const encrypt = ({ plaintext = '', associated_data = '' }: Record<string, string>): Reply => {
    const nonce = randomBytes(NONCE_BYTES);
    const under = versions.at(-1) ?? Buffer.alloc(0);
    const sealed = gcmSeal(under, nonce, Buffer.from(plaintext, 'base64'), associated(associated_data));
    const ciphertext = `vault:v${versions.length}:${Buffer.concat([nonce, sealed]).toString('base64')}`;
    return { status: 200, body: { data: { ciphertext, key_version: versions.length } } };
  };

  const decrypt = ({ ciphertext = '', associated_data = '' }: Record<string, string>): Reply => {
    const [, version = '', encoded = ''] = /^vault:v(\d+):(.+)$/.exec(ciphertext) ?? [];
    const under = versions[Number(version) - 1];
    if (under === undefined) {
      return refusal(400, `invalid ciphertext: version is too new: ${ciphertext}`);
    }
    const bytes = Buffer.from(encoded, 'base64');
    try {
      const plain = gcmOpen(
        under,
        bytes.subarray(0, NONCE_BYTES),
        bytes.subarray(NONCE_BYTES),
        associated(associated_data),
      );
      return { status: 200, body: { data: { plaintext: plain.toString('base64') } } };
    } catch {
      // more talkative than Vault, so that nothing depends on its discretion
      return refusal(400, `cipher: message authentication failed: ${ciphertext}`);
    }
  };

  const associated = (encoded: string): Buffer =>
    Buffer.from(server.ignoresAssociatedData ? '' : encoded, 'base64');

  const routes: Record<string, (body: Record<string, string>) => Reply> = {
    [`POST /v1/transit/encrypt/${key}`]: encrypt,
    [`POST /v1/transit/decrypt/${key}`]: decrypt,
    [`GET /v1/transit/keys/${key}`]: () => ({
      status: 200,
      body: { data: { name: key, type: 'aes256-gcm96', latest_version: versions.length } },
    }),
    [`POST /v1/transit/keys/${key}/rotate`]: () => {
      versions.push(newKey());
      return { status: 204 };
    },
  };

  const answer = async (request: IncomingMessage): Promise<Reply> => {
    const body = await bodyOf(request);
    if (server.sealed) {
      return refusal(503, 'Vault is sealed');
    }
    const { 'x-vault-token': token, 'x-vault-namespace': namespace } = request.headers;
    if (token !== server.token || namespace !== server.namespace) {
      return refusal(403, `permission denied for ${token}`);
    }
    return routes[`${request.method} ${request.url}`]?.(body) ?? refusal(404);
  };

  const listening = createServer(async (request, response) => {
    server.requests.push(`${request.method} ${request.url}`);
    if (misbehaving !== undefined && misbehaving.times > 0) {
      misbehaving.times -= 1;
      misbehaving.listener(request, response);
      return;
    }
    const { status, body } = await answer(request);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(body === undefined ? undefined : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const { port } = listening.address() as AddressInfo;

  const server: VaultServer = {
    address: `http://127.0.0.1:${port}`,
    token: `hvs.${randomBytes(12).toString('hex')}`,
    namespace: undefined,
    sealed: false,
    ignoresAssociatedData: false,
    requests: [],
    misbehave(listener, times = Number.POSITIVE_INFINITY) {
      misbehaving = { listener, times };
    },
    async [Symbol.asyncDispose]() {
      listening.closeAllConnections();
      await new Promise((resolve) => listening.close(resolve));
    },
  };
  return server;
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, string>> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString();
  return text === '' ? {} : (JSON.parse(text) as Record<string, string>);
}
