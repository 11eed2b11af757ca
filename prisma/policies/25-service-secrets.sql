-- service_secrets
-- The secret of a credential for a service, encrypted with its owner's key. The owner reads it in person; an agent acting for
-- that owner only when its delegation lets it read secrets, and the credential is neither the owner's alone nor for another agent.
-- To have it used, nobody needs to see a row of this table. Only the owner in person writes one, and nothing but an envelope.

alter table public.service_secrets enable row level security, force row level security;

create policy tenant_floor on public.service_secrets as restrictive for all to bailiwick_runtime
  using (tenant_id = (select bailiwick.tenant_id()));
comment on policy tenant_floor on public.service_secrets is 'Nothing outside the caller''s tenant, whatever else allows.';

create policy select_own on public.service_secrets for select to bailiwick_runtime
  using (owner_id = (select bailiwick.owner('secret', 'read')));
comment on policy select_own on public.service_secrets is 'The owner''s, for the owner and for agents that may read secrets.';

create policy select_revealed on public.service_secrets as restrictive for select to bailiwick_runtime
  using (id = any ((select bailiwick.revealed())::uuid[]));
comment on policy select_revealed on public.service_secrets is 'No agent reads what is the owner''s alone or for another agent.';

create policy insert_own on public.service_secrets for insert to bailiwick_runtime
  with check (owner_id = (select bailiwick.direct_owner('credential', 'create')));
comment on policy insert_own on public.service_secrets is 'The owner in person keeps a secret.';

create policy insert_sealed on public.service_secrets as restrictive for insert to bailiwick_runtime
  with check (bailiwick.seals(secret, owner_id));
comment on policy insert_sealed on public.service_secrets is 'Only an envelope under a live key of the owner.';

create policy update_own on public.service_secrets for update to bailiwick_runtime
  using (owner_id = (select bailiwick.direct_owner('credential', 'update')));
comment on policy update_own on public.service_secrets is 'The owner in person replaces a secret.';

create policy update_revealed on public.service_secrets as restrictive for update to bailiwick_runtime
  using (id = any ((select bailiwick.revealed())::uuid[]));
comment on policy update_revealed on public.service_secrets is 'Who does not read a secret does not overwrite it unseen.';

create policy update_sealed on public.service_secrets as restrictive for update to bailiwick_runtime
  with check (bailiwick.seals(secret, owner_id));
comment on policy update_sealed on public.service_secrets is 'Only an envelope under a live key of the owner.';

create policy delete_own on public.service_secrets for delete to bailiwick_runtime
  using (owner_id = (select bailiwick.direct_owner('credential', 'delete')));
comment on policy delete_own on public.service_secrets is 'The owner in person deletes a secret.';

create policy delete_revealed on public.service_secrets as restrictive for delete to bailiwick_runtime
  using (id = any ((select bailiwick.revealed())::uuid[]));
comment on policy delete_revealed on public.service_secrets is 'Who does not read a secret does not delete it unseen.';

grant select, delete on public.service_secrets to bailiwick_runtime;
-- secret and secret_index are opaque to the database
grant insert (tenant_id, id, owner_id, secret, secret_index, updated_at) on public.service_secrets to bailiwick_runtime;
grant update (secret, secret_index, updated_at) on public.service_secrets to bailiwick_runtime;

create policy kernel_reads on public.service_secrets for select to bailiwick_kernel using (true);
comment on policy kernel_reads on public.service_secrets is 'The kernel hands out an envelope that is to be used.';
grant select (tenant_id, id, secret) on public.service_secrets to bailiwick_kernel;

-- test: test/policies/service-secrets.test.ts
