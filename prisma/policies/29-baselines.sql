-- baselines
-- What is usual for an agent where its calls go: learned from its log since a moment, and kept as it was when its owner froze it. The
-- owner sees all of it, an agent its own. The owner in person makes one, freezes it and begins anew; what it is compared with, and that
-- it was broken, the kernel writes.

alter table public.baselines enable row level security, force row level security;

create policy tenant_floor on public.baselines as restrictive for all to bailiwick_runtime
  using (tenant_id = (select bailiwick.tenant_id()));
comment on policy tenant_floor on public.baselines is 'Nothing outside the caller''s tenant, whatever else allows.';

create policy select_own on public.baselines for select to bailiwick_runtime
  using (owner_id = (select bailiwick.owner('baseline', 'read')));
comment on policy select_own on public.baselines is 'The owner''s, for the owner and for agents that may read baselines.';

create policy select_self on public.baselines as restrictive for select to bailiwick_runtime
  using ((select bailiwick.actor_id()) in (agent_id, owner_id));
comment on policy select_self on public.baselines is 'An agent sees its own.';

create policy insert_own on public.baselines for insert to bailiwick_runtime
  with check (owner_id = (select bailiwick.direct_owner('baseline', 'create')));
comment on policy insert_own on public.baselines is 'The owner in person lets be learned what is usual for an agent.';

create policy insert_provenance on public.baselines as restrictive for insert to bailiwick_runtime
  with check (created_by = (select bailiwick.actor_id()) and request_id = (select bailiwick.request_id()));
comment on policy insert_provenance on public.baselines is 'A row says truly who made it, in which request.';

create policy update_own on public.baselines for update to bailiwick_runtime
  using (owner_id = (select bailiwick.direct_owner('baseline', 'update')));
comment on policy update_own on public.baselines is 'The owner in person freezes it, or begins anew.';
-- no delete: who begins anew forgets what was learned

grant select on public.baselines to bailiwick_runtime;
grant insert (tenant_id, id, owner_id, agent_id, since, frozen_at, learned, threshold, created_by, request_id, updated_at)
  on public.baselines to bailiwick_runtime;
grant update (since, frozen_at, learned, threshold, updated_at) on public.baselines to bailiwick_runtime;

create policy kernel_reads on public.baselines for select to bailiwick_kernel using (true);
comment on policy kernel_reads on public.baselines is 'The kernel compares what is noted with what is usual.';
create policy kernel_alerts on public.baselines for update to bailiwick_kernel using (true);
comment on policy kernel_alerts on public.baselines is 'The kernel writes down that it was broken.';
grant select on public.baselines to bailiwick_kernel;
grant update (alerted_at, alert) on public.baselines to bailiwick_kernel;

set local role bailiwick_kernel;

-- How far a call is from what is usual: {score, deviations: [{dimension, value, weight}]}, the gravest first.
--   learned  [{host, method, port, tls, fingerprint}], each once
--   network  of the call: the same
-- A host that was never called is unusual; for one that was, a port, a method, a certificate or handshake (the fingerprint, as the
-- runtime gives it) that was never seen with it, and a call in clear where all were encrypted. Of what is not said, nothing is
-- thought. All is compared as text: whatever stands there, nothing fails. The score is 1 less what the weights leave of each other: 0 is usual, and nothing reaches 1.
create or replace function bailiwick.deviation(learned jsonb, network jsonb) returns jsonb
language sql stable parallel safe as $$
  with usual as (
    select u.* from jsonb_to_recordset(learned) u (host text, method text, port text, tls text, fingerprint text)
  ), call as (
    select n.*, exists (select from usual where usual.host = n.host) as known
      from jsonb_to_record(network) n (host text, method text, port text, tls text, fingerprint text)
  ), near as (
    -- with a host of its own each call is compared with those to it, and otherwise with all
    select usual.* from usual, call where usual.host = call.host or not call.known
  ), found (dimension, value, weight) as (
    select 'host', c.host, 0.9 from call c where not c.known
    union all
    select 'port', c.port, 0.6 from call c
     where c.port is not null and not exists (select from near n where n.port = c.port or n.port is null)
    union all
    select 'method', c.method, 0.4 from call c
     where c.method is not null and not exists (select from near n where n.method = c.method or n.method is null)
    union all
    select 'tls', c.tls, 0.8 from call c
     where c.tls = 'false' and not exists (select from near n where n.tls = 'false' or n.tls is null)
    union all
    select 'fingerprint', c.fingerprint, 0.8 from call c
     where c.known and c.fingerprint is not null
       and exists (select from near n where n.fingerprint is not null)
       and not exists (select from near n where n.fingerprint = c.fingerprint)
  )
  select jsonb_build_object(
    'score', coalesce(round((1 - exp(sum(ln(1 - f.weight))))::numeric, 3), 0),
    'deviations', coalesce(jsonb_agg(jsonb_build_object('dimension', f.dimension, 'value', f.value, 'weight', f.weight)
                             order by f.weight desc, f.dimension), '[]'))
    from found f
$$;

-- Compares what the acting agent has just noted with its frozen baseline. What is farther from it than the owner lets pass is written
-- into it, the farthest of all, and announced to the owner.
create or replace function bailiwick.watch(entries uuid[]) returns void
language plpgsql volatile parallel unsafe security definer set search_path = pg_catalog, pg_temp as $$
declare
  c bailiwick.context := bailiwick.sealed();
  b public.baselines;
  worst record;
begin
  if c.tenant_id is null or cardinality(c.chain) = 0 then
    return;
  end if;
  select * into b from public.baselines x
   where x.tenant_id = c.tenant_id and x.owner_id = c.owner_id and x.agent_id = c.actor_id and x.frozen_at is not null;
  if b.id is null then
    return;
  end if;
  select e.id, d.found into worst
    from public.activity_entries e, lateral (select bailiwick.deviation(b.learned, e.network) as found) d
   where e.tenant_id = c.tenant_id and e.owner_id = c.owner_id and e.agent_id = c.actor_id and e.id = any (entries)
     and e.id >= bailiwick.id_at(statement_timestamp() - interval '5 minutes') and e.network is not null
   order by (d.found->>'score')::numeric desc, e.id
   limit 1;
  if (worst.found->>'score')::numeric >= b.threshold then
    update public.baselines x set alerted_at = statement_timestamp(), alert = worst.found || jsonb_build_object('entryId', worst.id)
     where x.tenant_id = b.tenant_id and x.id = b.id;
    perform bailiwick.announce(c, 'baseline.broken', 'baseline', b.id, null);
  end if;
end $$;

reset role;

-- test: test/policies/baselines.test.ts
