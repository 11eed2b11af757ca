-- access_receipts
-- Which agent has read which rows of an owner, on which day and by which operation. Seen by that owner in person and by nobody else, no
-- agent either. The server writes it in its own name, for every operation of an agent or for one in so many, as the tenant says; what an
-- agent says of itself is not in it. Nobody changes a receipt, and only its age removes one.

alter table public.access_receipts enable row level security, force row level security;

create policy tenant_floor on public.access_receipts as restrictive for all to bailiwick_runtime
  using (tenant_id = (select bailiwick.tenant_id()));
comment on policy tenant_floor on public.access_receipts is 'Nothing outside the caller''s tenant, whatever else allows.';

create policy select_own on public.access_receipts for select to bailiwick_runtime
  using (owner_id = (select bailiwick.direct_owner('receipt', 'read')));
comment on policy select_own on public.access_receipts is 'The owner in person sees what agents have read of theirs.';
-- no insert, update or delete

grant select on public.access_receipts to bailiwick_runtime;

create policy kernel_reads on public.access_receipts for select to bailiwick_kernel using (true);
comment on policy kernel_reads on public.access_receipts is 'The kernel finds what a row was read by before, and what is past its time.';
create policy kernel_writes on public.access_receipts for insert to bailiwick_kernel with check (true);
comment on policy kernel_writes on public.access_receipts is 'The kernel writes what the server says was read.';
create policy kernel_counts on public.access_receipts for update to bailiwick_kernel using (true);
comment on policy kernel_counts on public.access_receipts is 'The kernel counts how often a row was read on a day.';
create policy kernel_expires on public.access_receipts for delete to bailiwick_kernel using (true);
comment on policy kernel_expires on public.access_receipts is 'The kernel removes what is past what its tenant keeps.';
grant select, insert, delete on public.access_receipts to bailiwick_kernel;
grant update (times, last_at, delegation_id, request_id) on public.access_receipts to bailiwick_kernel;

set local role bailiwick_kernel;

-- Writes down what operations of agents have read. For the server itself, and for nobody else: 28000.
--   read  [{tenant_id, owner_id, agent_id, operation, kind, row_id, delegation_id, request_id}]; whose a memory, an agent, a user or a
--         world is, the kernel looks up, because an agent may read what others share
create or replace function bailiwick.leave_receipts(read jsonb) returns void
language plpgsql volatile parallel unsafe security definer set search_path = pg_catalog, pg_temp as $$
begin
  if not bailiwick.serves('identity') then
    perform bailiwick.refuse('receipts: not the server');
  end if;
  insert into public.access_receipts
    (tenant_id, id, owner_id, agent_id, day, operation, kind, row_id, times, first_at, last_at, delegation_id, request_id)
  select r.tenant_id, bailiwick.new_id(), r.owner_id, r.agent_id, r.day, r.operation, r.kind, r.row_id, r.times,
         statement_timestamp(), statement_timestamp(), r.delegation_id, r.request_id
    from (
      select x.tenant_id, coalesce(m.owner_id, e.owner_id, x.owner_id) as owner_id, x.agent_id,
             (statement_timestamp() at time zone 'UTC')::date as day, x.operation, x.kind, x.row_id, count(*) as times,
             (array_agg(x.delegation_id))[1] as delegation_id, (array_agg(x.request_id))[1] as request_id
        from jsonb_to_recordset(leave_receipts.read) x (tenant_id uuid, owner_id uuid, agent_id uuid, operation text, kind text,
               row_id uuid, delegation_id uuid, request_id uuid)
        left join public.memories m on x.kind = 'Memory' and m.tenant_id = x.tenant_id and m.id = x.row_id
        left join public.entities e on x.kind in ('Agent', 'User', 'World') and e.tenant_id = x.tenant_id and e.id = x.row_id
       group by 1, 2, 3, 4, 5, 6, 7
       -- those who count the same rows at once take turns in one order
       order by 1, 2, 3, 4, 5, 6, 7) r
  on conflict (tenant_id, owner_id, day, agent_id, operation, kind, row_id) do update
    set times = access_receipts.times + excluded.times, last_at = excluded.last_at,
        delegation_id = excluded.delegation_id, request_id = excluded.request_id;
end $$;

reset role;

-- test: test/policies/access-receipts.test.ts
