// One example's own database: its schema and rows, an ordinary role that the application logs in as, and the declaration with that role's
// name in it. Knows nothing of what adoption does; it runs the command line as an adopter would.

import { createHash, randomBytes } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { inject } from 'vitest';
import { type Transcript, transcript } from '../../cli/transcript.ts';
import { asAdmin, testUrl } from '../../kit/database.ts';

export type Running = { readonly url: string; stop(): Promise<void> };

export type Scratch = {
  /** As the application logs in. */
  readonly appUrl: string;
  /** As the server's administrator, whom row security does not hold. */
  readonly adminUrl: string;
  /** What seals tickets, for the commands and for the application. */
  readonly ticketKey: string;
  /** `bailiwick adopt …` with the example's declaration. */
  adopt(line: string): Promise<Transcript>;
  /** Starts `app.ts` or `app.adopted.ts`. */
  start(file: 'app.ts' | 'app.adopted.ts'): Promise<Running>;
  drop(): Promise<void>;
};

/** Waits until nobody is connected any more: the server learns of a closed connection a little later than its client. */
async function ended(client: pg.Client, database: string): Promise<void> {
  for (let patience = 100; ; patience -= 1) {
    const { rows } = await client.query<{ who: string }>(
      `select concat_ws(' ', usename, application_name, state, left(query, 200)) as who
         from pg_stat_activity where datname = $1 and backend_type = 'client backend'`,
      [database],
    );
    if (rows.length === 0) {
      return;
    }
    if (patience === 0) {
      throw new Error(`connections left open in ${database}:\n${rows.map(({ who }) => who).join('\n')}`);
    }
    await sleep(20);
  }
}

export const folderOf = (example: string): string =>
  fileURLToPath(new URL(`../../../examples/${example}/`, import.meta.url));

/** @param role As the declaration calls the application's role; here it gets a name of its own, because roles are the whole server's. */
export async function scratch(example: string, role: string): Promise<Scratch> {
  const { adminUrl: server, run } = inject('testServer');
  const name = `bailiwick_test_${run}_${randomBytes(4).toString('hex')}`;
  const own = `${role}_${name.slice(-8)}`;
  const password = randomBytes(12).toString('hex');
  const ticketKey = createHash('sha256').update(`examples ${run}`).digest('base64url');
  const folder = await mkdtemp(join(tmpdir(), 'bailiwick-example-'));
  await cp(folderOf(example), folder, { recursive: true });
  const config = join(folder, 'bailiwick.config.ts');
  const declaration = await readFile(config, 'utf8');
  if (!declaration.includes(`'${role}'`)) {
    throw new Error(`${example}: the declaration does not name the role ${role}`);
  }
  await writeFile(config, declaration.replaceAll(`'${role}'`, `'${own}'`));
  await asAdmin(server, (client) => client.query(`create database ${name}`));
  const adminUrl = testUrl(server, name);
  await asAdmin(adminUrl, async (client) => {
    await client.query(await readFile(join(folder, 'schema.sql'), 'utf8'));
    await client.query(`create role ${own} login password '${password}';
      grant select, insert, update, delete on all tables in schema public to ${own};
      grant usage on all sequences in schema public to ${own}`);
  });
  const app = new URL(adminUrl);
  app.username = own;
  app.password = password;
  return {
    appUrl: app.href,
    adminUrl,
    ticketKey,
    adopt: (line) =>
      transcript(`adopt ${line} --config ${config}`, {
        ADOPT_DATABASE_URL: adminUrl,
        TICKET_KEY: ticketKey,
      }),
    async start(file) {
      const { start } = (await import(join(folderOf(example), file))) as {
        start(options: { url: string; port: number }): Promise<Running>;
      };
      return start({ url: app.href, port: 0 });
    },
    async drop() {
      await asAdmin(server, async (client) => {
        await ended(client, name);
        await client.query(`drop database ${name}`);
        await client.query(`drop role if exists ${own}`);
      });
      await rm(folder, { recursive: true });
    },
  };
}
