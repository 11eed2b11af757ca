// The posture of the logs that are cut into months: that there are months to come, and nothing in the partition that is for none.
//
// Neither lets anybody see more. But a log without the month that begins keeps its newest entries beside all others that have none, in
// one partition that grows; of the activity log pages get slow, and of the audit no such month can be taken out. That every partition is
// closed, the checks of tables and grants see to.

import type { Check } from './check.ts';

const REPAIR = 'run `bailiwick migrate`, or start a server again';

/** SQL: the months that a log has partitions for, as text that sorts. */
const monthsOf = (log: string) => `
  select right(c.relname, 7) as month from pg_class c
   where c.relnamespace = 'public'::regnamespace and c.relispartition and c.relname ~ '^${log}_\\d{4}_\\d\\d$'`;

/**
 * @param name By which the checks are told apart.
 * @param slow What an entry without a month makes slow or impossible.
 */
const checksOf = (log: string, name: string, slow: string): readonly Check[] => [
  {
    name: `${name}-months`,
    level: 'warn',
    sql: `
      select 'public.${log}' as subject, count(m.month)::text as detail
        from (${monthsOf(log)}) m
       where m.month > to_char(now() at time zone 'UTC', 'YYYY_MM')
      having count(m.month) < 2`,
    message: ({ detail }) =>
      `the ${name} log has partitions for ${detail} of the months to come, and soon for none: ${REPAIR}`,
  },
  {
    name: `${name}-other`,
    level: 'warn',
    sql: `
      with after as (
        select to_date(max(m.month), 'YYYY_MM')::timestamp + interval '1 month' as moment from (${monthsOf(log)}) m
      )
      select 'public.${log}' as subject, null as detail
       where exists (
         select from public.${log} e
          where e.id >= (select (lpad(to_hex((extract(epoch from a.moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
                           from after a))`,
    message: () => `the ${name} log has entries of a month that has no partition, ${slow}: ${REPAIR}`,
  },
];

export const ACTIVITY_CHECKS: readonly Check[] = [
  ...checksOf('activity_entries', 'activity', 'which pages are slow to find'),
  ...checksOf('audit_entries', 'audit', 'which cannot be taken out with its month'),
];
