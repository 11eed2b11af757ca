-- service_credentials
-- That there is a credential for a service, what it is called, what it is for and which calls may be made with it; never the secret.
-- Its owner sees it, and an agent acting for that owner when its delegation lets it read credentials, unless it is for another
-- agent. The owner in person makes, changes and deletes it: no delegation reaches that. Noting its use is the kernel's.

alter table public.service_credentials enable row level security, force row level security;

create policy tenant_floor on public.service_credentials as restrictive for all to bailiwick_runtime
  using (tenant_id = (select bailiwick.tenant_id()));
comment on policy tenant_floor on public.service_credentials is 'Nothing outside the caller''s tenant, whatever else allows.';

create policy select_own on public.service_credentials for select to bailiwick_runtime
  using (owner_id = (select bailiwick.owner('credential', 'read')));
comment on policy select_own on public.service_credentials is 'The owner''s, for the owner and for agents that may read credentials.';

create policy select_meant on public.service_credentials as restrictive for select to bailiwick_runtime
  using (agent_id is null or agent_id = (select bailiwick.actor_id()) or owner_id = (select bailiwick.actor_id()));
comment on policy select_meant on public.service_credentials is 'One that is for a single agent is seen by no other.';

create policy insert_own on public.service_credentials for insert to bailiwick_runtime
  with check (owner_id = (select bailiwick.direct_owner('credential', 'create')));
comment on policy insert_own on public.service_credentials is 'The owner in person keeps a credential.';

create policy insert_provenance on public.service_credentials as restrictive for insert to bailiwick_runtime
  with check (created_by = (select bailiwick.actor_id()) and request_id = (select bailiwick.request_id()));
comment on policy insert_provenance on public.service_credentials is 'A row says truly who made it, in which request.';

create policy update_own on public.service_credentials for update to bailiwick_runtime
  using (owner_id = (select bailiwick.direct_owner('credential', 'update')));
comment on policy update_own on public.service_credentials is 'The owner in person changes what a credential is for.';

create policy delete_own on public.service_credentials for delete to bailiwick_runtime
  using (owner_id = (select bailiwick.direct_owner('credential', 'delete')));
comment on policy delete_own on public.service_credentials is 'The owner in person deletes a credential.';

grant select, delete on public.service_credentials to bailiwick_runtime;
grant insert (tenant_id, id, owner_id, agent_id, service, label, kind, scopes, owner_only, origin, header, prefix, calls,
  expires_at, created_by, request_id, updated_at) on public.service_credentials to bailiwick_runtime;
-- not where the secret goes: whoever could move that would read it
grant update (agent_id, label, scopes, owner_only, calls, expires_at, rotated_at, updated_at)
  on public.service_credentials to bailiwick_runtime;

create policy kernel_reads on public.service_credentials for select to bailiwick_kernel using (true);
comment on policy kernel_reads on public.service_credentials is 'The kernel finds what is to be used or read.';
create policy kernel_notes on public.service_credentials for update to bailiwick_kernel using (true);
comment on policy kernel_notes on public.service_credentials is 'The kernel notes when one was used, and by whom.';
grant select, update (last_used_at, last_used_by) on public.service_credentials to bailiwick_kernel;

-- test: test/policies/service-credentials.test.ts
