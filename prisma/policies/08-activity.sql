-- The activity log, as the kernel has part in it: it notes what it decides about calls and which calls it lets the server make, it
-- notes how those ended, and it throws away what is past its tenant's limit. Whatever else agents report, they write themselves, under
-- the policies of 28-activity-entries.sql.
--
-- An entry's id says when it was made, and the table is cut into months by it. So nothing here takes an id of another time: an entry
-- cannot be put into the past. Nobody changes an entry, and nobody but the retention below removes one. The audit (80-audit.sql) is cut
-- into months in the same way, by the same functions.

-- The months of a log that have partitions, and the id at which each ends.
create or replace function bailiwick.months_of(log regclass) returns table (name text, month timestamp, until uuid)
language sql stable parallel restricted set search_path = pg_catalog, pg_temp as $$
  select p.relname::text, to_date(right(p.relname, 7), 'YYYY_MM')::timestamp,
         (regexp_match(pg_get_expr(p.relpartbound, p.oid), 'TO \(''([0-9a-f-]+)''\)'))[1]::uuid
    from pg_class l
    join pg_inherits i on i.inhparent = l.oid
    join pg_class p on p.oid = i.inhrelid
   where l.oid = months_of.log and p.relnamespace = l.relnamespace and p.relname ~ ('^' || l.relname || '_\d{4}_\d\d$')
$$;

-- Makes the partitions of a log for this month and for as many after it, and returns how many were missing. For the migrator, at every
-- start; the logs are this one and the audit. Months follow each other without a gap, and where there was none before, one partition
-- holds what is older than the first: so their order is the order of ids, and a page in that order reads no further than it must. What
-- no month has been made for is kept by <log>_other, and moves into its month as soon as that is there.
create or replace function bailiwick.ensure_partitions(log regclass, months int) returns int
language plpgsql volatile parallel unsafe set search_path = pg_catalog, pg_temp as $$
declare
  this_month timestamp := date_trunc('month', statement_timestamp() at time zone 'UTC');
  last_month timestamp := this_month + make_interval(months => months);
  month timestamp;
  name text;
  made int := 0;
begin
  if to_regclass(log || '_' || to_char(last_month, 'YYYY_MM')) is not null then
    return 0;
  end if;
  perform pg_advisory_xact_lock(hashtext('bailiwick.partitions'));
  if not exists (select from pg_inherits i where i.inhparent = log) then
    execute format('create table %1$s_past partition of %1$s for values from (minvalue) to (%2$L)',
      log, bailiwick.id_at(this_month at time zone 'UTC'));
    execute format('create table %1$s_other partition of %1$s default', log);
    execute format('alter table %s_past enable row level security, force row level security', log);
    execute format('alter table %s_other enable row level security, force row level security', log);
    execute format('revoke all on %1$s_past, %1$s_other from public, bailiwick_runtime, bailiwick_kernel', log);
  end if;
  -- whoever is writing what belongs nowhere waits, so that nothing is left behind when it moves
  execute format('lock table %s_other in access exclusive mode', log);
  select max(m.month) + interval '1 month' into month from bailiwick.months_of(log) m;
  month := coalesce(month, this_month);
  while month <= last_month loop
    name := log || '_' || to_char(month, 'YYYY_MM');
    -- attached when it is complete: unlike making it in place, that stops nobody who reads or writes
    execute format('create table %s (like %s including defaults including constraints)', name, log);
    execute format('alter table %s enable row level security, force row level security', name);
    execute format('revoke all on %s from public, bailiwick_runtime, bailiwick_kernel', name);
    execute format('with moved as (
        delete from %1$s_other where id >= %2$L and id < %3$L returning *)
      insert into %4$s select * from moved',
      log, bailiwick.id_at(month at time zone 'UTC'), bailiwick.id_at((month + interval '1 month') at time zone 'UTC'), name);
    execute format('alter table %1$s attach partition %4$s for values from (%2$L) to (%3$L)',
      log, bailiwick.id_at(month at time zone 'UTC'), bailiwick.id_at((month + interval '1 month') at time zone 'UTC'), name);
    made := made + 1;
    month := month + interval '1 month';
  end loop;
  return made;
end $$;

-- Drops the months that are past every tenant's limit, and returns their names, oldest first. For the migrator. What is older still goes
-- with them: the partition before the first month begins anew, and ends where they did. Months of the audit are never dropped here.
create or replace function bailiwick.drop_activity_partitions() returns text[]
language plpgsql volatile parallel unsafe set search_path = pg_catalog, pg_temp as $$
declare
  kept_from uuid := (
    select bailiwick.id_at(statement_timestamp() - make_interval(days => max(t.activity_days))) from public.tenants t);
  names text[];
  ends uuid;
  name text;
begin
  perform pg_advisory_xact_lock(hashtext('bailiwick.partitions'));
  select array_agg(m.name order by m.name), max(m.until::text)::uuid into names, ends
    from bailiwick.months_of('public.activity_entries') m
   where m.until <= kept_from;
  if names is null then
    return '{}';
  end if;
  foreach name in array names loop
    execute format('drop table public.%I', name);
  end loop;
  drop table public.activity_entries_past;
  execute format('create table public.activity_entries_past partition of public.activity_entries
    for values from (minvalue) to (%L)', ends);
  alter table public.activity_entries_past enable row level security, force row level security;
  revoke all on public.activity_entries_past from public, bailiwick_runtime, bailiwick_kernel;
  return names;
end $$;

set local role bailiwick_kernel;

-- The first id of version 7 of a moment: ids from it on were made then or later.
create or replace function bailiwick.id_at(moment timestamptz) returns uuid
language sql stable parallel safe as $$
  select (lpad(to_hex(floor(extract(epoch from moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- An id of version 7 of this moment (RFC 9562 section 5.7), for what the kernel writes by itself.
create or replace function bailiwick.new_id() returns uuid
language sql volatile parallel safe as $$
  select (lpad(to_hex(floor(extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0') || '7'
          || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid
$$;

-- Whether an id was made just now, as far as clocks agree.
create or replace function bailiwick.is_recent(id uuid) returns boolean
language sql stable parallel safe as $$
  select is_recent.id >= bailiwick.id_at(statement_timestamp() - interval '5 minutes')
     and is_recent.id < bailiwick.id_at(statement_timestamp() + interval '5 minutes')
$$;

-- Notes what became of an action of the present context, whatever its delegation says of the log. An owner in person is no agent, and
-- is not noted. 22023 for an id of another time.
create or replace function bailiwick.note(entry uuid, service text, action text, summary text, outcome text, approval uuid) returns void
language plpgsql volatile parallel unsafe as $$
declare
  c bailiwick.context := bailiwick.sealed();
begin
  if c.tenant_id is null or cardinality(c.chain) = 0 then
    return;
  end if;
  if not coalesce(bailiwick.is_recent(note.entry), false) then
    raise exception 'the id of an entry is of another time' using errcode = '22023';
  end if;
  insert into public.activity_entries
    (tenant_id, id, owner_id, agent_id, service, action, summary, outcome, approval_id, chain, created_by, delegation_id, request_id)
  values
    (c.tenant_id, note.entry, c.owner_id, c.actor_id, note.service, note.action, left(note.summary, 500), note.outcome,
     note.approval, c.chain, c.actor_id, c.chain[cardinality(c.chain)], c.request_id);
  perform bailiwick.announce(c, 'activity.recorded', 'activity', note.entry, null);
end $$;

-- Notes how a call ended that was noted as started in the last hour, by the same agent through the same chain; once. False where there
-- is none such. It asks for no capability: a call that was let out is finished, even if its chain has ended meanwhile.
--   network  where it went: {host, method, port, tls, fingerprint}
create or replace function bailiwick.finish_call(
  entry uuid, started uuid, outcome text, duration_ms int, network jsonb default null) returns boolean
language plpgsql volatile parallel unsafe security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context := bailiwick.sealed();
  s public.activity_entries;
begin
  if c.tenant_id is null or cardinality(c.chain) = 0 or not coalesce(
       finish_call.outcome in ('succeeded', 'failed') and bailiwick.is_recent(finish_call.entry)
       and finish_call.started >= bailiwick.id_at(statement_timestamp() - interval '1 hour'), false) then
    return false;
  end if;
  -- two who end the same call take turns, and the second finds it ended
  perform pg_advisory_xact_lock(hashtextextended(finish_call.started::text, 0));
  select * into s from public.activity_entries x
   where x.tenant_id = c.tenant_id and x.id = finish_call.started
     and x.owner_id = c.owner_id and x.agent_id = c.actor_id and x.chain = c.chain and x.outcome = 'started';
  if s.id is null or exists (
       select from public.activity_entries x
        where x.tenant_id = c.tenant_id and x.started_id = s.id
          and x.id >= bailiwick.id_at(statement_timestamp() - interval '2 hours')) then
    return false;
  end if;
  insert into public.activity_entries
    (tenant_id, id, owner_id, agent_id, service, action, summary, outcome, duration_ms, approval_id, started_id, network, chain,
     created_by, delegation_id, request_id)
  values
    (s.tenant_id, finish_call.entry, s.owner_id, s.agent_id, s.service, s.action, s.summary, finish_call.outcome,
     finish_call.duration_ms, s.approval_id, s.id, finish_call.network, s.chain, s.created_by, s.delegation_id, c.request_id);
  perform bailiwick.announce(c, 'activity.recorded', 'activity', finish_call.entry, null);
  perform bailiwick.watch(array[finish_call.entry]);
  return true;
end $$;

-- Whether the context has asked for an approval of this action and redeemed it: only then may an entry name it.
create or replace function bailiwick.redeemed(approval uuid, service text, action text) returns boolean
language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context := bailiwick.sealed();
begin
  return exists (
    select from public.approvals a
     where a.tenant_id = c.tenant_id and a.owner_id = c.owner_id and a.agent_id = c.actor_id and a.id = redeemed.approval
       and a.service = redeemed.service and a.action = redeemed.action and a.redeemed_at is not null);
end $$;

-- Throws away entries that are past what their tenant keeps, oldest first, and receipts of reading, at most so many together, and
-- returns how many it threw away. Of two at once one does nothing.
create or replace function bailiwick.expire(batch int) returns int
language plpgsql volatile parallel unsafe as $$
declare
  t record;
  past uuid[];
  gone int := 0;
  receipts int;
begin
  if not pg_try_advisory_xact_lock(hashtext('bailiwick.expire')) then
    return 0;
  end if;
  for t in
    select n.tenant_id, n.activity_days, bailiwick.id_at(statement_timestamp() - make_interval(days => n.activity_days)) as kept_from
      from public.tenants n
  loop
    past := array(
      select a.id from public.activity_entries a
       where a.tenant_id = t.tenant_id and a.id < t.kept_from
       order by a.id limit greatest(expire.batch - gone, 0));
    -- the two bounds say which months to look into
    delete from public.activity_entries a
     where a.tenant_id = t.tenant_id and a.id = any (past) and a.id >= past[1] and a.id <= past[cardinality(past)];
    delete from public.access_receipts r
     where r.tenant_id = t.tenant_id and r.id in (
       select x.id from public.access_receipts x
        where x.tenant_id = t.tenant_id and x.day < (statement_timestamp() at time zone 'UTC')::date - t.activity_days
        order by x.day limit greatest(expire.batch - gone - cardinality(past), 0));
    get diagnostics receipts = row_count;
    gone := gone + cardinality(past) + receipts;
    exit when gone >= expire.batch;
  end loop;
  return gone;
end $$;

-- The same for the server itself, in nobody's name. Nobody else gets anything thrown away by it.
create or replace function bailiwick.expire_activity(batch int) returns int
language plpgsql volatile parallel unsafe security definer set search_path = pg_catalog, pg_temp as $$
begin
  return case when bailiwick.serves('identity') then bailiwick.expire(expire_activity.batch) else 0 end;
end $$;

reset role;
