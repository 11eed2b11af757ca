-- approvals
-- What agents have asked of their owner: who, which action with which arguments, through which chain. The owner sees all of it, an
-- agent what it has asked for itself. An agent adds a request when the rules say "ask" and its delegation lets it; deciding on one and
-- redeeming it are the kernel's (06-permissions.sql), and nothing else about one ever changes. The arguments are encrypted.

alter table public.approvals enable row level security, force row level security;

create policy tenant_floor on public.approvals as restrictive for all to bailiwick_runtime
  using (tenant_id = (select bailiwick.tenant_id()));
comment on policy tenant_floor on public.approvals is 'Nothing outside the caller''s tenant, whatever else allows.';

create policy select_own on public.approvals for select to bailiwick_runtime
  using (owner_id = (select bailiwick.owner('approval', 'read')));
comment on policy select_own on public.approvals is 'The owner''s, for the owner and for agents that may read approvals.';

-- the actor first: written so, no index is entered by it, and the order of a page stays that of its own index
create policy select_asked on public.approvals as restrictive for select to bailiwick_runtime
  using ((select bailiwick.actor_id()) in (agent_id, owner_id));
comment on policy select_asked on public.approvals is 'An agent sees what it has asked for itself.';

create policy insert_own on public.approvals for insert to bailiwick_runtime
  with check (owner_id = (select bailiwick.owner('approval', 'create')));
comment on policy insert_own on public.approvals is 'Of the owner it asks, when its delegation lets it.';

create policy insert_asked on public.approvals as restrictive for insert to bailiwick_runtime
  with check (version = bailiwick.asked(service, action));
comment on policy insert_asked on public.approvals is 'Only what the rules in force say is to be asked for.';

create policy insert_provenance on public.approvals as restrictive for insert to bailiwick_runtime
  with check (agent_id = (select bailiwick.actor_id()) and created_by = (select bailiwick.actor_id())
    and request_id = (select bailiwick.request_id()) and delegation_id = (select bailiwick.delegation_id())
    and chain = (select bailiwick.delegation_chain()));
comment on policy insert_provenance on public.approvals is 'A row says truly who asks, through what, in which request.';

create policy insert_sealed on public.approvals as restrictive for insert to bailiwick_runtime
  with check (bailiwick.seals(arguments #>> '{}', owner_id));
comment on policy insert_sealed on public.approvals is 'The arguments are an envelope under a live key of the owner.';
-- no update, no delete: only the kernel decides and redeems

-- arguments is opaque to the database
grant select on public.approvals to bailiwick_runtime;
grant insert (tenant_id, id, owner_id, agent_id, service, action, arguments, digest, reason, version, chain, expires_at, created_by,
  delegation_id, request_id) on public.approvals to bailiwick_runtime;

create policy kernel_reads on public.approvals for select to bailiwick_kernel using (true);
comment on policy kernel_reads on public.approvals is 'The kernel finds what is to be decided or redeemed.';
create policy kernel_decides on public.approvals for update to bailiwick_kernel using (true);
comment on policy kernel_decides on public.approvals is 'The kernel''s functions decide and redeem, after their own checks.';
grant select, update (decision, note, decided_at, decided_by, redeemed_at, redemption_id) on public.approvals to bailiwick_kernel;

-- test: test/policies/approvals.test.ts
