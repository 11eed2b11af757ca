// The provider `env`: outermost keys given to the process in its environment, as an orchestrator's secret store hands them out.
// The first wraps, all unwrap. Keeps nothing and changes nothing: keys take turns where they are configured, not here.

import { PostureError } from '../../errors.ts';
import { type KeyProvider, KeyProviderError } from '../provider.ts';
import { heldKey, unwrapWith, wrapUnder } from './wrapping.ts';

/** As src/config.ts has it: also keys whose last character carries bits beyond the 32 bytes, which were accepted ever since. */
const KEY = /^[A-Za-z0-9_-]{43}$/;

/**
 * The provider of these keys.
 *
 * @param keys 32 bytes each, in base64url; the first one wraps.
 * @throws {PostureError} when there is none; and naming the places of those that are no such keys, never what stands there.
 */
export function openEnvironmentProvider(keys: readonly string[]): KeyProvider {
  const findings = keys.flatMap((text, index) =>
    KEY.test(text) ? [] : [`key ${index + 1} must be 32 bytes in base64url, 43 characters`],
  );
  const held = findings.length > 0 ? [] : keys.map((text) => heldKey(Buffer.from(text, 'base64url')));
  const [first] = held;
  if (first === undefined) {
    throw new PostureError(
      'KEY_ENCRYPTION_KEY is not usable:',
      findings.length > 0 ? findings : ['it must hold at least one key, 32 bytes in base64url'],
    );
  }
  return {
    scheme: 'env',
    current: async () => `env:${first.id}`,
    wrap: async (key, binding) => wrapUnder('env', first, key, binding),
    unwrap: (wrapped, binding) =>
      unwrapWith('env', (id) => held.find((each) => each.id === id), wrapped, binding),
    async rotate() {
      throw new KeyProviderError(
        'refused',
        'keys of the environment take turns there: put a new key first in KEY_ENCRYPTION_KEY, keep the old one behind it, restart, and run `bailiwick keys rotate kek`',
      );
    },
  };
}
