-- world_members
-- Who takes part in an active world is seen by everybody who takes part in it. The world's owner adds, changes and removes
-- members, or its agent with that capability; a member may leave by itself. The owner's own membership stays.

alter table public.world_members enable row level security, force row level security;

create policy tenant_floor on public.world_members as restrictive for all to bailiwick_runtime
  using (tenant_id = (select bailiwick.tenant_id()));
comment on policy tenant_floor on public.world_members is 'Nothing outside the caller''s tenant, whatever else allows.';

create policy world_limit on public.world_members as restrictive for all to bailiwick_runtime
  using (coalesce(world_id = (select bailiwick.world_limit()), (select bailiwick.world_limit()) is null));
comment on policy world_limit on public.world_members is 'A delegation limited to a world reaches that world only.';

create policy select_own on public.world_members for select to bailiwick_runtime
  using (owner_id = (select bailiwick.owner('member', 'read')));
comment on policy select_own on public.world_members is 'The members of the owner''s worlds.';

create policy select_fellow on public.world_members for select to bailiwick_runtime
  using (world_id = any ((select bailiwick.worlds('member', 'read'))::uuid[]));
comment on policy select_fellow on public.world_members is 'The members of worlds of which the owner is a member.';

create policy insert_own on public.world_members for insert to bailiwick_runtime
  with check (owner_id = (select bailiwick.owner('member', 'create')));
comment on policy insert_own on public.world_members is 'The world''s owner adds members, or an agent that may.';

create policy insert_provenance on public.world_members as restrictive for insert to bailiwick_runtime
  with check (created_by = (select bailiwick.actor_id()) and request_id = (select bailiwick.request_id())
    and delegation_id is not distinct from (select bailiwick.delegation_id()));
comment on policy insert_provenance on public.world_members is 'A row says truly who made it, through what, in which request.';

create policy update_own on public.world_members for update to bailiwick_runtime
  using (role <> 'owner' and owner_id = (select bailiwick.owner('member', 'update')))
  with check (role <> 'owner' and owner_id = (select bailiwick.owner('member', 'update')));
comment on policy update_own on public.world_members is 'The world''s owner changes a member''s role, never its own.';

create policy delete_own on public.world_members for delete to bailiwick_runtime
  using (role <> 'owner' and owner_id = (select bailiwick.owner('member', 'delete')));
comment on policy delete_own on public.world_members is 'The world''s owner removes members, never itself.';

create policy delete_leave on public.world_members for delete to bailiwick_runtime
  using (role <> 'owner' and entity_id = (select bailiwick.direct_owner('member', 'delete')));
comment on policy delete_leave on public.world_members is 'A member leaves, in person.';

grant select, delete on public.world_members to bailiwick_runtime;
grant insert (tenant_id, id, world_id, owner_id, entity_id, role, created_by, delegation_id, request_id)
  on public.world_members to bailiwick_runtime;
grant update (role) on public.world_members to bailiwick_runtime;

create policy kernel_reads on public.world_members for select to bailiwick_kernel using (true);
comment on policy kernel_reads on public.world_members is 'The kernel reads who is a member of which world.';
grant select on public.world_members to bailiwick_kernel;

-- test: test/policies/world-members.test.ts
