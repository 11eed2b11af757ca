// The faults that are injected under load: what each does, and how clients must have felt it.
//
// A fault ends by itself; that the service is then itself again, without a restart, is for the test to see. Processes are
// ended by their id, and only those of the installation that was made for this.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Installation } from './installation.ts';
import type { Load, Outcome } from './load.ts';

export type Fault = {
  readonly inject: (on: Installation, load: Load) => Promise<void>;
  /** One of these must have been answered. */
  readonly felt: readonly Outcome[];
  /** What may be answered besides the answers of a server that is only slow; left out, those of lost connections. */
  readonly allowed?: readonly Outcome[];
  /** Whether operations can succeed while it lasts; left out, both is right. */
  readonly succeeds?: boolean;
};

/** The answers of a server that is only slow, as it can be at any time on a machine that is busy with other things. */
const SLOW: readonly Outcome[] = ['ok', 'UNAVAILABLE', 'TIMEOUT'];
/** The answers of a server that has trouble with its database. */
const TROUBLE: readonly Outcome[] = ['UNAVAILABLE', 'TIMEOUT', 'READ AGAIN'];

/** Answers that a fault, or calm, accounts for. */
export function allowedDuring(fault: Fault | undefined): ReadonlySet<Outcome> {
  return new Set([...SLOW, ...(fault?.allowed ?? (fault === undefined ? [] : TROUBLE))]);
}

const BACKENDS = "select pid from pg_stat_activity where application_name = 'bailiwick' order by pid";

async function repeat(times: number, everyMs: number, act: () => unknown): Promise<void> {
  for (let n = 0; n < times; n += 1) {
    await act();
    await sleep(everyMs);
  }
}

/** Nobody gets at a table for so long; whoever tries waits for the lock, and keeps a connection. */
function locked({ superuser }: Installation, table: 'memories' | 'audit_entries', ms: number): Promise<void> {
  return superuser(async (client) => {
    await client.query('begin');
    await client.query(`lock table ${table} in access exclusive mode`);
    await sleep(ms);
    await client.query('commit');
  });
}

/** The server's clock differs from the database's; beyond what a ticket allows, the database believes none. */
function clock(ms: number): Fault {
  const believed = Math.abs(ms) < 5000;
  return {
    async inject({ clock }) {
      clock.step(ms);
      await sleep(1200);
      clock.step(0);
    },
    // behind, tokens seem to come from the future before the database is asked
    felt: believed ? ['ok'] : ['UNAVAILABLE', 'UNAUTHENTICATED'],
    allowed: believed ? [] : ['UNAVAILABLE', 'UNAUTHENTICATED'],
    succeeds: believed,
  };
}

export const FAULTS: Readonly<Record<string, Fault>> = {
  'backends terminated': {
    inject: ({ superuser }) =>
      superuser((client) =>
        repeat(8, 120, () =>
          client.query(`select pg_terminate_backend(pid) from (${BACKENDS}) b where pid % 2 = 0
          or pid = (select min(pid) from (${BACKENDS}) c)`),
        ),
      ),
    felt: TROUBLE,
  },
  'a backend killed': {
    // PostgreSQL ends all others and recovers, as after every crash
    async inject({ superuser }) {
      const victim = await superuser(async (client) => {
        for (let patience = 500; patience > 0; patience -= 1) {
          // between two operations there may be none
          const { rows } = await client.query<{ pid: number }>(BACKENDS);
          if (rows[0] !== undefined) {
            return rows[0];
          }
          await sleep(10);
        }
        throw new TypeError('no backend to kill');
      });
      process.kill(victim.pid, 'SIGKILL');
      await sleep(500);
    },
    felt: TROUBLE,
  },
  'connections cut': { inject: ({ wire }) => repeat(8, 120, () => wire.cut()), felt: TROUBLE },
  'answers held back': {
    async inject({ wire }) {
      wire.hold();
      await sleep(1500);
      wire.resume();
    },
    felt: TROUBLE,
  },
  "commits' answers lost": {
    async inject({ wire }, load) {
      const { name } = load.phase;
      const lost = () => load.counts.get(name)?.get('READ AGAIN') ?? 0;
      for (let patience = 40; patience > 0 && lost() < 3; patience -= 1) {
        wire.hold('bailiwick_commit');
        await sleep(200);
        wire.cut();
        wire.resume();
        await sleep(100);
      }
      // a hold that nobody has set off would strike later
      wire.hold('set off by nothing');
      wire.resume();
    },
    felt: ['READ AGAIN'],
  },
  'clients gone': {
    inject: (_on, load) => repeat(10, 80, () => load.leave()),
    felt: ['GONE'],
    allowed: ['GONE'],
  },
  'server killed': { inject: ({ restart }) => restart('SIGKILL'), felt: TROUBLE },
  'server shut down at once': { inject: ({ restart }) => restart('SIGQUIT'), felt: TROUBLE },
  'server restarted': { inject: ({ restart }) => restart('SIGINT'), felt: TROUBLE },
  'pool exhausted': { inject: (on) => locked(on, 'memories', 1600), felt: ['UNAVAILABLE'] },
  'statements too slow': { inject: (on) => locked(on, 'memories', 1500), felt: ['TIMEOUT'] },
  'transactions too long': {
    // no statement waits for longer than it may, but one waits after the other; whether any comes to both in time is chance
    async inject(on, load) {
      const { name } = load.phase;
      const felt = () => [name, `around: ${name}`].some((during) => load.counts.get(during)?.has('TIMEOUT'));
      for (let patience = 5; patience > 0 && !felt(); patience -= 1) {
        await Promise.all([locked(on, 'memories', 800), locked(on, 'audit_entries', 1600)]);
      }
    },
    felt: ['TIMEOUT'],
  },
  'clock 4 s ahead': clock(4000),
  'clock 4 s behind': clock(-4000),
  'clock 20 s ahead': clock(20_000),
  'clock 20 s behind': clock(-20_000),
  'clock 2 min ahead': clock(120_000),
  'clock 2 min behind': clock(-120_000),
};
