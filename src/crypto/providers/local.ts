// The provider `local`: outermost keys in a file of one line each, readable by its owner only, made on first use. The last line
// wraps, every line unwraps; a file that src/secret.ts made is such a file with one key.
//
// Several processes share the file. Nobody reads half of it, because it only ever appears or changes as a whole, and two that make
// it at once end up with one. Protects the keys from whoever gets the database, not from whoever gets this machine. Backups
// are the operator's: without the file, what it wrapped stays closed.

import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { chown, link, mkdir, open, realpath, rename, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PostureError } from '../../errors.ts';
import { newKey } from '../primitives.ts';
import { type KeyProvider, KeyProviderError } from '../provider.ts';
import { type HeldKey, heldKey, readHeldKey, unwrapWith, wrapUnder } from './wrapping.ts';

/** The keys of a file, which alone of all providers' can be thrown away from here. */
export type LocalKeyProvider = Required<Pick<KeyProvider, 'prune'>> & KeyProvider;

type Keys = readonly HeldKey[];

/** Shortest time between two readings of the file because of key ids that are not in it. */
const REREAD_MS = 1_000;

/** Windows has neither these permissions nor folders that can be flushed. */
const POSIX = process.platform !== 'win32';

/**
 * The provider of the keys in `file`, which need not be there yet.
 *
 * @param now A clock that never goes back, in milliseconds.
 * @throws {PostureError} when the file is there and not to be trusted, with what to do about it.
 */
export async function openLocalProvider(
  file: string,
  { now = () => performance.now() }: { readonly now?: () => number } = {},
): Promise<LocalKeyProvider> {
  let held: Keys = (await readKeys(file)) ?? [];
  let readAt = Number.NEGATIVE_INFINITY;
  let pending: Promise<void> | undefined;

  /** Made anew only by a process that has seen no other: a file that vanished has taken nothing with it yet. */
  const load = async (): Promise<Keys> => {
    const keys = (await readKeys(file)) ?? (held.length > 0 ? undefined : await makeKeys(file));
    if (keys === undefined) {
      throw new KeyProviderError('refused', `${file} is gone: put it back before anything is wrapped`);
    }
    held = keys;
    return keys;
  };

  // Read every time: a key that another process has replaced, and then pruned, must not wrap any more.
  const current = () => refusing(`no key can be had from ${file}`, async () => lastOf(await load()));

  /** Perhaps another process has rotated since. Made-up ids cost a reading a second. */
  const reread = (): Promise<void> => {
    if (pending === undefined && now() - readAt >= REREAD_MS) {
      readAt = now();
      pending = refusing(`${file} cannot be read again`, async () => {
        held = (await readKeys(file)) ?? held;
      }).finally(() => {
        pending = undefined;
      });
    }
    return pending ?? Promise.resolve();
  };

  const find = async (id: string): Promise<HeldKey | undefined> => {
    const known = () => held.find((each) => each.id === id);
    if (known() === undefined) {
      await reread();
    }
    return known();
  };

  const change = (edit: (keys: Keys) => Keys): Promise<Keys> =>
    refusing(`${file} cannot be changed`, async () => {
      await load();
      held = await rewrite(file, edit);
      return held;
    });

  return {
    scheme: 'local',
    current: async () => nameOf(await current()),
    wrap: async (key, binding) => wrapUnder('local', await current(), key, binding),
    unwrap: (wrapped, binding) => unwrapWith('local', find, wrapped, binding),
    rotate: async () => nameOf(lastOf(await change((keys) => [...keys, heldKey(newKey())]))),
    async prune(keep, dryRun = false) {
      const stays = (key: HeldKey, keys: Keys) => key === lastOf(keys) || keep.has(nameOf(key));
      const before = await load();
      const removed = new Set(before.filter((key) => !stays(key, before)).map(nameOf));
      if (!dryRun) {
        // what another process has added meanwhile stays
        await change((keys) => keys.filter((key) => !removed.has(nameOf(key)) || stays(key, keys)));
      }
      return [...removed];
    },
  };
}

function nameOf({ id }: HeldKey): string {
  return `local:${id}`;
}

function lastOf(keys: Keys): HeldKey {
  const last = keys.at(-1);
  if (last === undefined) {
    throw new TypeError('a key file is never without a key');
  }
  return last;
}

/** Every way in which a file can fail, as the contract of a provider has it. What the system says names paths, never contents. */
async function refusing<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof KeyProviderError || cause instanceof TypeError) {
      throw cause;
    }
    throw new KeyProviderError('refused', what, { cause });
  }
}

/**
 * The keys in the file; undefined when there is no file.
 *
 * @throws {PostureError} with everything that is wrong about it.
 */
async function readKeys(file: string): Promise<Keys | undefined> {
  const unusable = (...findings: string[]) =>
    new PostureError(`${file} is not usable as a key file:`, findings);
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    // a pipe would keep us waiting for whoever writes to it
    handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT') {
      return undefined;
    }
    throw unusable(`it cannot be read (${code}): give it to the user that this process runs as`);
  }
  try {
    // asked of the file that was opened, whatever the name may lead to by now
    const found = await handle.stat();
    if (!found.isFile()) {
      throw unusable('it is not a regular file');
    }
    const { keys, findings } = parseKeys(await handle.readFile('utf8'));
    if (POSIX && (found.mode & 0o077) !== 0) {
      findings.unshift(`others than its owner may read or write it: chmod 600 ${file}`);
    }
    if (findings.length > 0) {
      throw unusable(...findings);
    }
    return keys;
  } finally {
    await handle.close();
  }
}

function parseKeys(text: string): { keys: HeldKey[]; findings: string[] } {
  const keys: HeldKey[] = [];
  const findings: string[] = [];
  // src/secret.ts writes no line end
  for (const [index, line] of text.trimEnd().split('\n').entries()) {
    const key = readHeldKey(line);
    if (key !== undefined) {
      keys.push(key);
    } else {
      findings.push(
        text.trim() === ''
          ? 'it is empty: restore it from a backup, or remove it if nothing was ever wrapped'
          : `line ${index + 1} is not a key, 32 bytes in base64url: restore the file from a backup`,
      );
    }
  }
  return { keys, findings };
}

/** Makes the file with one key, unless another process is first. Either way, the keys that are in it then. */
async function makeKeys(file: string): Promise<Keys | undefined> {
  await mkdir(dirname(file), { recursive: true });
  const temporary = await writeBeside(file, [heldKey(newKey())]);
  try {
    // unlike a renaming, this gives way to a file that is there
    await link(temporary, file);
    await flushFolder(file);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') {
      throw error;
    }
  } finally {
    await unlink(temporary);
  }
  return readKeys(file);
}

/** Puts other keys in the place of those in the file, unless somebody else is about to. */
async function rewrite(file: string, edit: (keys: Keys) => Keys): Promise<Keys> {
  // a link stays one
  const target = await realpath(file);
  const release = await lock(target);
  try {
    const keys = await readKeys(target);
    if (keys === undefined) {
      throw new KeyProviderError('refused', `${file} is gone: put it back`);
    }
    const edited = edit(keys);
    if (edited.length !== keys.length) {
      await replace(target, edited);
    }
    return edited;
  } finally {
    await release();
  }
}

async function replace(target: string, keys: Keys): Promise<void> {
  const { uid, gid } = await stat(target);
  const temporary = await writeBeside(target, keys);
  try {
    // an administrator who rotates does not take the file from the server
    if (POSIX && (uid !== process.getuid?.() || gid !== process.getgid?.())) {
      await chown(temporary, uid, gid);
    }
    await rename(temporary, target);
  } catch (error) {
    await unlink(temporary);
    throw error;
  }
  await flushFolder(target);
}

/** @returns what gives the lock back. */
async function lock(target: string): Promise<() => Promise<void>> {
  const name = `${target}.lock`;
  try {
    await (await open(name, 'wx', 0o600)).close();
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') {
      throw error;
    }
    const since = await stat(name).then(
      ({ mtime }) => ` since ${mtime.toISOString()}`,
      () => '',
    );
    throw new KeyProviderError(
      'refused',
      `${name} is there${since}: another change of the keys is under way, or one was cut off; if none is under way, remove that file and try again`,
    );
  }
  return () => unlink(name);
}

/** A file next to this one, with these keys, safely on disk. */
async function writeBeside(file: string, keys: Keys): Promise<string> {
  const temporary = `${file}.${randomBytes(8).toString('hex')}.new`;
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(keys.map(({ key }) => `${key.export().toString('base64url')}\n`).join(''));
    await handle.sync();
  } catch (error) {
    await unlink(temporary);
    throw error;
  } finally {
    await handle.close();
  }
  return temporary;
}

/** The new name survives a loss of power too. */
async function flushFolder(file: string): Promise<void> {
  if (POSIX) {
    const folder = await open(dirname(file), constants.O_RDONLY);
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown';
}
