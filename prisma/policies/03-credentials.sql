-- How API keys and signing clients come into being, and how credentials end. Either is made in person, for oneself, for an
-- agent of one's own or, by an administrator, for a service; it never allows more than the credential with which it was made,
-- and whatever a program holds does not outlive itself in what it makes. Only the digest of an API key is ever seen here, and
-- of a client the public half.
--
-- What a credential is good for when it is presented stands in 00-session.sql (by_credential), how a session begins in
-- 04-tokens.sql, the policies of the table in 21-credentials.sql.

set local role bailiwick_kernel;

-- Whether the context may decide about the credentials of an entity: of itself and its agents, in person, or as
-- administrator of the services, and of everybody when it is about ending them.
create or replace function bailiwick.answers_for(c bailiwick.context, entity uuid, ending boolean) returns boolean
language plpgsql stable parallel restricted as $$
begin
  return cardinality(c.chain) = 0 and exists (
    select
      from public.entities e
      left join public.users u on u.tenant_id = e.tenant_id and u.id = e.id
     where e.tenant_id = c.tenant_id and e.id = answers_for.entity and e.kind in ('user', 'agent')
       and (e.owner_id = c.actor_id
            or (answers_for.ending or u.role = 'service') and bailiwick.administered_tenant() = c.tenant_id));
end $$;

-- Why the present context may not make such a key: a word of a closed list, or null when it may.
create or replace function bailiwick.key_refusal(
  entity uuid, capabilities text[], pinned uuid, expires_at timestamptz) returns text
language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context := bailiwick.sealed();
  e public.entities;
begin
  if cardinality(c.chain) is distinct from 0 or not bailiwick.holds(c, 'key:create') then
    return 'authority';
  end if;
  select * into e from public.entities x where x.tenant_id = c.tenant_id and x.id = key_refusal.entity;
  if not bailiwick.answers_for(c, e.id, false) or e.status <> 'active' then
    return 'entity';
  end if;
  if coalesce(cardinality(key_refusal.capabilities), 0) = 0
     or (key_refusal.capabilities <@ c.scopes) is not true
     or not key_refusal.capabilities <@ (bailiwick.delegable()
          || case when e.kind = 'agent' then bailiwick.by_itself() else bailiwick.personal() end)
     or cardinality(key_refusal.capabilities) <> (select count(distinct w) from unnest(key_refusal.capabilities) w) then
    return 'capabilities';
  end if;
  if key_refusal.pinned is not null and not exists (
       select from public.delegations d
        where d.tenant_id = c.tenant_id and d.id = key_refusal.pinned and d.delegate_id = e.id
          and d.revoked_at is null and d.expires_at > statement_timestamp()) then
    return 'delegation';
  end if;
  if (key_refusal.expires_at > statement_timestamp()) is not true
     or key_refusal.expires_at > statement_timestamp() + interval '365 days'
     -- a session is somebody at work, who may make what outlives it; what a program holds makes nothing that does
     or exists (
       select from public.credentials k
        where k.tenant_id = c.tenant_id and k.id = bailiwick.proof_id(c) and k.kind <> 'session'
          and k.expires_at < key_refusal.expires_at) then
    return 'lifetime';
  end if;
  return null;
end $$;

-- Which credential of ours proved the context; null when it was none.
create or replace function bailiwick.proof_id(c bailiwick.context) returns uuid
language sql immutable parallel safe as $$
  select case when split_part(c.credential, ':', 1) in ('key', 'client', 'session') then split_part(c.credential, ':', 2)::uuid end
$$;

-- Whether what proved the context is still good. Asked where something outlives the transaction, which may have been held open
-- while its credential was ended.
create or replace function bailiwick.still_proven(c bailiwick.context) returns boolean
language plpgsql volatile parallel unsafe as $$
begin
  return not exists (
      select from public.entities e
       where e.tenant_id = c.tenant_id and e.id = c.actor_id and e.credential_epoch >= transaction_timestamp())
    and not exists (
      select from public.credentials k
       where k.tenant_id = c.tenant_id and k.id = bailiwick.proof_id(c) and k.revoked_at is not null);
end $$;

-- Makes a key: one of ours, of which the digest is given, or one of the holder's own, of which the public half is. Returns why
-- not, or null.
create or replace function bailiwick.issue_key(
  id uuid, entity uuid, label text, hint text, digest text, capabilities text[], pinned uuid, expires_at timestamptz,
  public_key jsonb default null)
returns text
language plpgsql volatile parallel unsafe security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context := bailiwick.sealed();
  refusal text := bailiwick.key_refusal(issue_key.entity, issue_key.capabilities, issue_key.pinned, issue_key.expires_at);
begin
  if refusal is not null then
    return refusal;
  end if;
  -- whoever ends everything of maker or holder waits for this key and ends it too, or was waited for
  perform from public.entities e
    where e.tenant_id = c.tenant_id and e.id in (c.actor_id, issue_key.entity) order by e.id for share;
  if not bailiwick.still_proven(c) then
    return 'authority';
  end if;
  insert into public.credentials
    (tenant_id, id, owner_id, entity_id, kind, label, hint, digest, public_key, capabilities, pinned_id, expires_at,
     created_by, request_id)
  select c.tenant_id, issue_key.id, e.owner_id, e.id, case when issue_key.digest is null then 'client' else 'key' end,
         issue_key.label, issue_key.hint, issue_key.digest, issue_key.public_key,
         issue_key.capabilities, issue_key.pinned, issue_key.expires_at, c.actor_id, c.request_id
    from public.entities e where e.tenant_id = c.tenant_id and e.id = issue_key.entity;
  return null;
end $$;

-- Replaces a key by a new one for the same entity, capabilities and delegation; both work for the time of the overlap.
-- Returns why not, or null; 'key' for one that is not there, not the caller's to replace, or ended already.
create or replace function bailiwick.rotate_key(
  target uuid, id uuid, hint text, digest text, expires_at timestamptz, overlap interval) returns text
language plpgsql volatile parallel unsafe security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context := bailiwick.sealed();
  old public.credentials;
  refusal text;
begin
  if bailiwick.holds(c, 'key:update') then
    -- locked only where the caller answers for it: a wait would tell that it exists
    select * into old from public.credentials k
     where k.tenant_id = c.tenant_id and k.id = target and k.kind = 'key' and bailiwick.answers_for(c, k.entity_id, false)
       for update;
  end if;
  if old.id is null or old.revoked_at is not null or old.expires_at <= statement_timestamp() then
    return 'key';
  end if;
  if (rotate_key.overlap between interval '0' and interval '7 days') is not true then
    return 'overlap';
  end if;
  refusal := bailiwick.issue_key(
    rotate_key.id, old.entity_id, old.label, rotate_key.hint, rotate_key.digest, old.capabilities, old.pinned_id,
    rotate_key.expires_at);
  if refusal is null then
    update public.credentials k set replaces_id = target where k.tenant_id = c.tenant_id and k.id = rotate_key.id;
    update public.credentials k
       set expires_at = least(k.expires_at, clock_timestamp() + rotate_key.overlap)
     where k.tenant_id = c.tenant_id and k.id = target and rotate_key.overlap > interval '0';
    update public.credentials k
       set revoked_at = clock_timestamp(), revoked_by = c.actor_id
     where k.tenant_id = c.tenant_id and k.id = target and rotate_key.overlap = interval '0';
  end if;
  return refusal;
end $$;

-- Ends a key, a client or a session for good. Null when there is none that the caller may end.
create or replace function bailiwick.revoke_key(target uuid) returns timestamptz
language plpgsql volatile parallel unsafe security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context := bailiwick.sealed();
  ended timestamptz;
begin
  if not bailiwick.holds(c, 'key:update') then
    return null;
  end if;
  update public.credentials k
     set revoked_at = coalesce(k.revoked_at, clock_timestamp()), revoked_by = coalesce(k.revoked_by, c.actor_id)
   where k.tenant_id = c.tenant_id and k.id = target and bailiwick.answers_for(c, k.entity_id, true)
   returning k.revoked_at into ended;
  return ended;
end $$;

-- Revokes every credential of an entity, those too that are just being made. For the kernel's own functions, after their checks.
create or replace function bailiwick.end_keys(c bailiwick.context, entity uuid) returns void
language plpgsql volatile parallel unsafe as $$
begin
  perform from public.entities e where e.tenant_id = c.tenant_id and e.id = end_keys.entity for no key update;
  update public.credentials k
     set revoked_at = clock_timestamp(), revoked_by = c.actor_id
   where k.tenant_id = c.tenant_id and k.entity_id = end_keys.entity and k.revoked_at is null;
end $$;

-- Ends everything with which an entity can prove who it is: every key, client and session, and every token issued until now.
-- Returns the moment, or null when there is no such entity that the caller answers for.
create or replace function bailiwick.end_credentials(entity uuid) returns timestamptz
language plpgsql volatile parallel unsafe security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context := bailiwick.sealed();
  moment timestamptz;
begin
  if not bailiwick.holds(c, 'key:update') or not bailiwick.answers_for(c, end_credentials.entity, true) then
    return null;
  end if;
  update public.entities e set credential_epoch = clock_timestamp()
   where e.tenant_id = c.tenant_id and e.id = end_credentials.entity
   returning e.credential_epoch into moment;
  perform bailiwick.end_keys(c, end_credentials.entity);
  return moment;
end $$;

-- When keys were last used, told by the server from time to time: [{tenant, id, at}]. Returns how many were told of.
create or replace function bailiwick.keys_used(uses jsonb) returns bigint
language plpgsql volatile parallel unsafe security definer set search_path = pg_catalog, pg_temp as $$
declare
  told bigint;
begin
  if not bailiwick.serves('identity') then
    perform bailiwick.refuse('keys_used: not the service');
  end if;
  update public.credentials k
     set last_used_at = greatest(k.last_used_at, u.at)
    from jsonb_to_recordset(uses) u(tenant uuid, id uuid, at timestamptz)
   where k.tenant_id = u.tenant and k.id = u.id;
  get diagnostics told = row_count;
  return told;
end $$;

reset role;
