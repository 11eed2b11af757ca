// What must be forgettable lies outside the database: one random secret for each holder of keys, in a folder.
//
// A backup of the database holds wrapped keys beside the ciphertext, so whoever has it and the key-encryption key can read it,
// whatever was deleted since. Therefore every wrapping is made under such a secret as well. Removing it makes what its holder's keys
// encrypted unreadable everywhere, backups of the database included; backups of this folder must be short-lived, or be kept as the
// erasure demands. Files of one secret each: made and removed whole, whoever else is at work. Knows no key and no database.

import { randomBytes } from 'node:crypto';
import { link, mkdir, readdir, readFile, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KEY_BYTES } from './primitives.ts';

export type ErasureStore = {
  /** The secret of a holder, 32 bytes; made when there is none and `create` says so, else undefined. */
  secret(tenantId: string, holder: string, create: boolean): Promise<Uint8Array | undefined>;
  /** Forgets a holder's secret for good. Whether there was one. */
  forget(tenantId: string, holder: string): Promise<boolean>;
  /** Forgets all secrets of a tenant for good. How many there were. */
  forgetTenant(tenantId: string): Promise<number>;
};

const NAME = /^[0-9a-f-]{1,64}$/;

/** A store in a folder, readable by its owner only. On several machines they must share it. */
export function erasureStore(folder: string): ErasureStore {
  const folderOf = (tenantId: string) => join(folder, checked(tenantId));
  const fileOf = (tenantId: string, holder: string) => join(folderOf(tenantId), checked(holder));

  const read = async (file: string): Promise<Uint8Array | undefined> => {
    try {
      const secret = Buffer.from((await readFile(file, 'utf8')).trim(), 'base64url');
      if (secret.length !== KEY_BYTES) {
        throw new Error(`${file} does not hold a secret of ${KEY_BYTES} bytes`);
      }
      return secret;
    } catch (error) {
      return absent(error);
    }
  };

  return {
    async secret(tenantId, holder, create) {
      const file = fileOf(tenantId, holder);
      const known = await read(file);
      if (known !== undefined || !create) {
        return known;
      }
      await mkdir(folderOf(tenantId), { recursive: true, mode: 0o700 });
      const draft = `${file}.${randomBytes(6).toString('hex')}`;
      await writeFile(draft, randomBytes(KEY_BYTES).toString('base64url'), {
        mode: 0o600,
        flag: 'wx',
        flush: true,
      });
      try {
        // a link appears whole or not at all, and one of several makers is the first
        await link(draft, file);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
          throw error;
        }
      } finally {
        await unlink(draft);
      }
      return await read(file);
    },
    async forget(tenantId, holder) {
      try {
        await unlink(fileOf(tenantId, holder));
        return true;
      } catch (error) {
        return absent(error) ?? false;
      }
    },
    async forgetTenant(tenantId) {
      const of = folderOf(tenantId);
      const there = await readdir(of).catch(absent);
      await rm(of, { recursive: true, force: true });
      return there?.length ?? 0;
    },
  };
}

/** Ids become file names here. */
function checked(name: string): string {
  if (!NAME.test(name)) {
    throw new TypeError('not an id');
  }
  return name;
}

function absent(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
    throw error;
  }
}
