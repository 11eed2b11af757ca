-- memories
-- A memory is seen by its owner, and by an agent acting for that owner when its delegation lets it read memories. One that is shared in
-- a world is seen by the members of that world too, and by an agent of theirs only when its delegation names the world. A delegation
-- limited to a world shows the memories of that world only. The same goes for creating, changing and deleting, each with its own
-- capability, and of one's own only. Writing a memory into a world needs its owner to be a member of that world at that time; it stays
-- the owner's afterwards, and shared until its owner takes it back, also when they have left the world.
-- Content and metadata of a sensitive memory are encrypted with the owner's key: nothing else may be written.

alter table public.memories enable row level security, force row level security;

create policy tenant_floor on public.memories as restrictive for all to bailiwick_runtime
  using (tenant_id = (select bailiwick.tenant_id()));
comment on policy tenant_floor on public.memories is 'Nothing outside the caller''s tenant, whatever else allows.';

create policy world_limit on public.memories as restrictive for all to bailiwick_runtime
  using (coalesce(world_id = (select bailiwick.world_limit()), (select bailiwick.world_limit()) is null));
comment on policy world_limit on public.memories is 'A delegation limited to a world reaches the memories of that world only.';

create policy select_own on public.memories for select to bailiwick_runtime
  using (owner_id = (select bailiwick.owner('memory', 'read')));
comment on policy select_own on public.memories is 'The owner''s memories, for the owner and for agents that may read them.';

-- in one piece: written so, no index is entered by it, and the order of one's own page stays that of its own index
create policy select_shared on public.memories for select to bailiwick_runtime
  using (coalesce(shared and world_id = any ((select bailiwick.shared_worlds('memory', 'read'))::uuid[]), false));
comment on policy select_shared on public.memories is 'What is shared in a world, for its members, and for agents that are sent there.';

create policy insert_own on public.memories for insert to bailiwick_runtime
  with check (owner_id = (select bailiwick.owner('memory', 'create')));
comment on policy insert_own on public.memories is 'The owner writes memories, or an agent that may create them.';

create policy insert_world on public.memories as restrictive for insert to bailiwick_runtime
  with check (world_id is null or world_id = any ((select bailiwick.worlds('memory', 'create'))::uuid[]));
comment on policy insert_world on public.memories is 'Only in a world of which the owner is a member.';

create policy insert_shared on public.memories as restrictive for insert to bailiwick_runtime
  with check (not shared or world_id = any ((select bailiwick.shared_worlds('memory', 'create'))::uuid[]));
comment on policy insert_shared on public.memories is 'A member shares, who is no guest, and an agent only where it is sent.';

create policy insert_provenance on public.memories as restrictive for insert to bailiwick_runtime
  with check (created_by = (select bailiwick.actor_id()) and request_id = (select bailiwick.request_id())
    and delegation_id is not distinct from (select bailiwick.delegation_id()));
comment on policy insert_provenance on public.memories is 'A row says truly who made it, through what, in which request.';

create policy insert_sealed on public.memories as restrictive for insert to bailiwick_runtime
  with check (not sensitive or bailiwick.seals(content, owner_id) and bailiwick.seals(metadata #>> '{}', owner_id));
comment on policy insert_sealed on public.memories is 'What is sensitive is an envelope under a live key of its owner.';

create policy update_own on public.memories for update to bailiwick_runtime
  using (owner_id = (select bailiwick.owner('memory', 'update')));
comment on policy update_own on public.memories is 'The owner changes memories, or an agent that may update them.';

create policy update_shared on public.memories as restrictive for update to bailiwick_runtime
  with check (not shared or world_id = any ((select bailiwick.shared_worlds('memory', 'update'))::uuid[]));
comment on policy update_shared on public.memories is 'A member shares, who is no guest, and an agent only where it is sent.';

create policy update_sealed on public.memories as restrictive for update to bailiwick_runtime
  with check (not sensitive or bailiwick.seals(content, owner_id) and bailiwick.seals(metadata #>> '{}', owner_id));
comment on policy update_sealed on public.memories is 'What is sensitive is an envelope under a live key of its owner.';

create policy delete_own on public.memories for delete to bailiwick_runtime
  using (owner_id = (select bailiwick.owner('memory', 'delete')));
comment on policy delete_own on public.memories is 'The owner deletes memories, or an agent that may delete them.';

grant select, delete on public.memories to bailiwick_runtime;
grant insert (tenant_id, id, owner_id, agent_id, world_id, shared, kind, sensitive, content, tags, metadata, created_by,
  delegation_id, request_id, updated_at) on public.memories to bailiwick_runtime;
-- content and metadata are opaque to the database where they are sensitive
grant update (shared, kind, sensitive, content, tags, metadata, updated_at) on public.memories to bailiwick_runtime;

create policy kernel_places on public.memories for select to bailiwick_kernel using (true);
comment on policy kernel_places on public.memories is 'The kernel finds whose a memory is, and in which world it stands.';
grant select (tenant_id, id, owner_id, world_id, shared) on public.memories to bailiwick_kernel;

-- test: test/policies/memories.test.ts
