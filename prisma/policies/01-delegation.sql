-- What a chain of delegations allows. Table policies ask one question of this file, "whose rows, for this kind and
-- verb?", and compare a column with the answer: owner_id = (select bailiwick.owner('memory', 'read')).
--
-- Rights are an intersection, evaluated on every statement: token scopes, the ceiling of everybody who acts, the
-- capabilities of every delegation in the chain, and what the owner may do now. Nothing is ever added up. A delegation
-- that is revoked, expired or early, or whose delegate, owner or tenant is not active, ends the whole chain at once.
--
-- The rules D1 to D30 stand in docs/isolation.md. Granting and ending delegations stands in 02-granting.sql. Nothing here
-- names a table's rows to a caller.

set local role bailiwick_kernel;

-- The vocabulary of what can be delegated, closed: whatever is not listed is in nobody's delegation. Creating root
-- delegations, archiving, suspending, ceilings, instructions and administration are missing on purpose.
create or replace function bailiwick.delegable() returns text[]
language sql immutable parallel safe as $$
  select array[
    'user:read',       'user:update',
    'agent:read',      'agent:create',   'agent:update',
    'world:read',      'world:create',   'world:update',
    'member:read',     'member:create',  'member:update',  'member:delete',
    'memory:read',     'memory:create',  'memory:update',  'memory:delete',
    'credential:read', 'credential:execute',
    'secret:read',
    'permission:read',
    'approval:read',   'approval:create',
    'activity:read',   'activity:create',
    'baseline:read',
    'delegation:read'
  ]
$$;

-- What a token or key can allow in person and nobody can hand on: granting and ending, keys, credentials for services, rules about
-- actions and decisions on requests, what is usual for an agent, receipts of what agents have read, administration.
create or replace function bailiwick.personal() returns text[]
language sql immutable parallel safe as $$
  select array['delegation:create', 'delegation:update', 'key:read', 'key:create', 'key:update',
               'credential:create', 'credential:update', 'credential:delete',
               'permission:create', 'permission:update', 'permission:delete', 'approval:update',
               'baseline:create', 'baseline:update', 'receipt:read', 'tenant:administer']
$$;

-- What an agent may do as itself, without a delegation: see itself and what it holds, keep memories of its own, renounce.
-- It owns nothing else: agents and worlds belong to people.
create or replace function bailiwick.by_itself() returns text[]
language sql immutable parallel safe as $$
  select array['agent:read', 'memory:read', 'memory:create', 'memory:update', 'memory:delete',
               'delegation:read', 'delegation:update']
$$;

-- Kinds whose rows stand in a world; a chain limited to a world reaches no other kind.
create or replace function bailiwick.stands_in_world(capability text) returns boolean
language sql immutable parallel safe as $$ select split_part(capability, ':', 1) in ('world', 'member', 'memory') $$;

-- Well-formed: known words only, and reading wherever writing is (a write must see the row it touches).
create or replace function bailiwick.well_formed(capabilities text[]) returns boolean
language sql immutable parallel safe as $$
  select capabilities <@ bailiwick.delegable()
     and not exists (
       select from unnest(capabilities) c where split_part(c, ':', 1) || ':read' <> all (capabilities))
     and cardinality(capabilities) = (select count(distinct c) from unnest(capabilities) c)
$$;

-- How many delegations of the chain are in force for a capability, each with an active delegate within its ceiling.
-- Capability null asks only whether they are in force.
create or replace function bailiwick.live_hops(c bailiwick.context, capability text) returns bigint
language plpgsql stable parallel restricted set plan_cache_mode = force_generic_plan as $$
begin
  return (
    select count(*)
      from public.delegations d
      join public.entities e on e.tenant_id = d.tenant_id and e.id = d.delegate_id
     where d.tenant_id = c.tenant_id
       and d.id = any (c.chain)
       and d.revoked_at is null
       and d.not_before <= statement_timestamp()
       and d.expires_at > statement_timestamp()
       and e.status = 'active'
       and e.owner_id = c.owner_id
       and (capability is null
            or capability = any (d.capabilities) and (e.ceiling is null or e.ceiling ? capability)));
end $$;

-- Whether the actor and whoever owns it are active in an active tenant, and neither is limited below a capability.
create or replace function bailiwick.in_good_standing(c bailiwick.context, capability text) returns boolean
language plpgsql stable parallel restricted set plan_cache_mode = force_generic_plan as $$
begin
  return exists (
    select
      from public.entities a
      join public.entities o on o.tenant_id = a.tenant_id and o.id = a.owner_id
      join public.tenants t on t.tenant_id = a.tenant_id
     where a.tenant_id = c.tenant_id and a.id = c.actor_id
       and a.status = 'active' and o.status = 'active' and t.status = 'active'
       and (capability is null
            or (a.ceiling is null or a.ceiling ? capability) and (o.ceiling is null or o.ceiling ? capability)
               and (a.kind = 'user' or cardinality(c.chain) > 0 or capability = any (bailiwick.by_itself()))));
end $$;

-- Whether the context holds a capability right now; null asks whether it holds any authority at all.
create or replace function bailiwick.holds(c bailiwick.context, capability text) returns boolean
language plpgsql stable parallel restricted set plan_cache_mode = force_generic_plan as $$
begin
  if c.tenant_id is null or c.expires_at <= statement_timestamp() then
    return false;
  end if;
  if capability is not null and (capability <> all (c.scopes)
     or c.world_id is not null and not bailiwick.stands_in_world(capability)) then
    return false;
  end if;
  if not bailiwick.in_good_standing(c, capability) then
    return false;
  end if;
  if cardinality(c.chain) > 0 and bailiwick.live_hops(c, capability) <> cardinality(c.chain) then
    return false;
  end if;
  -- a world limit reaches no further than the owner, who must be a member of that world now
  return c.world_id is null or exists (
    select
      from public.world_members m
      join public.entities w on w.tenant_id = m.tenant_id and w.id = m.world_id
     where m.tenant_id = c.tenant_id and m.world_id = c.world_id and m.entity_id = c.owner_id
       and w.status = 'active');
end $$;

-- Whose rows of this kind may be touched with this verb: the owner, or null.
create or replace function bailiwick.owner(kind text, verb text) returns uuid
language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context := bailiwick.sealed();
begin
  return case when bailiwick.holds(c, kind || ':' || verb) then c.owner_id end;
end $$;

-- The same for what is never delegable: null under any chain.
create or replace function bailiwick.direct_owner(kind text, verb text) returns uuid
language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context := bailiwick.sealed();
begin
  return case when cardinality(c.chain) = 0 and bailiwick.holds(c, kind || ':' || verb) then c.owner_id end;
end $$;

-- The worlds of which the owner is a member, as far as the chain's world limit goes.
create or replace function bailiwick.worlds(kind text, verb text) returns uuid[]
language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context := bailiwick.sealed();
begin
  if not bailiwick.holds(c, kind || ':' || verb) then
    return '{}';
  end if;
  return array(
    select m.world_id
      from public.world_members m
      join public.entities w on w.tenant_id = m.tenant_id and w.id = m.world_id
     where m.tenant_id = c.tenant_id and m.entity_id = c.owner_id and w.status = 'active'
       and (c.world_id is null or m.world_id = c.world_id));
end $$;

-- Of those, the worlds in which others share with the owner, and the owner with them: a guest is only shared with. To an agent, the one
-- that its chain names and no other.
create or replace function bailiwick.shared_worlds(kind text, verb text) returns uuid[]
language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context := bailiwick.sealed();
begin
  if cardinality(c.chain) > 0 and c.world_id is null then
    return '{}';
  end if;
  return array(
    select m.world_id
      from public.world_members m
     where m.tenant_id = c.tenant_id and m.entity_id = c.owner_id and (shared_worlds.verb = 'read' or m.role <> 'guest')
       and m.world_id = any ((select bailiwick.worlds(kind, verb))::uuid[]));
end $$;

-- The actor itself, as a party to delegations: what it granted and what it holds concerns it under any of its chains.
create or replace function bailiwick.party(kind text, verb text) returns uuid
language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context := bailiwick.sealed();
begin
  return case when kind || ':' || verb = any (c.scopes) and bailiwick.holds(c, null)
    and bailiwick.in_good_standing(c, kind || ':' || verb) then c.actor_id end;
end $$;

-- Whether somebody is here as administrator: an active user with the role admin, acting directly, with a token for it.
create or replace function bailiwick.administers(c bailiwick.context) returns boolean
language plpgsql stable parallel restricted set plan_cache_mode = force_generic_plan as $$
begin
  -- every operation asks, and of most callers the role alone says no
  if cardinality(c.chain) > 0 or not exists (
       select from public.users u where u.tenant_id = c.tenant_id and u.id = c.actor_id and u.role = 'admin') then
    return false;
  end if;
  return bailiwick.holds(c, 'tenant:administer');
end $$;

-- The tenant that the caller administers.
create or replace function bailiwick.administered_tenant() returns uuid
language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context := bailiwick.sealed();
begin
  return case when bailiwick.administers(c) then c.tenant_id end;
end $$;

-- Completes a context with the chain that ends in a delegation: from the database, leaf to root, never from the token.
-- What cannot change is checked here, once; what can change is checked by holds(), on every statement.
create or replace function bailiwick.resolve_chain(c bailiwick.context, leaf uuid) returns bailiwick.context
language plpgsql stable parallel restricted as $$
declare
  hops public.delegations[];
  hop public.delegations;
  delegator uuid;
  worlds uuid[];
begin
  with recursive up as (
    select d from public.delegations d where d.tenant_id = c.tenant_id and d.id = leaf
    union all
    select p from up join public.delegations p on p.tenant_id = (up.d).tenant_id and p.id = (up.d).parent_id
  )
  select array_agg(d order by (d).depth) into hops from up;
  if hops is null or (hops[cardinality(hops)]).delegate_id <> c.actor_id or cardinality(hops) > 4 then
    perform bailiwick.refuse('chain: not a delegation to the subject');
  end if;
  c.owner_id := (hops[1]).owner_id;
  delegator := c.owner_id;
  foreach hop in array hops loop
    if hop.delegator_id <> delegator or hop.owner_id <> c.owner_id then
      perform bailiwick.refuse('chain: not aligned');
    end if;
    delegator := hop.delegate_id;
    c.chain := c.chain || hop.id;
  end loop;
  select array_agg(distinct h.world_id) into worlds from unnest(hops) h where h.world_id is not null;
  c.world_id := case when cardinality(worlds) > 1 then '00000000-0000-0000-0000-000000000000' else worlds[1] end;
  return c;
end $$;

-- Whoever a token names as having acted before (RFC 8693 section 4.1) must stand above the actor in its chain, nearest first.
-- That allows nothing, and naming fewer is no contradiction: the chain comes from the database all the same.
create or replace function bailiwick.check_actors(c bailiwick.context, t jsonb) returns void
language plpgsql stable parallel restricted as $$
declare
  named text;
  above int := cardinality(c.chain);
begin
  if t->'prior_actors' is null then
    return;
  end if;
  for named in select jsonb_array_elements_text(t->'prior_actors') loop
    above := above - 1;
    if not exists (
         select from public.delegations d
          where d.tenant_id = c.tenant_id and d.id = c.chain[above]
            and case when t->>'credential' is not null then d.delegate_id::text = named
                else exists (
                  select from public.identities i
                   where i.tenant_id = c.tenant_id and i.entity_id = d.delegate_id
                     and i.issuer = t->>'issuer' and i.subject = named) end) then
      perform bailiwick.refuse('actors: not those of the chain');
    end if;
  end loop;
end $$;

-- Everything the caller may know about its own authority: who acts, for whom, through what, until when.
create or replace function bailiwick.describe() returns jsonb
language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context := bailiwick.sealed();
begin
  if c.tenant_id is null then
    return null;
  end if;
  return jsonb_build_object(
    'requestId', c.request_id,
    'tenantId', c.tenant_id,
    'actor', (select jsonb_build_object('id', e.id, 'kind', e.kind, 'status', e.status)
                from public.entities e where e.tenant_id = c.tenant_id and e.id = c.actor_id),
    'owner', (select jsonb_build_object('id', e.id, 'kind', e.kind, 'status', e.status)
                from public.entities e where e.tenant_id = c.tenant_id and e.id = c.owner_id),
    'worldId', c.world_id,
    'tokenExpiresAt', c.expires_at,
    'credential', split_part(c.credential, ':', 1),
    'live', bailiwick.holds(c, null),
    'administrator', bailiwick.administered_tenant() is not null,
    'capabilities', to_jsonb(array(
      select s from unnest(c.scopes) s
       where bailiwick.holds(c, s) and (s <> 'tenant:administer' or bailiwick.administered_tenant() is not null)
       order by s)),
    'chain', coalesce((
      select jsonb_agg(jsonb_build_object(
               'id', d.id, 'depth', d.depth, 'delegatorId', d.delegator_id, 'delegateId', d.delegate_id,
               'capabilities', d.capabilities, 'worldId', d.world_id, 'redelegate', d.redelegate,
               'notBefore', d.not_before, 'expiresAt', d.expires_at, 'revokedAt', d.revoked_at) order by d.depth)
        from public.delegations d where d.tenant_id = c.tenant_id and d.id = any (c.chain)), '[]'));
end $$;

reset role;
