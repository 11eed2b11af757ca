// A lock on a folder that names its holder: at most one live process has it.
//
// Node has no file locks of the kernel, so this is a file with the holder's process id. An id alone is not enough:
// after `kill -9` the file stays, and in a restarted container the same id soon belongs to somebody else. So the
// moment at which the process was born stands next to it. It does not reach across machines or containers that share
// a folder.

import { execFile } from 'node:child_process';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/**
 * Takes the lock, or takes it over from a process that is gone.
 *
 * @param path The lock file, in a folder that exists.
 * @param refusal Makes the error that says which process, by its id, has the lock.
 * @returns What gives the lock back.
 * @throws whatever `refusal` made, if the holder is alive, be it this very process.
 */
export async function lock(path: string, refusal: (holder: number) => Error): Promise<() => Promise<void>> {
  const mine = `${path}.${process.pid}`;
  await writeFile(mine, `${process.pid} ${await bornAt(process.pid)}`, { mode: 0o600 });
  try {
    // A link appears together with its content and fails if the name is taken: nobody ever reads half a lock.
    while (!(await succeeds(link(mine, path), 'EEXIST'))) {
      const holder = await readLock(path);
      const [pid = '', born] = holder?.split(' ') ?? [];
      if (born !== undefined && born === (await bornAt(Number(pid)))) {
        throw refusal(Number(pid));
      }
      if (holder !== undefined) {
        await clear(path, holder);
      }
    }
    return () => rm(path, { force: true });
  } finally {
    await rm(mine, { force: true });
  }
}

/** Removes the lock of `holder`, unless it has changed hands since: then whoever has it gets it back. */
async function clear(path: string, holder: string): Promise<void> {
  const aside = `${path}.stale.${process.pid}`;
  if (await succeeds(rename(path, aside), 'ENOENT')) {
    if ((await readFile(aside, 'utf8')) !== holder) {
      await link(aside, path);
    }
    await rm(aside);
  }
}

async function readLock(path: string): Promise<string | undefined> {
  let text: string | undefined;
  await succeeds(
    readFile(path, 'utf8').then((content) => {
      text = content;
    }),
    'ENOENT',
  );
  return text;
}

/** Whether the file operation succeeded; false for the one failure that is expected. */
async function succeeds(operation: Promise<void>, expected: string): Promise<boolean> {
  try {
    await operation;
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === expected) {
      return false;
    }
    throw error;
  }
}

/** When the process was born, in the system's own words; undefined if there is none, or only its corpse. */
async function bornAt(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') {
    const ps = await promisify(execFile)('ps', ['-o', 'lstart=', '-p', String(pid)]).catch(() => undefined);
    return ps?.stdout.trim().replaceAll(' ', '_') || undefined;
  }
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // proc(5): the name in parentheses may hold anything; after it come the state (field 3) and the start time (field
  // 22).
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? undefined : fields[19];
}
