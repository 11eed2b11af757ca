-- policy-bare-call
-- A policy calls a function for every row, although the answer is the same for all of them: it has no column among its
-- arguments and stands in no sub-select of its own. A list of a million rows is a million calls, and the planner calls it
-- too, before anything is allowed or refused. Write it as a scalar sub-select: (select f()).
-- level: warning
-- like: splinter 0003, pgrls PERF001
with clause as (
  select p.oid as policy, pg_get_expr(e.tree, p.polrelid) as text
    from pg_policy p
    join pg_class c on c.oid = p.polrelid
    join pg_namespace n on n.oid = c.relnamespace and n.nspname = any ($1),
         lateral (values (p.polqual), (p.polwithcheck)) e (tree)
), bare as (
  -- what is left without constants and without sub-selects that read no table, down to three pairs of parentheses in them
  select distinct c.policy, m.call[1] as name
    from clause c,
         regexp_matches(
           regexp_replace(
             regexp_replace(c.text, '''[^'']*''', '''''', 'g'),
             '\( SELECT (?:(?!\sFROM\s)[^()]|\((?:(?!\sFROM\s)[^()]|\((?:[^()]|\([^()]*\))*\))*\))*\)', '', 'g'),
           -- a call with nothing but constants as arguments
           '((?:"?\w+"?\.)?"?\w+"?)\((?:(?:''''|\d+(?:\.\d+)?|true|false|NULL)(?:::[\w .]+(?:\[\])?)?(?:, )?)*\)', 'g') m (call)
), called as (
  select b.policy, string_agg(b.name, ', ' order by b.name) as names,
         '(?<!SELECT )\m((' || string_agg(replace(b.name, '.', '\.'), '|') || ')\([^()]*\))' as calls
    from bare b
   where b.name = 'current_setting'
      or exists (select from pg_proc f join pg_namespace n on n.oid = f.pronamespace
                  where f.provolatile <> 'i' and quote_ident(n.nspname) || '.' || quote_ident(f.proname) = b.name)
   group by b.policy
)
select format('%I on %s', p.polname, p.polrelid::regclass) as object,
       'calls ' || f.names || ' for every row' as detail,
       'alter policy ' || quote_ident(p.polname) || ' on ' || p.polrelid::regclass
         || coalesce(' using (' || regexp_replace(pg_get_expr(p.polqual, p.polrelid), f.calls, '(select \1)', 'g') || ')', '')
         || coalesce(' with check (' || regexp_replace(pg_get_expr(p.polwithcheck, p.polrelid), f.calls, '(select \1)', 'g')
                     || ')', '') as repair
  from called f
  join pg_policy p on p.oid = f.policy
