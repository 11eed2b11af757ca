// One step of adoption: a short transaction that waits for its locks only so long, and is tried again when it did not get them or when the
// database ended it for somebody else's sake. What is done and what is remembered of it is one commit, so that nothing is ever half done.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import { AdoptionError } from './kernel.ts';
import { SCHEMAS } from './names.ts';

export type Patience = {
  /** Milliseconds for which a step waits for a lock; what others wait behind it is no more than that. */
  readonly lockMs: number;
  /** How often it is tried. */
  readonly attempts: number;
};

export const PATIENCE: Patience = { lockMs: 200, attempts: 200 };

/** Codes of PostgreSQL after which the same may succeed: lock not available, deadlock, serialization, statement cancelled by a timeout. */
const AGAIN = new Set(['55P03', '40P01', '40001', '57014']);
const LONGEST_PAUSE = 2000;

export type Step = {
  readonly table?: string | undefined;
  readonly phase: string;
  readonly step: string;
  /** Whether nobody has to wait for its locks, however long it takes. */
  readonly nobodyWaits?: true;
};

/** What is told of a step while it is going on. */
export type Told = (step: Step, attempt: number) => void;

/** With what steps are made. */
export type Stepping = { readonly client: Client; readonly patience: Patience; readonly told: Told };

/**
 * Runs work in a transaction of its own, as often as it needs.
 *
 * @param what For the error.
 * @throws {AdoptionError} when its locks were not to be had after all attempts, and whatever else the database says.
 */
export async function again<Result>(
  client: Client,
  { lockMs, attempts }: Patience,
  what: string,
  work: (attempt: number) => Promise<Result>,
): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await client.query('begin');
      await client.query(`set local lock_timeout = ${Math.round(lockMs)}`);
      const result = await work(attempt);
      await client.query('commit');
      return result;
    } catch (error) {
      await client.query('rollback');
      if (!AGAIN.has((error as { code?: string }).code ?? '')) {
        throw error;
      }
      if (attempt >= attempts) {
        throw new AdoptionError(
          `${what} did not get its lock in ${attempt} attempts of ${lockMs} ms: end what has been open for long, or give it more with --lock-timeout`,
        );
      }
    }
    // longer from time to time, so that whoever waits behind it comes through in between
    await sleep(Math.min(LONGEST_PAUSE, 20 * 1.3 ** Math.min(attempt, 20)) * (0.5 + Math.random()));
  }
}

/**
 * The same for a step, which is written into the journal by the transaction that completes it.
 *
 * @param work Sends its statements on the same client; what it returns is kept as the step's detail.
 */
export function runStep<Detail>(
  { client, patience, told }: Stepping,
  step: Step,
  work: () => Promise<Detail>,
): Promise<Detail> {
  const began = performance.now();
  const what = `${step.table ?? 'the database'}: "${step.step}"`;
  return again(client, patience, what, async (attempt) => {
    told(step, attempt);
    const tried = performance.now();
    const detail = await work();
    const now = performance.now();
    await client.query(
      `insert into ${SCHEMAS.state}.journal ("table", phase, step, ms, lock_ms, attempts, detail) values ($1, $2, $3, $4, $5, $6, $7)`,
      [
        step.table,
        step.phase,
        step.step,
        now - began,
        step.nobodyWaits === true ? 0 : now - tried,
        attempt,
        JSON.stringify(detail ?? {}),
      ],
    );
    return detail;
  });
}
