// Becoming somebody: raw SQL as the runtime role, in a transaction that a real ticket opened, rolled back at the end.
//
// Tests of policies go this way, with node-postgres and without Prisma or the second layer, because what they prove must
// hold for whatever SQL reaches the database. What a case needs first can be given within the same transaction, so that
// nothing is left behind and no case sees another's preparations. Nothing here knows what is allowed.

import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import type { Client } from 'pg';
import { SCOPES } from '../../src/capabilities.ts';
import { installTicketKey } from '../../src/db/policies.ts';
import { issueTicket, type TicketKey, ticketKey } from '../../src/db/ticket.ts';
import { ACTORS, type ActorName } from '../../src/demo/cast.ts';
import { type DelegationId, newId, type RequestId } from '../../src/ids.ts';
import { onConnection } from './connections.ts';
import type { TestDatabase } from './database.ts';

export const ISSUER = 'https://issuer.test/';

const secret = randomBytes(32);
export const KEY: TicketKey = ticketKey(secret);

export type Database = Pick<TestDatabase, 'runtimeUrl' | 'migratorUrl' | 'adminUrl'>;

export type Acting = {
  /** The delegation to act under; left out, the actor acts as itself. */
  readonly delegation?: DelegationId | undefined;
  /** Of the token; all there are unless given, so that what refuses is the database and not the token. */
  readonly scopes?: readonly string[] | undefined;
  readonly onBehalfOf?: string;
  readonly priorActors?: readonly string[];
  readonly tokenExpiresAt?: Date;
  readonly requestId?: RequestId;
  /** Done first, as the migrator, in the same transaction. */
  readonly given?: (sql: Sql) => Promise<unknown>;
  /** Closes and commits as the server does, instead of rolling back. */
  readonly commit?: boolean;
};

/** Statements on one connection, in the shapes that assertions want. */
export type Sql = {
  /** The rows of a statement. */
  rows<Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** The first column of the rows, in the order of its text. */
  list(text: string, values?: readonly unknown[]): Promise<string[]>;
  /** The first column of the one row there must be. */
  value(text: string, values?: readonly unknown[]): Promise<unknown>;
  /** How many rows a statement touched. */
  touched(text: string, values?: readonly unknown[]): Promise<number>;
  /** The SQLSTATE with which a statement is refused, or what it touched if it is not. The transaction goes on. */
  outcome(text: string, values?: readonly unknown[]): Promise<string>;
  readonly client: Client;
};

/** Runs `work` as an actor of the cast. */
export async function as<Result>(
  database: Database,
  actor: ActorName,
  acting: Acting,
  work: (sql: Sql) => Promise<Result>,
): Promise<Result> {
  await trustTickets(database);
  return onConnection(
    acting.given === undefined ? database.runtimeUrl : database.adminUrl,
    async (client) => {
      const sql = statements(client);
      await client.query('begin isolation level read committed');
      await prepare(sql, acting.given);
      const requestId = acting.requestId ?? newId<RequestId>();
      await open(client, actor, { ...acting, requestId });
      const result = await work(sql);
      if (acting.commit) {
        await client.query('select bailiwick.close($1)', [requestId]);
        await client.query('commit');
      }
      return result;
    },
  );
}

/** Runs `work` as the runtime role without a transaction and without a context. */
export async function raw<Result>(
  { runtimeUrl }: Database,
  work: (sql: Sql) => Promise<Result>,
  url = runtimeUrl,
): Promise<Result> {
  return onConnection(url, (client) => work(statements(client)));
}

/** Runs `work` as the migrator, who is not subject to row security; what it does stays. */
export function migrate<Result>(database: Database, work: (sql: Sql) => Promise<Result>): Promise<Result> {
  return raw(database, work, database.migratorUrl);
}

/** Opens the context in the client's transaction. */
export async function open(client: Client, actor: ActorName, acting: Acting = {}): Promise<void> {
  await client.query('select bailiwick.open($1, $2)', ticket(actor, acting));
}

/** A signed ticket for an actor: the two parameters of `bailiwick.open`. */
export function ticket(actor: ActorName, acting: Acting = {}, key = KEY, now = Date.now()): [string, string] {
  return issueTicket(
    {
      kind: 'token',
      tenant: ACTORS[actor].tenant,
      issuer: ISSUER,
      subject: actor,
      onBehalfOf: acting.onBehalfOf,
      priorActors: acting.priorActors,
      delegation: acting.delegation,
      scopes: acting.scopes ?? SCOPES,
      tokenExpiresAt: acting.tokenExpiresAt ?? new Date(now + 600_000),
      tokenIssuedAt: new Date(now),
      requestId: acting.requestId ?? newId(),
    },
    key,
    now,
  );
}

const trusting = new WeakMap<Database, Promise<void>>();

/** Makes the database accept this file's tickets; the work is done once. */
export function trustTickets(database: Database): Promise<void> {
  let trusted = trusting.get(database);
  if (trusted === undefined) {
    trusted = installTicketKey(database.migratorUrl, KEY.kid, secret);
    trusting.set(database, trusted);
  }
  return trusted;
}

/** As the migrator and then as the runtime role, on an administrator's connection: one transaction for both. */
async function prepare(sql: Sql, given: Acting['given']): Promise<void> {
  if (given !== undefined) {
    await sql.client.query('set local role bailiwick_migrator');
    await given(sql);
    await sql.client.query('set local role bailiwick_runtime');
  }
}

function statements(client: Client): Sql {
  async function run<Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []) {
    return await client.query<Row>(text, [...values]);
  }
  async function firstColumn(text: string, values?: readonly unknown[]): Promise<unknown[]> {
    const { rows, fields } = await run(text, values);
    return rows.map((row) => row[fields[0]?.name ?? '']);
  }
  return {
    client,
    rows: async <Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]) =>
      (await run<Row>(text, values)).rows,
    list: async (text, values) => (await firstColumn(text, values)).map(String).sort(),
    async value(text, values) {
      const [first, ...others] = await firstColumn(text, values);
      if (first === undefined || others.length > 0) {
        throw new TypeError(
          `one row expected, ${first === undefined ? 0 : others.length + 1} found: ${text}`,
        );
      }
      return first;
    },
    touched: async (text, values) => (await run(text, values)).rowCount ?? 0,
    async outcome(text, values) {
      await client.query('savepoint attempt');
      try {
        return `${(await run(text, values)).rowCount}`;
      } catch (error) {
        await client.query('rollback to savepoint attempt');
        return String((error as { code?: unknown }).code);
      }
    },
  };
}
