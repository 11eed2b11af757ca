-- What an agent may do outside: allow, ask or deny, by the rules of its owner; and the approvals that come of asking.
--
-- A capability says whether an agent may act on a kind of thing at all. A rule says which action of which service: for one agent or all,
-- one service or all, one action, those that begin alike, or all. Of the rules about an action those count that no other rule is more
-- exact than in every respect; where they differ, the strictest decides: deny, then ask, then allow. Where nothing is said, the
-- owner is asked. Everybody in a chain is bound by the rules about itself, so handing on gets around none.
--
-- An owner who acts in person is bound by no rule. Rules of tables stand in 26-permissions.sql and 27-approvals.sql.

set local role bailiwick_kernel;

create type bailiwick.verdict as (
  effect   text, -- allow, ask or deny; null where the context may not know
  rule_id  uuid, -- the rule that decided; null where none is about it
  agent_id uuid, -- about whom in the chain it decided
  version  text  -- of the rules about this action: changes when any of them does, or the policies of the database
);

-- The verdict of an owner's rules on an action of some agents, who stand in one chain. `instead` holds rules that are not there yet,
-- {agentId, service, action, effect}: each takes the place of the owner's rule about the same, or stands beside the others; an
-- effect of null takes that rule away.
create or replace function bailiwick.judge(
  tenant uuid, owner uuid, agents uuid[], service text, action text, instead jsonb) returns bailiwick.verdict
language plpgsql stable parallel restricted set plan_cache_mode = force_generic_plan as $$
declare
  v bailiwick.verdict;
begin
  with supposed as (
    select (i->>'agentId')::uuid as agent_id, i->>'service' as service, i->>'action' as action, i->>'effect' as effect
      from jsonb_array_elements(coalesce(judge.instead, '[]')) i
  ), rules as (
    select p.id, p.agent_id, p.service, p.action, p.effect, p.updated_at
      from public.permissions p
     where p.tenant_id = judge.tenant and p.owner_id = judge.owner
       and not exists (
         select from supposed s
          where s.agent_id is not distinct from p.agent_id and s.service = p.service and s.action = p.action)
    union all
    select null, s.agent_id, s.service, s.action, s.effect, null from supposed s where s.effect is not null
  ), fitting as (
    select a.agent, r.id, r.effect, r.updated_at,
           (r.agent_id is not null)::int as by_agent,
           (r.service <> '*')::int as by_service,
           case when r.action = '*' then 0 when right(r.action, 2) = '.*' then length(r.action) - 1 else 1000 end as by_action
      from unnest(judge.agents) a (agent)
      join rules r on (r.agent_id is null or r.agent_id = a.agent)
       and r.service in ('*', judge.service)
       and (r.action in ('*', judge.action) or right(r.action, 2) = '.*' and starts_with(judge.action, left(r.action, -1)))
  ), exact as (
    select f.*
      from fitting f
     where not exists (
       select from fitting g
        where g.agent = f.agent and g.by_agent >= f.by_agent and g.by_service >= f.by_service and g.by_action >= f.by_action
          and (g.by_agent, g.by_service, g.by_action) <> (f.by_agent, f.by_service, f.by_action))
  ), said as (
    select a.agent, a.place, e.id, coalesce(e.effect, 'ask') as effect
      from unnest(judge.agents) with ordinality a (agent, place)
      left join exact e on e.agent = a.agent
  )
  select s.effect, s.id, s.agent into v.effect, v.rule_id, v.agent_id
    from said s
   order by array_position(array['deny', 'ask', 'allow'], s.effect), s.id is null, s.place desc, s.id
   limit 1;
  select encode(sha256(convert_to(s.checksum || coalesce(
           (select string_agg(concat_ws(' ', p.id, extract(epoch from p.updated_at), p.agent_id, p.service, p.action, p.effect), ',' order by p.id)
              from public.permissions p
             where p.tenant_id = judge.tenant and p.owner_id = judge.owner
               and (p.agent_id is null or p.agent_id = any (judge.agents))
               and p.service in ('*', judge.service)
               and (p.action in ('*', judge.action)
                    or right(p.action, 2) = '.*' and starts_with(judge.action, left(p.action, -1)))), ''), 'UTF8')), 'hex')
    into v.version
    from bailiwick.policy_state s;
  return v;
end $$;

-- Everybody who acts through a chain, the first of them first.
create or replace function bailiwick.agents_of(c bailiwick.context) returns uuid[]
language sql stable parallel restricted as $$
  select array(
    select d.delegate_id from public.delegations d
     where d.tenant_id = (agents_of.c).tenant_id and d.id = any ((agents_of.c).chain) order by d.depth)
$$;

-- The verdict on an action of the present context: always allow for an owner in person.
create or replace function bailiwick.judged(c bailiwick.context, service text, action text) returns bailiwick.verdict
language plpgsql stable parallel restricted as $$
declare
  v bailiwick.verdict;
begin
  if cardinality(c.chain) = 0 then
    v.effect := 'allow';
    return v;
  end if;
  return bailiwick.judge(c.tenant_id, c.owner_id, bailiwick.agents_of(c), judged.service, judged.action, null);
end $$;

-- The agents that the context acts through; of the rules it sees those about all and about one of these.
create or replace function bailiwick.acting() returns uuid[]
language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$
begin
  return bailiwick.agents_of(bailiwick.sealed());
end $$;

-- The verdict on an action, for whoever may read the rules: {effect, ruleId, agentId, version}; null for nobody else.
create or replace function bailiwick.authorize(service text, action text) returns jsonb
language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context := bailiwick.sealed();
  v bailiwick.verdict;
begin
  if not bailiwick.holds(c, 'permission:read') then
    return null;
  end if;
  v := bailiwick.judged(c, authorize.service, authorize.action);
  return jsonb_build_object('effect', v.effect, 'ruleId', v.rule_id, 'agentId', v.agent_id, 'version', v.version);
end $$;

-- Records the verdict on an action of the present context, in the activity log and for the audit, with the request for approval that came
-- of it. Nothing where the context may not read the rules.
create or replace function bailiwick.note_verdict(entry uuid, service text, action text, approval uuid) returns void
language plpgsql volatile parallel unsafe security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context := bailiwick.sealed();
  v bailiwick.verdict;
begin
  if not bailiwick.holds(c, 'permission:read') then
    return;
  end if;
  v := bailiwick.judged(c, note_verdict.service, note_verdict.action);
  perform bailiwick.note(bailiwick.new_id(), note_verdict.service, note_verdict.action, null,
    case v.effect when 'allow' then 'allowed' when 'ask' then 'asked' else 'denied' end, null);
  perform bailiwick.audit(entry, 'action.authorized', 'action', null, jsonb_build_object(
    'service', note_verdict.service, 'action', note_verdict.action, 'effect', v.effect, 'ruleId', v.rule_id,
    'approvalId', note_verdict.approval));
end $$;

-- What would be said of an action of one of the owner's agents, and of those above it in a delegation that it holds; perhaps with
-- other rules than there are. For the owner in person; null for anybody else, and for what is not the owner's.
create or replace function bailiwick.preview(agent uuid, delegation uuid, service text, action text, instead jsonb) returns jsonb
language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context := bailiwick.sealed();
  agents uuid[];
  v bailiwick.verdict;
begin
  if cardinality(c.chain) > 0 or not bailiwick.holds(c, 'permission:read') or not exists (
       select from public.entities e
        where e.tenant_id = c.tenant_id and e.id = preview.agent and e.kind = 'agent' and e.owner_id = c.owner_id) then
    return null;
  end if;
  agents := array[preview.agent];
  if preview.delegation is not null then
    with recursive up as (
      select d.delegate_id, d.parent_id, d.depth from public.delegations d
       where d.tenant_id = c.tenant_id and d.id = preview.delegation
         and d.owner_id = c.owner_id and d.delegate_id = preview.agent
      union all
      select p.delegate_id, p.parent_id, p.depth from up
        join public.delegations p on p.tenant_id = c.tenant_id and p.id = up.parent_id
    )
    select array_agg(up.delegate_id order by up.depth) into agents from up;
    if agents is null then
      return null;
    end if;
  end if;
  v := bailiwick.judge(c.tenant_id, c.owner_id, agents, preview.service, preview.action, preview.instead);
  return jsonb_build_object('effect', v.effect, 'ruleId', v.rule_id, 'agentId', v.agent_id, 'version', v.version);
end $$;

-- The version of the rules that say "ask" of an action of the present context: what a request for approval is written under. Null where
-- there is nothing to ask: it is allowed or denied, the context may not ask, or fifty of this agent's requests wait already.
create or replace function bailiwick.asked(service text, action text) returns text
language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context := bailiwick.sealed();
  v bailiwick.verdict;
begin
  if cardinality(c.chain) = 0 or not bailiwick.holds(c, 'approval:create') or (
       select count(*) from (
         select from public.approvals a
          where a.tenant_id = c.tenant_id and a.owner_id = c.owner_id and a.agent_id = c.actor_id
            and a.decision is null and a.expires_at > statement_timestamp()
          limit 50) waiting) >= 50 then
    return null;
  end if;
  v := bailiwick.judged(c, asked.service, asked.action);
  return case when v.effect = 'ask' then v.version end;
end $$;

-- Decides on a request, in person. Returns null when that is done, or why not:
--   approval  there is none here that the context may decide on
--   decided   that was done before
--   expired   it came too late
--   digest    what was shown is not what was asked for
--   changed   the rules that asked for it are others now
create or replace function bailiwick.decide_approval(id uuid, digest text, decision text, note text) returns text
language plpgsql volatile parallel unsafe security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context := bailiwick.sealed();
  a public.approvals;
begin
  if cardinality(c.chain) = 0 and bailiwick.holds(c, 'approval:update') then
    select * into a from public.approvals x
     where x.tenant_id = c.tenant_id and x.owner_id = c.owner_id and x.id = decide_approval.id
       for update;
  end if;
  if a.id is null then
    return 'approval';
  end if;
  if a.decision is not null then
    return 'decided';
  end if;
  if a.expires_at <= clock_timestamp() then
    return 'expired';
  end if;
  if a.digest is distinct from decide_approval.digest then
    return 'digest';
  end if;
  if decide_approval.decision = 'approved' and a.version is distinct from (bailiwick.judge(
       a.tenant_id, a.owner_id,
       array(select d.delegate_id from public.delegations d
              where d.tenant_id = a.tenant_id and d.id = any (a.chain) order by d.depth),
       a.service, a.action, null)).version then
    return 'changed';
  end if;
  update public.approvals x
     set decision = decide_approval.decision, note = decide_approval.note, decided_at = clock_timestamp(), decided_by = c.actor_id
   where x.tenant_id = a.tenant_id and x.id = a.id;
  return null;
end $$;

-- Redeems an approval, once, for exactly what was approved, under the chain and the rules under which it was asked for. Returns null
-- when that is done, or why not:
--   approval  the context has asked for none such
--   digest    it is for something else
--   chain     it was asked for through another chain
--   waiting, rejected, expired, redeemed   where it stands
--   changed   the rules that asked for it are others now
-- The chain is held meanwhile: whoever ends it now waits until this is kept, and whoever was faster has ended it.
create or replace function bailiwick.redeem(c bailiwick.context, approval uuid, service text, action text, digest text) returns text
language plpgsql volatile parallel unsafe as $$
declare
  a public.approvals;
begin
  perform from public.delegations d where d.tenant_id = c.tenant_id and d.id = any (c.chain) order by d.id for share;
  if cardinality(c.chain) > 0 and bailiwick.holds(c, 'approval:create') then
    select * into a from public.approvals x
     where x.tenant_id = c.tenant_id and x.owner_id = c.owner_id and x.agent_id = c.actor_id and x.id = redeem.approval
       for update;
  end if;
  if a.id is null then
    return 'approval';
  end if;
  if (a.service, a.action, a.digest) is distinct from (redeem.service, redeem.action, redeem.digest) then
    return 'digest';
  end if;
  if a.chain is distinct from c.chain then
    return 'chain';
  end if;
  if a.redeemed_at is not null then
    return 'redeemed';
  end if;
  if a.decision = 'rejected' then
    return 'rejected';
  end if;
  if a.expires_at <= clock_timestamp() then
    return 'expired';
  end if;
  if a.decision is null then
    return 'waiting';
  end if;
  if a.version is distinct from (bailiwick.judged(c, a.service, a.action)).version then
    return 'changed';
  end if;
  update public.approvals x set redeemed_at = clock_timestamp(), redemption_id = c.request_id
   where x.tenant_id = a.tenant_id and x.id = a.id;
  return null;
end $$;

-- The same for an action that the agent's runtime takes by itself.
create or replace function bailiwick.redeem_approval(id uuid, service text, action text, digest text) returns text
language plpgsql volatile parallel unsafe security definer set search_path = pg_catalog, pg_temp as $$
begin
  return bailiwick.redeem(bailiwick.sealed(), redeem_approval.id, redeem_approval.service, redeem_approval.action,
    redeem_approval.digest);
end $$;

reset role;
