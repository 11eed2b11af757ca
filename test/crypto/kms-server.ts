// A real HTTP server on loopback that speaks the part of AWS KMS that the provider uses: AWS JSON 1.1, requests signed with
// Signature Version 4, symmetric keys, encryption context. It fails in the ways that KMS does when told to.
//
// Checks every signature by making it again. Written from AWS's documentation and not by trying KMS, which is not to be had here.

import { createHash, createHmac, randomBytes, randomUUID } from 'node:crypto';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { encodeParts, gcmOpen, gcmSeal, NONCE_BYTES, newKey } from '../../src/crypto/primitives.ts';

export type KmsServer = AsyncDisposable & {
  readonly endpoint: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Ids of keys in this account and region. */
  readonly keys: readonly [string, string];
  /** What `alias/bailiwick` stands for; the first key at first. */
  alias: string;
  /** Requests so far: operation and key as asked for. */
  readonly requests: string[];
  arnOf(resource: string): string;
  /** Answers so many requests with this error, from now on, before it is itself again. */
  fail(status: number, type: string, times?: number): void;
  /** Answers every request like this from now on. */
  misbehave(listener: RequestListener): void;
};

type Body = {
  KeyId?: string;
  Plaintext?: string;
  CiphertextBlob?: string;
  EncryptionContext?: Record<string, string>;
};

type Reply = { readonly status: number; readonly body: object };

const refusal = (type: string, message = type, status = 400): Reply => ({
  status,
  body: { __type: type, message },
});

const ACCOUNT = 'arn:aws:kms:eu-central-1:111122223333:';

export async function startKmsServer(): Promise<KmsServer> {
  const material = new Map([
    [randomUUID(), newKey()],
    [`mrk-${randomBytes(16).toString('hex')}`, newKey()],
  ]);
  const [first = '', second = ''] = material.keys();
  let failing: { reply: Reply; times: number } | undefined;
  let misbehaving: RequestListener | undefined;

  /** The id of the key that is meant; undefined for one of another account too. */
  const resolved = (keyId = ''): string | undefined => {
    const resource = keyId.startsWith(ACCOUNT) ? keyId.slice(ACCOUNT.length) : keyId;
    const id = resource === 'alias/bailiwick' ? server.alias : resource.replace(/^key\//, '');
    return material.has(id) ? id : undefined;
  };

  const operations: Record<string, (body: Body, id: string) => Reply> = {
    Encrypt({ Plaintext = '', EncryptionContext }, id) {
      const nonce = randomBytes(NONCE_BYTES);
      const plain = Buffer.from(Plaintext, 'base64');
      const sealed = gcmSeal(material.get(id) ?? nonce, nonce, plain, contextBytes(EncryptionContext));
      const blob = Buffer.concat([Buffer.of(server.keys.indexOf(id)), nonce, sealed]);
      return {
        status: 200,
        body: { CiphertextBlob: blob.toString('base64'), KeyId: server.arnOf(`key/${id}`) },
      };
    },
    Decrypt({ CiphertextBlob = '', EncryptionContext }, id) {
      const blob = Buffer.from(CiphertextBlob, 'base64');
      const under = server.keys[blob[0] ?? -1];
      if (under !== undefined && under !== id) {
        return refusal('IncorrectKeyException');
      }
      try {
        const nonce = blob.subarray(1, 1 + NONCE_BYTES);
        const sealed = blob.subarray(1 + NONCE_BYTES);
        const key = material.get(under ?? '') ?? nonce;
        const plain = gcmOpen(key, nonce, sealed, contextBytes(EncryptionContext));
        return {
          status: 200,
          body: { Plaintext: plain.toString('base64'), KeyId: server.arnOf(`key/${id}`) },
        };
      } catch {
        // more talkative than KMS, so that nothing depends on its discretion
        return refusal('InvalidCiphertextException', CiphertextBlob);
      }
    },
    DescribeKey: (_, id) => ({
      status: 200,
      body: { KeyMetadata: { KeyId: id, Arn: server.arnOf(`key/${id}`) } },
    }),
  };

  const answer = async (request: IncomingMessage): Promise<Reply> => {
    const text = await bodyOf(request);
    const { accessKeyId, secretAccessKey } = server.credentials;
    if (!isSigned(request, text, accessKeyId, secretAccessKey)) {
      return refusal('InvalidSignatureException', `The signature does not match: ${secretAccessKey}`);
    }
    const body = JSON.parse(text) as Body;
    const operation = String(request.headers['x-amz-target']).replace(/^TrentService\./, '');
    server.requests.push(`${operation} ${body.KeyId}`);
    if (failing !== undefined && failing.times > 0) {
      failing.times -= 1;
      return failing.reply;
    }
    const id = resolved(body.KeyId);
    return id === undefined
      ? refusal('NotFoundException')
      : (operations[operation]?.(body, id) ?? refusal('UnknownOperationException'));
  };

  const listening = createServer(async (request, response) => {
    if (misbehaving !== undefined) {
      misbehaving(request, response);
      return;
    }
    const { status, body } = await answer(request);
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const { port } = listening.address() as AddressInfo;

  const server: KmsServer = {
    endpoint: `http://127.0.0.1:${port}`,
    credentials: {
      accessKeyId: `AKIA${randomBytes(8).toString('hex').toUpperCase()}`,
      secretAccessKey: randomBytes(20).toString('hex'),
    },
    keys: [first, second],
    alias: first,
    requests: [],
    arnOf: (resource) => `${ACCOUNT}${resource}`,
    fail(status, type, times = Number.POSITIVE_INFINITY) {
      failing = { reply: refusal(type, `${type}: not now`, status), times };
    },
    misbehave(listener) {
      misbehaving = listener;
    },
    async [Symbol.asyncDispose]() {
      listening.closeAllConnections();
      await new Promise((resolve) => listening.close(resolve));
    },
  };
  return server;
}

/** Equal for equal contexts in whatever order. */
function contextBytes(context: Record<string, string> = {}): Buffer {
  return encodeParts(...Object.entries(context).sort().flat());
}

/**
 * Whether the request is signed with these credentials, for KMS and now (AWS, "Create a signed AWS API request").
 *
 * @param body As it was sent; the path must be `/`.
 */
function isSigned(request: IncomingMessage, body: string, accessKeyId: string, secret: string): boolean {
  const { headers } = request;
  const [, signer = '', scope = '', names = '', signature = ''] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/([^,]+), ?SignedHeaders=([^,]+), ?Signature=(\w+)$/.exec(
      headers.authorization ?? '',
    ) ?? [];
  const time = String(headers['x-amz-date']);
  const [date = '', region = '', service = ''] = scope.split('/');
  const stamp = time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
  const fresh = Math.abs(Date.parse(stamp) - Date.now()) < 5 * 60_000 && time.startsWith(date);
  const signed = names.split(';');
  // what a relay could change without a trace must be signed
  const complete = ['host', 'x-amz-date', 'x-amz-target'].every((name) => signed.includes(name));
  const canonical = [
    request.method,
    request.url,
    '',
    ...signed.map((name) => `${name}:${headerOf(headers, name)}`),
    '',
    names,
    sha256(body),
  ].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n');
  const key = [date, region, service, 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${secret}`);
  return (
    fresh &&
    complete &&
    service === 'kms' &&
    signer === accessKeyId &&
    hmac(key, toSign).toString('hex') === signature
  );
}

function headerOf(headers: IncomingHttpHeaders, name: string): string {
  return String(headers[name] ?? '')
    .trim()
    .replaceAll(/ +/g, ' ');
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
