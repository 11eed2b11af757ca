// Wrapping under keys that this process holds itself, as the providers `local` and `env` do; and the readings of a binding and of
// a wrapped key that all providers share.
//
// The key that wraps is derived from the outermost one and from the binding, so that a wrapped key in another place meets
// another wrapping key: AES key wrap has no associated data of its own. Knows no file, no environment and no network.

import { createSecretKey, type KeyObject } from 'node:crypto';
import { derive, encodeParts, KEY_BYTES, unwrapKey, wrapKey } from '../primitives.ts';
import { type Binding, KeyProviderError, type Scheme, type Wrapped } from '../provider.ts';

/** An outermost key in this process; `util.inspect` shows nothing of it. */
export type HeldKey = {
  /** 16 hex digits that follow from the key and do not lead back to it. */
  readonly id: string;
  readonly key: KeyObject;
};

/** @param bytes 32 of them. */
export function heldKey(bytes: Uint8Array): HeldKey {
  const key = createSecretKey(bytes);
  return { id: derive(key, encodeParts('bailiwick key id')).toString('hex').slice(0, 16), key };
}

/** The key in a line of text; undefined when that is not 32 bytes in base64url, spelt in the one way there is (RFC 4648 section 3.5). */
export function readHeldKey(text: string): HeldKey | undefined {
  const bytes = fromBase64(text, 'base64url');
  return bytes?.length === KEY_BYTES ? heldKey(bytes) : undefined;
}

/** `<scheme>:<key id>:<base64url>` of `key`, wrapped under `held` (RFC 5649) for this binding. */
export function wrapUnder(scheme: Scheme, held: HeldKey, key: Uint8Array, binding: Binding): Wrapped {
  return `${scheme}:${held.id}:${wrapKey(wrappingKey(scheme, held, binding), key).toString('base64url')}`;
}

/**
 * The key that `wrapUnder` wrapped.
 *
 * @param find The key with this id, or undefined when there is none.
 * @throws {KeyProviderError} `refused`, for every reason.
 */
export async function unwrapWith(
  scheme: Scheme,
  find: (id: string) => HeldKey | undefined | Promise<HeldKey | undefined>,
  wrapped: Wrapped,
  binding: Binding,
): Promise<Uint8Array> {
  const { id, rest } = parseWrapped(scheme, /^[0-9a-f]{16}$/, 'base64url', wrapped);
  const held = await find(id);
  if (held === undefined) {
    throw new KeyProviderError('refused', `wrapped under the key ${scheme}:${id}, which is not here`);
  }
  try {
    return unwrapKey(wrappingKey(scheme, held, binding), rest);
  } catch {
    throw new KeyProviderError(
      'refused',
      `not wrapped under ${scheme}:${id} with this binding, or altered since`,
    );
  }
}

/** Names and values in turn, ordered by name: the parts of an encoding that is the same for equal bindings. */
export function bindingParts(binding: Binding): string[] {
  return Object.keys(binding)
    .sort()
    .flatMap((name) => [name, binding[name] ?? '']);
}

/**
 * The parts of a wrapped key.
 *
 * @throws {KeyProviderError} `refused` when it is not exactly what this scheme writes; the message does not repeat it.
 */
export function parseWrapped(
  scheme: Scheme,
  idForm: RegExp,
  encoding: 'base64' | 'base64url',
  wrapped: Wrapped,
): { readonly id: string; readonly rest: Buffer } {
  const [prefix, id = '', rest = '', ...more] = wrapped.split(':');
  const bytes = fromBase64(rest, encoding);
  if (prefix !== scheme || !idForm.test(id) || bytes === undefined || more.length > 0) {
    throw new KeyProviderError('refused', `not a key that the provider ${scheme} has wrapped`);
  }
  return { id, rest: bytes };
}

/** Undefined for no bytes at all, and for a spelling that the same bytes would not get from us. */
export function fromBase64(text: string, encoding: 'base64' | 'base64url'): Buffer | undefined {
  const bytes = Buffer.from(text, encoding);
  return bytes.length > 0 && bytes.toString(encoding) === text ? bytes : undefined;
}

function wrappingKey(scheme: Scheme, held: HeldKey, binding: Binding): Buffer {
  return derive(held.key, encodeParts('bailiwick key wrap', scheme, ...bindingParts(binding)));
}
