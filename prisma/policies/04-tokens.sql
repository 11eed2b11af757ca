-- What the token service keeps: the sessions that begin with a token of an issuer, the refresh tokens of a session, what may be
-- used once, and the keys that sign. The protocol is the server's (src/oauth); here is what must hold across processes and
-- whoever asks.
--
-- A session is started by its subject, in its own sealed context. Everything else is the server's own work for nobody, and
-- answers the service context alone.

-- update of a column is the right to lock a row, which whoever forgets in passing needs
grant select, insert, delete, update (until) on bailiwick.spent to bailiwick_kernel;
grant select, insert, delete on bailiwick.refresh_tokens to bailiwick_kernel;
grant update (used_at) on bailiwick.refresh_tokens to bailiwick_kernel;
grant select, insert on bailiwick.signing_keys to bailiwick_kernel;

set local role bailiwick_kernel;

-- Whether the server is at work as the identity service; refuses otherwise.
create or replace function bailiwick.serve(what text) returns void
language plpgsql stable parallel restricted as $$
begin
  if not bailiwick.serves('identity') then
    perform bailiwick.refuse(what || ': not the service');
  end if;
end $$;

-- Starts a session of whoever is asking, who has just come with a token of an issuer. Returns why not, or null: 'authority' for
-- who came with anything else, so that no session outlives the end of the one it came from.
create or replace function bailiwick.start_session(id uuid, label text, capabilities text[], expires_at timestamptz)
returns text
language plpgsql volatile parallel unsafe security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context := bailiwick.sealed();
begin
  if c.credential is distinct from 'token' or cardinality(c.chain) > 0 or not bailiwick.holds(c, null) then
    return 'authority';
  end if;
  if coalesce(cardinality(start_session.capabilities), 0) = 0 or not start_session.capabilities <@ c.scopes then
    return 'capabilities';
  end if;
  if (start_session.expires_at > statement_timestamp()) is not true
     or start_session.expires_at > statement_timestamp() + interval '90 days' then
    return 'lifetime';
  end if;
  -- whoever ends everything of the subject waits for this session and ends it too, or was waited for
  perform from public.entities e where e.tenant_id = c.tenant_id and e.id = c.actor_id for share;
  if not bailiwick.still_proven(c) then
    return 'authority';
  end if;
  insert into public.credentials
    (tenant_id, id, owner_id, entity_id, kind, label, capabilities, expires_at, created_by, request_id)
  select c.tenant_id, start_session.id, e.owner_id, e.id, 'session', start_session.label, start_session.capabilities,
         start_session.expires_at, c.actor_id, c.request_id
    from public.entities e where e.tenant_id = c.tenant_id and e.id = c.actor_id;
  return null;
end $$;

-- Ends a session because of what became of its refresh tokens.
create or replace function bailiwick.end_session(tenant uuid, session uuid) returns void
language plpgsql volatile parallel unsafe security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform bailiwick.serve('end_session');
  update public.credentials k
     set revoked_at = clock_timestamp(), revoked_by = k.entity_id
   where k.tenant_id = end_session.tenant and k.id = end_session.session and k.kind = 'session' and k.revoked_at is null;
end $$;

-- A client or session that is good right now, of somebody who is; null for any other, and for a key.
create or replace function bailiwick.credential_of(tenant text, id uuid) returns jsonb
language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context;
  k public.credentials;
begin
  perform bailiwick.serve('credential_of');
  select x.* into k
    from public.tenants n
    join public.credentials x on x.tenant_id = n.tenant_id
   where n.slug = credential_of.tenant and x.id = credential_of.id
     and x.kind <> 'key' and x.revoked_at is null and x.expires_at > statement_timestamp();
  c.tenant_id := k.tenant_id;
  c.actor_id := k.entity_id;
  if not bailiwick.in_good_standing(c, null) then
    return null;
  end if;
  return jsonb_build_object(
    'kind', k.kind, 'tenantId', k.tenant_id, 'entityId', k.entity_id, 'label', k.label, 'capabilities', k.capabilities,
    'delegationId', k.pinned_id, 'publicKey', k.public_key, 'expiresAt', extract(epoch from k.expires_at));
end $$;

-- Keeps what a refresh token stands for, by its digest. In passing, forgets a few whose time is over.
create or replace function bailiwick.keep_refresh(digest text, payload jsonb, expires_at timestamptz) returns void
language plpgsql volatile parallel unsafe security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform bailiwick.serve('keep_refresh');
  delete from bailiwick.refresh_tokens r
   where r.digest in (
     select o.digest from bailiwick.refresh_tokens o where o.expires_at < statement_timestamp() limit 10 for update skip locked);
  insert into bailiwick.refresh_tokens (digest, payload, expires_at)
  values (keep_refresh.digest, keep_refresh.payload, keep_refresh.expires_at);
end $$;

-- What was kept of a refresh token, with `consumed` (seconds since the epoch) when it was used.
create or replace function bailiwick.find_refresh(digest text) returns jsonb
language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform bailiwick.serve('find_refresh');
  return (
    select case when r.used_at is null then r.payload
                else r.payload || jsonb_build_object('consumed', extract(epoch from r.used_at)) end
      from bailiwick.refresh_tokens r where r.digest = find_refresh.digest);
end $$;

-- Uses a refresh token up. Returns whether it was this caller who did.
create or replace function bailiwick.use_refresh(digest text) returns boolean
language plpgsql volatile parallel unsafe security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform bailiwick.serve('use_refresh');
  update bailiwick.refresh_tokens r set used_at = clock_timestamp()
   where r.digest = use_refresh.digest and r.used_at is null;
  return found;
end $$;

-- Remembers what may be used once or no longer, such as a proof of possession (RFC 9449 section 11.1) or a revoked token, until
-- it would be refused for its age anyway. Returns whether it was unknown. In passing, forgets a few whose time is over.
create or replace function bailiwick.spend(mark text, until timestamptz) returns boolean
language plpgsql volatile parallel unsafe security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform bailiwick.serve('spend');
  delete from bailiwick.spent s
   where s.mark in (select o.mark from bailiwick.spent o where o.until < statement_timestamp() limit 10 for update skip locked);
  insert into bailiwick.spent (mark, until) values (spend.mark, spend.until) on conflict do nothing;
  return found;
end $$;

-- The keys that sign our tokens, the first one first; private halves are wrapped under a key that the database does not have.
create or replace function bailiwick.signing_keys() returns jsonb
language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform bailiwick.serve('signing_keys');
  return (
    select coalesce(jsonb_agg(jsonb_build_object(
             'kid', k.kid, 'algorithm', k.algorithm, 'publicKey', k.public_key,
             'privateKey', encode(k.private_key, 'base64'), 'activeAt', extract(epoch from k.active_at))
             order by k.active_at, k.kid), '[]')
      from bailiwick.signing_keys k);
end $$;

-- Adds the key that takes over from another, or the first one (predecessor ''). Returns whether it was added: of two processes
-- that rotate at once, one does.
create or replace function bailiwick.add_signing_key(
  kid text, algorithm text, public_key jsonb, private_key bytea, active_at timestamptz, predecessor text) returns boolean
language plpgsql volatile parallel unsafe security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform bailiwick.serve('add_signing_key');
  insert into bailiwick.signing_keys (kid, algorithm, public_key, private_key, active_at, predecessor)
  values (add_signing_key.kid, add_signing_key.algorithm, add_signing_key.public_key, add_signing_key.private_key,
          add_signing_key.active_at, add_signing_key.predecessor)
  on conflict do nothing;
  return found;
end $$;

reset role;

-- test: test/policies/tokens.test.ts
