// Attacks on the months of the logs, as the migrator makes and drops them (prisma/policies/08-activity.sql): a month that is missing, open, made
// twice or dropped while somebody keeps it, and tables that only look like one. All of it in a transaction that is undone.

import { AGENTS, TENANTS, USERS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { rows } from './attempted.ts';
import { aside, type SqlAttack, type Step } from './stage.ts';

const month = (ahead: string) =>
  `(date_trunc('month', statement_timestamp() at time zone 'UTC') + ${ahead} * interval '1 month')`;
const does = (commands: string): Step => aside(`do $$ begin ${commands} end $$`, 'null');
type Log = 'activity_entries' | 'audit_entries';
const made = (months: number, expect: number, log: Log = 'activity_entries'): Step =>
  aside(`select bailiwick.ensure_partitions('public.${log}', ${months})`, expect);
const dropped = (expect: string): Step =>
  aside(`select array_to_string(bailiwick.drop_activity_partitions(), ',')`, expect);
/** How many months there are, each beginning where another ends but for the first of the audit, and all of them closed. */
const months = (count: number, log: Log = 'activity_entries'): Step =>
  aside(
    `with part as (
       select c.oid, c.relname, regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \\((.*)\\) TO \\((.*)\\)') as bound,
              c.relrowsecurity and c.relforcerowsecurity and not has_any_column_privilege('bailiwick_runtime', c.oid, 'select') as closed
         from pg_class c where c.relnamespace = 'public'::regnamespace and c.relispartition and c.relkind = 'r'
            and c.relname ~ '^${log}')
     select concat_ws(' ', count(*) filter (where relname ~ '_\\d{4}_\\d\\d$'), bool_and(closed),
              count(*) filter (where bound[1] in (select bound[2] from part)),
              count(*) filter (where case when relname ~ '_\\d{4}_\\d\\d$'
                then bound[1] = quote_literal(bailiwick.id_at(to_date(right(relname, 7), 'YYYY_MM')::timestamp at time zone 'UTC')) end))
       from part`,
    log === 'audit_entries' ? `${count} t ${count - 1} ${count - 1}` : `${count} t ${count} ${count}`,
  );
const locks = (count: number): Step =>
  aside(`select count(*)::int from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()`, count);
const stopped = (count: number, log: Log = 'activity_entries'): Step =>
  aside(
    `select count(*)::int from pg_locks where mode = 'AccessExclusiveLock' and pid = pg_backend_pid()
        and relation = 'public.${log}_other'::regclass`,
    count,
  );
const entry = (when: string) =>
  `insert into public.activity_entries (tenant_id, id, owner_id, agent_id, service, action, outcome, chain, created_by, delegation_id, request_id)
   values ('${TENANTS.acme.id}', bailiwick.id_at(${when}), '${USERS.alice.id}', '${AGENTS.scout.id}', 'stage', 'run', 'failed', '{}',
     '${AGENTS.scout.id}', '${DELEGATIONS.scout.id}', '${DELEGATIONS.scout.id}');`;
const lies = (where: string): Step =>
  aside(`select tableoid::regclass::text = ${where} from activity_entries where service = 'stage'`, 'true');
const nameOf = (ahead: string, log: Log = 'activity_entries') =>
  `'${log}_' || to_char(${month(ahead)}, 'YYYY_MM')`;

const makes = {
  ...rows,
  control: true,
  changes: true,
  gain: 'what agents do is written nowhere, or where anybody reads it',
  rule: 'P2 P20',
} as const;

const making: readonly SqlAttack[] = [
  {
    ...makes,
    name: 'months that are there are made by nobody again, and nobody waits',
    steps: [made(12, 0), locks(0), stopped(0)],
  },
  {
    ...makes,
    name: 'a new month begins where the last one ends, is as closed as all, and takes what was waiting for it',
    steps: [
      months(13),
      does(
        `alter default privileges grant select on tables to bailiwick_runtime; ${entry(`${month('14')} at time zone 'UTC'`)}`,
      ),
      lies(`'activity_entries_other'`),
      made(15, 3),
      locks(1),
      stopped(1),
      months(16),
      lies(nameOf('14')),
      made(15, 0),
    ],
  },
  {
    ...makes,
    name: 'all months are made where there are none',
    steps: [
      does(`alter default privileges grant select on tables to bailiwick_runtime;
            execute (select string_agg('drop table public.' || relname, ';') from pg_class
              where relnamespace = 'public'::regnamespace and relispartition and relkind = 'r' and relname ~ '^activity');`),
      made(2, 3),
      months(3),
      aside(
        `select to_regclass('public.activity_entries_past') is not null and to_regclass('public.activity_entries_other') is not null`,
        'true',
      ),
      does(entry(`${month('0')} at time zone 'UTC' - interval '1 ms'`)),
      lies(`'activity_entries_past'`),
    ],
  },
  {
    ...makes,
    name: 'a table that only looks like a month is none: it lies elsewhere, or is no part of the log',
    steps: [
      does(`create schema elsewhere;
            create table elsewhere.activity_entries_2999_01 partition of public.activity_entries
              for values from ('ff000000-0000-0000-0000-000000000000') to ('ff100000-0000-0000-0000-000000000000');
            create table public.activity_entries_2999_02 (id uuid);
            create table elsewhere.log (id uuid) partition by range (id);
            create table public.activity_entries_2999_03 partition of elsewhere.log
              for values from ('ff200000-0000-0000-0000-000000000000') to ('ff300000-0000-0000-0000-000000000000');`),
      made(13, 1),
    ],
  },
];

/** An entry of the audit, and where it lies. */
const recorded = (when: string) =>
  `insert into public.audit_entries (tenant_id, id, event, actor_id, owner_id, request_id, policy_checksum)
   values ('${TENANTS.acme.id}', bailiwick.id_at(${when}), 'stage.run', '${USERS.alice.id}', '${USERS.alice.id}',
     '${DELEGATIONS.scout.id}', '');`;
const kept = (where: string): Step =>
  aside(`select tableoid::regclass::text = ${where} from audit_entries where event = 'stage.run'`, 'true');

const auditing: readonly SqlAttack[] = [
  {
    ...makes,
    name: 'months of the audit that are there are made by nobody again, and nobody waits',
    steps: [made(12, 0, 'audit_entries'), locks(0), stopped(0, 'audit_entries')],
  },
  {
    ...makes,
    name: 'a new month of the audit is as closed as all, takes what was waiting for it, and makes none of the other log',
    steps: [
      does(
        `alter default privileges grant select on tables to bailiwick_runtime; ${recorded(`${month('14')} at time zone 'UTC'`)}`,
      ),
      kept(`'audit_entries_other'`),
      made(15, 3, 'audit_entries'),
      locks(1),
      stopped(1, 'audit_entries'),
      stopped(0),
      kept(nameOf('14', 'audit_entries')),
      months(13),
      aside(
        `select count(*)::int from bailiwick.months_of('public.audit_entries') m
          where m.month >= ${month('13')} and m.until = bailiwick.id_at((m.month + interval '1 month') at time zone 'UTC')`,
        3,
      ),
    ],
  },
  {
    ...makes,
    name: 'what was recorded long before there were months lies in the first of them',
    steps: [
      does(recorded(`timestamptz '2001-01-01'`)),
      aside(
        `select tableoid = (select (m.name)::regclass::oid from bailiwick.months_of('public.audit_entries') m order by m.month limit 1)
           from audit_entries where event = 'stage.run'`,
        'true',
      ),
    ],
  },
];

const B = {
  first: `bailiwick.id_at(statement_timestamp() - interval '500 days')`,
  second: `bailiwick.id_at(clock_timestamp() - interval '400 days')`,
  third: `bailiwick.id_at(statement_timestamp() - interval '300 days')`,
  fourth: `bailiwick.id_at(${month('0')} at time zone 'UTC')`,
};
/** Two months in the place of what lies before the first: one that is over by moments, and one that is kept. */
const laid = aside(
  `do $$
   declare
     first uuid := ${B.first};
     second uuid := ${B.second};
     third uuid := ${B.third};
   begin
     drop table public.activity_entries_past;
     execute format('create table public.activity_entries_past partition of public.activity_entries for values from (minvalue) to (%L)', first);
     execute format('create table public.activity_entries_1999_01 partition of public.activity_entries for values from (%L) to (%L)', first, second);
     execute format('create table public.activity_entries_1999_02 partition of public.activity_entries for values from (%L) to (%L)', second, third);
     perform pg_sleep(0.005);
   end $$`,
  'null',
);
const moment = aside('select pg_sleep(0.005) is not null', 'true');
const there = (...names: readonly string[]): Step =>
  aside(
    `select coalesce(string_agg(right(relname, 7), ',' order by relname), '') from pg_class
      where relnamespace = 'public'::regnamespace and relispartition and relname ~ '_(1999_0[0-9]|past)$' and relkind = 'r'`,
    names.join(','),
  );

const dropping: readonly SqlAttack[] = [
  {
    ...makes,
    name: 'where nothing is over, nothing is dropped',
    steps: [locks(0), dropped(''), locks(1), months(13)],
  },
  {
    ...makes,
    name: 'a month is dropped that is past every limit, by the clock, and no other; what is older goes with it, and its place stays',
    steps: [
      laid,
      moment,
      dropped('activity_entries_1999_01'),
      locks(1),
      there('1999_02', 'es_past'),
      does(entry(`statement_timestamp() - interval '600 days'`)),
      lies(`'activity_entries_past'`),
      dropped(''),
    ],
  },
  {
    ...makes,
    name: 'a month stays while one tenant keeps it',
    steps: [
      laid,
      moment,
      aside(`update tenants set activity_days = 600 where slug = 'globex'`, 1),
      dropped(''),
      there('1999_01', '1999_02', 'es_past'),
    ],
  },
  {
    ...makes,
    name: 'a month of another schema is none of the log’s to drop',
    steps: [
      does('create schema elsewhere;'),
      laid,
      aside(`alter table public.activity_entries_1999_01 set schema elsewhere`, 'null'),
      dropped(''),
    ],
  },
];

export const MONTHS: readonly SqlAttack[] = [...making, ...auditing, ...dropping];
