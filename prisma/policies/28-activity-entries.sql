-- activity_entries
-- What agents have done for an owner: which action of which service, with what outcome. The owner sees all of it, an agent what it did
-- itself. An agent that may adds what it did by its own means, in its own name and of this moment; what is decided about its calls, and
-- the calls that the server makes for it, the kernel notes (08-activity.sql). Nobody changes an entry. Only its age removes one.

alter table public.activity_entries enable row level security, force row level security;

create policy tenant_floor on public.activity_entries as restrictive for all to bailiwick_runtime
  using (tenant_id = (select bailiwick.tenant_id()));
comment on policy tenant_floor on public.activity_entries is 'Nothing outside the caller''s tenant, whatever else allows.';

create policy select_own on public.activity_entries for select to bailiwick_runtime
  using (owner_id = (select bailiwick.owner('activity', 'read')));
comment on policy select_own on public.activity_entries is 'The owner''s, for the owner and for agents that may read the log.';

-- the actor first: written so, no index is entered by it, and the order of a page stays that of its own index
create policy select_did on public.activity_entries as restrictive for select to bailiwick_runtime
  using ((select bailiwick.actor_id()) in (agent_id, owner_id));
comment on policy select_did on public.activity_entries is 'An agent sees what it did itself.';

create policy insert_own on public.activity_entries for insert to bailiwick_runtime
  with check (owner_id = (select bailiwick.owner('activity', 'create')));
comment on policy insert_own on public.activity_entries is 'For the owner it acts for, when its delegation lets it.';

create policy insert_provenance on public.activity_entries as restrictive for insert to bailiwick_runtime
  with check (agent_id = (select bailiwick.actor_id()) and created_by = (select bailiwick.actor_id())
    and request_id = (select bailiwick.request_id()) and delegation_id = (select bailiwick.delegation_id())
    and chain = (select bailiwick.delegation_chain()));
comment on policy insert_provenance on public.activity_entries is 'A row says truly who did it, through what, in which request.';

create policy insert_timely on public.activity_entries as restrictive for insert to bailiwick_runtime
  with check (id >= (select bailiwick.id_at(statement_timestamp() - interval '5 minutes'))
    and id < (select bailiwick.id_at(statement_timestamp() + interval '5 minutes')));
comment on policy insert_timely on public.activity_entries is 'Nothing is written into the past, or ahead.';

create policy insert_reported on public.activity_entries as restrictive for insert to bailiwick_runtime
  with check (outcome in ('started', 'succeeded', 'failed'));
comment on policy insert_reported on public.activity_entries is 'What was allowed, asked for or denied, only the kernel says.';

create policy insert_redeemed on public.activity_entries as restrictive for insert to bailiwick_runtime
  with check (approval_id is null or bailiwick.redeemed(approval_id, service, action));
comment on policy insert_redeemed on public.activity_entries is 'An approval is named only by who redeemed it, for that action.';
-- no update, no delete

grant select on public.activity_entries to bailiwick_runtime;
grant insert (tenant_id, id, owner_id, agent_id, service, action, summary, outcome, duration_ms, approval_id, network, chain,
  created_by, delegation_id, request_id) on public.activity_entries to bailiwick_runtime;

create policy kernel_reads on public.activity_entries for select to bailiwick_kernel using (true);
comment on policy kernel_reads on public.activity_entries is 'The kernel finds the call that is to be finished, and what is past its time.';
create policy kernel_notes on public.activity_entries for insert to bailiwick_kernel with check (true);
comment on policy kernel_notes on public.activity_entries is 'The kernel notes what it decides and what the server does for an agent.';
create policy kernel_expires on public.activity_entries for delete to bailiwick_kernel using (true);
comment on policy kernel_expires on public.activity_entries is 'The kernel removes what is past what its tenant keeps.';
grant select, insert, delete on public.activity_entries to bailiwick_kernel;

-- test: test/policies/activity-entries.test.ts
