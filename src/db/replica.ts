// Reads from a hot standby, for who has said that rows a little late will do, and about whom nothing may be late.
//
// The primary is asked at the same time, and in one statement, who that is and what they may. What the standby shows counts only if the
// primary says that all that the token claims is theirs now: whatever the standby still believes of them, it cannot be more. And it counts
// only if the standby has replayed what the primary had written, or what is missing is younger than the limit. Otherwise nobody sees it,
// and the primary answers. Which operations may ask at all is said in src/api/eventual.ts; rows are decided by the same policies as ever.

import type { PoolConfig, ReplicaConfig } from '../config.ts';
import { BailiwickError } from '../errors.ts';
import { createClient, type Transaction } from './client.ts';
import { ask } from './direct/asking.ts';
import { expectations } from './expected.ts';
import type { Authority } from './kernel.ts';
import { SealedPool } from './pool.ts';
import type { Encryption } from './sealing.ts';
import { type Database, type Session, type SessionOptions, withSession } from './session.ts';
import type { TicketKey, TokenClaims } from './ticket.ts';

/** Milliseconds for which a connection to the standby is waited for: the primary is there meanwhile. */
const PATIENCE_MS = 250;

/** Milliseconds for which a standby that does not answer is left alone. */
const REST_MS = 5000;

/** What an administrator may is of no effect in what is read here. */
const BESIDE_THE_POINT = 'tenant:administer';

/** What the primary says: who is asking, with what, and up to where its log is written. */
type Standing = { readonly authority: Authority; readonly written: string };

/** What the standby says of itself. */
type State = {
  readonly standby: boolean;
  readonly replayed: string | null;
  /** Milliseconds since the last transaction that it has replayed was committed; null where there was none yet. */
  readonly late: number | null;
};

export type ReplicaOptions = {
  /** Of the pool; a standby has one of its own. */
  readonly limits: PoolConfig;
  /** `server_version_num` of the primary, and so of the standby. */
  readonly serverVersion: number;
  readonly ticketKey: TicketKey;
  readonly encryption: Encryption;
  /** Told when the standby does not answer. */
  readonly lost: (error: unknown) => void;
};

/** Sessions on a standby, which need not be there: connections are made when they are asked for. */
export function openReplica(config: ReplicaConfig, options: ReplicaOptions): Replica;
export function openReplica(config: ReplicaConfig | undefined, options: ReplicaOptions): Replica | undefined;
export function openReplica(
  config: ReplicaConfig | undefined,
  { limits, serverVersion, ticketKey, encryption, lost }: ReplicaOptions,
): Replica | undefined {
  if (config === undefined) {
    return undefined;
  }
  const waitMs = Math.min(limits.waitMs, PATIENCE_MS);
  const pool = new SealedPool(config.url, { ...limits, waitMs }, serverVersion);
  const client = createClient(pool, encryption);
  const { transactionMs } = limits;
  const database = { client, ticketKey, transactionMs, waitMs, expectations: expectations() };
  return new Replica(database, { maxLagMs: config.maxLagMs, lost }, async () => {
    await client.$disconnect();
    await pool.end();
  });
}

export class Replica {
  readonly #database: Database;
  readonly #maxLagMs: number;
  readonly #lost: (error: unknown) => void;
  readonly #close: () => Promise<void>;
  #restsUntil = 0;

  /** @param close Ends the connections of `database`. */
  constructor(
    database: Database,
    { maxLagMs, lost }: Pick<ReplicaConfig, 'maxLagMs'> & Pick<ReplicaOptions, 'lost'>,
    close: () => Promise<void>,
  ) {
    this.#database = database;
    this.#maxLagMs = maxLagMs;
    this.#lost = lost;
    this.#close = close;
  }

  close(): Promise<void> {
    return this.#close();
  }

  /**
   * Runs work that only reads on the standby.
   *
   * @param primary Where the caller's standing is asked.
   * @returns what `work` returns; undefined where it does not count, for whatever reason: then the primary is to be asked.
   */
  async read<Result>(
    primary: Database,
    claims: TokenClaims,
    options: SessionOptions,
    work: (session: Session) => Promise<Result>,
  ): Promise<{ readonly result: Result } | undefined> {
    if (performance.now() < this.#restsUntil) {
      return undefined;
    }
    const asking = { readOnly: true, repeatable: true };
    const [standing, read] = await Promise.allSettled([
      withSession(primary, claims, asking, ({ db }) => standingOf(db)),
      withSession(this.#database, claims, options, async (session) => {
        // it goes out first, so that what is read afterwards is no older than it says
        const state = stateOf();
        // fails with the session if it does; nobody may hear of that before
        state.catch(() => undefined);
        const result = await work(session);
        return { session, state: await state, result };
      }),
    ]);
    if (read.status === 'rejected') {
      this.#note(read.reason);
      return undefined;
    }
    const { session, state, result } = read.value;
    return standing.status === 'fulfilled' &&
      isTheirs(standing.value, claims, session) &&
      isFresh(state, standing.value, this.#maxLagMs)
      ? { result }
      : undefined;
  }

  #note(error: unknown): void {
    const code = error instanceof BailiwickError ? error.code : undefined;
    if (code === 'UNAVAILABLE' || code === 'TIMEOUT') {
      this.#restsUntil = performance.now() + REST_MS;
      this.#lost(error);
    }
  }
}

async function standingOf(db: Transaction): Promise<Standing> {
  const [row] = await db.$queryRaw<Standing[]>`
    select bailiwick.describe() as authority, pg_current_wal_lsn()::text as written`;
  if (row === undefined) {
    throw new TypeError('the primary says nothing of its caller');
  }
  return row;
}

async function stateOf(): Promise<State> {
  const { rows } = await ask({
    text: `select pg_is_in_recovery() as standby, pg_last_wal_replay_lsn()::text as replayed,
                  (extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000)::float8 as late`,
  });
  const [row] = rows as State[];
  if (row === undefined) {
    throw new TypeError('the standby says nothing of itself');
  }
  return row;
}

/** Whether both mean the same person, acting in person, to whom the primary leaves everything that the token claims. */
export function isTheirs(
  { authority }: Standing,
  { scopes }: Pick<TokenClaims, 'scopes'>,
  there: Pick<Session, 'tenantId' | 'actorId' | 'ownerId' | 'actorKind' | 'chain' | 'administrator'>,
): boolean {
  const { live, administrator, capabilities, chain, tenantId, actor, owner } = authority;
  const held = new Set(capabilities);
  return (
    live &&
    !administrator &&
    !there.administrator &&
    chain.length === 0 &&
    there.chain.length === 0 &&
    actor.kind === 'user' &&
    actor.id === owner.id &&
    tenantId === there.tenantId &&
    actor.id === there.actorId &&
    owner.id === there.ownerId &&
    there.actorKind === 'user' &&
    scopes.every((scope) => scope === BESIDE_THE_POINT || held.has(scope))
  );
}

/**
 * Whether nothing is missing on the standby, or nothing that is older than the limit: what was committed before the last transaction that it
 * has replayed is all there. A standby that has lost its primary has everything only as long as the primary writes nothing.
 */
export function isFresh(
  { standby, replayed, late }: State,
  { written }: Pick<Standing, 'written'>,
  maxLagMs: number,
): boolean {
  // what was promoted in the meantime is a primary of its own, whose rows are not ours
  return (
    standby &&
    replayed !== null &&
    (positionOf(replayed) >= positionOf(written) || (late !== null && late >= 0 && late <= maxLagMs))
  );
}

/** A place in the log, from the form in which PostgreSQL writes it: two numbers in hexadecimal. */
function positionOf(lsn: string): bigint {
  const [high, low] = lsn.split('/');
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}
