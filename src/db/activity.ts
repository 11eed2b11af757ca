// Writing to the activity log: many entries at once, and how a call ended; and what a server throws away by itself, a little at a time:
// every hour what is past its tenant's limit, every minute the events that nobody comes back for, whether or not anybody listens here.
// The kernel's functions stand in prisma/policies/08-activity.sql and 09-events.sql.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Transaction } from './client.ts';
import { forgetEvents } from './events.ts';
import { type Database, type ServiceSession, type Session, withService } from './session.ts';

/** Where a call went. */
export type Network = {
  readonly host: string;
  readonly method?: string | undefined;
  readonly port?: number | undefined;
  readonly tls?: boolean | undefined;
  /** Of the handshake or the certificate, as the runtime gives it. */
  readonly fingerprint?: string | undefined;
};

/** What an agent has done by its own means. */
export type Reported = {
  readonly id: string;
  readonly service: string;
  readonly action: string;
  readonly summary: string | null;
  readonly outcome: string;
  readonly duration_ms: number | null;
  readonly approval_id: string | null;
  readonly network: Network | null;
};

/**
 * Adds entries of the acting agent, in one statement with one parameter for all of them: with one for every value, as Prisma sends
 * them, five hundred entries take ten times as long. Like every query through Prisma it says tenant, owner and provenance itself
 * (scope.ts), and row security says it again.
 */
export async function reportActivity(
  { db, tenantId, ownerId, actorId, requestId, chain }: Session,
  entries: readonly Reported[],
): Promise<void> {
  await db.$queryRaw`
    insert into public.activity_entries
      (tenant_id, id, owner_id, agent_id, service, action, summary, outcome, duration_ms, approval_id, network, chain, created_by,
       delegation_id, request_id)
    select ${tenantId}::uuid, e.id, ${ownerId}::uuid, ${actorId}::uuid, e.service, e.action, e.summary, e.outcome, e.duration_ms,
           e.approval_id, e.network, ${[...chain]}::uuid[], ${actorId}::uuid, ${chain.at(-1) ?? null}::uuid, ${requestId}::uuid
      from jsonb_to_recordset(${JSON.stringify(entries)}::jsonb) as e
           (id uuid, service text, action text, summary text, outcome text, duration_ms int, approval_id uuid, network jsonb)`;
}

export type Ended = {
  /** The new entry. */
  readonly id: string;
  /** The entry that says that the call was begun. */
  readonly startedId: string;
  readonly outcome: 'succeeded' | 'failed';
  readonly durationMs: number;
  readonly network?: Network | undefined;
};

/** Notes how a call ended. False where none was begun that could end now: it was an hour ago, somebody else's, or has ended before. */
export async function finishCall(
  db: Transaction,
  { id, startedId, outcome, durationMs, network }: Ended,
): Promise<boolean> {
  const [row] = await db.$queryRaw<{ noted: boolean }[]>`
    select bailiwick.finish_call(
      ${id}::uuid, ${startedId}::uuid, ${outcome}, ${durationMs}::int,
      ${network === undefined ? null : JSON.stringify(network)}::jsonb) as noted`;
  return row?.noted ?? false;
}

/** Throws away at most so many entries that are past their tenant's limit, and returns how many. */
export async function expireActivity(db: ServiceSession, batch: number): Promise<number> {
  const [row] = await db.$queryRaw<
    { gone: number }[]
  >`select bailiwick.expire_activity(${batch}::int) as gone`;
  return row?.gone ?? 0;
}

/** Milliseconds from the start to the first time. */
const FIRST_MS = 60_000;

/** So few entries at a time that nobody waits for it, and between two times as long again. */
const BATCH = 1000;
const PAUSE_MS = 200;

type Chore = {
  /** Milliseconds from one time to the next. */
  readonly everyMs: number;
  /** Throws a little away. Whether there may be more. */
  readonly once: (db: ServiceSession) => Promise<boolean>;
};

// of several servers one suffices: while one throws away the others find nothing
const CHORES: readonly Chore[] = [
  { everyMs: 3_600_000, once: async (db) => (await expireActivity(db, BATCH)) === BATCH },
  { everyMs: 60_000, once: forgetEvents },
];

/** Throws away what is past its time, each thing as often as it needs, until it is closed. */
export class ActivityExpiry {
  readonly #database: Database;
  readonly #failed: (error: unknown) => void;
  readonly #timers = new Map<Chore, NodeJS.Timeout>();
  readonly #running = new Map<Chore, Promise<void>>();
  #closed = false;

  /** @param failed Told when it could not be done; it is tried again when its turn comes. */
  constructor(database: Database, failed: (error: unknown) => void, firstMs = FIRST_MS) {
    this.#database = database;
    this.#failed = failed;
    for (const chore of CHORES) {
      this.#later(chore, firstMs);
    }
  }

  /** Ends it, after the batches that are under way. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers.values()) {
      clearTimeout(timer);
    }
    await Promise.all(this.#running.values());
  }

  #later(chore: Chore, ms: number): void {
    const timer = setTimeout(() => {
      const turn = this.#throwAway(chore).then(() => {
        if (!this.#closed) {
          this.#later(chore, chore.everyMs);
        }
      });
      this.#running.set(chore, turn);
    }, ms);
    this.#timers.set(chore, timer.unref());
  }

  async #throwAway({ once }: Chore): Promise<void> {
    try {
      let more = true;
      while (more && !this.#closed) {
        more = await withService(this.#database, 'identity', { readOnly: false }, once);
        await sleep(more ? PAUSE_MS : 0);
      }
    } catch (error) {
      this.#failed(error);
    }
  }
}
