-- identities
-- Which subject of which token issuer is which entity. The kernel alone reads it, when it opens a context; the operator
-- writes it, as the migrator. The runtime role has no right to it at all.

alter table public.identities enable row level security, force row level security;
-- no select, insert, update or delete for the runtime role

create policy kernel_reads on public.identities for select to bailiwick_kernel using (true);
comment on policy kernel_reads on public.identities is 'The kernel finds out who the subject of a token is.';
grant select on public.identities to bailiwick_kernel;

-- test: test/policies/identities.test.ts
