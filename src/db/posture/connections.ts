// The posture of the ways to the database: whether what stands on a URL is a pooler, lends as DATABASE_POOLER says, and is nowhere else.
//
// A pooler shows itself by what it does: it drops or refuses the limits with which a connection starts, it gives one backend to two
// connections, it forgets names of statements. Each is tried with connections of its own, which change nothing. What another's work
// hides at that moment is not seen: the other checks of the posture stand on the catalog, this one does not.

import pg from 'pg';
import { type PoolerMode, poolerOf } from '../pooler.ts';
import type { Finding } from './check.ts';

/** The ways to one database. */
export type Ways = {
  readonly migratorUrl: string;
  readonly runtimeUrl: string;
  /** Past any pooler; left out where there is none. */
  readonly directUrl?: string | undefined;
  /** A standby, where there is one. */
  readonly replica?: { readonly url: string } | undefined;
};

/** How often two connections are compared: between two questions another's work may take the backend. */
const ROUNDS = 3;

/** A limit that no role has, by which it shows whether a connection's own settings arrive. */
const PROBE_MS = 12_345;

/**
 * Tries how the URLs can be used.
 *
 * @returns Nothing where all is well.
 * @throws the driver's error when a URL cannot be connected to.
 */
export async function inspectWays({ migratorUrl, runtimeUrl, directUrl }: Ways): Promise<Finding[]> {
  const mode = poolerOf(runtimeUrl);
  // one after the other, because two of them may lead to one pooler and would hide its backends from each other
  return [
    ...(await (mode === undefined ? unannounced(runtimeUrl) : announced(runtimeUrl, mode))),
    ...(await shared('MIGRATION_DATABASE_URL', migratorUrl, 'migrations, policies and locks need one')),
    ...(mode === undefined || directUrl === undefined
      ? []
      : await shared('DIRECT_DATABASE_URL', directUrl, 'whoever listens hears nothing without one')),
  ];
}

/** Without a word of a pooler there must be none: its backends would keep none of our limits. */
async function unannounced(url: string): Promise<Finding[]> {
  const arrived = await connected(url, { statement_timeout: PROBE_MS }, async (client) => {
    const { rows } = await client.query<{ ms: string }>(
      "select setting as ms from pg_settings where name = 'statement_timeout'",
    );
    return rows[0]?.ms === String(PROBE_MS);
  }).catch((error: Error & { code?: string }) => {
    if (error.code === '08P01') {
      return false;
    }
    throw error;
  });
  return arrived && !(await lendsOne(url))
    ? []
    : [
        refusal(
          'pooler-unannounced',
          'DATABASE_URL',
          'DATABASE_URL leads through a pooler, and the limits of a connection do not reach PostgreSQL: set DATABASE_POOLER=transaction, and DIRECT_DATABASE_URL to the database itself',
        ),
      ];
}

/** It has to hold a transaction together, and to know what it is said to know. */
async function announced(url: string, mode: PoolerMode): Promise<Finding[]> {
  const held = await connected(url, {}, async (client) => {
    await client.query('begin');
    const { rows } = await client.query<{ inside: boolean }>(
      'select now() < statement_timestamp() as inside',
    );
    await client.query('rollback');
    return rows[0]?.inside === true;
  }).catch((error: Error & { code?: string }) => {
    if (error.code === '08P01') {
      return false;
    }
    throw error;
  });
  if (!held) {
    const message =
      'the pooler on DATABASE_URL takes no transactions, so it lends by statements: set its pool_mode to transaction';
    return [refusal('pooler-mode', 'DATABASE_URL', message)];
  }
  if (mode === 'transaction-prepared' && !(await keepsNames(url))) {
    const message =
      'the pooler on DATABASE_URL does not know prepared statements: set its max_prepared_statements (PgBouncer 1.21 or later), or DATABASE_POOLER=transaction';
    return [refusal('pooler-names', 'DATABASE_URL', message)];
  }
  return [];
}

async function shared(subject: string, url: string, why: string): Promise<Finding[]> {
  return (await lendsOne(url))
    ? [
        refusal(
          'direct-connection',
          subject,
          `${subject} leads through a pooler that gives one backend to several connections, and ${why}: let it lead to the database itself`,
        ),
      ]
    : [];
}

/** Whether two connections that are open at once are answered by one backend. */
async function lendsOne(url: string): Promise<boolean> {
  return connected(url, {}, (first) =>
    connected(url, {}, async (second) => {
      for (let round = 0; round < ROUNDS; round += 1) {
        if ((await backendOf(first)) === (await backendOf(second))) {
          return true;
        }
      }
      return false;
    }),
  );
}

/** Whether two connections can have a statement each under one name. */
async function keepsNames(url: string): Promise<boolean> {
  const name = 'bailiwick_names';
  return connected(url, {}, (first) =>
    connected(url, {}, async (second) => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const [one, other] = [
          await first.query<{ is: number }>({ name, text: 'select $1::int as is', values: [1] }),
          await second.query<{ is: number }>({ name, text: 'select $1::int + 1 as is', values: [1] }),
        ];
        if (one.rows[0]?.is !== 1 || other.rows[0]?.is !== 2) {
          return false;
        }
      }
      return true;
    }),
  ).catch((error: Error & { code?: string }) => {
    // there is one of that name already, or none any more
    if (error.code === '42P05' || error.code === '26000') {
      return false;
    }
    throw error;
  });
}

async function backendOf(client: pg.Client): Promise<number | undefined> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  return rows[0]?.pid;
}

async function connected<Result>(
  connectionString: string,
  settings: pg.ClientConfig,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString, application_name: 'bailiwick posture', ...settings });
  // what is lost shows in the next statement
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end();
  }
}

function refusal(check: string, subject: string, message: string): Finding {
  return { check, level: 'refuse', subject, message };
}
