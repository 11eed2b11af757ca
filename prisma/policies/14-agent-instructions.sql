-- agent_instructions
-- The system prompt and the private instructions of an agent. The owner in person reads and writes them; the agent
-- reads its own when it acts as itself. No delegation reaches them: no other agent ever learns what one was told. Both are encrypted
-- with the agent's own key: nothing else may be written.

alter table public.agent_instructions enable row level security, force row level security;

create policy tenant_floor on public.agent_instructions as restrictive for all to bailiwick_runtime
  using (tenant_id = (select bailiwick.tenant_id()));
comment on policy tenant_floor on public.agent_instructions is 'Nothing outside the caller''s tenant, whatever else allows.';

create policy select_own on public.agent_instructions for select to bailiwick_runtime
  using (owner_id = (select bailiwick.direct_owner('agent', 'read')));
comment on policy select_own on public.agent_instructions is 'The owner in person reads what its agents are told.';

create policy select_self on public.agent_instructions for select to bailiwick_runtime
  using (id = (select bailiwick.direct_owner('agent', 'read')));
comment on policy select_self on public.agent_instructions is 'An agent acting as itself reads what it is told.';

create policy insert_own on public.agent_instructions for insert to bailiwick_runtime
  with check (owner_id = (select bailiwick.direct_owner('agent', 'update')));
comment on policy insert_own on public.agent_instructions is 'The owner in person instructs an agent.';

create policy update_own on public.agent_instructions for update to bailiwick_runtime
  using (owner_id = (select bailiwick.direct_owner('agent', 'update')));
comment on policy update_own on public.agent_instructions is 'The owner in person instructs an agent anew.';

create policy insert_sealed on public.agent_instructions as restrictive for insert to bailiwick_runtime
  with check (bailiwick.seals(system_prompt, id) and bailiwick.seals(private_instructions, id));
comment on policy insert_sealed on public.agent_instructions is 'Only envelopes under a live key of the agent.';

create policy update_sealed on public.agent_instructions as restrictive for update to bailiwick_runtime
  with check (bailiwick.seals(system_prompt, id) and bailiwick.seals(private_instructions, id));
comment on policy update_sealed on public.agent_instructions is 'Only envelopes under a live key of the agent.';
-- no delete: instructions are emptied, and go when the agent is purged

grant select on public.agent_instructions to bailiwick_runtime;
-- system_prompt and private_instructions are opaque to the database
grant insert (tenant_id, id, owner_id, system_prompt, private_instructions, updated_at)
  on public.agent_instructions to bailiwick_runtime;
grant update (system_prompt, private_instructions, updated_at) on public.agent_instructions to bailiwick_runtime;

-- test: test/policies/agent-instructions.test.ts
