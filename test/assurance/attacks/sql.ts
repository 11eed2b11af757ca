// All attacks in raw SQL, and how to try them: whatever SQL reaches the database as the runtime role must be refused there.
//
// Needs no test runner: the suite tries them on a healthy database (attacks.test.ts), and a faulty kernel function or
// policy is held against the same list. Asked twice it answers the same.

import type { Database } from '../../kit/as.ts';
import { LOGGED } from './activity.ts';
import { LOG_READ } from './activity-reading.ts';
import { ANNOUNCED } from './announcing.ts';
import { DECIDED } from './approvals.ts';
import { ASKED } from './approvals-asking.ts';
import { REDEEMED_BY_CALLS } from './approvals-calling.ts';
import { REDEEMED } from './approvals-redeeming.ts';
import { ENDED_CALLS } from './calls-ending.ts';
import { CARRIED } from './carried.ts';
import { CHAINS } from './chains.ts';
import { CHANGING } from './changing.ts';
import { CLOCKS } from './clocks.ts';
import { CLOCKS_OF_APPROVALS } from './clocks-of-approvals.ts';
import { CLOSING } from './closing.ts';
import { CONFINED } from './confined.ts';
import { CREDENTIALS } from './credentials.ts';
import { ENDING } from './ending.ts';
import { EXPLAINED } from './explaining.ts';
import { GRANTED } from './granted.ts';
import { GRANTING } from './granting.ts';
import { ISSUED } from './issued.ts';
import { ISSUING } from './issuing.ts';
import { LIMITS } from './limits.ts';
import { LISTENING } from './listening.ts';
import { LOGGING } from './logging.ts';
import { LOOKED_ON } from './looking-on.ts';
import { MEANWHILE } from './meanwhile.ts';
import { MONTHS } from './months.ts';
import { NOTED } from './noting.ts';
import { ONCE } from './once.ts';
import { OPENING } from './opening.ts';
import { PERMISSIONS } from './permissions.ts';
import { AROUND } from './permissions-around.ts';
import { POWERS } from './powers.ts';
import { READING } from './reading.ts';
import { RECEIPTS } from './receipts.ts';
import { RECORDING } from './recording.ts';
import { REVOKING } from './revoking.ts';
import { ROTATING } from './rotating.ts';
import { SEALING } from './sealing.ts';
import { SEALS } from './seals.ts';
import { SERVED } from './services.ts';
import { SERVED_OTHERWISE } from './services-changing.ts';
import { SERVED_ONCE } from './services-using.ts';
import { SESSIONS } from './sessions.ts';
import { SHARED } from './shared.ts';
import { SIGNING } from './signing.ts';
import { enter, type SqlAttack, type Stage } from './stage.ts';
import { STOPPED } from './stopped.ts';
import { SURFACE } from './surface.ts';
import { TICKETS } from './tickets.ts';
import { USUAL } from './usual.ts';
import { VOUCHING } from './vouching.ts';
import { WATCHING } from './watching.ts';
import { WRAPPED } from './wrapped.ts';

export const SQL_ATTACKS: readonly SqlAttack[] = [
  ...SEALS,
  ...CARRIED,
  ...SURFACE,
  ...TICKETS,
  ...OPENING,
  ...CREDENTIALS,
  ...ISSUED,
  ...VOUCHING,
  ...CLOSING,
  ...STOPPED,
  ...CLOCKS,
  ...LIMITS,
  ...CONFINED,
  ...CHAINS,
  ...GRANTING,
  ...GRANTED,
  ...ENDING,
  ...ISSUING,
  ...ROTATING,
  ...REVOKING,
  ...MEANWHILE,
  ...SESSIONS,
  ...ONCE,
  ...SIGNING,
  ...RECORDING,
  ...READING,
  ...CHANGING,
  ...SEALING,
  ...WRAPPED,
  ...SERVED,
  ...SERVED_ONCE,
  ...SERVED_OTHERWISE,
  ...PERMISSIONS,
  ...AROUND,
  ...ASKED,
  ...DECIDED,
  ...REDEEMED,
  ...REDEEMED_BY_CALLS,
  ...CLOCKS_OF_APPROVALS,
  ...LISTENING,
  ...ANNOUNCED,
  ...LOGGING,
  ...ENDED_CALLS,
  ...MONTHS,
  ...LOGGED,
  ...LOG_READ,
  ...NOTED,
  ...SHARED,
  ...USUAL,
  ...WATCHING,
  ...RECEIPTS,
  ...EXPLAINED,
  ...LOOKED_ON,
  ...POWERS,
];

/** Attacks that are on their way at once: what takes the time is the waiting, not the database. */
const TOGETHER = 16;

export type Trying = {
  /** Tries those alone; left out: all. */
  readonly only?: ((attack: SqlAttack) => boolean) | undefined;
  /** Asked from time to time; true ends the trying. */
  readonly enough?: (outcomes: ReadonlyMap<string, string>) => boolean;
};

/**
 * Tries the attacks on a database in which the cast is (src/demo), and leaves nothing behind.
 *
 * @returns the name of each attack with what came of it: refused, allowed (for a control), or what went otherwise.
 */
export async function tryAttacks(database: Database, trying?: Trying): Promise<Map<string, string>> {
  const stage = await enter(database);
  try {
    return await tryOn(stage, trying);
  } finally {
    await stage.leave();
  }
}

/** The same on a stage that is entered already, and stays so. */
export async function tryOn(stage: Stage, { only, enough }: Trying = {}): Promise<Map<string, string>> {
  const outcomes = new Map<string, string>();
  const chosen = SQL_ATTACKS.filter((attack) => only?.(attack) ?? true);
  for (let from = 0; from < chosen.length; from += TOGETHER) {
    const sent: [name: string, outcome: Promise<string>][] = [];
    for (const attack of chosen.slice(from, from + TOGETHER)) {
      sent.push([attack.name, (await stage.attempt(attack)).outcome]);
    }
    for (const [name, outcome] of sent) {
      outcomes.set(name, await outcome);
    }
    if (enough?.(outcomes)) {
      break;
    }
  }
  return outcomes;
}
