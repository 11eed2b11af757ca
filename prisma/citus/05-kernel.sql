-- What the kernel's functions need on a Citus cluster. Run on every node, as the migrator and in one transaction, after the policies
-- were applied there.
--
-- The kernel's statements all name the tenant, but some name it in a way that Citus cannot route to one shard, or ask for something
-- that it does for local tables only. Each change below is a piece of a function as prisma/policies has it, and what stands there
-- instead: what is asked and answered stays the same. A piece that is not found stops everything, so that a changed kernel is never
-- served half adapted. Once prisma/policies asks so by itself, a piece is found changed already and nothing happens.

set local citus.enable_ddl_propagation = off;

-- The time of the wall clock, under a name that Citus takes in UPDATE and DELETE: it asks once and sends the answer to the shard.
create or replace function bailiwick.wall_clock() returns timestamptz
language sql stable parallel safe set search_path = pg_catalog, pg_temp as $$ select clock_timestamp() $$;
revoke all on function bailiwick.wall_clock() from public;
grant execute on function bailiwick.wall_clock() to bailiwick_kernel;

-- Whether a tenant's rows are on this node: what the node throws away by itself is its own.
create or replace function bailiwick.is_here(tenant uuid) returns boolean
language plpgsql stable parallel restricted set search_path = pg_catalog, pg_temp as $$
begin
  return exists (
    select from pg_dist_placement p
     where p.shardid = get_shard_id_for_distribution_column('public.entities', is_here.tenant)
       and p.groupid = (select g.groupid from pg_dist_local_group g));
end $$;
revoke all on function bailiwick.is_here(uuid) from public;
grant execute on function bailiwick.is_here(uuid) to bailiwick_kernel;

-- The tenant of the context, for the planner: Citus routes a statement to one shard only if each of its tables is compared with a value
-- that is known while it is planned, and a joined table often is not. The policies of the tables (10-shards.sql) add this comparison to
-- every table of every statement. It is marked immutable to be asked then, and it is not: a plan is good for one context and no other,
-- so the database has plan_cache_mode = force_custom_plan. It can only take rows away. What may be seen is said by the policies of the
-- shards, which ask when a statement is carried out.
create or replace function bailiwick.tenant_to_route_by() returns uuid
language plpgsql immutable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$
begin
  return (bailiwick.sealed()).tenant_id;
end $$;
grant create on schema bailiwick to bailiwick_kernel;
alter function bailiwick.tenant_to_route_by() owner to bailiwick_kernel;
revoke create on schema bailiwick from bailiwick_kernel;
revoke all on function bailiwick.tenant_to_route_by() from public;
grant execute on function bailiwick.tenant_to_route_by() to bailiwick_runtime;

do $$
declare
  change record;
  definition text;
begin
  for change in
    select * from (values
      -- the tenant first, then what is its
      ('bailiwick.by_token(jsonb)',
       array[$f$  select i.tenant_id, i.entity_id into c.tenant_id, c.actor_id
    from public.tenants n
    join public.identities i on i.tenant_id = n.tenant_id
   where n.slug = t->>'tenant' and i.issuer = t->>'issuer' and i.subject = t->>'subject';$f$],
       array[$f$  select n.tenant_id into c.tenant_id from public.tenants n where n.slug = t->>'tenant';
  select i.tenant_id, i.entity_id into c.tenant_id, c.actor_id
    from public.identities i
   where i.tenant_id = c.tenant_id and i.issuer = t->>'issuer' and i.subject = t->>'subject';$f$]),
      ('bailiwick.by_issued(jsonb)',
       array[$f$  select x.* into k
    from public.tenants n
    join public.credentials x on x.tenant_id = n.tenant_id
   where n.slug = t->>'tenant' and x.id = (t->>'credential')::uuid and x.kind <> 'key';$f$],
       array[$f$  select n.tenant_id into k.tenant_id from public.tenants n where n.slug = t->>'tenant';
  select x.* into k
    from public.credentials x
   where x.tenant_id = k.tenant_id and x.id = (t->>'credential')::uuid and x.kind <> 'key';$f$]),
      ('bailiwick.credential_of(text,uuid)',
       array[$f$  select x.* into k
    from public.tenants n
    join public.credentials x on x.tenant_id = n.tenant_id
   where n.slug = credential_of.tenant and x.id = credential_of.id
     and$f$],
       array[$f$  select n.tenant_id into k.tenant_id from public.tenants n where n.slug = credential_of.tenant;
  select x.* into k
    from public.credentials x
   where x.tenant_id = k.tenant_id and x.id = credential_of.id
     and$f$]),
      -- in a recursion, the tenant of the context and not that of the row before
      ('bailiwick.resolve_chain(bailiwick.context,uuid)',
       array['p.tenant_id = (up.d).tenant_id'], array['p.tenant_id = c.tenant_id']),
      ('bailiwick.may_end(bailiwick.context,uuid)',
       array['p.tenant_id = up.tenant_id'], array['p.tenant_id = c.tenant_id']),
      ('bailiwick.effective(uuid,boolean,int)',
       array['p.tenant_id = (up.d).tenant_id'], array['p.tenant_id = c.tenant_id']),
      -- no clock within COALESCE
      ('bailiwick.revoke_delegation(uuid)',
       array['  ended timestamptz;', 'coalesce(d.revoked_at, clock_timestamp())'],
       array[E'  ended timestamptz;\n  moment timestamptz := clock_timestamp();', 'coalesce(d.revoked_at, moment)']),
      -- nor a question to the kernel within UPDATE; whose a credential is never changes
      ('bailiwick.revoke_key(uuid)',
       array['  ended timestamptz;',
             'and k.id = target and bailiwick.answers_for(c, k.entity_id, true)',
             E'  update public.credentials k\n     set revoked_at = coalesce(k.revoked_at, clock_timestamp())'],
       array[E'  ended timestamptz;\n  moment timestamptz := clock_timestamp();\n  holder uuid;',
             'and k.id = revoke_key.target',
             E'  select k.entity_id into holder from public.credentials k where k.tenant_id = c.tenant_id and k.id = target;\n'
               || E'  if not bailiwick.answers_for(c, holder, true) then\n    return null;\n  end if;\n'
               || E'  update public.credentials k\n     set revoked_at = coalesce(k.revoked_at, moment)']),
      -- parameters of functions in SQL cannot be routed by
      ('bailiwick.agents_of(bailiwick.context)',
       array['LANGUAGE sql', 'select array(', 'order by d.depth)'],
       array['LANGUAGE plpgsql', 'begin return array(', 'order by d.depth); end']),
      -- row by row: Citus does not insert what it looks up beside a list
      ('bailiwick.announce(bailiwick.context,text,text,uuid,jsonb)',
       array[$f$  with kept as (
    insert into bailiwick.events (tenant_id, owner_id, world_id, shared, parties, kind, event, id)
    select c.tenant_id, owner, coalesce(m.world_id, (detail->>'worldId')::uuid),
           announce.kind = 'memory' and (coalesce(m.shared, false) or coalesce((detail->>'shared')::boolean, false))
             and case when m.id is not null then m.owner_id = c.owner_id
                 else (detail->>'worldId')::uuid = any (bailiwick.shared_worlds('memory', 'update')) end,
           parties, announce.kind, announce.event, i.id
      from unnest(ids) with ordinality i (id, place)
      left join lateral (
        select x.id, x.owner_id, x.world_id, x.shared
          from public.memories x
         where announce.kind = 'memory' and x.tenant_id = c.tenant_id and x.id = i.id
         -- each by its id, also where the plan was made before there were statistics
         limit 1) m on true
     order by i.place
    returning world_id, shared)
  select parties || coalesce(array_agg(distinct k.world_id) filter (where k.shared), '{}') into parties from kept k;$f$],
       array[$f$  declare
    m record;
    place uuid;
    open_to_world boolean;
    told uuid[] := '{}';
  begin
    for i in 1 .. cardinality(ids) loop
      select x.id, x.owner_id, x.world_id, x.shared into m
        from public.memories x where announce.kind = 'memory' and x.tenant_id = c.tenant_id and x.id = ids[i];
      place := coalesce(m.world_id, (detail->>'worldId')::uuid);
      open_to_world := announce.kind = 'memory' and (coalesce(m.shared, false) or coalesce((detail->>'shared')::boolean, false))
        and case when m.id is not null then m.owner_id = c.owner_id
            else (detail->>'worldId')::uuid = any (bailiwick.shared_worlds('memory', 'update')) end;
      insert into bailiwick.events (tenant_id, owner_id, world_id, shared, parties, kind, event, id)
      values (c.tenant_id, owner, place, open_to_world, parties, announce.kind, announce.event, ids[i]);
      if open_to_world then
        told := told || place;
      end if;
    end loop;
    parties := parties || array(select distinct w from unnest(told) w order by w);
  end;$f$]),
      -- what is past is thrown away where it is
      ('bailiwick.expire(int)', array['from public.tenants n'], array['from public.tenants n where bailiwick.is_here(n.tenant_id)'])
    ) as change (name, written, routed)
  loop
    definition := pg_get_functiondef(change.name::regprocedure);
    for i in 1 .. cardinality(change.written) loop
      if strpos(definition, change.routed[i]) = 0 then
        if strpos(definition, change.written[i]) = 0 then
          raise exception '% does not read as prisma/citus/05-kernel.sql knows it', change.name;
        end if;
        definition := replace(definition, change.written[i], change.routed[i]);
      end if;
    end loop;
    execute definition;
  end loop;

  for change in
    select p.oid::regprocedure as name
      from pg_proc p
     where p.pronamespace = 'bailiwick'::regnamespace and p.prosrc ~ 'clock_timestamp\(\)' and p.prosrc ~ '\m(update|delete)\M'
       and p.proname not in ('forget_events', 'wall_clock', 'revoke_delegation', 'revoke_key')
  loop
    execute replace(pg_get_functiondef(change.name), 'clock_timestamp()', 'bailiwick.wall_clock()');
  end loop;
  -- a plan made once for all values of its parameters cannot be routed, but for the simplest statements
  for change in
    select p.oid::regprocedure as name
      from pg_proc p
     where p.pronamespace = 'bailiwick'::regnamespace and p.proconfig::text like '%plan_cache_mode%'
  loop
    execute format('alter function %s reset plan_cache_mode', change.name);
  end loop;
end $$;

-- Each node throws away what its own shards hold.
create or replace function bailiwick.forget_events() returns boolean
language plpgsql volatile parallel unsafe security definer set search_path = pg_catalog, pg_temp as $$
declare
  kept_from timestamptz := clock_timestamp() - interval '15 minutes';
  shard record;
  gone int;
  more boolean := false;
begin
  if not bailiwick.serves('identity') or not pg_try_advisory_xact_lock(hashtext('bailiwick.forget_events')) then
    return false;
  end if;
  perform set_config('citus.enable_manual_changes_to_shards', 'on', true);
  for shard in
    select format('bailiwick.%I', 'events_' || p.shardid) as name
      from pg_dist_shard s
      join pg_dist_placement p on p.shardid = s.shardid
     where s.logicalrelid = 'bailiwick.events'::regclass and p.groupid = (select g.groupid from pg_dist_local_group g)
  loop
    execute format('delete from %1$s e where e.ctid = any (array(
      select x.ctid from %1$s x where x.recorded_at < $1 order by x.recorded_at limit 5000))', shard.name) using kept_from;
    get diagnostics gone = row_count;
    more := more or gone = 5000;
  end loop;
  perform set_config('citus.enable_manual_changes_to_shards', 'off', true);
  return more;
end $$;

-- Row by row, each of one tenant, what the kernel does for many at once.
create or replace function bailiwick.leave_receipts(read jsonb) returns void
language plpgsql volatile parallel unsafe security definer set search_path = pg_catalog, pg_temp as $$
declare
  x record;
  holder uuid;
begin
  if not bailiwick.serves('identity') then
    perform bailiwick.refuse('receipts: not the server');
  end if;
  for x in
    select r.tenant_id, r.owner_id, r.agent_id, (statement_timestamp() at time zone 'UTC')::date as day, r.operation, r.kind, r.row_id,
           count(*)::int as times, (array_agg(r.delegation_id))[1] as delegation_id, (array_agg(r.request_id))[1] as request_id
      from jsonb_to_recordset(leave_receipts.read) r (tenant_id uuid, owner_id uuid, agent_id uuid, operation text, kind text,
             row_id uuid, delegation_id uuid, request_id uuid)
     group by 1, 2, 3, 4, 5, 6, 7
     order by 1, 2, 3, 4, 5, 6, 7
  loop
    holder := null;
    if x.kind = 'Memory' then
      select m.owner_id into holder from public.memories m where m.tenant_id = x.tenant_id and m.id = x.row_id;
    elsif x.kind in ('Agent', 'User', 'World') then
      select e.owner_id into holder from public.entities e where e.tenant_id = x.tenant_id and e.id = x.row_id;
    end if;
    insert into public.access_receipts
      (tenant_id, id, owner_id, agent_id, day, operation, kind, row_id, times, first_at, last_at, delegation_id, request_id)
    values (x.tenant_id, bailiwick.new_id(), coalesce(holder, x.owner_id), x.agent_id, x.day, x.operation, x.kind, x.row_id, x.times,
            statement_timestamp(), statement_timestamp(), x.delegation_id, x.request_id)
    on conflict (tenant_id, owner_id, day, agent_id, operation, kind, row_id) do update
      set times = access_receipts.times + excluded.times, last_at = excluded.last_at,
          delegation_id = excluded.delegation_id, request_id = excluded.request_id;
  end loop;
end $$;

create or replace function bailiwick.keys_used(uses jsonb) returns bigint
language plpgsql volatile parallel unsafe security definer set search_path = pg_catalog, pg_temp as $$
declare
  u record;
  moment timestamptz;
  told bigint := 0;
begin
  if not bailiwick.serves('identity') then
    perform bailiwick.refuse('keys_used: not the service');
  end if;
  for u in select * from jsonb_to_recordset(keys_used.uses) x (tenant uuid, id uuid, at timestamptz) order by x.tenant, x.id loop
    select greatest(k.last_used_at, u.at) into moment from public.credentials k where k.tenant_id = u.tenant and k.id = u.id;
    if found then
      update public.credentials k set last_used_at = moment where k.tenant_id = u.tenant and k.id = u.id;
      told := told + 1;
    end if;
  end loop;
  return told;
end $$;
