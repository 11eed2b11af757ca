-- What adoption remembers: what was declared, how far each table is, what was done and how long that took, and which rows nobody
-- could place. The operator's alone: no application role can read any of it. Applied once, after the kernel.

create schema bailiwick_adoption;
revoke all on schema bailiwick_adoption from public;

create table bailiwick_adoption.installation (
  singleton     boolean primary key default true check (singleton),
  schema        text not null,                 -- where the adopter's tables are
  declaration   jsonb not null,
  kernel        text not null,                 -- checksum of the policies that are in force
  quiet         boolean not null,              -- whether triggers of the adopter's can be kept from firing where only owners are written
  members       text[] not null default '{}',  -- roles that were made members of the runtime role
  installed_at  timestamptz not null default now()
);

-- One row per declared table. A phase is complete or not begun: it is written in the transaction that completes it.
create table bailiwick_adoption.tables (
  name        text primary key,
  number      int not null unique generated always as identity, -- names the table's functions
  declared    jsonb not null,
  key         text[] not null,                -- columns that identify a row
  phase       text not null default 'none' check (phase in ('none', 'owned', 'shadow', 'strict')),
  since       timestamptz not null default clock_timestamp(),
  step        text,                           -- of a backfill under way: the last one that is done
  at          jsonb,                          -- of filling: the key of the last row that was looked at
  looked_at   bigint not null default 0
);

create table bailiwick_adoption.journal (
  id        bigint primary key generated always as identity,
  at        timestamptz not null default clock_timestamp(),
  "table"   text,
  phase     text not null,
  step      text not null,
  ms        float8 not null,                  -- all of it
  lock_ms   float8 not null,                  -- of that, the longest that others may have waited for it
  attempts  int not null,
  detail    jsonb not null default '{}'
);

-- Rows that no source places, and why: they belong to the user who was declared for them.
create table bailiwick_adoption.quarantined (
  "table"  text not null,
  key      jsonb not null,
  reason   text not null check (reason in ('unplaced', 'ambiguous', 'unknown', 'foreign')),
  at       timestamptz not null default clock_timestamp(),
  primary key ("table", key)
);

-- Mapping files, as they were when they were declared.
create table bailiwick_adoption.mappings (
  file   text not null,
  key    text not null,
  value  text not null,
  primary key (file, key)
);

-- Each look at whether everything is as it should be: what was compared, and what came of it.
create table bailiwick_adoption.validations (
  id       bigint primary key generated always as identity,
  at       timestamptz not null default clock_timestamp(),
  "table"  text not null,
  phase    text not null,
  sound    boolean not null,
  result   jsonb not null
);

-- What each owner had at that time: how many rows, and the sum of the digests of what stands in them. Kept for the last two looks.
create table bailiwick_adoption.digests (
  validation  bigint not null references bailiwick_adoption.validations on delete cascade,
  tenant      uuid,
  owner       uuid,
  rows        bigint not null,
  digest      numeric not null
);
create index on bailiwick_adoption.digests (validation);
