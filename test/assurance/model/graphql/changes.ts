// What a transaction would leave behind, told by comparing every row with what stood there when the world was loaded. A
// refusal must have changed nothing and a change nothing else, which no answer of an API can tell of itself.
//
// Audit entries are left out: a refusal leaves one on purpose. But for those that say that a service is about to be called: nothing may
// leave before there is one, and there is one for nothing else. The schema `seen` shows all rows to the runtime role, so it
// belongs in scratch databases only.

import { TABLES } from '../../../../src/assurance/rows.ts';

const EVERYTHING = TABLES.map(
  (name) => `select '${name}' as name, tenant_id, id, md5(to_jsonb(r)::text) as image from public.${name} r`,
).join('\n    union all ');

/** Once per database, as the migrator. */
export const REMEMBERING = `
create schema seen;
grant usage on schema seen to bailiwick_runtime;
create table seen.rows (name text, tenant_id uuid, id uuid, image text);

create function seen.remember() returns void language plpgsql as $$
begin
  delete from seen.rows;
  insert into seen.rows
    ${EVERYTHING};
end $$;

create function seen.changes() returns text[] language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
begin
  return array(
    select case when was.id is null then '+' when now.id is null then '-' else '~' end
             || coalesce(was.name, now.name) || case when was.id is null then '' else ' ' || was.tenant_id || '/' || was.id end
      from seen.rows was
      full join (${EVERYTHING}) now on was.name = now.name and was.tenant_id = now.tenant_id and was.id = now.id
     where was.image is distinct from now.image
     union all
    select '+' || a.event || ' ' || a.tenant_id || '/' || a.target_id || ' by ' || a.actor_id
      from public.audit_entries a where a.event = 'service.called');
end $$;
grant execute on function seen.changes() to bailiwick_runtime;`;

/** After a world was loaded, as the migrator. */
export const REMEMBER = { name: 'remember', text: 'select seen.remember()' };

/** At the end of a transaction, as the runtime role: an array in JSON. */
export const CHANGES = { name: 'seen_changes', text: 'select to_json(seen.changes())::text as change' };
