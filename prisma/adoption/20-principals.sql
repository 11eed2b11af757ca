-- Who the adopter's people, agents and worlds are to the kernel. Their ids are made of the keys they have, so no table is needed to
-- translate; which of them are there is kept in step by triggers on the adopter's own tables (made by src/adoption/principals.ts).

-- Whose functions stand here must be allowed to have some.
grant usage, create on schema bailiwick_adoption to bailiwick_adopter;

-- The id of whatever has this key among its kind: the first half of a SHA-256, as a UUID of version 8 (RFC 9562 section 5.8).
create function bailiwick_adoption.id(kind text, key text) returns uuid
language plpgsql stable strict parallel safe as $$
begin
  return overlay(overlay(
    left(encode(sha256(convert_to(kind || ':' || key, 'UTF8')), 'hex'), 32) placing '8' from 13) placing '8' from 17)::uuid;
end $$;

-- One principal has one subject. Found without its tenant, because an application often knows the person alone.
create unique index identities_adopted on bailiwick_data.identities (subject) where issuer = 'urn:bailiwick:adopted';
create index entities_adopted on bailiwick_data.entities (id);

-- The entity of an agent, a user or a world of the caller's own tenant, by the adopter's key; null when there is none.
create function bailiwick_adoption.entity(kind text, key text) returns uuid
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select i.entity_id from bailiwick_data.identities i
   where i.issuer = 'urn:bailiwick:adopted' and i.subject = kind || ':' || key
     and i.tenant_id = (select bailiwick.tenant_id())
$$;

-- In an adopter's database the application says who is there, and the ticket proves that it was the application. So this stands in
-- the place of the kernel's function for tokens of issuers: there are none here. Without scopes, whatever the kinds allow.
create or replace function bailiwick.by_token(t jsonb) returns bailiwick.context
language plpgsql stable parallel restricted set plan_cache_mode = force_generic_plan as $$
declare
  c bailiwick.context;
begin
  if t->>'issuer' is distinct from 'urn:bailiwick:adopted' then
    perform bailiwick.refuse('issuer: not the application');
  end if;
  select i.tenant_id, i.entity_id into c.tenant_id, c.actor_id
    from bailiwick_data.identities i
   where i.issuer = 'urn:bailiwick:adopted' and i.subject = t->>'subject';
  if not found then
    perform bailiwick.refuse('subject: unknown');
  end if;
  c.credential := 'token';
  c.expires_at := to_timestamp((t->>'token_expires_at')::numeric);
  c.scopes := case when jsonb_typeof(t->'scopes') = 'array'
    then array(select s from jsonb_array_elements_text(t->'scopes') s where s ~ '^[a-z_]+:[a-z_]+$')
    else array(select s from unnest(bailiwick.delegable() || bailiwick.personal()) s where s <> 'tenant:administer') end;
  c.chain := '{}';
  c.owner_id := c.actor_id;
  return c;
end $$;
alter function bailiwick.by_token(jsonb) owner to bailiwick_kernel;

-- Whoever keeps entities and owners in step. It decides nothing: its functions write what the adopter's own rows say.
grant usage on schema bailiwick_data, bailiwick_adoption, bailiwick to bailiwick_adopter;
do $$
declare
  kept text;
begin
  foreach kept in array array['tenants', 'entities', 'users', 'agents', 'worlds', 'world_members', 'identities'] loop
    execute format('create policy adopter_keeps on bailiwick_data.%I for all to bailiwick_adopter using (true) with check (true)', kept);
    execute format('grant select, insert, update, delete on bailiwick_data.%I to bailiwick_adopter', kept);
  end loop;
end $$;
-- and whoever seals what stands in declared columns, which is the operator as its member, makes the first keys; wrapped, they open nothing
do $$
declare
  kept text;
begin
  foreach kept in array array['tenant_keys', 'data_keys'] loop
    execute format('create policy adopter_reads on bailiwick_data.%I for select to bailiwick_adopter using (true)', kept);
    execute format('create policy adopter_makes on bailiwick_data.%I for insert to bailiwick_adopter with check (true)', kept);
    execute format('grant select, insert on bailiwick_data.%I to bailiwick_adopter', kept);
  end loop;
end $$;
grant select on bailiwick_adoption.tables, bailiwick_adoption.mappings to bailiwick_adopter;
grant insert on bailiwick_adoption.quarantined to bailiwick_adopter;
grant execute on function bailiwick.owner(text, text), bailiwick.tenant_id(), bailiwick.world_limit() to bailiwick_adopter;
grant usage on schema bailiwick_adoption to bailiwick_runtime;
revoke execute on function bailiwick_adoption.entity(text, text), bailiwick_adoption.id(text, text) from public;
grant execute on function bailiwick_adoption.id(text, text) to bailiwick_adopter;
alter function bailiwick_adoption.entity(text, text) owner to bailiwick_adopter;
grant execute on function bailiwick_adoption.entity(text, text) to bailiwick_runtime;

-- A principal that is no longer there, or is elsewhere: the entity is archived, and its subject is nobody's.
create function bailiwick_adoption.retire(kind text, key text) returns void
language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
  with gone as (
    delete from bailiwick_data.identities i
     where i.issuer = 'urn:bailiwick:adopted' and i.subject = kind || ':' || key
    returning i.tenant_id, i.entity_id
  )
  update bailiwick_data.entities e set status = 'archived'
    from gone where e.tenant_id = gone.tenant_id and e.id = gone.entity_id;
  update bailiwick_data.tenants t set status = 'archived' where retire.kind = 'tenant' and t.tenant_id = bailiwick_adoption.id('tenant', key);
$$;

-- The same where it is now another, or in another tenant (null: in none). Returns whether that was so.
create function bailiwick_adoption.leave(kind text, key text, entity uuid, tenant uuid) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
  if not exists (select from bailiwick_data.identities i
                  where i.issuer = 'urn:bailiwick:adopted' and i.subject = leave.kind || ':' || leave.key
                    and (i.entity_id, i.tenant_id) is distinct from (leave.entity, leave.tenant)) then
    return false;
  end if;
  perform bailiwick_adoption.retire(leave.kind, leave.key);
  return true;
end $$;

-- Filled in by src/adoption as tables are given owners.
create function bailiwick_adoption.settle_owned(principal uuid) returns void language plpgsql as $$ begin end $$;

do $$
declare
  f regprocedure;
begin
  foreach f in array array['bailiwick_adoption.retire(text, text)', 'bailiwick_adoption.leave(text, text, uuid, uuid)',
                           'bailiwick_adoption.settle_owned(uuid)']::regprocedure[] loop
    execute format('revoke execute on function %s from public', f);
    execute format('alter function %s owner to bailiwick_adopter', f);
  end loop;
end $$;
