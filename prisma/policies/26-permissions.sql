-- permissions
-- The owner's rules about what agents do outside. The owner in person makes, changes and removes them: no delegation reaches that. An
-- agent sees those about all agents and about those it acts through, when its delegation lets it read rules.

alter table public.permissions enable row level security, force row level security;

create policy tenant_floor on public.permissions as restrictive for all to bailiwick_runtime
  using (tenant_id = (select bailiwick.tenant_id()));
comment on policy tenant_floor on public.permissions is 'Nothing outside the caller''s tenant, whatever else allows.';

create policy select_own on public.permissions for select to bailiwick_runtime
  using (owner_id = (select bailiwick.owner('permission', 'read')));
comment on policy select_own on public.permissions is 'The owner''s, for the owner and for agents that may read rules.';

create policy select_concerned on public.permissions as restrictive for select to bailiwick_runtime
  using (agent_id is null or agent_id = any ((select bailiwick.acting())::uuid[]) or owner_id = (select bailiwick.actor_id()));
comment on policy select_concerned on public.permissions is 'No agent sees a rule about another that it does not act through.';

create policy insert_own on public.permissions for insert to bailiwick_runtime
  with check (owner_id = (select bailiwick.direct_owner('permission', 'create')));
comment on policy insert_own on public.permissions is 'The owner in person makes a rule.';

create policy insert_provenance on public.permissions as restrictive for insert to bailiwick_runtime
  with check (created_by = (select bailiwick.actor_id()) and request_id = (select bailiwick.request_id()));
comment on policy insert_provenance on public.permissions is 'A row says truly who made it, in which request.';

create policy update_own on public.permissions for update to bailiwick_runtime
  using (owner_id = (select bailiwick.direct_owner('permission', 'update')));
comment on policy update_own on public.permissions is 'The owner in person changes a rule.';

create policy delete_own on public.permissions for delete to bailiwick_runtime
  using (owner_id = (select bailiwick.direct_owner('permission', 'delete')));
comment on policy delete_own on public.permissions is 'The owner in person removes a rule.';

grant select, delete on public.permissions to bailiwick_runtime;
grant insert (tenant_id, id, owner_id, agent_id, service, action, effect, note, created_by, request_id, updated_at)
  on public.permissions to bailiwick_runtime;
-- what a rule is about never changes: another one is about something else
grant update (effect, note, updated_at) on public.permissions to bailiwick_runtime;

create policy kernel_reads on public.permissions for select to bailiwick_kernel using (true);
comment on policy kernel_reads on public.permissions is 'The kernel judges actions by them.';
grant select on public.permissions to bailiwick_kernel;

-- test: test/policies/permissions.test.ts
