// The provider `aws`: a symmetric key of AWS KMS, which never leaves it. What is to be wrapped goes there and comes back wrapped,
// with the binding as encryption context, which CloudTrail logs.
//
// Credentials are whatever the SDK's own chain finds: this knows of none. Makes no key and turns none: AWS does that behind
// the key's id. None of the SDK's errors is passed on; they can hold the answer, which for decrypting is the key.

import { DecryptCommand, DescribeKeyCommand, EncryptCommand, KMSClient } from '@aws-sdk/client-kms';
import { PostureError } from '../../errors.ts';
import { addressProblem } from '../../trust.ts';
import { type Binding, type KeyProvider, KeyProviderError } from '../provider.ts';
import { parseWrapped } from './wrapping.ts';

export type AwsSettings = {
  /** Key id, alias (`alias/...`), or the ARN of either. */
  readonly keyId: string;
  /** Unless the SDK's own chain knows it. */
  readonly region?: string | undefined;
  /** Another endpoint than the region's, such as one of a VPC; plain HTTP to loopback only. */
  readonly endpoint?: string | undefined;
  /** Longest wait for one piece of work, a second attempt included, in milliseconds. */
  readonly timeoutMs: number;
};

const ID = /^[A-Za-z0-9-]+$/;
const KEY_ID =
  /^(?:arn:[a-z0-9-]+:kms:[a-z0-9-]+:\d{12}:)?(?:key\/[A-Za-z0-9-]+|alias\/[\w/-]+)$|^[A-Za-z0-9-]+$/;

/** Refusals in their form that say: later. */
const LATER = new Set([
  'LimitExceededException',
  'Throttling',
  'ThrottlingException',
  'RequestLimitExceeded',
]);

/**
 * The provider of one KMS key; unwraps what others of the same account and region wrapped, as far as the credentials allow. Asks
 * nothing of KMS yet.
 *
 * @throws {PostureError} when `keyId` cannot be a key's, or `endpoint` no endpoint.
 */
export function openAwsProvider({ keyId, region, endpoint, timeoutMs }: AwsSettings): KeyProvider {
  checkSettings(keyId, endpoint);
  const client = new KMSClient({
    maxAttempts: 2,
    requestHandler: { connectionTimeout: timeoutMs, requestTimeout: timeoutMs },
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
  });

  const within = async <Result>(
    what: string,
    work: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> => {
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      // raced too: neither the search for credentials nor the pause before a second attempt knows of the signal
      return await Promise.race([work(signal), aborted(signal)]);
    } catch (error) {
      throw failure(what, signal.aborted, error);
    }
  };

  return {
    scheme: 'aws',
    async current() {
      const { KeyMetadata } = await within('describe the key', (abortSignal) =>
        client.send(new DescribeKeyCommand({ KeyId: keyId }), { abortSignal }),
      );
      return `aws:${resourceOf(KeyMetadata?.KeyId)}`;
    },
    async wrap(key, binding) {
      const command = new EncryptCommand({
        KeyId: keyId,
        Plaintext: key,
        EncryptionContext: contextOf(binding),
      });
      const { KeyId, CiphertextBlob = new Uint8Array() } = await within('encrypt', (abortSignal) =>
        client.send(command, { abortSignal }),
      );
      const wrapped = `aws:${resourceOf(KeyId)}:${Buffer.from(CiphertextBlob).toString('base64url')}`;
      // never hands out what it would not take back
      parseWrapped('aws', ID, 'base64url', wrapped);
      return wrapped;
    },
    async unwrap(wrapped, binding) {
      const { id, rest } = parseWrapped('aws', ID, 'base64url', wrapped);
      const command = new DecryptCommand({
        KeyId: sameAccount(keyId, id),
        CiphertextBlob: rest,
        EncryptionContext: contextOf(binding),
      });
      const { Plaintext } = await within('decrypt', (abortSignal) => client.send(command, { abortSignal }));
      if (Plaintext === undefined) {
        throw new KeyProviderError(
          'unreachable',
          'AWS KMS, asked to decrypt, gave an answer that is not one',
        );
      }
      return Plaintext;
    },
    async rotate() {
      throw new KeyProviderError(
        'refused',
        'AWS KMS turns the material behind a key id by itself (enable its automatic rotation); to change to another key, configure its id, restart, and run `bailiwick keys rotate kek`',
      );
    },
    close: () => client.destroy(),
  };
}

function checkSettings(keyId: string, endpoint: string | undefined): void {
  const uri = endpoint === undefined ? undefined : URL.parse(endpoint);
  const problem = uri === null ? 'must be a URL' : uri && addressProblem(uri);
  const findings = [
    !KEY_ID.test(keyId) && 'the key id must be that of a key, an alias (alias/...), or the ARN of either',
    problem !== undefined && `the endpoint ${problem}`,
  ].filter((finding) => finding !== false);
  if (findings.length > 0) {
    throw new PostureError('AWS KMS cannot be used as configured:', findings);
  }
}

/** What a wrapped key is bound to, and that it is a key of ours: nothing else under the same KMS key passes for one. */
function contextOf(binding: Binding): Record<string, string> {
  if (Object.hasOwn(binding, 'bailiwick')) {
    throw new TypeError('the name bailiwick is taken in a binding');
  }
  return { ...binding, bailiwick: 'key' };
}

/** The key's id, of an ARN or by itself; without colons either way. */
function resourceOf(arn: string | undefined): string {
  const id = arn?.slice(arn.lastIndexOf('/') + 1) ?? '';
  if (!ID.test(id)) {
    throw new KeyProviderError('unreachable', 'AWS KMS did not say under which key');
  }
  return id;
}

/** How the key with this id is named to KMS: a bare id means one of the caller's own account. */
function sameAccount(configured: string, id: string): string {
  return configured.startsWith('arn:') ? configured.replace(/[^:]+$/, `key/${id}`) : id;
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** In our words, and with the name of the exception: what KMS says may repeat what it was sent. */
function failure(what: string, late: boolean, error: unknown): KeyProviderError {
  const { name, code, $metadata } = error as {
    name?: unknown;
    code?: unknown;
    $metadata?: { httpStatusCode?: number };
  };
  const asked = `AWS KMS, asked to ${what},`;
  if (late) {
    return new KeyProviderError('unreachable', `${asked} did not answer in time`);
  }
  const called = [code, name].find((text) => typeof text === 'string' && /^\w{1,64}$/.test(text));
  const status = $metadata?.httpStatusCode;
  if (status === undefined) {
    // also without credentials: then it has not been asked, and where they come from may be down
    return new KeyProviderError('unreachable', `${asked} cannot be reached (${called})`);
  }
  const later = status >= 500 || status === 429 || LATER.has(String(name));
  return new KeyProviderError(later ? 'unreachable' : 'refused', `${asked} answered ${status} (${called})`);
}
