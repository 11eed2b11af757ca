-- Keys of the field encryption, as the database has part in them: who may have which wrapped key, how the first ones are kept,
-- and what may be written into an encrypted column. Wrapping and unwrapping is the server's (src/crypto); no key is ever here.
--
-- A holder is an entity with data keys of its own: the owner of rows, or an agent for what it is told. Requests add the first key
-- and nothing else; the operator rotates and destroys (bailiwick keys).

set local role bailiwick_kernel;

-- Whose keys the context has, whatever it may do: its owner's, as long as it has any authority.
create or replace function bailiwick.key_holder() returns uuid
language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context := bailiwick.sealed();
begin
  return case when bailiwick.holds(c, null) then c.owner_id end;
end $$;

-- The tenant whose keys wrap those of the holder.
create or replace function bailiwick.key_tenant() returns uuid
language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context := bailiwick.sealed();
begin
  return case when bailiwick.holds(c, null) then c.tenant_id end;
end $$;

-- Keeps the first key of the context's tenant for a purpose. Returns whether it was this caller who did.
create or replace function bailiwick.add_tenant_key(id uuid, purpose text, wrapped text, erasable boolean) returns boolean
language plpgsql volatile parallel unsafe security definer set search_path = pg_catalog, pg_temp as $$
declare
  tenant uuid := bailiwick.key_tenant();
begin
  if tenant is null then
    return false;
  end if;
  insert into public.tenant_keys (tenant_id, id, purpose, wrapped, erasable)
  values (tenant, add_tenant_key.id, add_tenant_key.purpose, add_tenant_key.wrapped, add_tenant_key.erasable)
  on conflict do nothing;
  return found;
end $$;

-- Keeps the first data key of a holder: of the context's owner, or of an agent of the owner who is here in person. Returns whether
-- it was this caller who did.
create or replace function bailiwick.add_data_key(id uuid, holder uuid, tenant_key uuid, wrapped text, erasable boolean) returns boolean
language plpgsql volatile parallel unsafe security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context := bailiwick.sealed();
begin
  if not bailiwick.holds(c, null) then
    return false;
  end if;
  insert into public.data_keys (tenant_id, id, owner_id, holder_id, tenant_key_id, wrapped, erasable)
  select e.tenant_id, add_data_key.id, e.owner_id, e.id, t.id, add_data_key.wrapped, add_data_key.erasable
    from public.entities e
    join public.tenant_keys t on t.tenant_id = e.tenant_id and t.id = add_data_key.tenant_key and t.purpose = 'wrap'
   where e.tenant_id = c.tenant_id and e.id = add_data_key.holder
     and (e.id = c.owner_id or e.owner_id = c.owner_id and cardinality(c.chain) = 0)
  on conflict do nothing;
  return found;
end $$;

-- Whether a value may stand in an encrypted column: an envelope under a key of this holder that was not destroyed, or nothing. One
-- that was retired counts: rows under it are changed in other columns while a rotation is still on its way to them.
create or replace function bailiwick.seals(envelope text, holder uuid) returns boolean
language plpgsql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context := bailiwick.sealed();
begin
  if envelope is null then
    return true;
  end if;
  if left(envelope, 38) !~ '^bwe1\.[0-9a-f]{32}\.$' then
    return false;
  end if;
  return exists (
    select from public.data_keys k
     where k.tenant_id = c.tenant_id and k.holder_id = holder and k.id = substr(envelope, 6, 32)::uuid and k.wrapped is not null);
end $$;

reset role;
