// A sealed pool of one or two connections on a test's database, and sessions on it in the name of the cast.
//
// What these sessions see is read with raw SQL that names no tenant and no owner, so that nothing but the context of the
// transaction stands between two requests: the second layer (scope.ts) is left out on purpose. Injects no faults itself.

import { setTimeout as sleep } from 'node:timers/promises';
import { PrismaPg } from '@prisma/adapter-pg';
import type { Transaction as AdapterTransaction } from '@prisma/driver-adapter-utils';
import { expect, onTestFinished } from 'vitest';
import { SCOPES } from '../../src/capabilities.ts';
import type { PoolConfig } from '../../src/config.ts';
import { createClient } from '../../src/db/client.ts';
import { opening, SealedPool } from '../../src/db/pool.ts';
import type { Opening } from '../../src/db/sealed-connection.ts';
import { type Database, type Session, withSession } from '../../src/db/session.ts';
import { issueTicket, type TokenClaims } from '../../src/db/ticket.ts';
import { ACTORS, type ActorName } from '../../src/demo/cast.ts';
import { newId } from '../../src/ids.ts';
import { type Acting, ISSUER, KEY, trustTickets } from '../kit/as.ts';
import { asAdmin, type TestDatabase } from '../kit/database.ts';
import { testEncryption } from '../kit/keys.ts';

export const LIMITS: PoolConfig = { size: 1, waitMs: 1500, statementMs: 400, transactionMs: 800 };

/** By how much session.ts puts Prisma's limits above PostgreSQL's; `prisma` below turns that round. */
const HEADROOM = 5000;

export type Lane = {
  readonly pool: SealedPool;
  readonly database: Database;
  /** Runs `work` in a session that may write. */
  run<Result>(
    actor: ActorName,
    work: (session: Session) => Promise<Result>,
    acting?: Acting,
  ): Promise<Result>;
  /** The same in a session that may not. */
  read<Result>(
    actor: ActorName,
    work: (session: Session) => Promise<Result>,
    acting?: Acting,
  ): Promise<Result>;
};

export type LaneOptions = Partial<PoolConfig> & {
  /** Where to connect, if not straight to the test's database. */
  readonly url?: string;
  /** Prisma's own limits, to make it give up before PostgreSQL does. */
  readonly prisma?: { readonly timeoutMs?: number; readonly waitMs?: number };
  /** What the pool takes the server for, if not for what it is. */
  readonly serverVersion?: number;
  /** Constraints of the columns that may hold values in clear; none unless given. */
  readonly unsealed?: ReadonlySet<string>;
};

/** Opens a lane for the running test, and closes it with the test. */
export async function openLane(
  on: TestDatabase,
  { url, prisma = {}, serverVersion, unsealed, ...given }: LaneOptions = {},
  atEnd: (end: () => Promise<void>) => void = onTestFinished,
): Promise<Lane> {
  const limits = { ...LIMITS, ...given };
  await trustTickets(on);
  const pool = new SealedPool(url ?? on.runtimeUrl, limits, serverVersion ?? (await versionOf(on)));
  const client = createClient(pool, testEncryption(unsealed));
  atEnd(async () => {
    await client.$disconnect();
    await pool.end();
  });
  const database = {
    client,
    ticketKey: KEY,
    transactionMs: prisma.timeoutMs === undefined ? limits.transactionMs : prisma.timeoutMs - HEADROOM,
    waitMs: prisma.waitMs === undefined ? limits.waitMs : prisma.waitMs - HEADROOM,
  };
  return {
    pool,
    database,
    run: (actor, work, acting) => withSession(database, claims(actor, acting), { readOnly: false }, work),
    read: (actor, work, acting) => withSession(database, claims(actor, acting), { readOnly: true }, work),
  };
}

export const sql = (text: string) => ({ sql: text, args: [], argTypes: [] });

/** A transaction as Prisma's client holds it, for calling it in an order in which a faulty release did. */
export async function holdTransaction(
  { pool }: Lane,
  actor: ActorName,
): Promise<{ tx: AdapterTransaction; pid: number }> {
  const of = claims(actor);
  const intent: Opening = {
    ticket: () => issueTicket(of, KEY),
    requestId: of.requestId,
    readOnly: false,
    roundTrips: 0,
    statements: 0,
  };
  const adapter = await new PrismaPg(pool).connect();
  const tx = await opening.run(intent, () => adapter.startTransaction());
  await adapter.dispose();
  const pid = Number((await tx.queryRaw(sql('select pg_backend_pid()'))).rows[0]?.[0]);
  return { tx, pid };
}

/** What the server would know of an actor's request after it verified the token. */
export function claims(actor: ActorName, acting: Acting = {}): TokenClaims {
  return {
    kind: 'token',
    tenant: ACTORS[actor].tenant,
    issuer: ISSUER,
    subject: actor,
    onBehalfOf: acting.onBehalfOf,
    delegation: acting.delegation,
    scopes: acting.scopes ?? SCOPES,
    tokenExpiresAt: acting.tokenExpiresAt ?? new Date(Date.now() + 600_000),
    tokenIssuedAt: new Date(),
    requestId: acting.requestId ?? newId(),
  };
}

/** Whose memories a session sees, in SQL that does not say whose it wants. */
export async function ownersSeen({ db }: Pick<Session, 'db'>): Promise<string[]> {
  const rows = await db.$queryRaw<{ owner: string }[]>`
    select distinct owner_id::text as owner from memories order by 1`;
  return rows.map(({ owner }) => owner);
}

/** The backend on which a session runs. */
export async function backendOf({ db }: Pick<Session, 'db'>): Promise<number> {
  const [row] = await db.$queryRaw<{ pid: number }[]>`select pg_backend_pid() as pid`;
  return row?.pid ?? Number.NaN;
}

/** Writes a memory with a content of its own, for `keptNothing` to look for. */
export async function note({ db }: Pick<Session, 'db'>, content: string): Promise<void> {
  await db.memory.create({ data: { content } as never, select: { id: true } });
}

/** How many memories have this content, whoever owns them. */
export async function notesKept(on: TestDatabase, content: string): Promise<number> {
  return asAdmin(on.adminUrl, async (client) => {
    const { rows } = await client.query<{ n: number }>(
      'select count(*)::int as n from memories where content = $1',
      [content],
    );
    return rows[0]?.n ?? Number.NaN;
  });
}

/** Ends a backend as an operator would. */
export async function terminate(on: TestDatabase, pid: number): Promise<void> {
  await asAdmin(on.adminUrl, (client) => client.query('select pg_terminate_backend($1)', [pid]));
}

/** Waits until a backend has ended; false if it is still there after two seconds. */
export async function hasEnded(on: TestDatabase, pid: number): Promise<boolean> {
  return asAdmin(on.adminUrl, async (client) => {
    for (let patience = 100; patience > 0; patience -= 1) {
      const { rowCount } = await client.query('select from pg_stat_activity where pid = $1', [pid]);
      if (rowCount === 0) {
        return true;
      }
      await sleep(20);
    }
    return false;
  });
}

/** Alice and bob in turn and at once, each of whom must see exactly their own; afterwards nothing may be out on loan. */
export async function expectIsolated({ pool, run, read }: Lane): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) {
    expect(await run('alice', ownersSeen)).toEqual([ACTORS.alice.id]);
    expect(await read('bob', ownersSeen)).toEqual([ACTORS.bob.id]);
  }
  const both = await Promise.all([
    read('alice', ownersSeen),
    run('bob', ownersSeen),
    run('mallory', ownersSeen),
  ]);
  expect(both).toEqual([[ACTORS.alice.id], [ACTORS.bob.id], [ACTORS.mallory.id]]);
  expect(pool.totalCount).toBeLessThanOrEqual(pool.options.max);
  expect(pool.idleCount).toBe(pool.totalCount);
  expect(pool.waitingCount).toBe(0);
}

const versions = new WeakMap<TestDatabase, Promise<number>>();

export function versionOf(on: TestDatabase): Promise<number> {
  let version = versions.get(on);
  if (version === undefined) {
    version = asAdmin(on.adminUrl, async (client) => {
      const { rows } = await client.query<{ v: string }>("select current_setting('server_version_num') as v");
      return Number(rows[0]?.v);
    });
    versions.set(on, version);
  }
  return version;
}
