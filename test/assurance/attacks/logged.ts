// Entries of the log that cases start from, as no policy would let them be, and what is looked at afterwards. Their ids are made in SQL: they say
// when, by the clock of the database. No cases here.

import { AGENTS, TENANTS, USERS } from '../../../src/demo/cast.ts';
import { type Given, SCOUT, together } from './hops.ts';
import { aside, type Step, step } from './stage.ts';
import { unchecked } from './worlds.ts';

export const [acme, globex] = [TENANTS.acme.id, TENANTS.globex.id];
export const [alice, bob] = [USERS.alice.id, USERS.bob.id];
export const [scout, scribe] = [AGENTS.scout.id, AGENTS.scribe.id];

export const moment: Step = step('select pg_sleep(0.005) is not null', 'true');
/** An id of a moment; two of the same moment differ by their last digits. */
export const idAt = (when: string, last = 0) =>
  `(left(bailiwick.id_at(${when})::text, 24) || lpad('${last}', 12, '0'))::uuid`;
export const now = (last: number) => idAt('clock_timestamp()', last);

export type Entry = {
  readonly id?: string;
  readonly tenant?: string;
  readonly owner?: string;
  readonly agent?: string;
  readonly hops?: string;
  readonly outcome?: string;
  readonly started?: string;
  readonly service?: string;
};
/** An entry as no policy would let it be; its id in SQL. */
export const entry = (made: Entry = {}): string => {
  const it = {
    ...{ id: now(1), tenant: acme, owner: alice, agent: scout, hops: `array['${SCOUT}'::uuid]` },
    ...{ outcome: 'started', started: 'null', service: 'stage' },
    ...made,
  };
  return `insert into activity_entries (tenant_id, id, owner_id, agent_id, service, action, outcome, started_id, chain, created_by, delegation_id, request_id)
    values ('${it.tenant}', ${it.id}, '${it.owner}', '${it.agent}', '${it.service}', 'run', '${it.outcome}', ${it.started}, ${it.hops}, '${it.agent}', '${SCOUT}', '${SCOUT}')`;
};
export const there = (...all: readonly Entry[]): Given =>
  together(...all.map((made) => unchecked(entry(made))));

/** One that no reference allows. */
export const unfit = (made: Entry): Step =>
  aside(
    `do $$ begin
       set local session_replication_role = replica;
       ${entry(made)};
       set local session_replication_role = origin;
     end $$`,
    'null',
  );
export const locks = (count: number): Step =>
  aside(`select count(*)::int from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()`, count);
export const told = (count: number): Step =>
  aside(
    `select count(*)::int from bailiwick.events where kind = 'activity' and event = 'activity.recorded'`,
    count,
  );
