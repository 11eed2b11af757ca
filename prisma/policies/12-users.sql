-- users
-- A user sees and edits its own profile; an agent does so for its owner when its delegation says so. A tenant's
-- administrator sees the tenant's users. Role and e-mail are not changed here: the first is the operator's, the second
-- the token issuer's. Nobody creates or deletes a user through the API.

alter table public.users enable row level security, force row level security;

create policy tenant_floor on public.users as restrictive for all to bailiwick_runtime
  using (tenant_id = (select bailiwick.tenant_id()));
comment on policy tenant_floor on public.users is 'Nothing outside the caller''s tenant, whatever else allows.';

create policy select_own on public.users for select to bailiwick_runtime
  using (owner_id = (select bailiwick.owner('user', 'read')));
comment on policy select_own on public.users is 'The user itself, for itself and for agents that may read users.';

create policy select_administered on public.users for select to bailiwick_runtime
  using (tenant_id = (select bailiwick.administered_tenant()));
comment on policy select_administered on public.users is 'An administrator sees every user of the tenant.';

create policy update_own on public.users for update to bailiwick_runtime
  using (owner_id = (select bailiwick.owner('user', 'update')));
comment on policy update_own on public.users is 'The user edits its own profile, or an agent that may update users.';
-- no insert, no delete: users come from the operator

grant select on public.users to bailiwick_runtime;
grant update (display_name, locale, time_zone, updated_at) on public.users to bailiwick_runtime;

create policy kernel_reads on public.users for select to bailiwick_kernel using (true);
comment on policy kernel_reads on public.users is 'The kernel reads who is a person and who an administrator.';
grant select on public.users to bailiwick_kernel;

-- test: test/policies/users.test.ts
