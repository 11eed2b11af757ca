-- tenants
-- Whoever is signed in sees the name of their own tenant and nothing of any other, even when the chain they come through
-- has ended: they know that name, it is in their token. The tenant's settings are not shown. Nobody changes a tenant
-- through the API: tenants are made, suspended and configured by the operator, as the migrator.

alter table public.tenants enable row level security, force row level security;

create policy select_own on public.tenants for select to bailiwick_runtime
  using (tenant_id = (select bailiwick.tenant_id()));
comment on policy select_own on public.tenants is 'A signed-in caller sees its own tenant.';
-- no insert, update or delete: the operator's work

grant select (tenant_id, id, slug, name) on public.tenants to bailiwick_runtime;

create policy kernel_reads on public.tenants for select to bailiwick_kernel using (true);
comment on policy kernel_reads on public.tenants is 'The kernel reads every tenant, to open and to check contexts.';
grant select on public.tenants to bailiwick_kernel;

-- test: test/policies/tenants.test.ts
