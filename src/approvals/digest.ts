// What an approval is bound to: the digest of an action with its arguments, in a form in which equal things have equal bytes.
//
// JSON Canonicalization Scheme (RFC 8785), SHA-256, hexadecimal. Anybody can compute it from what was asked for.

import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { BailiwickError } from '../errors.ts';

/** What an agent is about to do. */
export type Action = {
  readonly service: string;
  readonly action: string;
  readonly arguments: Readonly<Record<string, unknown>>;
};

/**
 * SHA-256, in hexadecimal, over `{"action": ..., "arguments": ..., "service": ...}` in canonical form.
 *
 * @throws {BailiwickError} BAD_USER_INPUT where there is no such form: a lone surrogate, a number that is none (RFC 8785 section 3.2.2).
 */
export function approvalDigest({ service, action, arguments: given }: Action): string {
  const text = canonicalForm({ service, action, arguments: given });
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

/** @throws {BailiwickError} BAD_USER_INPUT as above. */
export function canonicalForm(value: unknown): string {
  let text: string | undefined;
  try {
    text = canonicalize(value);
  } catch (error) {
    throw notCanonical(error);
  }
  if (text === undefined || !text.isWellFormed()) {
    throw notCanonical();
  }
  return text;
}

function notCanonical(cause?: unknown): BailiwickError {
  return new BailiwickError('BAD_USER_INPUT', 'The arguments have no canonical form (RFC 8785)', { cause });
}
