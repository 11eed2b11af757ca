-- The tables of a catalogue of services, for several companies at once: every table says whose company it is in `tenant_id text`, which
-- nothing checks. What has gathered in them: a team whose lead has left, one that never had a lead, entities of no team, a repository that
-- was copied with another company's tenant. People are known by their e-mail address. Nothing of Bailiwick's.

create table tenants (
  id text primary key,
  name text not null
);

create table users (
  email text primary key,
  tenant_id text not null references tenants,
  name text not null
);

create table teams (
  id serial primary key,
  tenant_id text not null,
  slug text not null,
  -- without a reference: people leave
  lead text,
  unique (tenant_id, slug)
);

create table team_members (
  tenant_id text not null,
  team_id int not null references teams on delete cascade,
  user_email text not null,
  role text not null default 'member',
  primary key (team_id, user_email)
);

create table catalog_entities (
  id serial primary key,
  tenant_id text not null,
  ref text not null,
  lifecycle text not null default 'experimental',
  team_id int references teams on delete set null,
  unique (tenant_id, ref)
);

create table repositories (
  id serial primary key,
  tenant_id text not null,
  entity_id int not null references catalog_entities on delete cascade,
  url text not null
);

-- kept by a job that runs at night, without a reference
create table scorecards (
  id serial primary key,
  tenant_id text not null,
  entity_id int not null,
  rule text not null,
  score int not null,
  note text
);

create table api_keys (
  id serial primary key,
  tenant_id text not null,
  user_email text not null references users,
  label text not null,
  digest text not null
);

create table schema_versions (
  version int primary key,
  applied_at timestamptz not null default now()
);

insert into tenants values ('red', 'Red Ltd'), ('blue', 'Blue plc');

insert into users values
  ('ann@red.example', 'red', 'Ann'),
  ('ben@red.example', 'red', 'Ben'),
  ('attic@red.example', 'red', 'Things that nobody claims'),
  ('cleo@blue.example', 'blue', 'Cleo');

insert into teams (tenant_id, slug, lead) values
  ('red', 'payments', 'ann@red.example'),
  ('red', 'search', 'ben@red.example'),
  ('red', 'ledger', 'dora@red.example'),
  ('red', 'idle', null),
  ('blue', 'payments', 'cleo@blue.example');

insert into team_members values
  ('red', 1, 'ann@red.example', 'lead'),
  ('red', 1, 'ben@red.example', 'member'),
  ('red', 2, 'ben@red.example', 'lead'),
  ('red', 3, 'ann@red.example', 'member'),
  ('blue', 5, 'cleo@blue.example', 'lead');

insert into catalog_entities (tenant_id, ref, lifecycle, team_id) values
  ('red', 'component:checkout', 'production', 1),
  ('red', 'component:refunds', 'experimental', 1),
  ('red', 'component:index', 'production', 2),
  ('red', 'component:old-ledger', 'deprecated', 3),
  ('red', 'component:stray', 'experimental', null),
  ('blue', 'component:checkout', 'production', 5);

insert into repositories (tenant_id, entity_id, url) values
  ('red', 1, 'https://git.example/red/checkout'),
  ('red', 3, 'https://git.example/red/index'),
  ('red', 6, 'https://git.example/blue/checkout-fork'),
  ('blue', 6, 'https://git.example/blue/checkout');

insert into scorecards (tenant_id, entity_id, rule, score, note) values
  ('red', 1, 'security', 40, 'Token in the log, see incident 12'),
  ('red', 1, 'docs', 90, null),
  ('red', 3, 'security', 95, null),
  ('red', 5, 'docs', 10, null),
  ('blue', 6, 'security', 20, 'The admin password is the default'),
  ('red', 99, 'docs', 0, 'Of an entity that is gone');

insert into api_keys (tenant_id, user_email, label, digest) values
  ('red', 'ann@red.example', 'deploy', 'd1'),
  ('blue', 'cleo@blue.example', 'import', 'd2');

insert into schema_versions (version) values (1), (2);
