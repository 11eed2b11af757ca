-- entities
-- The supertype of users, agents and worlds: id, kind, status, owner, ceiling. You see the entities you own, and the
-- worlds you are a member of. An agent sees its owner's entities of a kind when its delegation lets it read that kind;
-- acting as itself it sees itself. A tenant's administrator sees every entity of the tenant.
-- Making an agent or a world makes its entity. Status and ceiling are changed by the owner in person, or by the
-- administrator: never through a delegation. Nobody deletes an entity: archiving is a status, and it is for good.

alter table public.entities enable row level security, force row level security;

create policy tenant_floor on public.entities as restrictive for all to bailiwick_runtime
  using (tenant_id = (select bailiwick.tenant_id()));
comment on policy tenant_floor on public.entities is 'Nothing outside the caller''s tenant, whatever else allows.';

create policy select_user on public.entities for select to bailiwick_runtime
  using (kind = 'user' and owner_id = (select bailiwick.owner('user', 'read')));
comment on policy select_user on public.entities is 'The user itself, for itself and for agents that may read users.';

create policy select_agent on public.entities for select to bailiwick_runtime
  using (kind = 'agent' and owner_id = (select bailiwick.owner('agent', 'read')));
comment on policy select_agent on public.entities is 'The owner''s agents.';

create policy select_self on public.entities for select to bailiwick_runtime
  using (kind = 'agent' and id = (select bailiwick.direct_owner('agent', 'read')));
comment on policy select_self on public.entities is 'An agent acting as itself sees itself.';

create policy select_world on public.entities for select to bailiwick_runtime
  using (kind = 'world' and owner_id = (select bailiwick.owner('world', 'read'))
    and coalesce(id = (select bailiwick.world_limit()), (select bailiwick.world_limit()) is null));
comment on policy select_world on public.entities is 'The owner''s worlds, within the delegation''s world limit.';

create policy select_member on public.entities for select to bailiwick_runtime
  using (kind = 'world' and id = any ((select bailiwick.worlds('world', 'read'))::uuid[]));
comment on policy select_member on public.entities is 'The worlds of which the owner is a member.';

create policy select_administered on public.entities for select to bailiwick_runtime
  using (tenant_id = (select bailiwick.administered_tenant()));
comment on policy select_administered on public.entities is 'An administrator sees every entity of the tenant.';

create policy insert_agent on public.entities for insert to bailiwick_runtime
  with check (kind = 'agent' and status = 'active' and owner_id = (select bailiwick.owner('agent', 'create')));
comment on policy insert_agent on public.entities is 'Whoever may create the owner''s agents creates their entity.';

create policy insert_world on public.entities for insert to bailiwick_runtime
  with check (kind = 'world' and status = 'active' and owner_id = (select bailiwick.owner('world', 'create'))
    and (select bailiwick.world_limit()) is null);
comment on policy insert_world on public.entities is 'Whoever may create the owner''s worlds creates their entity.';

create policy update_agent on public.entities for update to bailiwick_runtime
  using (kind = 'agent' and status <> 'archived' and owner_id = (select bailiwick.direct_owner('agent', 'update')))
  with check (kind = 'agent' and owner_id = (select bailiwick.direct_owner('agent', 'update')));
comment on policy update_agent on public.entities is 'The owner in person suspends, archives or limits an agent.';

create policy update_world on public.entities for update to bailiwick_runtime
  using (kind = 'world' and status <> 'archived' and owner_id = (select bailiwick.direct_owner('world', 'update')))
  with check (kind = 'world' and owner_id = (select bailiwick.direct_owner('world', 'update')));
comment on policy update_world on public.entities is 'The owner in person suspends or archives a world.';

create policy update_administered on public.entities for update to bailiwick_runtime
  using (status <> 'archived' and tenant_id = (select bailiwick.administered_tenant()))
  with check (tenant_id = (select bailiwick.administered_tenant()));
comment on policy update_administered on public.entities is 'An administrator suspends, archives or limits anybody.';
-- no delete: a chain that names an entity must stay readable

grant select on public.entities to bailiwick_runtime;
grant insert (tenant_id, id, kind, status, owner_id) on public.entities to bailiwick_runtime;
grant update (status, ceiling) on public.entities to bailiwick_runtime;

create policy kernel_reads on public.entities for select to bailiwick_kernel using (true);
comment on policy kernel_reads on public.entities is 'The kernel reads status and ceiling of whoever acts.';
create policy kernel_ends on public.entities for update to bailiwick_kernel using (true);
comment on policy kernel_ends on public.entities is 'The kernel ends the credentials of an entity, after its own checks.';
grant select, update (credential_epoch) on public.entities to bailiwick_kernel;

-- test: test/policies/entities.test.ts
