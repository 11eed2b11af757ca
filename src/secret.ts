// Secrets of this installation: the configured one, or one made on first use and kept in the data directory, readable by its
// owner only. Says nothing about what a secret is for. Imports nothing of ours.

import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The 32 bytes of a secret.
 *
 * @param configured base64url, from the environment.
 * @param name Of the file in the data directory that is used otherwise.
 */
export function loadSecret(configured: string | undefined, dataDir: string, name: string): Uint8Array {
  if (configured !== undefined) {
    return Buffer.from(configured, 'base64url');
  }
  const file = join(dataDir, name);
  mkdirSync(dataDir, { recursive: true });
  try {
    writeFileSync(file, randomBytes(32).toString('base64url'), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw error;
    }
  }
  return Buffer.from(readFileSync(file, 'utf8').trim(), 'base64url');
}
