-- delegations
-- An owner sees every delegation of its authority, however far down the chain; an agent that may read delegations sees
-- them too; and whoever granted or holds one sees that one. A tenant's administrator sees all of the tenant.
-- A root delegation is made by the owner in person, a further hop by the delegate of the one above it; what may be
-- granted is decided by bailiwick.grant_refusal alone. Rows never change, except that kernel functions end them:
-- revoke_delegation, narrow_delegation, revoke_agent. Nothing is ever un-revoked or deleted.

alter table public.delegations enable row level security, force row level security;

create policy tenant_floor on public.delegations as restrictive for all to bailiwick_runtime
  using (tenant_id = (select bailiwick.tenant_id()));
comment on policy tenant_floor on public.delegations is 'Nothing outside the caller''s tenant, whatever else allows.';

create policy select_own on public.delegations for select to bailiwick_runtime
  using (owner_id = (select bailiwick.owner('delegation', 'read')));
comment on policy select_own on public.delegations is 'Every delegation of the owner''s authority.';

create policy select_granted on public.delegations for select to bailiwick_runtime
  using (delegator_id = (select bailiwick.party('delegation', 'read')));
comment on policy select_granted on public.delegations is 'What the actor itself has granted.';

create policy select_held on public.delegations for select to bailiwick_runtime
  using (delegate_id = (select bailiwick.party('delegation', 'read')));
comment on policy select_held on public.delegations is 'What the actor itself holds.';

create policy select_administered on public.delegations for select to bailiwick_runtime
  using (tenant_id = (select bailiwick.administered_tenant()));
comment on policy select_administered on public.delegations is 'An administrator sees every delegation of the tenant.';

create policy insert_granted on public.delegations for insert to bailiwick_runtime
  with check (bailiwick.grant_refusal(owner_id, delegator_id, delegate_id, parent_id, depth, redelegate, capabilities,
    world_id, not_before, expires_at) is null);
comment on policy insert_granted on public.delegations is 'Only what the present authority may pass on.';

create policy insert_provenance on public.delegations as restrictive for insert to bailiwick_runtime
  with check (created_by = (select bailiwick.actor_id()) and request_id = (select bailiwick.request_id())
    and delegation_id is not distinct from (select bailiwick.delegation_id()));
comment on policy insert_provenance on public.delegations is 'A row says truly who made it, through what, in which request.';
-- no update, no delete: only the kernel ends a delegation, and only for good

grant select on public.delegations to bailiwick_runtime;
grant insert (tenant_id, id, owner_id, delegator_id, delegate_id, parent_id, depth, redelegate, capabilities, world_id,
  purpose, not_before, expires_at, created_by, delegation_id, request_id) on public.delegations to bailiwick_runtime;

create policy kernel_reads on public.delegations for select to bailiwick_kernel using (true);
comment on policy kernel_reads on public.delegations is 'The kernel evaluates chains.';
create policy kernel_ends on public.delegations for update to bailiwick_kernel using (true);
comment on policy kernel_ends on public.delegations is 'The kernel''s functions revoke and shorten, after their own checks.';
grant select, update (revoked_at, revoked_by, expires_at) on public.delegations to bailiwick_kernel;

-- test: test/policies/delegations.test.ts
