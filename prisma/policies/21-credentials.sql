-- credentials
-- What a user, a service or an agent proves with who it is: an API key, a key of its own that signs for it (client), or a
-- session of the token service. Its owner sees it in person: never through a delegation, and an agent never, not even its own.
-- A tenant's administrator sees every one of the tenant. Nobody reads a digest.
-- Made, replaced and ended by the kernel's functions alone (03-credentials.sql, 04-tokens.sql); nothing about one ever changes
-- otherwise.

alter table public.credentials enable row level security, force row level security;

create policy tenant_floor on public.credentials as restrictive for all to bailiwick_runtime
  using (tenant_id = (select bailiwick.tenant_id()));
comment on policy tenant_floor on public.credentials is 'Nothing outside the caller''s tenant, whatever else allows.';

create policy select_own on public.credentials for select to bailiwick_runtime
  using (owner_id = (select bailiwick.direct_owner('key', 'read')));
comment on policy select_own on public.credentials is 'The owner in person sees its own credentials and those of its agents.';

create policy select_administered on public.credentials for select to bailiwick_runtime
  using (tenant_id = (select bailiwick.administered_tenant()));
comment on policy select_administered on public.credentials is 'An administrator sees every credential of the tenant.';
-- no insert, update or delete: the kernel's functions make and end them

grant select (tenant_id, id, owner_id, entity_id, kind, label, hint, public_key, capabilities, pinned_id, replaces_id, expires_at,
  revoked_at, revoked_by, last_used_at, created_at, created_by, request_id) on public.credentials to bailiwick_runtime;

create policy kernel_reads on public.credentials for select to bailiwick_kernel using (true);
comment on policy kernel_reads on public.credentials is 'The kernel finds what was presented.';
create policy kernel_makes on public.credentials for insert to bailiwick_kernel with check (true);
comment on policy kernel_makes on public.credentials is 'The kernel''s functions make credentials, after their own checks.';
create policy kernel_ends on public.credentials for update to bailiwick_kernel using (true);
comment on policy kernel_ends on public.credentials is 'The kernel''s functions end credentials and note their use.';
grant select, insert, update (replaces_id, expires_at, revoked_at, revoked_by, last_used_at) on public.credentials
  to bailiwick_kernel;

-- test: test/policies/credentials.test.ts
