-- Looking on: what strict policies would have hidden, counted while nothing is hidden. A table's shadow policies (src/adoption/shadow.ts) first
-- ask the strict condition; only for a row that fails it do they count, with functions of the core alone, because a statement of old code
-- may go over a million of them: in a setting of the session, by table, verb and clause. `watch` is asked once per statement and table.
--
-- What was counted is written at the end of the transaction, by a deferred trigger, into rows that belong to this backend alone: nobody
-- waits for anybody. A transaction that may only read cannot write: its counts stay with the session until one that may.

-- What was seen, by minute. The rows of one backend are written by no other. Not logged: a transaction that only reads then ends without
-- waiting for the disk, which else were the greater part of what looking on costs. A crash of the server loses it, and what is to go
-- strict must then be looked at anew: the row that says since when is lost with it.
create unlogged table bailiwick_adoption.observed (
  bucket       timestamptz not null,
  number       int not null,
  verb         text not null,
  clause       text not null,
  actor        text not null,        -- id of the entity that acts, or empty
  role         text not null,        -- as which the application had logged in
  fingerprint  text not null,
  backend      int not null,
  statements   bigint not null,
  rows         bigint not null,
  samples      text[] not null,      -- keys of some of the rows
  first_at     timestamptz not null,
  last_at      timestamptz not null,
  primary key (number, verb, clause, actor, role, fingerprint, bucket, backend)
);
alter table bailiwick_adoption.observed set (fillfactor = 50);

-- Statements without their values.
create unlogged table bailiwick_adoption.queries (
  fingerprint  text primary key,
  text         text not null
);

-- Since when a table is looked at without interruption.
create unlogged table bailiwick_adoption.looking (
  number  int primary key,
  since   timestamptz not null default clock_timestamp()
);

-- What was looked at and found to be as it should be, and by whose word.
create table bailiwick_adoption.acceptances (
  number       int not null,
  verb         text not null,
  clause       text not null,
  fingerprint  text not null,
  reason       text not null check (length(trim(reason)) >= 10),
  accepted_by  text not null default session_user,
  accepted_at  timestamptz not null default now(),
  primary key (number, verb, clause, fingerprint)
);

-- Rung once by every transaction that has counted something; answered when it commits.
create unlogged table bailiwick_adoption.bells (backend int primary key, rung_at timestamptz not null);
alter table bailiwick_adoption.bells set (fillfactor = 10);

-- The statement that the client sent, without the values that stand in it.
create function bailiwick_adoption.current_statement() returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select left(trim(regexp_replace(regexp_replace(regexp_replace(current_query(),
    '''(?:[^'']|'''')*''', '?', 'g'), '\m\d+(?:\.\d+)?\M', '?', 'g'), '\s+', ' ', 'g')), 2000)
$$;

-- Why a strict policy would not let a row pass; src/adoption/findings.ts says each in words.
create function bailiwick_adoption.clauses() returns text[]
language sql immutable parallel safe as $$ select array['context', 'unowned', 'tenant', 'owner', 'capability', 'world'] $$;

-- Puts the counts of a table and verb aside for the end of the transaction.
create function bailiwick_adoption.put_aside(mark text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  clause text;
  n text;
  rest text := coalesce(current_setting('bailiwick_adoption.aside', true), '');
begin
  foreach clause in array bailiwick_adoption.clauses() loop
    n := coalesce(current_setting('bailiwick_adoption.n_' || mark || '_' || clause, true), '');
    if n not in ('', '0') then
      rest := rest || jsonb_build_array(mark, clause, current_setting('bailiwick_adoption.q_' || mark), n,
        current_setting('bailiwick_adoption.s_' || mark || '_' || clause),
        nullif(current_setting('bailiwick_adoption.t_' || mark, true), '')) || E'\n';
      perform set_config('bailiwick_adoption.n_' || mark || '_' || clause, '0', false);
    end if;
  end loop;
  perform set_config('bailiwick_adoption.aside', rest, false);
end $$;

-- Puts all counts of this session aside, and returns what is to be written down.
create function bailiwick_adoption.all_aside() returns text
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  mark text;
begin
  foreach mark in array coalesce(string_to_array(nullif(current_setting('bailiwick_adoption.marks', true), ''), ','), '{}') loop
    perform bailiwick_adoption.put_aside(mark);
  end loop;
  return coalesce(current_setting('bailiwick_adoption.aside', true), '');
end $$;

-- Writes down what was put aside: at the end of a transaction, or after one that could only read, when the library asks for it.
create function bailiwick_adoption.keep_observed() returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  aside text := bailiwick_adoption.all_aside();
begin
  perform set_config('bailiwick_adoption.aside', '', false), set_config('bailiwick_adoption.marks', '', false);
  if aside = '' then
    return;
  end if;
  -- where the statement itself could not be written down when it ran
  insert into bailiwick_adoption.queries
  select distinct on (1) split_part(l::jsonb->>2, '|', 1), l::jsonb->>5 from unnest(string_to_array(aside, E'\n')) l
   where l <> '' and l::jsonb->>5 is not null
      and not exists (select from bailiwick_adoption.queries q where q.fingerprint = split_part(l::jsonb->>2, '|', 1))
  on conflict do nothing;
  with lines as (
    select l::jsonb as l from unnest(string_to_array(aside, E'\n')) l where l <> ''
  ), said as (
    select split_part(l->>0, '_', 1)::int as number, split_part(l->>0, '_', 2) as verb, l->>1 as clause,
           split_part(l->>2, '|', 1) as fingerprint, split_part(l->>2, '|', 2) as actor, count(*) as statements,
           sum((l->>3)::bigint) as rows, (array_agg(l->>4))[1] as samples
      from lines group by 1, 2, 3, 4, 5
  )
  insert into bailiwick_adoption.observed as o (bucket, number, verb, clause, actor, role, fingerprint, backend, statements, rows,
         samples, first_at, last_at)
  select date_trunc('minute', now()), number, verb, clause, actor, session_user, fingerprint, pg_backend_pid(), statements, rows,
         coalesce(string_to_array(nullif(samples, ''), E'\t'), '{}'), clock_timestamp(), clock_timestamp()
    from said where samples is not null
   order by number, verb, clause, actor, fingerprint
  on conflict (number, verb, clause, actor, role, fingerprint, bucket, backend)
    do update set statements = o.statements + excluded.statements, rows = o.rows + excluded.rows, last_at = excluded.last_at;
end $$;

create function bailiwick_adoption.answer_bell() returns trigger
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform bailiwick_adoption.keep_observed();
  perform set_config('bailiwick_adoption.rung', '', true);
  return null;
end $$;
create constraint trigger answered after insert or update on bailiwick_adoption.bells
  deferrable initially deferred for each row execute function bailiwick_adoption.answer_bell();

-- Asked once per statement, when the first row fails the strict condition: what was counted before is put aside, and the end of the
-- transaction is made to write it. Returns whether there is a context at all.
create function bailiwick_adoption.watch(number int, verb text) returns boolean
language plpgsql volatile security definer parallel unsafe set search_path = pg_catalog, pg_temp as $$
declare
  mark text := number || '_' || verb;
  marks text := coalesce(current_setting('bailiwick_adoption.marks', true), '');
  statement text := bailiwick_adoption.current_statement();
  print text := md5(statement);
  clause text;
begin
  if mark = any (string_to_array(marks, ',')) then
    perform bailiwick_adoption.put_aside(mark);
  else
    foreach clause in array bailiwick_adoption.clauses() loop
      perform set_config('bailiwick_adoption.n_' || mark || '_' || clause, '0', false);
    end loop;
    perform set_config('bailiwick_adoption.marks', concat_ws(',', nullif(marks, ''), mark), false);
  end if;
  foreach clause in array bailiwick_adoption.clauses() loop
    perform set_config('bailiwick_adoption.s_' || mark || '_' || clause, '', false);
  end loop;
  perform set_config('bailiwick_adoption.q_' || mark, print || '|' || coalesce(bailiwick.actor_id()::text, ''), false);
  perform set_config('bailiwick_adoption.t_' || mark,
    case when current_setting('transaction_read_only') = 'on' then statement else '' end, false);
  if current_setting('transaction_read_only') = 'off' then
    if coalesce(current_setting('bailiwick_adoption.rung', true), '') = '' then
      insert into bailiwick_adoption.bells values (pg_backend_pid(), now())
        on conflict (backend) do update set rung_at = excluded.rung_at;
      perform set_config('bailiwick_adoption.rung', 'yes', true);
    end if;
    if not exists (select from bailiwick_adoption.queries q where q.fingerprint = print) then
      insert into bailiwick_adoption.queries values (print, statement) on conflict do nothing;
    end if;
    if length(current_setting('bailiwick_adoption.aside', true)) > 8000 then
      marks := current_setting('bailiwick_adoption.marks');
      perform bailiwick_adoption.keep_observed();
      -- an outer statement may still be counting
      perform set_config('bailiwick_adoption.marks', marks, false);
    end if;
  end if;
  return bailiwick.tenant_id() is not null;
end $$;

-- Remembers the key of a row, as one of a few.
create function bailiwick_adoption.sample(name text, key text) returns boolean
language plpgsql volatile parallel unsafe set search_path = pg_catalog, pg_temp as $$
declare
  setting text := 'bailiwick_adoption.s_' || name;
begin
  perform set_config(setting, concat_ws(E'\t', nullif(current_setting(setting), ''), left(key, 200)), false);
  return true;
end $$;

-- Whose rows a strict policy would let this context touch, and within what; for roles that may not ask the kernel themselves.
create function bailiwick_adoption.strict_owner(kind text, verb text) returns uuid
language sql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$ select bailiwick.owner(kind, verb) $$;
create function bailiwick_adoption.strict_tenant() returns uuid
language sql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$ select bailiwick.tenant_id() $$;
create function bailiwick_adoption.strict_world() returns uuid
language sql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$ select bailiwick.world_limit() $$;
-- whose context it is, whatever it may do
create function bailiwick_adoption.strict_holder() returns uuid
language sql stable parallel restricted security definer set search_path = pg_catalog, pg_temp as $$
  select case when bailiwick.delegation_id() is null then bailiwick.actor_id()
    else (select d.owner_id from bailiwick_data.delegations d where d.id = bailiwick.delegation_id()) end
$$;

-- The kernel's own takes everything from the connection that a statement may have left there; but what was counted is no request's.
alter function bailiwick.close(uuid) rename to close_of_kernel;
revoke execute on function bailiwick.close_of_kernel(uuid) from bailiwick_runtime;
create function bailiwick.close(expected uuid) returns uuid
language plpgsql volatile parallel unsafe security definer set search_path = pg_catalog, pg_temp as $$
declare
  aside text := bailiwick_adoption.all_aside();
  closed uuid := bailiwick.close_of_kernel(expected);
begin
  if aside <> '' then
    perform set_config('bailiwick_adoption.aside', aside, false), set_config('bailiwick_adoption.marks', '', false);
  end if;
  return closed;
end $$;
-- to own a function takes the right to make one, which the kernel's policies have taken away again
grant create on schema bailiwick to bailiwick_kernel;
alter function bailiwick.close(uuid) owner to bailiwick_kernel;
revoke create on schema bailiwick from bailiwick_kernel;
revoke execute on function bailiwick.close(uuid) from public;
grant execute on function bailiwick.close(uuid) to bailiwick_runtime;

do $$
declare
  f regprocedure;
begin
  for f in select p.oid::regprocedure from pg_proc p
            where p.pronamespace = 'bailiwick_adoption'::regnamespace
              and p.proname in ('clauses', 'current_statement', 'put_aside', 'all_aside', 'answer_bell', 'watch', 'sample',
                                'strict_owner', 'strict_tenant', 'strict_world', 'strict_holder', 'keep_observed') loop
    execute format('alter function %s owner to bailiwick_adopter', f);
    execute format('revoke execute on function %s from public', f);
  end loop;
end $$;
grant select, insert, update on bailiwick_adoption.observed, bailiwick_adoption.queries, bailiwick_adoption.bells to bailiwick_adopter;
grant select on bailiwick_data.delegations to bailiwick_adopter;
create policy adopter_reads on bailiwick_data.delegations for select to bailiwick_adopter using (true);
grant execute on function bailiwick.actor_id(), bailiwick.delegation_id() to bailiwick_adopter;

-- Whoever reads or writes a table in shadow asks some of these, also code that knows nothing of us; nobody else, and at no other time.
create function bailiwick_adoption.open_to_all() returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  looking boolean := exists (select from bailiwick_adoption.tables where phase = 'shadow');
  f regprocedure;
begin
  execute format('%s usage on schema bailiwick_adoption %s public',
    case when looking then 'grant' else 'revoke' end, case when looking then 'to' else 'from' end);
  foreach f in array array['bailiwick_adoption.watch(int, text)', 'bailiwick_adoption.sample(text, text)',
    'bailiwick_adoption.strict_owner(text, text)', 'bailiwick_adoption.strict_tenant()', 'bailiwick_adoption.strict_world()',
    'bailiwick_adoption.strict_holder()', 'bailiwick_adoption.keep_observed()']::regprocedure[] loop
    execute format('%s execute on function %s %s public',
      case when looking then 'grant' else 'revoke' end, f, case when looking then 'to' else 'from' end);
  end loop;
end $$;
revoke execute on function bailiwick_adoption.open_to_all() from public;
grant usage on schema bailiwick_adoption to bailiwick_kernel;
grant execute on function bailiwick_adoption.clauses(), bailiwick_adoption.put_aside(text), bailiwick_adoption.all_aside() to bailiwick_kernel;
