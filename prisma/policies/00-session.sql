-- Who is asking. A request proves itself once per transaction with a ticket (bailiwick.open); the database then keeps
-- a seal of its own in the setting bailiwick.context, and every function below reads that seal and nothing else.
--
-- Two keys: the ticket key is shared with the server, the seal key is made here and never leaves. So the only text that
-- injected SQL can read, current_setting('bailiwick.context'), is worthless in any other transaction or backend.
-- Unset context: null, which compares to nothing, hence zero rows. A context that is set but wrong: SQLSTATE 28000.
--
-- One file because a seal is only as good as all that makes, reads and ends it, and that is reviewed in one piece. It
-- decides nothing about tables and nothing about delegations. Rules S1 to S14 stand in docs/isolation.md.

grant usage, create on schema bailiwick to bailiwick_kernel;
grant usage on schema public to bailiwick_kernel;

-- The migration leaves stand-ins for the three functions that column defaults name; from here on they are the kernel's.
alter function bailiwick.actor_id() owner to bailiwick_kernel;
alter function bailiwick.delegation_id() owner to bailiwick_kernel;
alter function bailiwick.request_id() owner to bailiwick_kernel;

-- Made by the migrator, for the server (ticket) or by the database itself (seal). HMAC (RFC 2104) keeps the key only as
-- its two padded blocks, so that checking a MAC is two calls of core sha256 and needs no extension.
create or replace function bailiwick.install_key(key_id text, key_purpose text, secret bytea) returns void
language plpgsql volatile parallel unsafe set search_path = pg_catalog, pg_temp as $$
declare
  inner_block bytea := secret || decode(repeat('00', 64 - length(secret)), 'hex');
  outer_block bytea := inner_block;
begin
  if length(secret) <> 32 then
    raise exception 'a context key has 32 bytes' using errcode = '22023';
  end if;
  for i in 0..63 loop
    inner_block := set_byte(inner_block, i, get_byte(inner_block, i) # 54);
    outer_block := set_byte(outer_block, i, get_byte(outer_block, i) # 92);
  end loop;
  insert into bailiwick.context_key (kid, purpose, inner_pad, outer_pad)
  values (key_id, key_purpose, inner_block, outer_block)
  on conflict (kid) do nothing;
end $$;

create or replace function bailiwick.ensure_seal_key() returns void
language plpgsql volatile parallel unsafe set search_path = pg_catalog, pg_temp as $$
begin
  if not exists (select from bailiwick.context_key where purpose = 'seal' and active) then
    perform bailiwick.install_key(
      'seal-' || gen_random_uuid(),
      'seal',
      -- 32 bytes of the server's strong random source: two version 4 UUIDs hold 244 random bits, the digest spreads them
      sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));
  end if;
end $$;

grant select on bailiwick.context_key, bailiwick.policy_state, bailiwick.spent to bailiwick_kernel;

set local role bailiwick_kernel;

-- What a seal is bound to. One place, because a distributed database would bind to something its workers share.
-- Process id and start of transaction (in microseconds) identify a transaction without assigning a transaction id.
create or replace function bailiwick.transaction_identity() returns text
language sql stable parallel restricted as $$
  select pg_backend_pid() || '.' || (extract(epoch from transaction_timestamp()) * 1000000)::bigint
$$;

-- HMAC-SHA256 under a stored key, in hexadecimal; null where the key is unknown, retired or of the other purpose.
create or replace function bailiwick.mac(kid text, purpose text, message text) returns text
language plpgsql stable parallel safe as $$
declare
  k bailiwick.context_key;
begin
  select * into k from bailiwick.context_key c where c.kid = mac.kid and c.purpose = mac.purpose and c.active;
  return encode(sha256(k.outer_pad || sha256(k.inner_pad || convert_to(message, 'UTF8'))), 'hex');
end $$;

-- Whether a MAC is right. Compared by keyed digests, because comparing the MACs themselves takes time that tells where they
-- differ. One look-up and no other call: every policy asks this on every statement.
create or replace function bailiwick.verify(kid text, purpose text, message text, mac text) returns boolean
language plpgsql stable parallel safe as $$
declare
  k record;
  expected text;
begin
  select c.inner_pad, c.outer_pad into k
    from bailiwick.context_key c where c.kid = verify.kid and c.purpose = verify.purpose and c.active;
  expected := encode(sha256(k.outer_pad || sha256(k.inner_pad || convert_to(message, 'UTF8'))), 'hex');
  return coalesce(
    sha256(k.outer_pad || convert_to(expected, 'UTF8')) = sha256(k.outer_pad || convert_to(verify.mac, 'UTF8')), false);
end $$;

create or replace function bailiwick.refuse(reason text) returns void
language plpgsql immutable parallel safe as $$
begin
  raise exception 'context refused' using errcode = '28000', detail = reason;
end $$;

create type bailiwick.context as (
  tenant_id  uuid,
  actor_id   uuid,
  owner_id   uuid,
  world_id   uuid,        -- the chain's world limit; null: none; all zeros: contradictory limits, so nowhere
  request_id uuid,
  expires_at timestamptz, -- of the token or key
  chain      uuid[],      -- delegations, the owner's first; empty when the actor acts as itself
  scopes     text[],      -- of the token or key, kind:verb
  credential text         -- what proved it: token (of an issuer), key, client or session and its id, any of them after view: where an
                          -- owner looks on, or service:<name> for the server's own work, which is nobody's
);

-- The verified context of this transaction; all null when none was opened. Not executable by the runtime role.
create or replace function bailiwick.sealed() returns bailiwick.context
language plpgsql stable parallel restricted as $$
declare
  seal text := nullif(current_setting('bailiwick.context', true), '');
  part text[];
  body text;
  c bailiwick.context;
begin
  if seal is null then
    return c;
  end if;
  part := string_to_array(seal, '|');
  if array_length(part, 1) is distinct from 13 or part[1] <> 's1' then
    perform bailiwick.refuse('seal: shape');
  end if;
  -- put together again: taking it out of the text would count the characters of all of it
  body := array_to_string(part[:12], '|');
  if not bailiwick.verify(part[2], 'seal', body, part[13]) then
    perform bailiwick.refuse('seal: mac');
  end if;
  if part[3] <> bailiwick.transaction_identity() then
    perform bailiwick.refuse('seal: transaction');
  end if;
  c.tenant_id  := nullif(part[4], '');
  c.actor_id   := nullif(part[5], '');
  c.owner_id   := nullif(part[6], '');
  c.world_id   := nullif(part[7], '');
  c.request_id := part[8];
  c.expires_at := to_timestamp(part[9]::numeric / 1000000);
  c.chain      := string_to_array(part[10], ',');
  c.scopes     := string_to_array(part[11], ',');
  c.credential := part[12];
  return c;
end $$;

-- Under what the end of a token of our own is remembered (bailiwick.spend): a digest of its `jti`.
create or replace function bailiwick.mark_of_token(token_id text) returns text
language sql stable parallel safe as $$ select encode(sha256(convert_to('token ' || token_id, 'UTF8')), 'hex') $$;

-- Who sent a token: what the issuer calls its subject, in the tenant that the token names.
create or replace function bailiwick.by_token(t jsonb) returns bailiwick.context
language plpgsql stable parallel restricted set plan_cache_mode = force_generic_plan as $$
declare
  c bailiwick.context;
  epoch timestamptz;
begin
  select i.tenant_id, i.entity_id into c.tenant_id, c.actor_id
    from public.tenants n
    join public.identities i on i.tenant_id = n.tenant_id
   where n.slug = t->>'tenant' and i.issuer = t->>'issuer' and i.subject = t->>'subject';
  -- by itself: joined, a plan that was made before there were statistics would go through all entities of the tenant
  select e.credential_epoch into epoch from public.entities e where e.tenant_id = c.tenant_id and e.id = c.actor_id;
  if not found then
    perform bailiwick.refuse('subject: unknown');
  end if;
  if t->>'issuer_id' is not null and not exists (
       select from public.issuers s
        where s.tenant_id = c.tenant_id and s.id = (t->>'issuer_id')::uuid
          and s.issuer = t->>'issuer' and s.status = 'active') then
    perform bailiwick.refuse('issuer: not trusted by the tenant');
  end if;
  -- tokens count whole seconds: one from the second in which everything was ended is refused with the older ones
  if epoch is not null and coalesce(to_timestamp((t->>'issued_at')::numeric) <= epoch, true) then
    perform bailiwick.refuse('token: issued before everything was ended');
  end if;
  c.credential := 'token';
  c.expires_at := to_timestamp((t->>'token_expires_at')::numeric);
  -- nearly always all are well-formed, which costs less to find out of all at once; what else may stand between quotes is escaped
  if t->>'scopes' ~ '^\["[a-z_]+:[a-z_]+"(, "[a-z_]+:[a-z_]+")*\]$' then
    c.scopes := array(select jsonb_array_elements_text(t->'scopes'));
  else
    c.scopes := array(
      select s from jsonb_array_elements_text(t->'scopes') s where s ~ '^[a-z_]+:[a-z_]+$');
  end if;
  c.chain := '{}';
  c.owner_id := c.actor_id;
  return c;
end $$;

-- Whom a credential of ours identifies. Everything comes from its own row, the tenant too; one that is bound to a delegation
-- works under that one and nothing else.
create or replace function bailiwick.by_credential(k public.credentials, t jsonb) returns bailiwick.context
language plpgsql stable parallel restricted set plan_cache_mode = force_generic_plan as $$
declare
  c bailiwick.context;
begin
  if k.revoked_at is not null or (k.expires_at > statement_timestamp()) is not true then
    perform bailiwick.refuse('credential: unknown, revoked or expired');
  end if;
  c.tenant_id := k.tenant_id;
  c.actor_id := k.entity_id;
  c.owner_id := k.entity_id;
  c.expires_at := k.expires_at;
  c.chain := '{}';
  c.scopes := k.capabilities;
  c.credential := k.kind || ':' || k.id;
  if k.pinned_id is not null then
    if coalesce((t->>'delegation')::uuid <> k.pinned_id, false) then
      perform bailiwick.refuse('credential: bound to another delegation');
    end if;
    c := bailiwick.resolve_chain(c, k.pinned_id);
  end if;
  return c;
end $$;

-- Who presents an API key.
create or replace function bailiwick.by_key(t jsonb) returns bailiwick.context
language plpgsql stable parallel restricted set plan_cache_mode = force_generic_plan as $$
declare
  k public.credentials;
begin
  select * into k from public.credentials x where x.digest = t->>'key';
  return bailiwick.by_credential(k, t);
end $$;

-- Who presents a token of our own: whoever holds the client or session on which it was issued, as long as that one is good,
-- within what the token says. No token is issued on an API key.
create or replace function bailiwick.by_issued(t jsonb) returns bailiwick.context
language plpgsql stable parallel restricted set plan_cache_mode = force_generic_plan as $$
declare
  c bailiwick.context;
  k public.credentials;
begin
  if t->>'token_id' is null or t->>'token_expires_at' is null then
    perform bailiwick.refuse('token: without an id or an end');
  end if;
  if exists (select from bailiwick.spent s where s.mark = bailiwick.mark_of_token(t->>'token_id')) then
    perform bailiwick.refuse('token: revoked');
  end if;
  select x.* into k
    from public.tenants n
    join public.credentials x on x.tenant_id = n.tenant_id
   where n.slug = t->>'tenant' and x.id = (t->>'credential')::uuid and x.kind <> 'key';
  c := bailiwick.by_credential(k, t);
  c.expires_at := least(c.expires_at, to_timestamp((t->>'token_expires_at')::numeric));
  select coalesce(array_agg(s), '{}') into c.scopes
    from jsonb_array_elements_text(t->'scopes') s where s = any (k.capabilities);
  return c;
end $$;

-- The server itself, working for nobody: it has no tenant and no owner, and reads what the policies open to this service.
create or replace function bailiwick.by_service(t jsonb) returns bailiwick.context
language plpgsql immutable parallel restricted as $$
declare
  c bailiwick.context;
begin
  if t->>'service' <> 'identity' then
    perform bailiwick.refuse('service: unknown');
  end if;
  c.credential := 'service:' || (t->>'service');
  c.expires_at := to_timestamp((t->>'exp')::numeric);
  c.chain := '{}';
  c.scopes := '{}';
  return c;
end $$;

-- Who comes with a ticket, and what they may be here: everything but the transaction. Refuses what is wrong with 28000.
create or replace function bailiwick.establish(ticket text, mac text) returns bailiwick.context
language plpgsql stable parallel restricted as $$
declare
  kid text := split_part(ticket, '|', 2);
  t jsonb;
  c bailiwick.context;
  clock numeric := extract(epoch from clock_timestamp());
begin
  if ticket is null or mac is null or split_part(ticket, '|', 1) <> 't1'
     or not bailiwick.verify(kid, 'ticket', ticket, mac) then
    perform bailiwick.refuse('ticket: mac');
  end if;
  t := substr(ticket, length(kid) + 5)::jsonb;
  if not coalesce(
       (t->>'exp')::numeric - (t->>'iat')::numeric between 0 and 30
       and (t->>'iat')::numeric <= clock + 5
       and (t->>'exp')::numeric > clock, false) then
    perform bailiwick.refuse('ticket: time');
  end if;

  if t->>'service' is not null then
    c := bailiwick.by_service(t);
  elsif t->>'key' is not null then
    c := bailiwick.by_key(t);
  elsif t->>'credential' is not null then
    c := bailiwick.by_issued(t);
  else
    c := bailiwick.by_token(t);
  end if;
  if t->>'delegation' is not null and cardinality(c.chain) = 0 then
    c := bailiwick.resolve_chain(c, (t->>'delegation')::uuid);
  end if;
  if t->>'on_behalf_of' is not null and (
       case when t->>'credential' is not null then (t->>'on_behalf_of')::uuid is distinct from c.owner_id
       else not exists (
         select from public.identities i
          where i.tenant_id = c.tenant_id and i.entity_id = c.owner_id
            and i.issuer = t->>'issuer' and i.subject = t->>'on_behalf_of') end) then
    perform bailiwick.refuse('subject: not the owner of the chain');
  end if;
  perform bailiwick.check_actors(c, t);
  c.request_id := t->>'request_id';
  if c.request_id is null or c.expires_at is null then
    perform bailiwick.refuse('ticket: incomplete');
  end if;
  if t->>'view_as' is not null then
    c := bailiwick.viewed(c, (t->>'view_as')::uuid);
  end if;
  return c;
end $$;

-- Opens the context of this transaction.
--   ticket  't1|<key id>|<json>' with iat, exp (seconds), request_id, and one of
--             tenant (slug), issuer, subject, scopes, token_expires_at, issued_at; perhaps issuer_id, on_behalf_of,
--               prior_actors, delegation
--             key (digest); perhaps delegation
--             credential, tenant (slug), token_id, scopes, token_expires_at; perhaps on_behalf_of and prior_actors (ids of
--               ours), delegation
--             service
--           and, of an owner in person, perhaps view_as: a delegation of their own authority, to see what its delegate sees
--             (85-explaining.sql)
--   mac     HMAC-SHA256 over the ticket under that key, in hexadecimal
-- Returns what was established, for the server's second layer. Once per transaction: 25001 on the second call.
create or replace function bailiwick.open(ticket text, mac text) returns jsonb
language plpgsql volatile parallel unsafe security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context;
  seal_kid text;
  body text;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    -- a longer-lived snapshot would hide a revocation until the transaction ends
    raise exception 'context needs read committed' using errcode = '25001';
  end if;
  if nullif(current_setting('bailiwick.context', true), '') is not null then
    perform bailiwick.sealed();
    raise exception 'context already open in this transaction' using errcode = '25001';
  end if;
  c := bailiwick.establish(ticket, mac);

  select k.kid into seal_kid from bailiwick.context_key k
   where k.purpose = 'seal' and k.active order by k.created_at desc limit 1;
  body := array_to_string(array[
    's1', seal_kid, bailiwick.transaction_identity(), coalesce(c.tenant_id::text, ''), coalesce(c.actor_id::text, ''),
    coalesce(c.owner_id::text, ''), coalesce(c.world_id::text, ''), c.request_id::text,
    ((extract(epoch from c.expires_at) * 1000000)::bigint)::text,
    array_to_string(c.chain, ','), array_to_string(c.scopes, ','), c.credential], '|');
  perform set_config('bailiwick.context', body || '|' || bailiwick.mac(seal_kid, 'seal', body), true);
  return jsonb_build_object(
    'tenantId', c.tenant_id, 'actorId', c.actor_id, 'ownerId', c.owner_id, 'worldId', c.world_id,
    'requestId', c.request_id, 'chain', c.chain, 'credential', c.credential,
    -- whether what this operation reads is to be written down: an owner who looks on reads their own
    'receipts', cardinality(c.chain) > 0 and left(c.credential, 5) <> 'view:'
      -- by the request, whose number nobody chooses: what is random here, whoever is on the connection could foretell
      and hashtextextended(c.request_id::text, 0) % (select t.receipt_every from public.tenants t where t.tenant_id = c.tenant_id) = 0,
    'actorKind', (select e.kind from public.entities e where e.tenant_id = c.tenant_id and e.id = c.actor_id),
    'administrator', 'tenant:administer' = any (c.scopes) and bailiwick.administers(c));
end $$;

-- The closing assertion: a server that calls this with its own request id learns, before its answer leaves, whether a
-- driver has mixed up connections; a mismatch aborts the transaction, whosever it is. It also takes from the connection
-- whatever a statement may have left for the next user: settings, held cursors, channels, advisory locks.
create or replace function bailiwick.close(expected uuid) returns uuid
language plpgsql volatile parallel unsafe security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context := bailiwick.sealed();
begin
  if c.request_id is distinct from expected then
    perform bailiwick.refuse('close: another request');
  end if;
  execute 'close all';
  execute 'unlisten *';
  execute 'reset all';
  perform pg_advisory_unlock_all();
  return c.request_id;
end $$;

create or replace function bailiwick.tenant_id() returns uuid
language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$
begin
  return (bailiwick.sealed()).tenant_id;
end $$;

create or replace function bailiwick.actor_id() returns uuid
language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$
begin
  return (bailiwick.sealed()).actor_id;
end $$;

create or replace function bailiwick.request_id() returns uuid
language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$
begin
  return (bailiwick.sealed()).request_id;
end $$;

-- The delegation under which the actor acts: the last of the chain, null when it acts as itself.
create or replace function bailiwick.delegation_id() returns uuid
language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$
declare
  chain uuid[] := (bailiwick.sealed()).chain;
begin
  return chain[cardinality(chain)];
end $$;

create or replace function bailiwick.delegation_chain() returns uuid[]
language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$
begin
  return (bailiwick.sealed()).chain;
end $$;

-- The world to which the chain is limited; null when it is not.
create or replace function bailiwick.world_limit() returns uuid
language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$
begin
  return (bailiwick.sealed()).world_id;
end $$;

-- Whether the server itself is at work, as this service. Then there is no tenant and no owner.
create or replace function bailiwick.serves(service text) returns boolean
language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$
begin
  return coalesce((bailiwick.sealed()).credential = 'service:' || service, false);
end $$;

-- The same under the names that people who know the field look for.
create or replace function bailiwick.current_tenant_id() returns uuid
language sql stable parallel restricted as $$ select bailiwick.tenant_id() $$;

create or replace function bailiwick.current_entity_id() returns uuid
language sql stable parallel restricted as $$ select bailiwick.actor_id() $$;

reset role;
