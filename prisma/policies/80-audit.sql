-- audit_entries
-- What was done and what was refused, written in the transaction of the change. The runtime role can add an entry
-- through bailiwick.audit and do nothing else: not read, not change, not remove. Who, for whom, through which chain, in
-- which request and under which policies is taken from the sealed context, not from the caller. The table is cut into months by id
-- (08-activity.sql); a month that is over is the operator's to take out and to archive, and nothing else removes an entry.

alter table public.audit_entries enable row level security, force row level security;
-- no select, insert, update or delete for the runtime role

create policy kernel_writes on public.audit_entries for insert to bailiwick_kernel with check (true);
comment on policy kernel_writes on public.audit_entries is 'The kernel records, on behalf of a sealed context.';
grant insert on public.audit_entries to bailiwick_kernel;

-- Records one event of the present context, and tells whoever listens to such (09-events.sql). 28000 without a context: nothing is
-- recorded in nobody's name. 22023 for an id of another time: nothing is put into a month that is over.
create or replace function bailiwick.audit(id uuid, event text, target_kind text, target_id uuid, detail jsonb) returns void
language plpgsql volatile parallel unsafe security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context := bailiwick.sealed();
begin
  if c.tenant_id is null then
    perform bailiwick.refuse('audit: no context');
  end if;
  if not bailiwick.is_recent(audit.id) then
    raise exception 'the id of an entry is of another time' using errcode = '22023';
  end if;
  insert into public.audit_entries
    (tenant_id, id, event, actor_id, owner_id, chain, request_id, target_kind, target_id, detail, policy_checksum)
  select c.tenant_id, audit.id, audit.event, c.actor_id, c.owner_id, c.chain, c.request_id, audit.target_kind,
         audit.target_id, coalesce(audit.detail, '{}'), p.checksum
    from bailiwick.policy_state p;
  perform bailiwick.announce(c, audit.event, audit.target_kind, audit.target_id, audit.detail);
end $$;
alter function bailiwick.audit(uuid, text, text, uuid, jsonb) owner to bailiwick_kernel;

-- test: test/policies/audit-entries.test.ts
