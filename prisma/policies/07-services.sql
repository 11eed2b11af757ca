-- Credentials for services of third parties, as the kernel has part in them: who may read a secret, and who may have the server use
-- one without reading it. Opening an envelope is the server's (src/crypto), and so is the call that is made (src/services).
--
-- Three rights that nobody has by having another: to see that there is a credential (credential:read), to have it used
-- (credential:execute), and to read the secret (secret:read). Making, changing and deleting is never delegable.

set local role bailiwick_kernel;

-- The credentials whose secrets the context may read: its owner's. An agent reads none that are the owner's alone, and none that
-- are for another agent.
create or replace function bailiwick.revealed() returns uuid[]
language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context := bailiwick.sealed();
begin
  if not bailiwick.holds(c, 'secret:read') then
    return '{}';
  end if;
  return array(
    select s.id
      from public.service_credentials s
     where s.tenant_id = c.tenant_id and s.owner_id = c.owner_id
       and (c.actor_id = c.owner_id or not s.owner_only and (s.agent_id is null or s.agent_id = c.actor_id)));
end $$;

-- Has a credential used for one of its calls: records that, before anything leaves, and hands out the envelope, which is of use to
-- none but the server. Returns {refusal} with one of
--   credential  there is none here that the context may know of
--   authority   it may know of it, and not have it used
--   expired     it is past its end
--   call        this is none of its calls
--   gone        it has no secret, or none that opens any more: its key was destroyed
--   denied      the owner's rules deny it (06-permissions.sql); with ruleId
--   ask         they say that the owner is to be asked, and no approval was given; with ruleId and service
-- or {refusal: 'redeem', problem} where the approval that was given is not one for this (bailiwick.redeem), or {envelope, ownerId,
-- service, origin, header, prefix, call, startedId}: the last is the entry of the activity log that says that it was begun, null for
-- an owner in person, who is not in it.
--   approval, digest   an approval that is to be redeemed, and the digest of what is about to be done
create or replace function bailiwick.use_service(id uuid, call text, entry uuid, approval uuid, digest text) returns jsonb
language plpgsql volatile parallel unsafe security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context := bailiwick.sealed();
  s public.service_credentials;
  named jsonb;
  envelope text;
  v bailiwick.verdict;
  problem text;
  redeemed uuid;
  started uuid := bailiwick.new_id();
begin
  if bailiwick.holds(c, 'credential:read') then
    select * into s from public.service_credentials x
     where x.tenant_id = c.tenant_id and x.owner_id = c.owner_id and x.id = use_service.id
       and (c.actor_id = c.owner_id or x.agent_id is null or x.agent_id = c.actor_id);
  end if;
  if s.id is null then
    return '{"refusal": "credential"}';
  end if;
  if not bailiwick.holds(c, 'credential:execute') then
    return '{"refusal": "authority"}';
  end if;
  if s.expires_at <= statement_timestamp() then
    return '{"refusal": "expired"}';
  end if;
  select value into named from jsonb_array_elements(s.calls) where value->>'name' = use_service.call;
  if named is null then
    return '{"refusal": "call"}';
  end if;
  select k.secret into envelope from public.service_secrets k where k.tenant_id = s.tenant_id and k.id = s.id;
  if envelope is null or not bailiwick.seals(envelope, s.owner_id) then
    return '{"refusal": "gone"}';
  end if;
  v := bailiwick.judged(c, s.service, use_service.call);
  if v.effect = 'deny' then
    perform bailiwick.note(bailiwick.new_id(), s.service, use_service.call, null, 'denied', null);
    return jsonb_build_object('refusal', 'denied', 'ruleId', v.rule_id);
  end if;
  if v.effect = 'ask' and use_service.approval is null then
    perform bailiwick.note(bailiwick.new_id(), s.service, use_service.call, null, 'asked', null);
    return jsonb_build_object('refusal', 'ask', 'ruleId', v.rule_id, 'service', s.service);
  end if;
  if v.effect = 'ask' then
    redeemed := use_service.approval;
    problem := bailiwick.redeem(c, use_service.approval, s.service, use_service.call, use_service.digest);
    if problem is not null then
      return jsonb_build_object('refusal', 'redeem', 'problem', problem);
    end if;
  end if;
  update public.service_credentials x set last_used_at = statement_timestamp(), last_used_by = c.actor_id
   where x.tenant_id = s.tenant_id and x.id = s.id;
  perform bailiwick.audit(entry, 'service.called', 'service_credential', s.id,
    jsonb_build_object('service', s.service, 'call', use_service.call, 'approval', redeemed));
  perform bailiwick.note(started, s.service, use_service.call, null, 'started', redeemed);
  return jsonb_build_object('envelope', envelope, 'ownerId', s.owner_id, 'service', s.service, 'origin', s.origin,
    'header', s.header, 'prefix', s.prefix, 'call', named, 'startedId', case when cardinality(c.chain) > 0 then started end);
end $$;

reset role;
