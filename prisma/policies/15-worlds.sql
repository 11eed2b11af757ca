-- worlds
-- A world is seen by its owner and, while it is active, by its members, and by an agent for any of them when its delegation lets it read
-- worlds; a delegation limited to one world shows that one only. The owner edits it, or its agent with that capability.
-- Nobody deletes a world: it is archived (entities).

alter table public.worlds enable row level security, force row level security;

create policy tenant_floor on public.worlds as restrictive for all to bailiwick_runtime
  using (tenant_id = (select bailiwick.tenant_id()));
comment on policy tenant_floor on public.worlds is 'Nothing outside the caller''s tenant, whatever else allows.';

create policy world_limit on public.worlds as restrictive for all to bailiwick_runtime
  using (coalesce(id = (select bailiwick.world_limit()), (select bailiwick.world_limit()) is null));
comment on policy world_limit on public.worlds is 'A delegation limited to a world reaches that world only.';

create policy select_own on public.worlds for select to bailiwick_runtime
  using (owner_id = (select bailiwick.owner('world', 'read')));
comment on policy select_own on public.worlds is 'The owner''s worlds, for the owner and for agents that may read them.';

create policy select_member on public.worlds for select to bailiwick_runtime
  using (id = any ((select bailiwick.worlds('world', 'read'))::uuid[]));
comment on policy select_member on public.worlds is 'The worlds of which the owner is a member.';

create policy insert_own on public.worlds for insert to bailiwick_runtime
  with check (owner_id = (select bailiwick.owner('world', 'create')));
comment on policy insert_own on public.worlds is 'The owner makes worlds, or an agent that may create them.';

create policy insert_provenance on public.worlds as restrictive for insert to bailiwick_runtime
  with check (created_by = (select bailiwick.actor_id()) and request_id = (select bailiwick.request_id())
    and delegation_id is not distinct from (select bailiwick.delegation_id()));
comment on policy insert_provenance on public.worlds is 'A row says truly who made it, through what, in which request.';

create policy update_own on public.worlds for update to bailiwick_runtime
  using (owner_id = (select bailiwick.owner('world', 'update')));
comment on policy update_own on public.worlds is 'The owner edits its worlds, or an agent that may update them.';
-- no delete: worlds are archived

grant select on public.worlds to bailiwick_runtime;
grant insert (tenant_id, id, owner_id, name, description, created_by, delegation_id, request_id, updated_at)
  on public.worlds to bailiwick_runtime;
grant update (name, description, updated_at) on public.worlds to bailiwick_runtime;

-- test: test/policies/worlds.test.ts
