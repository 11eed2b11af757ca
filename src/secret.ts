// Secrets of this installation: the configured one, or one made on first use and kept in the data directory, readable by its
// owner only. Of several processes that make it at once one does, and nobody reads half of it. Says nothing about what a secret
// is for. Imports nothing of ours.

import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
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
  if (!existsSync(file)) {
    mkdirSync(dataDir, { recursive: true });
    make(file);
  }
  return Buffer.from(readFileSync(file, 'utf8').trim(), 'base64url');
}

/** A link appears together with its content and fails if the name is taken: the first of several makers wins. */
function make(file: string): void {
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  writeFileSync(draft, randomBytes(32).toString('base64url'), { mode: 0o600, flag: 'wx' });
  try {
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw error;
    }
  } finally {
    unlinkSync(draft);
  }
}
