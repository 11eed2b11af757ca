// Everything around an adoption: the shop in a database of its own, its declaration in a folder, and the real command in a process of its
// own, which can be killed. Knows what the command prints as JSON, and nothing of how it works.

import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { withSession } from '../../../src/library/bailiwick.ts';
import { asAdmin, type TestServer } from '../../kit/database.ts';
import { declarationFor } from './declaration.ts';
import { type LegacySet, makeLegacySet } from './legacy-set.ts';
import type { AsUser } from './load.ts';

/** Where the figures stand on the screen of `npm run assure`. */
export const INSTRUMENT = 'concurrency';

const BIN = fileURLToPath(new URL('../../../bin/bailiwick.js', import.meta.url));
export type Ran = {
  /** null when it was killed. */
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  readonly ms: number;
};

export type Stage = {
  readonly set: LegacySet;
  /** Runs `bailiwick adopt …`, and ends it without asking as soon as `until` returns, unless that says never. */
  adopt(line: string, until?: (ended: AbortSignal) => Promise<unknown>): Promise<Ran>;
  /** As the administrator. */
  admin<Result>(work: (client: pg.Client) => Promise<Result>): Promise<Result>;
  /** A session of the library, on new code's own pool. */
  readonly asUser: AsUser;
  end(): Promise<void>;
};

/** @param clients Of new code, at a time. */
export async function makeStage(server: TestServer, tenants: number, clients: number): Promise<Stage> {
  const set = await makeLegacySet(server, tenants);
  const folder = await mkdtemp(join(tmpdir(), 'bailiwick-shop-'));
  const { config, mapping } = declarationFor(tenants, set.roles);
  await writeFile(join(folder, 'bailiwick.config.ts'), config);
  await writeFile(join(folder, 'notes.csv'), mapping);
  const key = randomBytes(32).toString('base64url');
  const env = { PATH: process.env.PATH, ADOPT_DATABASE_URL: set.adminUrl, TICKET_KEY: key, DATA_DIR: folder };
  const pool = new pg.Pool({ connectionString: set.newUrl, max: clients, application_name: 'shop after' });
  // the database may be dropped while a connection is still saying farewell
  pool.on('connect', (client) => client.on('error', () => undefined));
  const children = new Set<ChildProcess>();
  return {
    set,
    async adopt(line, until = async () => 'never') {
      const began = performance.now();
      const child = spawn(process.execPath, [BIN, 'adopt', ...line.split(' ')], {
        cwd: folder,
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      children.add(child);
      const written = { out: '', err: '' };
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        written.out += text;
      });
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        written.err += text;
      });
      const ended = new AbortController();
      const killing = until(ended.signal).then(
        (when) => when === 'never' || ended.signal.aborted || child.kill('SIGKILL'),
      );
      const [code] = (await once(child, 'close')) as [number | null];
      ended.abort();
      await killing;
      children.delete(child);
      return { code, ...written, ms: performance.now() - began };
    },
    admin: (work) => asAdmin(set.adminUrl, work),
    asUser: (user, work) =>
      withSession(pool, { user }, (client) => work((text, values) => client.query(text, values)), { key }),
    async end() {
      for (const child of children) {
        child.kill('SIGKILL');
      }
      await pool.end();
      await set.drop();
      await rm(folder, { recursive: true });
    },
  };
}
