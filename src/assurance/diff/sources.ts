// Where policies to compare come from: the tree, a git revision of it, or a database as it is.

import { execFile } from 'node:child_process';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type PolicyFile, readPolicies } from '../../db/policies.ts';
import { withClient } from '../../db/with-client.ts';
import { type Access, readAccess } from './catalog.ts';

/** Policies and their name for people: as files, or as a database has them. */
export type Source = { readonly name: string } & (
  | { readonly files: readonly PolicyFile[] }
  | { readonly access: Access }
);

/** The revision or database cannot be read: said to whoever named it. */
export class SourceError extends Error {}

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const FOLDER = 'prisma/policies';

/** The files of this tree. */
export function treeSource(): Source {
  return { name: 'the tree', files: readPolicies() };
}

/** The files of a revision, as git names it. @throws {SourceError} */
export async function revisionSource(revision: string): Promise<Source> {
  const commit = (await git('rev-parse', '--verify', '--end-of-options', `${revision}^{commit}`)).trim();
  const paths = (await git('ls-tree', '--name-only', commit, `${FOLDER}/`)).split('\n');
  const names = paths.filter((path) => path.endsWith('.sql')).sort();
  if (names.length === 0) {
    throw new SourceError(`${revision} has no files in ${FOLDER}`);
  }
  const files = await Promise.all(
    names.map(async (path) => ({
      name: basename(path, '.sql'),
      sql: await git('show', `${commit}:${path}`),
    })),
  );
  const short = commit.slice(0, 10);
  return { name: commit.startsWith(revision) ? short : `${revision} (${short})`, files };
}

/** The policies in force in a database, whatever files they came from. @throws {SourceError} */
export async function databaseSource(url: string): Promise<Source> {
  try {
    return { name: 'the database', access: await withClient(url, readAccess) };
  } catch (error) {
    // without the URL, which may hold a password
    throw new SourceError(`the database cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

async function git(...args: string[]): Promise<string> {
  try {
    // the folder may belong to another user than the one who runs this
    const all = ['-c', `safe.directory=${ROOT.replace(/\/$/, '')}`, ...args];
    return (await promisify(execFile)('git', all, { cwd: ROOT, maxBuffer: 1 << 26 })).stdout;
  } catch (error) {
    const { stderr, code } = error as { stderr?: string; code?: unknown };
    const reason =
      code === 'ENOENT' ? 'git is not installed' : (stderr?.trim().split('\n')[0] ?? String(error));
    throw new SourceError(`git ${args[0]}: ${reason}`, { cause: error });
  }
}
