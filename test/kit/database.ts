// A database of its own for each test file: a clone of the template that global-setup.ts made, with roles, migrations
// and policies and without data. Which server it lives on is none of a test's business.

import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { expect, inject } from 'vitest';
import { type PoolerMode, throughPooler } from '../../src/db/pooler.ts';
import { ensureRoles } from '../../src/db/roles.ts';
import { needsDirect } from '../scale/pooling-direct.ts';
import { askConsole } from '../scale/pooling-server.ts';
import { endIdle } from './connections.ts';

/** What global-setup.ts provides. */
export type TestServer = {
  /** An administrator's URL of the maintenance database. */
  readonly adminUrl: string;
  /** Name of the database to clone. */
  readonly template: string;
  /** Part of every clone's name, so that the run can find what it has left behind. */
  readonly run: string;
  /** Set where the runtime role comes through a pooler: how it lends, its host and port, and its console. */
  readonly pooler:
    | { readonly mode: PoolerMode; readonly host: string; readonly consoleUrl: string }
    | undefined;
};

declare module 'vitest' {
  export interface ProvidedContext {
    testServer: TestServer;
  }
}

export type TestDatabase = {
  readonly name: string;
  /** Through the pooler, where the run has one. */
  readonly runtimeUrl: string;
  /** As the same role, past it. */
  readonly directUrl: string;
  readonly migratorUrl: string;
  /** As the server's administrator, who is no part of the product. */
  readonly adminUrl: string;
  /**
   * Removes the database.
   *
   * @throws if the file has left connections open, naming them: a leaked connection is a bug in the file or in the code.
   */
  drop(): Promise<void>;
};

/** Clones the template. To be dropped when the file is done: `afterAll(() => database.drop())`. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const { adminUrl, template, run, pooler } = inject('testServer');
  const name = `bailiwick_test_${run}_${randomBytes(4).toString('hex')}`;
  await asAdmin(adminUrl, (client) =>
    client.query(`create database ${name} template ${template} strategy file_copy owner bailiwick_migrator`),
  );
  const ownUrl = testUrl(adminUrl, name);
  // A clone has the template's functions and tables but not its permissions on the database itself.
  await asAdmin(ownUrl, (client) => ensureRoles(client, { database: name }));
  const directUrl = testUrl(adminUrl, name, 'runtime');
  const pooled = pooler !== undefined && !needsDirect(expect.getState().testPath);
  return {
    name,
    runtimeUrl: pooled ? through(pooler, directUrl) : directUrl,
    directUrl,
    migratorUrl: testUrl(adminUrl, name, 'migrator'),
    adminUrl: ownUrl,
    drop: async () => {
      await endIdle(name);
      const leaked = pooled ? await endPooled(pooler.consoleUrl, name) : [];
      await asAdmin(adminUrl, (client) => drop(client, name, leaked));
    },
  };
}

/** The URL of another database on the same server, as one of our roles or, left out, as the same administrator. */
export function testUrl(adminUrl: string, database: string, role?: 'migrator' | 'runtime'): string {
  const url = new URL(adminUrl);
  url.pathname = database;
  if (role !== undefined) {
    url.username = `bailiwick_${role}`;
    url.password = testPasswords(adminUrl)[role];
  }
  return url.href;
}

/** A URL of the same database through the pooler of the run. */
function through({ mode, host }: NonNullable<TestServer['pooler']>, directUrl: string): string {
  const through = new URL(directUrl);
  through.searchParams.delete('host');
  through.host = host;
  return throughPooler(through.href, mode);
}

/** Always the same for one server: roles belong to the whole server, and runs that share it must not lock each other out. */
export function testPasswords(adminUrl: string): { migrator: string; runtime: string } {
  const password = (role: string) => createHash('sha256').update(`test ${role} ${adminUrl}`).digest('hex');
  return { migrator: password('migrator'), runtime: password('runtime') };
}

export async function asAdmin<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** What the pooler keeps open belongs to nobody; what its clients do, they have left open. */
async function endPooled(consoleUrl: string, name: string): Promise<string[]> {
  const clients = async () =>
    (await askConsole(consoleUrl, 'show clients'))
      .filter(({ database }) => database === name)
      .map(
        ({ user, state, application_name }) => `${user} ${application_name}, ${state}, through the pooler`,
      );
  let open = await clients();
  for (let patience = 50; open.length > 0 && patience > 0; patience -= 1) {
    await sleep(20);
    open = await clients();
  }
  // nobody has come through it yet, or nobody will any more
  await askConsole(consoleUrl, `kill ${name}`).catch((error: Error) => {
    if (!error.message.includes('no such database')) {
      throw error;
    }
  });
  return open;
}

/** Drops a database once those who are about to leave it have left: being thrown out would be an error that nobody waits for. */
export async function dropDatabase(client: pg.Client, name: string): Promise<void> {
  await openConnections(client, name);
  await client.query(`drop database if exists ${name} with (force)`);
}

async function drop(client: pg.Client, name: string, throughPooler: readonly string[]): Promise<void> {
  const leaked = [...throughPooler, ...(await openConnections(client, name))];
  await client.query(`drop database ${name} with (force)`);
  if (leaked.length > 0) {
    throw new Error(`connections left open in ${name}:\n${leaked.join('\n')}`);
  }
}

/** What is still connected after a moment: the server learns of a closed connection a little later than its client. */
async function openConnections(client: pg.Client, name: string): Promise<string[]> {
  for (let patience = 50; ; patience -= 1) {
    const { rows } = await client.query<{ description: string }>(
      `select format('%s %s, %s: %s', usename, application_name, state, left(query, 200)) as description
         from pg_stat_activity where datname = $1 and backend_type = 'client backend'`,
      [name],
    );
    if (rows.length === 0 || patience === 0) {
      return rows.map(({ description }) => description);
    }
    await sleep(20);
  }
}
