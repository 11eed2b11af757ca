// The keys with which tests seal: real ones, through the whole hierarchy, under a key-encryption key that everybody knows.

import { type DataKeyRing, openDataKeyRing } from '../../src/crypto/keys.ts';
import { openEnvironmentProvider } from '../../src/crypto/providers/environment.ts';
import type { Encryption } from '../../src/db/sealing.ts';

/** 32 bytes, base64url. */
export const KEY_ENCRYPTION_KEY = 'a2V5IGVuY3J5cHRpb24ga2V5IG9mIHRoZSB0ZXN0cyE';

/** A ring of its own, which remembers nothing of other tests. */
export function testKeys(): DataKeyRing {
  return openDataKeyRing({ provider: openEnvironmentProvider([KEY_ENCRYPTION_KEY]) });
}

/**
 * What a client needs.
 *
 * @param unsealed Constraints of the columns that may hold values in clear; none unless given.
 */
export function testEncryption(unsealed: ReadonlySet<string> = new Set()): Encryption {
  return { keys: testKeys(), unsealed };
}
