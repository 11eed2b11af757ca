-- What the policies say of a table, said of its shards too: row security, policies and privileges. Run on every node of a Citus
-- cluster, as the migrator and in one transaction, after the policies were applied there (src/db/citus-cluster.ts does both).
--
-- Citus copies neither: it takes no policy with a sub-select, and a policy without one would be evaluated for every row
-- (docs/isolation.md, S7). A shard is an ordinary table of its node, so PostgreSQL itself takes them there. The table's own
-- policies, on the coordinator and on every worker, are the only source: what is changed by hand on a shard is undone here.
--
-- Nothing is decided here, and no rows are read. A shard without its policies shows nothing: row security is forced first.

set local citus.enable_ddl_propagation = off;
set local citus.enable_manual_changes_to_shards = on;
set local citus.override_table_visibility = off;

do $$
declare
  shard record;
  said record;
begin
  for shard in
    select s.logicalrelid::oid as "table",
           format('%I.%I', c.relnamespace::regnamespace::text, c.relname || '_' || s.shardid) as name,
           format('%I.%I', c.relnamespace::regnamespace::text, c.relname || '_' || s.shardid)::regclass::oid as relation,
           c.relrowsecurity as secured, c.relforcerowsecurity as forced
      from pg_dist_shard s
      join pg_dist_placement p on p.shardid = s.shardid
      join pg_class c on c.oid = s.logicalrelid
     where p.groupid = (select groupid from pg_dist_local_group)
       and c.relnamespace in ('public'::regnamespace, 'bailiwick'::regnamespace)
       and exists (select from pg_class x where x.relnamespace = c.relnamespace and x.relname = c.relname || '_' || s.shardid)
     order by 2
  loop
    execute format('alter table %s %s row level security, %s row level security', shard.name,
      case when shard.secured then 'enable' else 'disable' end, case when shard.forced then 'force' else 'no force' end);
    for said in select polname from pg_policy where polrelid = shard.relation loop
      execute format('drop policy %I on %s', said.polname, shard.name);
    end loop;
    execute format('revoke all on %s from public, bailiwick_runtime, bailiwick_kernel', shard.name);

    for said in
      select r.rolname, a.privilege_type
        from pg_class c, aclexplode(c.relacl) a join pg_roles r on r.oid = a.grantee
       where c.oid = shard."table" and r.rolname in ('bailiwick_runtime', 'bailiwick_kernel')
    loop
      execute format('grant %s on %s to %I', said.privilege_type, shard.name, said.rolname);
    end loop;
    for said in
      select r.rolname, a.privilege_type, string_agg(quote_ident(t.attname), ', ' order by t.attnum) as columns
        from pg_attribute t, aclexplode(t.attacl) a join pg_roles r on r.oid = a.grantee
       where t.attrelid = shard."table" and not t.attisdropped and r.rolname in ('bailiwick_runtime', 'bailiwick_kernel')
       group by 1, 2
    loop
      execute format('grant %s (%s) on %s to %I', said.privilege_type, said.columns, shard.name, said.rolname);
    end loop;

    for said in
      select p.polname, p.polpermissive, p.polcmd,
             (select string_agg(quote_ident(r.rolname), ', ') from pg_roles r where r.oid = any (p.polroles)) as roles,
             pg_get_expr(p.polqual, p.polrelid) as "using", pg_get_expr(p.polwithcheck, p.polrelid) as checked
        from pg_policy p
       where p.polrelid = shard."table"
    loop
      execute format('create policy %I on %s as %s for %s to %s', said.polname, shard.name,
        case when said.polpermissive then 'permissive' else 'restrictive' end,
        case said.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
        coalesce(said.roles, 'public')) || coalesce(' using (' || said."using" || ')', '')
        || coalesce(' with check (' || said.checked || ')', '');
    end loop;

    -- Citus names every column that has a default, also where the statement did not, and so the shard asks for the right to it. What may
    -- not be chosen is what the default says, and nothing else.
    for said in
      select r.rolname, t.attname, format_type(t.atttypid, t.atttypmod) as type, pg_get_expr(d.adbin, d.adrelid) as expression
        from pg_attribute t
        join pg_attrdef d on d.adrelid = t.attrelid and d.adnum = t.attnum
        join pg_roles r on r.rolname in ('bailiwick_runtime', 'bailiwick_kernel')
       where t.attrelid = shard."table" and not t.attisdropped and t.attgenerated = ''
         and has_any_column_privilege(r.oid, t.attrelid, 'insert') and not has_column_privilege(r.oid, t.attrelid, t.attnum, 'insert')
    loop
      execute format('grant insert (%I) on %s to %I', said.attname, shard.name, said.rolname);
      execute format('create policy %I on %s as restrictive for insert to %I with check (%I is not distinct from (%s)::%s)',
        'default_' || said.attname, shard.name, said.rolname, said.attname, said.expression, said.type);
    end loop;
  end loop;
end $$;

-- The table itself keeps no rows. Its policies are what Citus plans with, and what it gives a shard that it moves or splits. Two things
-- of Citus shape them:
--
--   It copies a restrictive policy as a permissive one: of "in the caller's tenant" it would make one more way in. So for each role and
--   verb there is one policy, which says all of them at once, and which copying cannot weaken.
--   It plans no insert whose check has a sub-select, and what an insert returns is checked by the policies for reading. So the same
--   functions are called without one. That would be slow where rows are; it is as fast as ever in the shards, and there it counts.
do $$
declare
  said record;
  statement text;
  statements text[] := '{}';
  routed text;
  inline constant text := '\( SELECT (bailiwick\.\w+\((?:[^()'']|''[^'']*''|\((?:[^()'']|''[^'']*''|\(\))*\))*\)) AS \w+\)';
begin
  if exists (select from pg_policy p join pg_dist_partition t on t.logicalrelid = p.polrelid where p.polroles && '{0}') then
    raise exception 'a policy for everybody cannot be said for one role at a time';
  end if;
  for said in
    select format('%I.%I', c.relnamespace::regnamespace::text, c.relname) as "table", r.rolname, verb.name,
           bool_or(p.polpermissive) as some, t.partmethod = 'h' and r.rolname = 'bailiwick_runtime' as spread,
           string_agg('(' || x."using" || ')', ' or ' order by p.polname) filter (where p.polpermissive) as using_any,
           string_agg('(' || x."using" || ')', ' and ' order by p.polname) filter (where not p.polpermissive) as using_all,
           string_agg('(' || x.checked || ')', ' or ' order by p.polname) filter (where p.polpermissive) as checked_any,
           string_agg('(' || x.checked || ')', ' and ' order by p.polname) filter (where not p.polpermissive) as checked_all
      from pg_dist_partition t
      join pg_class c on c.oid = t.logicalrelid and c.relrowsecurity
      join pg_policy p on p.polrelid = c.oid
      join pg_roles r on r.oid = any (p.polroles)
      join (values ('select', 'r'), ('insert', 'a'), ('update', 'w'), ('delete', 'd')) verb (name, letter)
        on p.polcmd::text in (verb.letter, '*')
     cross join lateral (
       select pg_get_expr(p.polqual, p.polrelid) as "using",
              coalesce(pg_get_expr(p.polwithcheck, p.polrelid), pg_get_expr(p.polqual, p.polrelid)) as checked) x
     group by 1, 2, 3, 5
  loop
    continue when not said.some;
    statement := format('create policy %I on %s for %s to %I', said.rolname || '_' || said.name, said."table", said.name, said.rolname);
    routed := case when said.spread then 'tenant_id = bailiwick.tenant_to_route_by()' end;
    if said.name <> 'insert' then
      statement := statement || ' using (' || concat_ws(' and ', routed, '(' || said.using_any || ')', said.using_all) || ')';
    end if;
    if said.name in ('insert', 'update') then
      statement := statement || ' with check (' || concat_ws(' and ', '(' || said.checked_any || ')', said.checked_all) || ')';
    end if;
    statement := regexp_replace(statement, inline, '\1', 'g');
    if statement ~ 'SELECT' then
      raise exception 'the policies of % ask in a way that no insert on Citus can', said."table";
    end if;
    statements := statements || statement;
  end loop;
  for said in
    select format('drop policy %I on %I.%I', p.polname, c.relnamespace::regnamespace::text, c.relname) as statement
      from pg_policy p join pg_dist_partition t on t.logicalrelid = p.polrelid join pg_class c on c.oid = p.polrelid
  loop
    execute said.statement;
  end loop;
  foreach statement in array statements loop
    execute statement;
  end loop;
end $$;
