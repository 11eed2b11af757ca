-- tenant_keys
-- Keys of a tenant, wrapped by the key provider, which the database does not have. Whoever has any authority in the tenant reads the
-- wrapped keys: they wrap the data keys, and without the provider they open nothing. Nobody else sees that there is one.
-- The kernel keeps the first one (05-keys.sql); the operator rotates and destroys them.

alter table public.tenant_keys enable row level security, force row level security;

create policy tenant_floor on public.tenant_keys as restrictive for all to bailiwick_runtime
  using (tenant_id = (select bailiwick.tenant_id()));
comment on policy tenant_floor on public.tenant_keys is 'Nothing outside the caller''s tenant, whatever else allows.';

create policy select_tenant on public.tenant_keys for select to bailiwick_runtime
  using (tenant_id = (select bailiwick.key_tenant()));
comment on policy select_tenant on public.tenant_keys is 'Whoever has any authority in the tenant reads its wrapped keys.';
-- no insert, update or delete: the kernel keeps the first, the operator does the rest

grant select on public.tenant_keys to bailiwick_runtime;

create policy kernel_reads on public.tenant_keys for select to bailiwick_kernel using (true);
comment on policy kernel_reads on public.tenant_keys is 'The kernel looks up the key that wraps a new data key.';
create policy kernel_makes on public.tenant_keys for insert to bailiwick_kernel with check (true);
comment on policy kernel_makes on public.tenant_keys is 'The kernel keeps the first key of a tenant.';
grant select (tenant_id, id, purpose, version), insert (tenant_id, id, purpose, wrapped, erasable) on public.tenant_keys
  to bailiwick_kernel;

-- test: test/policies/tenant-keys.test.ts
