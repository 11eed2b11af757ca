// Tables as adopters have them, with nothing of ours: an agent store shaped like elizaOS's, a service catalogue with text tenants, and a
// blog with integer keys. Each as SQL that makes the tables and some rows, good and bad.

/** Rooms, participants, memories; owners only at the end of paths, and a materialized view that keeps a copy. */
export const AGENT_STORE = `
  create schema store;
  set search_path = store;
  create table servers (id uuid primary key, name text not null);
  create table accounts (id uuid primary key, server_id uuid not null references servers, name text not null);
  create table agents (id uuid primary key, account_id uuid not null references accounts, name text not null);
  create table rooms (id uuid primary key, server_id uuid not null, agent_id uuid references agents);
  create table participants (room_id uuid not null, account_id uuid not null, primary key (room_id, account_id));
  create table memories (id uuid primary key, room_id uuid, agent_id uuid, content jsonb not null);
  create table logs (body text, room_id uuid);
  create index on rooms (agent_id);
  create index on memories (room_id);
  create index on memories (agent_id);
  create materialized view room_sizes as select room_id, count(*) from memories group by 1;
  insert into servers select md5('s' || n)::uuid, 'server ' || n from generate_series(1, 2) n;
  insert into accounts select md5('a' || n)::uuid, md5('s' || 1 + n % 2)::uuid, 'account ' || n from generate_series(1, 4) n;
  insert into agents select md5('g' || n)::uuid, md5('a' || n)::uuid, 'agent ' || n from generate_series(1, 4) n;
  insert into rooms select md5('r' || n)::uuid, md5('s' || 1 + n % 2)::uuid, case when n <= 4 then md5('g' || n)::uuid end from generate_series(1, 6) n;
  insert into participants select md5('r5')::uuid, md5('a1')::uuid union all select md5('r6')::uuid, md5('a' || n)::uuid from generate_series(1, 2) n;
  -- 40 by their agent, 12 by their room's, 5 in a room with one participant, 3 in one with two, 2 in none
  insert into memories
    select md5('m' || n)::uuid,
           case when n <= 52 then md5('r' || 1 + n % 4)::uuid when n <= 57 then md5('r5')::uuid when n <= 60 then md5('r6')::uuid end,
           case when n <= 40 then md5('g' || 1 + n % 4)::uuid end, '{}' from generate_series(1, 62) n;
`;

/** A catalogue of services: \`tenant_id text\`, teams, members; one entity of another tenant than its team, one of a team that is gone. */
export const CATALOGUE = `
  create schema catalogue;
  set search_path = catalogue;
  create table tenants (slug text primary key);
  create table users (name text primary key, tenant_id text not null);
  create table teams (id serial primary key, tenant_id text not null, lead text references users);
  create table entities (ref text primary key, tenant_id text not null, team varchar(9), kind text not null);
  create index on entities (team);
  create table api_keys (id serial primary key, tenant_id text not null, hash text not null, uses int, hint varchar(40), user_name text references users);
  create index on api_keys (hash);
  create table migrations (name text);
  insert into tenants values ('red'), ('blue');
  insert into users values ('ann', 'red'), ('ben', 'red'), ('cid', 'blue');
  insert into teams (tenant_id, lead) values ('red', 'ann'), ('blue', 'cid');
  insert into entities
    select 'component:' || n, case when n % 2 = 1 then 'red' else 'blue' end, case n when 9 then '77' else (2 - n % 2)::text end, 'component'
      from generate_series(1, 10) n;
  update entities set tenant_id = 'blue' where ref = 'component:1';
  create function touch() returns trigger language plpgsql as 'begin return new; end';
  create trigger touched before update on entities for each row execute function touch();
  create view components as select ref from entities where kind = 'component';
  create view own with (security_invoker = true) as select ref from entities;
  create publication feed for table entities;
`;

/** A blog: integer keys, one tenant, comments under posts. */
export const BLOG = `
  create schema blog;
  set search_path = blog;
  create table users (id serial primary key, name text not null);
  create table posts (id serial primary key, author_id int references users, title text not null);
  create table comments (id serial primary key, post_id int not null references posts, body text not null);
  create table tags (post_id int references posts, tag text);
  insert into users (name) select 'user ' || n from generate_series(1, 3) n;
  insert into posts (author_id, title) select nullif(n % 4, 0), 'post ' || n from generate_series(1, 8) n;
  insert into comments (post_id, body) select n, 'comment' from generate_series(1, 8) n;
`;
