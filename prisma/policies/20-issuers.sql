-- issuers
-- Issuers of tokens that one tenant trusts, besides those of the whole installation. The operator writes them, as the
-- migrator. The server reads them as its identity service, which works for nobody, to find the keys with which a token's
-- signature is verified. No caller sees any, of whatever tenant: an administrator neither.

alter table public.issuers enable row level security, force row level security;

create policy select_service on public.issuers for select to bailiwick_runtime
  using ((select bailiwick.serves('identity')));
comment on policy select_service on public.issuers is 'The server, when it verifies tokens, in nobody''s name.';
-- no insert, update or delete: the operator's work

grant select on public.issuers to bailiwick_runtime;

create policy kernel_reads on public.issuers for select to bailiwick_kernel using (true);
comment on policy kernel_reads on public.issuers is 'The kernel asks whether a tenant trusts the issuer of a token.';
grant select on public.issuers to bailiwick_kernel;

-- test: test/policies/issuers.test.ts
