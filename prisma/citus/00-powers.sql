-- What Citus lets everybody call, taken from everybody. Run on every node by an administrator who owns the extension, after it was
-- installed and after every upgrade of it.
--
-- Among its functions are some that run a text as a statement on other nodes, outside the transaction that a request was given, and some
-- that tell of other tenants. The migrator keeps them all; nobody else needs one. Without them a request cannot be carried to another
-- node either, which it should not be: it is served where its tenant is (docs/scale/citus.md).

do $$
declare
  power regprocedure;
begin
  perform set_config('citus.enable_ddl_propagation', 'off', true);
  for power in
    select f.oid::regprocedure
      from pg_depend d
      join pg_extension e on e.oid = d.refobjid and e.extname = 'citus'
      join pg_proc f on f.oid = d.objid
     where d.classid = 'pg_proc'::regclass and d.deptype = 'e' and f.prokind = 'f' and f.provolatile = 'v'
       and f.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
       -- asked of whoever reads the catalog, to hide the shards from them
       and f.proname <> 'relation_is_a_known_shard'
  loop
    execute format('revoke execute on function %s from public', power);
    execute format('grant execute on function %s to bailiwick_migrator', power);
  end loop;
end $$;
-- whose tenant is here, asks the kernel before it throws anything away
grant execute on function pg_catalog.get_shard_id_for_distribution_column(regclass, "any") to bailiwick_kernel;
