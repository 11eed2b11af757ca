// Watches for how long the application waits for locks: looks every twenty milliseconds at who waits, for what, and behind whom.
//
// PostgreSQL itself says since when (pg_locks.waitstart), so a wait that lasts until the next look is measured to its end but for those
// twenty milliseconds. Waits that begin and end between two looks are not seen; they are no longer than that.

import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

const EVERY_MS = 20;

export type Wait = {
  readonly ms: number;
  /** What was waited for: a relation, a row (transactionid, tuple). */
  readonly lock: string;
  readonly query: string;
  readonly behind: string;
};

export type LockWatch = {
  /** The longest wait since it was last asked. */
  take(): Wait | undefined;
  /** How often it has looked. */
  readonly looks: number;
  end(): Promise<void>;
};

const WAITING = `
  select a.pid, extract(epoch from clock_timestamp() - l.waitstart)::float8 * 1000 as ms,
         concat_ws(' ', l.locktype, l.relation::regclass::text, l.mode) as lock, left(a.query, 120) as query,
         (select string_agg(concat(b.application_name, ': ', left(b.query, 160)), '; ') from pg_stat_activity b
           where b.pid = any (pg_blocking_pids(a.pid))) as behind
    from pg_locks l join pg_stat_activity a on a.pid = l.pid
   where not l.granted and l.waitstart is not null and a.usename = any ($1::text[])`;

/** Begins to watch the backends of these roles. */
export async function watchLocks(adminUrl: string, roles: readonly string[]): Promise<LockWatch> {
  const client = new pg.Client({ connectionString: adminUrl, application_name: 'lock watch' });
  await client.connect();
  let longest: Wait | undefined;
  let looks = 0;
  let running = true;
  const done = (async () => {
    while (running) {
      const { rows } = await client.query<Wait>({ name: 'waiting', text: WAITING, values: [roles] });
      looks += 1;
      for (const row of rows) {
        if (longest === undefined || row.ms > longest.ms) {
          longest = row;
        }
      }
      await sleep(EVERY_MS);
    }
  })().finally(() => client.end());
  return {
    take() {
      const taken = longest;
      longest = undefined;
      return taken;
    },
    get looks() {
      return looks;
    },
    async end() {
      running = false;
      await done;
    },
  };
}
