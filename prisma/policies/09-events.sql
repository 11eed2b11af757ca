-- What happened, for whoever listens: kept for minutes, as ids and no more. Who may hear of what is decided when it is heard, under
-- the listener's own context, and what has changed is then read anew under the policies of its table.
--
-- What a listener has not seen is what was not visible in the snapshot in which it last looked. So nothing is lost and nothing comes
-- twice, in whichever order transactions end, and whoever comes back says where it was. A notification only wakes.

grant select, insert, delete on bailiwick.events to bailiwick_kernel;

set local role bailiwick_kernel;

-- Keeps an event for those whom it may concern: the owner, whoever is a party to it, and of a memory that is shared in a world, its
-- members. Not what was refused, and of the kinds that can be listened to. Where a memory that is gone has stood, and whether it was
-- shared before, the detail says: of a memory that is there, to its own owner alone; of one that is not, to who may share in that world.
--
-- What it is about is looked up, and told to its owner only when the context has to do with it: it acts for that owner, is a party, or
-- administers the tenant. So nobody can have others hear what they made up.
create or replace function bailiwick.announce(
  c bailiwick.context, event text, kind text, id uuid, detail jsonb) returns void
language plpgsql volatile parallel unsafe as $$
declare
  owner uuid := c.owner_id;
  parties uuid[] := array[c.actor_id];
  ids uuid[];
begin
  if kind not in ('approval', 'activity', 'baseline', 'delegation', 'agent', 'memory') or right(event, 8) = '_refused' or id is null then
    return;
  end if;
  ids := coalesce((select array_agg(x::uuid) from jsonb_array_elements_text(detail->'ids') x), array[id]);
  if kind = 'approval' then
    select a.owner_id, array[a.agent_id] into owner, parties from public.approvals a
     where a.tenant_id = c.tenant_id and a.id = announce.id;
  elsif kind = 'delegation' then
    select d.owner_id, array[d.delegator_id, d.delegate_id] into owner, parties from public.delegations d
     where d.tenant_id = c.tenant_id and d.id = announce.id;
  elsif kind = 'agent' then
    select x.owner_id, array[x.id] into owner, parties from public.entities x
     where x.tenant_id = c.tenant_id and x.id = announce.id;
  end if;
  if owner is null or owner <> c.owner_id and c.actor_id <> all (parties) and bailiwick.administered_tenant() is null then
    return;
  end if;
  with kept as (
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
  select parties || coalesce(array_agg(distinct k.world_id) filter (where k.shared), '{}') into parties from kept k;
  -- the statement, because the function of that name is taken from everybody (prisma/roles.sql)
  execute format('notify %I, %L', 'bailiwick_' || kind, concat_ws(' ', c.tenant_id, owner, array_to_string(parties, ' ')));
end $$;

-- What the context has not seen of some kinds: {live, snapshot, cut, more, worlds, events: [{seq, xid, kind, event, id}]}, the oldest
-- first.
--   live             whether it has any authority at all
--   snapshot         up to which this was looked for; and `cut`, whether there is more up to there, which comes first
--   more             whether there may be anything else
--   worlds           where it hears of what others share
--   since            the snapshot of the last look; null for the first: nothing, and where to begin
--   upto, after      where a look was cut short: of what is visible in `upto` and nothing else, what came after this place
--   most             events at a time
create or replace function bailiwick.unseen(since text, upto text, after bigint, kinds text[], most int) returns jsonb
language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context := bailiwick.sealed();
  seen pg_snapshot := unseen.since::pg_snapshot;
  cut pg_snapshot := unseen.upto::pg_snapshot;
  own text[];
  party text[];
  places uuid[] := case when 'memory' = any (unseen.kinds) then bailiwick.shared_worlds('memory', 'read') else '{}' end;
  found jsonb;
  whole boolean;
begin
  if seen is null then
    return jsonb_build_object(
      'live', bailiwick.holds(c, null), 'snapshot', pg_current_snapshot()::text, 'cut', false, 'more', false,
      'worlds', places, 'events', '[]'::jsonb);
  end if;
  -- under a chain, or for an agent, what was asked or done by others is not its own to see
  select coalesce(array_agg(k) filter (where bailiwick.holds(c, k || ':read') and (c.actor_id = c.owner_id or k not in ('approval', 'activity', 'baseline'))), '{}'),
         coalesce(array_agg(k) filter (where case
           when k in ('approval', 'activity') then bailiwick.holds(c, k || ':read')
           when k = 'delegation' then bailiwick.party('delegation', 'read') is not null
           when k = 'agent' then cardinality(c.chain) = 0 and bailiwick.holds(c, 'agent:read')
           else false end), '{}')
    into own, party
    from unnest(unseen.kinds) k;
  select coalesce(jsonb_agg(jsonb_build_object(
           'seq', x.seq, 'xid', x.xid::text, 'kind', x.kind, 'event', x.event, 'id', x.id) order by x.seq), '[]')
    into found
    from (
      select e.seq, e.xid, e.kind, e.event, e.id
        from bailiwick.events e
       where e.tenant_id = c.tenant_id
         and e.xid >= pg_snapshot_xmin(seen) and not pg_visible_in_snapshot(e.xid, seen)
         and (cut is null or pg_visible_in_snapshot(e.xid, cut) and e.seq > unseen.after)
         and (e.kind = any (own) and e.owner_id = c.owner_id
              or e.kind = any (party) and c.actor_id = any (e.parties)
                 and (e.owner_id = c.owner_id or e.kind in ('delegation', 'agent'))
              or e.kind = 'memory' and e.shared and e.world_id = any (places))
         and (c.world_id is null or e.world_id = c.world_id)
       order by e.seq
       limit unseen.most) x;
  whole := jsonb_array_length(found) < unseen.most;
  return jsonb_build_object(
    'live', bailiwick.holds(c, null), 'snapshot', coalesce(cut, pg_current_snapshot())::text, 'cut', not whole,
    'more', not whole or cut is not null, 'worlds', places, 'events', found);
end $$;

-- Which of these tickets would still open a context, and one with any authority: true or false for each, in their order. By the rules
-- of opening itself, so that a stream ends by what would have refused it.
create or replace function bailiwick.still(tickets text[], macs text[]) returns boolean[]
language plpgsql volatile parallel unsafe security definer set search_path = pg_catalog, pg_temp as $$
declare
  answers boolean[] := '{}';
begin
  for i in 1 .. cardinality(tickets) loop
    begin
      answers := answers || bailiwick.holds(bailiwick.establish(tickets[i], macs[i]), null);
    exception when invalid_authorization_specification then
      answers := answers || false;
    end;
  end loop;
  return answers;
end $$;

-- Throws away what nobody comes back for any more, the oldest first and at most so much that nobody waits for it; returns whether there
-- may be more. For the server itself, in nobody's name; nobody else gets anything thrown away by it. Of two at once one does nothing.
create or replace function bailiwick.forget_events() returns boolean
language plpgsql volatile parallel unsafe security definer set search_path = pg_catalog, pg_temp as $$
declare
  -- once, and by the clock: an index is not entered by a time that changes
  kept_from timestamptz := clock_timestamp() - interval '15 minutes';
  gone int;
begin
  if not bailiwick.serves('identity') or not pg_try_advisory_xact_lock(hashtext('bailiwick.forget_events')) then
    return false;
  end if;
  -- nothing ever changes an event, so that its place in the table is its name
  delete from bailiwick.events e
   where e.ctid = any (array(select x.ctid from bailiwick.events x where x.recorded_at < kept_from order by x.recorded_at limit 5000));
  get diagnostics gone = row_count;
  return gone = 5000;
end $$;

reset role;
