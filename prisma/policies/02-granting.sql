-- How a delegation comes into being and how it ends. A root is granted by a person, in person; a further hop by the
-- delegate of the one above, allowing less. What was granted never changes but for its end, which can only come earlier.
--
-- Evaluating a chain stands in 01-delegation.sql, the policies of the table in 17-delegations.sql.

set local role bailiwick_kernel;

-- Why the present context may not make this delegation: a word of a closed list, or null when it may. The insert policy
-- and the server's helpful answer both come from here, so they cannot disagree.
create or replace function bailiwick.grant_refusal(
  owner_id uuid, delegator_id uuid, delegate_id uuid, parent_id uuid, depth int, redelegate int,
  capabilities text[], world_id uuid, not_before timestamptz, expires_at timestamptz) returns text
language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context := bailiwick.sealed();
  parent public.delegations;
  longest interval := interval '90 days';
begin
  if not bailiwick.holds(c, null) or 'delegation:create' <> all (c.scopes)
     or grant_refusal.owner_id is distinct from c.owner_id or grant_refusal.delegator_id is distinct from c.actor_id then
    return 'authority';
  end if;
  if cardinality(c.chain) = 0 then
    -- only a person makes a root delegation, and only directly
    if grant_refusal.parent_id is not null or grant_refusal.depth <> 1
       or not exists (select from public.users u where u.tenant_id = c.tenant_id and u.id = c.actor_id) then
      return 'authority';
    end if;
    if grant_refusal.redelegate not between 0 and 3 then
      return 'redelegate';
    end if;
  else
    select * into parent from public.delegations d
     where d.tenant_id = c.tenant_id and d.id = c.chain[cardinality(c.chain)];
    if grant_refusal.parent_id is distinct from parent.id or grant_refusal.depth <> parent.depth + 1 then
      return 'authority';
    end if;
    if parent.redelegate < 1 or grant_refusal.redelegate not between 0 and parent.redelegate - 1 then
      return 'redelegate';
    end if;
    if (grant_refusal.capabilities <@ parent.capabilities) is not true then
      return 'capabilities';
    end if;
    if grant_refusal.world_id is distinct from coalesce(c.world_id, grant_refusal.world_id) then
      return 'world';
    end if;
    if grant_refusal.expires_at > parent.expires_at then
      return 'lifetime';
    end if;
    select make_interval(secs => t.subdelegation_seconds) into longest
      from public.tenants t where t.tenant_id = c.tenant_id;
  end if;
  if coalesce(cardinality(grant_refusal.capabilities), 0) = 0
     or not bailiwick.well_formed(grant_refusal.capabilities) then
    return 'capabilities';
  end if;
  if grant_refusal.expires_at <= greatest(statement_timestamp(), grant_refusal.not_before)
     or grant_refusal.expires_at > statement_timestamp() + longest then
    return 'lifetime';
  end if;
  if grant_refusal.world_id is not null and not exists (
       select from public.world_members m
        where m.tenant_id = c.tenant_id and m.world_id = grant_refusal.world_id and m.entity_id = c.owner_id) then
    return 'world';
  end if;
  if grant_refusal.delegate_id in (c.owner_id, c.actor_id) or exists (
       select from public.delegations d
        where d.tenant_id = c.tenant_id and d.id = any (c.chain) and d.delegate_id = grant_refusal.delegate_id) then
    return 'cycle';
  end if;
  if not exists (
       select from public.entities e
        where e.tenant_id = c.tenant_id and e.id = grant_refusal.delegate_id
          and e.kind = 'agent' and e.owner_id = c.owner_id and e.status = 'active') then
    return 'delegate';
  end if;
  return null;
end $$;

-- Ends delegations. Rows never change otherwise, and never change back. Each of the three takes its authority from the
-- context alone and answers null for whatever the caller may not end, be it hidden or absent.

-- Whether the context may end one delegation: its owner directly, whoever stands above it in its chain, its delegate
-- (who renounces), or the tenant's administrator. Nobody below or beside it.
create or replace function bailiwick.may_end(c bailiwick.context, target uuid) returns boolean
language plpgsql stable parallel restricted as $$
begin
  if not bailiwick.holds(c, null) or 'delegation:update' <> all (c.scopes) then
    return false;
  end if;
  if bailiwick.administered_tenant() = c.tenant_id then
    return true;
  end if;
  return exists (
    with recursive up as (
      select d.* from public.delegations d where d.tenant_id = c.tenant_id and d.id = target
      union all
      select p.* from up join public.delegations p on p.tenant_id = up.tenant_id and p.id = up.parent_id
    )
    select from up
     where (up.owner_id = c.owner_id or cardinality(c.chain) = 0)
       and (up.delegator_id = c.actor_id or up.id = target and up.delegate_id = c.actor_id));
end $$;

create or replace function bailiwick.revoke_delegation(target uuid) returns timestamptz
language plpgsql volatile parallel unsafe security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context := bailiwick.sealed();
  ended timestamptz;
begin
  if not bailiwick.may_end(c, target) then
    return null;
  end if;
  update public.delegations d
     set revoked_at = coalesce(d.revoked_at, clock_timestamp()), revoked_by = coalesce(d.revoked_by, c.actor_id)
   where d.tenant_id = c.tenant_id and d.id = target
   returning d.revoked_at into ended;
  return ended;
end $$;

-- Only earlier. Returns the expiry now in force: the row's own when it was earlier already.
create or replace function bailiwick.narrow_delegation(target uuid, until timestamptz) returns timestamptz
language plpgsql volatile parallel unsafe security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context := bailiwick.sealed();
  ends timestamptz;
begin
  if not bailiwick.may_end(c, target) then
    return null;
  end if;
  update public.delegations d
     set expires_at = least(d.expires_at, until)
   where d.tenant_id = c.tenant_id and d.id = target and until > d.not_before
   returning d.expires_at into ends;
  return ends;
end $$;

-- The kill switch: everything an agent holds, its API keys too, by the agent's owner acting directly or the tenant's
-- administrator. Returns the delegations that were not revoked before.
create or replace function bailiwick.revoke_agent(agent uuid) returns uuid[]
language plpgsql volatile parallel unsafe security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context := bailiwick.sealed();
  ended uuid[];
begin
  if not bailiwick.holds(c, null) or 'delegation:update' <> all (c.scopes) or not exists (
       select from public.entities e
        where e.tenant_id = c.tenant_id and e.id = agent and e.kind = 'agent'
          and (e.owner_id = c.actor_id and cardinality(c.chain) = 0
               or bailiwick.administered_tenant() = c.tenant_id)) then
    return null;
  end if;
  with revoked as (
    update public.delegations d
       set revoked_at = clock_timestamp(), revoked_by = c.actor_id
     where d.tenant_id = c.tenant_id and d.delegate_id = agent and d.revoked_at is null
    returning d.id)
  select coalesce(array_agg(id), '{}') into ended from revoked;
  perform bailiwick.end_keys(c, agent);
  return ended;
end $$;

reset role;
