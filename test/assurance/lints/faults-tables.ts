// What the lints about tables, keys and indexes must find: the fault, the object that is named, and the repair where the
// lint prints none.

import { AS_OWNER, BARE_TABLE, type Fault, NO_FLOOR, PETS, PINNED } from './sound.ts';

export const TABLE_FAULTS: readonly Fault[] = [
  { lint: 'table-rls-off', object: 'scratch.pets', fault: BARE_TABLE },
  {
    lint: 'table-rls-off',
    object: 'scratch.countries',
    fault: `${AS_OWNER} create table scratch.countries (code text primary key); grant update (code) on scratch.countries to $app`,
  },
  {
    lint: 'table-rls-off',
    object: 'scratch.countries',
    fault:
      'create table scratch.countries (code text primary key); grant select on scratch.countries to public',
    repair: 'revoke select on scratch.countries from public',
  },
  {
    lint: 'table-policies-dormant',
    object: 'scratch.docs',
    fault: 'alter table scratch.docs disable row level security',
  },
  {
    lint: 'table-rls-unforced',
    object: 'scratch.docs',
    fault: 'alter table scratch.docs no force row level security',
  },
  {
    lint: 'table-no-policies',
    object: 'scratch.pets',
    fault: PETS,
    repair: 'create policy p on scratch.pets using (tenant_id = (select scratch.tenant()))',
  },
  {
    lint: 'table-only-restrictive',
    object: 'scratch.pets',
    fault: `${PETS} create policy p on scratch.pets as restrictive using (tenant_id = (select scratch.tenant()))`,
    repair: 'create policy own on scratch.pets to $app using (tenant_id = (select scratch.tenant()))',
  },
  {
    lint: 'table-verb-without-policy',
    object: 'scratch.docs for DELETE by $app',
    fault: 'grant delete on scratch.docs to $app',
  },
  {
    lint: 'table-verb-without-policy',
    object: 'scratch.docs for UPDATE by $app',
    fault: 'grant update (title) on scratch.docs to $app',
    repair: 'create policy p on scratch.docs for update to $app using (owner_id = (select scratch.person()))',
  },
  {
    lint: 'partition-rls-off',
    object: 'scratch.part_1',
    fault: `${AS_OWNER} create table scratch.part (tenant_id uuid not null, id uuid not null) partition by hash (tenant_id);
      create table scratch.part_1 partition of scratch.part for values with (modulus 1, remainder 0);
      alter table scratch.part enable row level security, force row level security;
      grant select on scratch.part, scratch.part_1 to $app`,
  },
  {
    lint: 'partition-rls-off',
    object: 'scratch.old_docs',
    fault: `${AS_OWNER} create table scratch.old_docs () inherits (scratch.docs); grant select (title) on scratch.old_docs to public`,
    repair: 'alter table scratch.old_docs enable row level security',
  },
  {
    lint: 'table-no-primary-key',
    object: 'scratch.log',
    fault: 'create table scratch.log (line text)',
    repair: 'alter table scratch.log add column id int primary key',
  },
  {
    lint: 'table-rule',
    object: 'scratch.docs.also',
    fault: 'create rule also as on insert to scratch.docs do also notify docs',
  },
  {
    lint: 'trigger-definer',
    object: 'scratch.docs.after',
    fault: `create function scratch.t() returns trigger language plpgsql security definer ${PINNED} as $$ begin return new; end $$;
      create trigger after after insert on scratch.docs for each row execute function scratch.t()`,
  },
  {
    lint: 'tenant-nullable',
    object: 'scratch.pets.tenant_id',
    fault: `${AS_OWNER} create table scratch.pets (tenant_id uuid, id uuid primary key)`,
  },
  {
    lint: 'table-no-tenant',
    object: 'scratch.lines',
    fault: `alter table scratch.docs add unique (id);
      create table scratch.lines (id uuid primary key, doc_id uuid references scratch.docs (id))`,
    repair: 'alter table scratch.lines add column tenant_id uuid not null',
  },
  {
    lint: 'key-crosses-tenants',
    object: 'scratch.notes.crossing',
    fault: `alter table scratch.docs add unique (id);
      alter table scratch.notes add constraint crossing foreign key (doc_id) references scratch.docs (id) on delete cascade`,
  },
  {
    lint: 'key-crosses-tenants',
    object: 'scratch.notes.crooked',
    // carries the column, but compares it with another
    fault: `alter table scratch.docs add unique (id, tenant_id);
      alter table scratch.notes add constraint crooked foreign key (tenant_id, doc_id) references scratch.docs (id, tenant_id)`,
    repair: 'alter table scratch.notes drop constraint crooked',
  },
  {
    lint: 'key-action-moves-tenant',
    object: 'scratch.notes.moving',
    fault: `alter table scratch.notes add constraint moving foreign key (tenant_id, doc_id)
      references scratch.docs (tenant_id, id) on delete set null`,
  },
  {
    lint: 'key-action-moves-tenant',
    object: 'scratch.notes.moving',
    fault: `alter table scratch.notes add constraint moving foreign key (tenant_id, doc_id)
      references scratch.docs (tenant_id, id) on update cascade`,
    repair: `alter table scratch.notes drop constraint moving, add constraint moving foreign key (tenant_id, doc_id)
      references scratch.docs (tenant_id, id) on delete set null (doc_id)`,
  },
  {
    lint: 'key-cascades',
    object: 'scratch.notes.cascading',
    fault: `alter table scratch.notes add constraint cascading foreign key (tenant_id, doc_id)
      references scratch.docs (tenant_id, id) on delete cascade; grant delete on scratch.docs to $app`,
  },
  {
    lint: 'key-unindexed',
    object: 'scratch.notes.notes_tenant_id_doc_id_fkey',
    fault: 'drop index scratch.notes_doc',
  },
  {
    lint: 'key-without-tenant',
    object: 'scratch.docs_title_key',
    fault: 'alter table scratch.docs add unique (title)',
  },
  {
    lint: 'key-without-tenant',
    object: 'scratch.docs_lower',
    fault: 'create unique index docs_lower on scratch.docs (lower(title))',
    repair:
      'drop index scratch.docs_lower; create unique index docs_lower on scratch.docs (tenant_id, lower(title))',
  },
  {
    lint: 'key-without-tenant',
    object: 'scratch.docs_n',
    fault: 'create unique index docs_n on scratch.docs (n) include (tenant_id)',
    repair: 'drop index scratch.docs_n',
  },
  {
    lint: 'key-tenant-not-leading',
    object: 'scratch.docs_title_tenant_id_key',
    fault: 'alter table scratch.docs add unique (title, tenant_id)',
    repair:
      'alter table scratch.docs drop constraint docs_title_tenant_id_key, add unique (tenant_id, title)',
  },
  {
    lint: 'index-duplicate',
    object: 'scratch.docs_owner_again',
    fault: 'create index docs_owner_again on scratch.docs (tenant_id, owner_id)',
  },
  {
    lint: 'index-duplicate',
    object: 'scratch.twice',
    fault: 'create unique index twice on scratch.docs (tenant_id, id)',
  },
  {
    lint: 'index-policy',
    object: 'p on scratch.docs',
    fault: `${NO_FLOOR} create policy p on scratch.docs for select to $app using (title = (select scratch.person())::text)`,
  },
  {
    lint: 'policy-wraps-column',
    object: 'p on scratch.docs',
    fault: `create index docs_title on scratch.docs (title);
      create policy p on scratch.docs to $app using (lower(title) = (select scratch.person())::text)`,
    repair: 'create index docs_lower on scratch.docs (lower(title))',
  },
];
