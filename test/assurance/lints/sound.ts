// The schema on which the faults of the lints are made, and what a fault is. `$app` is a role that logs in, `$owner` one that
// nobody can be; both exist only within a test's transaction.

/** A small schema in which no lint finds anything: two tables of tenants, their floor, their policies, their grants. */
export const SOUND = `
  create role $owner nologin;
  create role $app login;
  create schema scratch authorization $owner;
  grant usage on schema scratch to $app;
  set local role $owner;
  alter default privileges revoke execute on functions from public;
  create table scratch.docs (
    tenant_id uuid not null, id uuid not null, owner_id uuid not null, title text, n int,
    primary key (tenant_id, id));
  create table scratch.notes (
    tenant_id uuid not null, id uuid not null, doc_id uuid not null, owner_id uuid not null,
    primary key (tenant_id, id), foreign key (tenant_id, doc_id) references scratch.docs (tenant_id, id));
  create index docs_owner on scratch.docs (tenant_id, owner_id);
  create index notes_doc on scratch.notes (tenant_id, doc_id);
  alter table scratch.docs enable row level security, force row level security;
  alter table scratch.notes enable row level security, force row level security;
  create function scratch.tenant() returns uuid language plpgsql stable parallel safe as
    $$ begin return nullif(current_setting('app.tenant', true), ''); end $$;
  create function scratch.person() returns uuid language plpgsql stable parallel safe as
    $$ begin return nullif(current_setting('app.person', true), ''); end $$;
  grant execute on all functions in schema scratch to $app;
  create policy tenant_floor on scratch.docs as restrictive to $app using (tenant_id = (select scratch.tenant()));
  create policy tenant_floor on scratch.notes as restrictive to $app using (tenant_id = (select scratch.tenant()));
  create policy select_own on scratch.docs for select to $app using (owner_id = (select scratch.person()));
  create policy insert_own on scratch.docs for insert to $app with check (owner_id = (select scratch.person()));
  create policy select_own on scratch.notes for select to $app using (owner_id = (select scratch.person()));
  grant select on scratch.docs, scratch.notes to $app;
  grant insert (tenant_id, id, owner_id, title) on scratch.docs to $app;
  reset role;`;

export type Fault = {
  readonly lint: string;
  readonly object: string;
  /** SQL for a superuser. */
  readonly fault: string;
  /** By default what the lint prints. */
  readonly repair?: string;
  /** By default the sound schema alone. */
  readonly schemas?: readonly string[];
};

/** Begins SQL that makes objects of $owner instead of the superuser's. */
export const AS_OWNER = 'set local role $owner;';
export const BARE_TABLE = `${AS_OWNER} create table scratch.pets (tenant_id uuid not null, id uuid not null, name text, primary key (tenant_id, id));`;
export const PETS = `${BARE_TABLE} alter table scratch.pets enable row level security, force row level security;`;
/** For a policy that is to stand alone. */
export const NO_FLOOR = 'drop policy tenant_floor on scratch.docs;';
export const PINNED = 'set search_path = pg_catalog, pg_temp';
