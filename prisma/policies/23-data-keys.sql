-- data_keys
-- Keys of the encrypted fields, wrapped by a key of the tenant. The owner, and agents that act for it, read the wrapped keys of that
-- owner; the owner in person reads those of its agents too, with which their instructions are sealed. An agent acting as itself
-- reads its own. Nobody reads another's: not a colleague, not an administrator, not an agent of another chain.
-- The kernel keeps the first one (05-keys.sql); the operator rotates and destroys them.

alter table public.data_keys enable row level security, force row level security;

create policy tenant_floor on public.data_keys as restrictive for all to bailiwick_runtime
  using (tenant_id = (select bailiwick.tenant_id()));
comment on policy tenant_floor on public.data_keys is 'Nothing outside the caller''s tenant, whatever else allows.';

create policy select_own on public.data_keys for select to bailiwick_runtime
  using (holder_id = (select bailiwick.key_holder()));
comment on policy select_own on public.data_keys is 'The owner''s wrapped keys, for the owner and for agents that act for it.';

create policy select_owned on public.data_keys for select to bailiwick_runtime
  using (owner_id = (select bailiwick.direct_owner('agent', 'read')));
comment on policy select_owned on public.data_keys is 'The owner in person reads the wrapped keys of its agents.';
-- no insert, update or delete: the kernel keeps the first, the operator does the rest

grant select on public.data_keys to bailiwick_runtime;

create policy kernel_reads on public.data_keys for select to bailiwick_kernel using (true);
comment on policy kernel_reads on public.data_keys is 'The kernel asks whether an envelope is under a live key of its holder.';
create policy kernel_makes on public.data_keys for insert to bailiwick_kernel with check (true);
comment on policy kernel_makes on public.data_keys is 'The kernel keeps the first key of a holder.';
grant select (tenant_id, id, owner_id, holder_id, version, wrapped),
  insert (tenant_id, id, owner_id, holder_id, tenant_key_id, wrapped, erasable) on public.data_keys to bailiwick_kernel;

-- test: test/policies/data-keys.test.ts
