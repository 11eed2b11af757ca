-- agents
-- An owner sees and edits its own agents. An agent sees its owner's agents when its delegation lets it read agents; it
-- edits or makes them when the delegation says that too; acting as itself it sees itself. Every new row says truly who
-- made it, through which delegation, in which request. Nobody deletes an agent: it is archived (entities).

alter table public.agents enable row level security, force row level security;

create policy tenant_floor on public.agents as restrictive for all to bailiwick_runtime
  using (tenant_id = (select bailiwick.tenant_id()));
comment on policy tenant_floor on public.agents is 'Nothing outside the caller''s tenant, whatever else allows.';

create policy select_own on public.agents for select to bailiwick_runtime
  using (owner_id = (select bailiwick.owner('agent', 'read')));
comment on policy select_own on public.agents is 'The owner''s agents, for the owner and for agents that may read them.';

create policy select_self on public.agents for select to bailiwick_runtime
  using (id = (select bailiwick.direct_owner('agent', 'read')));
comment on policy select_self on public.agents is 'An agent acting as itself sees itself.';

create policy insert_own on public.agents for insert to bailiwick_runtime
  with check (owner_id = (select bailiwick.owner('agent', 'create')));
comment on policy insert_own on public.agents is 'The owner makes agents, or an agent that may create them.';

create policy insert_provenance on public.agents as restrictive for insert to bailiwick_runtime
  with check (created_by = (select bailiwick.actor_id()) and request_id = (select bailiwick.request_id())
    and delegation_id is not distinct from (select bailiwick.delegation_id()));
comment on policy insert_provenance on public.agents is 'A row says truly who made it, through what, in which request.';

create policy update_own on public.agents for update to bailiwick_runtime
  using (owner_id = (select bailiwick.owner('agent', 'update')));
comment on policy update_own on public.agents is 'The owner edits its agents, or an agent that may update them.';
-- no delete: agents are archived

grant select on public.agents to bailiwick_runtime;
grant insert (tenant_id, id, owner_id, parent_id, name, icon, description, model, settings, created_by, delegation_id,
  request_id, updated_at) on public.agents to bailiwick_runtime;
grant update (name, icon, description, model, settings, updated_at) on public.agents to bailiwick_runtime;

-- test: test/policies/agents.test.ts
