// A schema as others have it, in the ways of Supabase and of Rails: roles for the API, policies on auth.uid(), grants of
// everything, serial keys, no tenants. Nothing in it is Bailiwick's; what is wrong with it is what is commonly wrong.

export const FOREIGN = `
  create schema auth;
  create schema app;
  create role $app_anon nologin;
  create role $app_authenticated nologin;
  create role $app_authenticator login noinherit;
  grant $app_anon, $app_authenticated to $app_authenticator;
  grant usage on schema app, auth to $app_anon, $app_authenticated;
  create function auth.uid() returns uuid language sql stable as
    $$ select nullif(current_setting('request.jwt.claim.sub', true), '')::uuid $$;
  create table auth.users (id uuid primary key default gen_random_uuid(), email varchar(255) unique, encrypted_password text);
  alter table auth.users enable row level security;

  create table app.profiles (
    id uuid primary key references auth.users on delete cascade, username text unique, avatar_url text, updated_at timestamptz);
  alter table app.profiles enable row level security;
  create policy "Users can view own profile." on app.profiles for select using (auth.uid() = id);
  create policy "Users can update own profile." on app.profiles for update using (auth.uid() = id);
  create view app.profile_names as select id, username from app.profiles;
  create function app.handle_new_user(id uuid) returns void language plpgsql security definer as
    $$ begin insert into app.profiles (id) values (handle_new_user.id); end $$;

  create table app.posts (
    id bigserial primary key, user_id uuid not null references auth.users, title varchar not null, body text, tags text[],
    state int default 0, created_at timestamp(6) not null default now());
  create index index_posts_on_user_id on app.posts (user_id);
  create table app.comments (id bigserial primary key, post_id bigint references app.posts (id), "Body Text" text);
  create materialized view app.popular as select id, title from app.posts with no data;
  create table app.schema_migrations (version varchar not null);

  create table app.projects (id bigserial primary key, org_id bigint not null, name text);
  create table app.invoices (id bigserial primary key, org_id bigint, project_id bigint references app.projects (id), "Größe €" numeric);
  create table app.events (at timestamptz not null, what jsonb) partition by range (at);
  create table app.events_2026 partition of app.events for values from ('2026-01-01') to ('2027-01-01');
  create type app.mood as enum ('sad', 'ok');
  create domain app.positive as int check (value > 0);
  create procedure app.tidy() language sql as $$ delete from app.comments where id < 0 $$;
  create aggregate app.longest(text) (sfunc = text_larger, stype = text);
  create function app.dressed(app.mood, variadic numeric[]) returns table (a int, b text) language sql as $$ select 1, 'x' $$;
  grant all on all tables in schema app to $app_anon, $app_authenticated;
  grant all on all sequences in schema app to $app_anon, $app_authenticated;`;
