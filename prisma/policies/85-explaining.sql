-- Why somebody may do something, or what is missing; what an agent can do; and an owner's view of what an agent sees. Nothing here
-- allows anything: it asks the policies and the rules that decide, and says what they say.
--
-- Of a row that the caller may not know of, nothing is said that is not said of an absent one. Of others in a chain, nobody is told
-- more than which hop does not carry a capability. A view is read-only and shows at most what the viewer's own credential is for.
--
-- It judges no row that is not there yet: what a new row must satisfy (with check) is left out. Rules about actions outside are
-- explained by bailiwick.preview (06-permissions.sql).

set local role bailiwick_kernel;

-- Why the present context has a capability or not, in the way in which a policy asks for it:
--   means   owner, direct_owner, worlds, shared_worlds, party or administered_tenant
-- Returns {means, capability, held, hops: [{id, carries}], missing: [{where, kind, id}]}, null without a context. Every condition that
-- fails is named, so that nothing is missing exactly where it is held:
--   expiry      the credential has expired
--   scope       it is not for that
--   standing    somebody, or the tenant, is not active
--   ceiling     somebody may never do that
--   delegation  this hop is not in force, or is not for that; without an id: an agent as itself may not
--   world       the world that the chain is limited to is none of the owner's any more, or this stands in no world, or (without an
--               id) it is done only where the chain names a world
--   person      it is never done through a delegation
--   role        the caller is no administrator
create or replace function bailiwick.why(means text, capability text) returns jsonb
language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context := bailiwick.sealed();
  kind text := split_part(capability, ':', 1);
  verb text := split_part(capability, ':', 2);
  -- a party is asked for itself: the chain must be in force, and need not carry the capability
  through boolean := means <> 'party';
  hops jsonb;
  missing jsonb;
begin
  if c.tenant_id is null then
    return null;
  end if;
  select coalesce(jsonb_agg(jsonb_build_object('id', d.id, 'carries',
           d.revoked_at is null and d.not_before <= statement_timestamp() and d.expires_at > statement_timestamp()
           and why.capability = any (d.capabilities)) order by d.depth), '[]')
    into hops
    from public.delegations d where d.tenant_id = c.tenant_id and d.id = any (c.chain);
  with actor as (
    select a.id, a.kind, a.owner_id from public.entities a where a.tenant_id = c.tenant_id and a.id = c.actor_id
  ), hop as (
    select d.id, d.delegate_id, d.revoked_at, d.not_before, d.expires_at, d.capabilities
      from public.delegations d where d.tenant_id = c.tenant_id and d.id = any (c.chain)
  ), somebody as (
    select e.*, w.own
      from (select x.id, bool_or(x.own) as own
              from (select a.id, true from actor a
                    union all select a.owner_id, true from actor a
                    union all select h.delegate_id, false from hop h) x (id, own)
             group by x.id) w
      join public.entities e on e.tenant_id = c.tenant_id and e.id = w.id
  ), found (place, kind, id) as (
    select 'expiry', null::text, null::uuid where c.expires_at <= statement_timestamp()
    union
    select 'scope', null, null where why.capability <> all (c.scopes)
    union
    select 'standing', s.kind, case when s.own then s.id end
      from somebody s
     where s.status <> 'active' or cardinality(c.chain) > 0 and s.kind = 'agent' and s.owner_id <> c.owner_id
    union
    select 'standing', 'tenant', t.id from public.tenants t where t.tenant_id = c.tenant_id and t.status <> 'active'
    union
    select 'ceiling', s.kind, case when s.own then s.id end
      from somebody s where not s.ceiling ? why.capability and (through or s.own)
    union
    select 'delegation', 'delegation', h.id
      from hop h
     where h.revoked_at is not null or h.not_before > statement_timestamp() or h.expires_at <= statement_timestamp()
        or through and why.capability <> all (h.capabilities)
    union
    select 'delegation', null, null
      from actor
     where actor.kind <> 'user' and cardinality(c.chain) = 0 and why.capability <> all (bailiwick.by_itself())
    union
    -- contradictory limits have an id of zeros, which is nobody's
    select 'world', 'world', nullif(c.world_id, '00000000-0000-0000-0000-000000000000')
     where c.world_id is not null
       and (through and not bailiwick.stands_in_world(why.capability) or not exists (
         select
           from public.world_members m
           join public.entities w on w.tenant_id = m.tenant_id and w.id = m.world_id
          where m.tenant_id = c.tenant_id and m.world_id = c.world_id and m.entity_id = c.owner_id and w.status = 'active'))
    union
    select 'world', 'world', null where means = 'shared_worlds' and cardinality(c.chain) > 0 and c.world_id is null
    union
    select 'person', null, null where means in ('direct_owner', 'administered_tenant') and cardinality(c.chain) > 0
    union
    select 'role', null, null
     where means = 'administered_tenant' and not exists (
       select from public.users u where u.tenant_id = c.tenant_id and u.id = c.actor_id and u.role = 'admin')
  )
  select coalesce(jsonb_agg(jsonb_build_object('where', f.place, 'kind', f.kind, 'id', f.id) order by f.place, f.kind, f.id), '[]')
    into missing from found f;
  return jsonb_build_object(
    'means', means, 'capability', capability, 'hops', hops, 'missing', missing,
    'held', case means
      when 'direct_owner' then bailiwick.direct_owner(kind, verb) is not null
      when 'party' then bailiwick.party(kind, verb) is not null
      when 'shared_worlds' then bailiwick.holds(c, capability) and (cardinality(c.chain) = 0 or c.world_id is not null)
      when 'administered_tenant' then bailiwick.administered_tenant() is not null
      else bailiwick.holds(c, capability) end);
end $$;

-- What the policies of a table say about one of its rows and a verb (read, update, delete), and why the context has what they ask for:
-- {known, allowed, granted, clauses: [{policy, sentence, restrictive, holds, capabilities}], requirements: [what bailiwick.why says]}.
-- Without the row, which may be hidden or absent, there are no clauses, and the rest is about the caller and the table alone.
--
-- Not a definer function, unlike the others: the row must be read, and each clause be evaluated, with the rights of whoever asks. What
-- is executed is put together from the catalog's own text; of what is given, the name of the table is looked up and nothing else.
create or replace function bailiwick.explain(relation text, id uuid, verb text) returns jsonb
language plpgsql stable parallel restricted set search_path = pg_catalog, pg_temp as $$
declare
  target regclass := to_regclass(format('public.%I', relation));
  command "char" := case verb when 'read' then 'r' when 'update' then 'w' when 'delete' then 'd' end;
  clauses jsonb;
  conditions text;
  truths jsonb;
  granted boolean;
  requirements jsonb;
begin
  if target is null or command is null then
    raise exception 'nothing to explain' using errcode = '22023';
  end if;
  select coalesce(jsonb_agg(jsonb_build_object(
           'policy', x.polname, 'sentence', x.sentence, 'restrictive', not x.polpermissive, 'capabilities', x.asks)
           order by x.polpermissive desc, x.polname), '[]'),
         coalesce(string_agg(format('coalesce((%s), false)', x.condition), ', ' order by x.polpermissive desc, x.polname), '')
    into clauses, conditions
    from (
      select p.polname, p.polpermissive, obj_description(p.oid, 'pg_policy') as sentence,
             pg_get_expr(p.polqual, p.polrelid) as condition,
             (select coalesce(jsonb_agg(distinct jsonb_build_object('means', m[1], 'capability',
                       case when m[2] is null then 'tenant:administer' else m[2] || ':' || m[3] end)), '[]')
                from regexp_matches(pg_get_expr(p.polqual, p.polrelid),
                       'bailiwick\.(owner|direct_owner|worlds|shared_worlds|party|administered_tenant)\((?:''([a-z_]+)''::text, ''([a-z_]+)''::text)?\)',
                       'g') m) as asks
        from pg_policy p
       where p.polrelid = target and p.polcmd in (command, '*') and p.polqual is not null
         and p.polroles && array[0, 'bailiwick_runtime'::regrole::oid]) x;
  granted := case verb
    when 'read' then has_any_column_privilege(target, 'select')
    when 'update' then has_any_column_privilege(target, 'update')
    else has_table_privilege(target, 'delete') end;
  execute format('select jsonb_build_array(%s) from %s where tenant_id = (select bailiwick.tenant_id()) and id = $1', conditions, target)
    into truths using explain.id;
  clauses := coalesce((
    select jsonb_agg(k || jsonb_build_object('holds', truths->(place::int - 1)) order by place)
      from jsonb_array_elements(clauses) with ordinality x (k, place)), '[]');
  select coalesce(jsonb_agg(bailiwick.why(a->>'means', a->>'capability') order by a->>'capability', a->>'means'), '[]')
    into requirements
    from (select distinct a from jsonb_array_elements(clauses) k, jsonb_array_elements(k->'capabilities') a) asked;
  return jsonb_build_object(
    'known', truths is not null,
    'allowed', granted
      and exists (select from jsonb_array_elements(clauses) k where k @> '{"restrictive": false, "holds": true}')
      and not exists (select from jsonb_array_elements(clauses) k where k @> '{"restrictive": true, "holds": false}'),
    'granted', granted,
    'clauses', case when truths is null then '[]' else clauses end,
    'requirements', requirements);
end $$;

-- What an agent can do through each delegation that it holds: {id, ownerId, chain, capabilities, worldId, redelegate, until, ended:
-- [{reason, id}]}, those in force first, then the newest. For the agent's owner in person, and for the agent about itself; null for
-- anybody else, as for an agent that is not there. What is left of the capabilities is what bailiwick.holds would say to the agent
-- with a token for everything. A delegation is in force exactly where no reason is named:
--   revoked, expired, pending   this hop has ended, or has not begun
--   suspended                   the agent of this hop is not active; an owner or tenant who is not gets no answer at all
--   world                       the limit of this hop contradicts another, or its world is none of the owner's any more
--   ended   whether those that are not in force are listed too
--   most    how many at most
create or replace function bailiwick.effective(agent uuid, ended boolean, most int) returns jsonb
language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context := bailiwick.sealed();
  found jsonb;
begin
  if not exists (
       select from public.entities e
        where e.tenant_id = c.tenant_id and e.id = agent and e.kind = 'agent'
          and (e.id = bailiwick.party('delegation', 'read')
               or e.owner_id = c.owner_id and cardinality(c.chain) = 0
                  and bailiwick.holds(c, 'delegation:read') and bailiwick.holds(c, 'agent:read'))) then
    return null;
  end if;
  with recursive up as (
    select d.id as leaf, d from public.delegations d
     where d.tenant_id = c.tenant_id and d.delegate_id = agent
       and (effective.ended or d.revoked_at is null and d.expires_at > statement_timestamp() and d.not_before <= statement_timestamp())
    union all
    select up.leaf, p from up join public.delegations p on p.tenant_id = (up.d).tenant_id and p.id = (up.d).parent_id
  ), hop as (
    select up.leaf, (up.d).*, e.ceiling, e.status = 'active' and e.owner_id = (up.d).owner_id as active
      from up join public.entities e on e.tenant_id = (up.d).tenant_id and e.id = (up.d).delegate_id
  ), limits as (
    select h.leaf, count(distinct h.world_id) as worlds, min(h.world_id::text)::uuid as world_id
      from hop h where h.world_id is not null group by h.leaf
  ), ending as (
    select h.leaf, 'revoked' as reason, h.id, h.depth from hop h where h.revoked_at is not null
    union all
    select h.leaf, 'expired', h.id, h.depth from hop h where h.expires_at <= statement_timestamp()
    union all
    select h.leaf, 'pending', h.id, h.depth from hop h where h.not_before > statement_timestamp()
    union all
    select h.leaf, 'suspended', h.id, h.depth from hop h where not h.active
    union all
    select h.leaf, 'world', h.id, h.depth
      from hop h join limits l on l.leaf = h.leaf
     where h.world_id is not null and (l.worlds > 1 or not exists (
       select
         from public.world_members m
         join public.entities w on w.tenant_id = m.tenant_id and w.id = m.world_id
        where m.tenant_id = h.tenant_id and m.world_id = h.world_id and m.entity_id = h.owner_id and w.status = 'active'))
  ), reasons as (
    select e.leaf, jsonb_agg(jsonb_build_object('reason', e.reason, 'id', e.id) order by e.depth, e.reason) as list
      from ending e group by e.leaf
  ), held as (
    select l.id, l.owner_id, l.capabilities, l.redelegate, w.world_id, coalesce(w.worlds > 1, false) as nowhere,
           coalesce(r.list, '[]') as reasons
      from hop l
      left join limits w on w.leaf = l.leaf
      left join reasons r on r.leaf = l.leaf
     where l.id = l.leaf
  ), listed as (
    select h.* from held h
     where effective.ended or h.reasons = '[]'
     order by h.reasons <> '[]', h.id desc
     limit effective.most
  )
  select coalesce(jsonb_agg(jsonb_build_object(
           'id', h.id,
           'ownerId', h.owner_id,
           'redelegate', h.redelegate,
           'worldId', case when not h.nowhere then h.world_id end,
           'ended', h.reasons,
           'until', (select min(least(x.expires_at, x.revoked_at)) from hop x where x.leaf = h.id),
           'capabilities', to_jsonb(array(
             select k from unnest(h.capabilities) k
              where h.reasons = '[]' and (h.world_id is null or bailiwick.stands_in_world(k))
                and not exists (
                  select from hop x where x.leaf = h.id and (k <> all (x.capabilities) or not x.ceiling ? k))
                and not exists (
                  select from public.entities o where o.tenant_id = c.tenant_id and o.id = h.owner_id and not o.ceiling ? k)
              order by k)),
           'chain', (
             select jsonb_agg(jsonb_build_object(
                      'id', x.id, 'depth', x.depth, 'delegatorId', x.delegator_id, 'delegateId', x.delegate_id,
                      'capabilities', x.capabilities, 'worldId', x.world_id, 'redelegate', x.redelegate,
                      'notBefore', x.not_before, 'expiresAt', x.expires_at, 'revokedAt', x.revoked_at) order by x.depth)
               from hop x where x.leaf = h.id)) order by h.reasons <> '[]', h.id desc), '[]')
    into found from listed h;
  return found;
end $$;

-- The context of an owner who looks at what an agent of theirs sees through a delegation: the agent's in everything but what proves
-- it. Of the owner's own credential it keeps the scopes, so a token that is not for memories shows none this way either, and the end.
-- Only in a transaction that cannot write: what is done as an agent, the agent has done.
--
-- What an agent has from nobody, as itself, is not shown. It sees whatever it holds or has granted (bailiwick.party), so there is no
-- view of one that does so for another owner; foreign keys of delegations see to it that there is none such.
create or replace function bailiwick.viewed(c bailiwick.context, delegation uuid) returns bailiwick.context
language plpgsql stable parallel restricted as $$
declare
  delegate uuid;
begin
  if current_setting('transaction_read_only') <> 'on' then
    perform bailiwick.refuse('view: could write');
  end if;
  if cardinality(c.chain) > 0 or not bailiwick.holds(c, 'delegation:read') then
    perform bailiwick.refuse('view: not in person, or without delegation:read');
  end if;
  select d.delegate_id into delegate from public.delegations d
   where d.tenant_id = c.tenant_id and d.id = viewed.delegation and d.owner_id = c.owner_id;
  if delegate is null or exists (
       select from public.delegations d
        where d.tenant_id = c.tenant_id and delegate in (d.delegate_id, d.delegator_id) and d.owner_id <> c.owner_id) then
    perform bailiwick.refuse('view: not a delegation of the caller, or to an agent of somebody else');
  end if;
  c.actor_id := delegate;
  c.credential := 'view:' || c.credential;
  return bailiwick.resolve_chain(c, viewed.delegation);
end $$;

reset role;
