// The posture of the activity log: that there are months to come, and nothing in the partition that is for none.
//
// Neither lets anybody see more. But a log without the month that begins keeps its newest entries beside all others that have none, in
// one partition that grows, and pages get slow. That every partition is closed, the checks of tables and grants see to.

import type { Check } from './check.ts';

/** SQL: the months that there are partitions for, as text that sorts. */
const MONTHS = `
  select right(c.relname, 7) as month from pg_class c
   where c.relnamespace = 'public'::regnamespace and c.relispartition and c.relname ~ '^activity_entries_\\d{4}_\\d\\d$'`;

const REPAIR = 'run `bailiwick migrate`, or start a server again';

export const ACTIVITY_CHECKS: readonly Check[] = [
  {
    name: 'activity-months',
    level: 'warn',
    sql: `
      select 'public.activity_entries' as subject, count(m.month)::text as detail
        from (${MONTHS}) m
       where m.month > to_char(now() at time zone 'UTC', 'YYYY_MM')
      having count(m.month) < 2`,
    message: ({ detail }) =>
      `the activity log has partitions for ${detail} of the months to come, and soon for none: ${REPAIR}`,
  },
  {
    name: 'activity-other',
    level: 'warn',
    sql: `
      with after as (
        select to_date(max(m.month), 'YYYY_MM')::timestamp + interval '1 month' as moment from (${MONTHS}) m
      )
      select 'public.activity_entries' as subject, null as detail
       where exists (
         select from public.activity_entries e
          where e.id >= (select (lpad(to_hex((extract(epoch from a.moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
                           from after a))`,
    message: () =>
      `the activity log has entries of a month that has no partition, which pages are slow to find: ${REPAIR}`,
  },
];
