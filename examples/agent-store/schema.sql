-- A store for agents, in the shape of elizaOS's tables without embeddings: whose a row is stands at the end of a path, over the agent or over the
-- room, or nowhere. What has gathered in them: an agent whose owner was never written down, memories without an agent, a room of nobody, a
-- cache of an agent that is gone. Nothing of Bailiwick's.

create table servers (
  id uuid primary key,
  name text not null
);

create table accounts (
  id uuid primary key,
  server_id uuid not null references servers,
  name text not null,
  email text
);

create table agents (
  id uuid primary key,
  owner_id uuid,
  name text not null,
  bio jsonb not null default '[]',
  settings jsonb not null default '{}'
);

create table entities (
  id uuid primary key,
  agent_id uuid references agents on delete cascade,
  names text[] not null
);

create table rooms (
  id uuid primary key default gen_random_uuid(),
  agent_id uuid references agents on delete cascade,
  source text not null,
  name text
);

create table participants (
  id uuid primary key default gen_random_uuid(),
  entity_id uuid references entities on delete cascade,
  room_id uuid references rooms on delete cascade
);

create table memories (
  id uuid primary key default gen_random_uuid(),
  type text not null default 'facts',
  content jsonb not null,
  agent_id uuid references agents on delete cascade,
  room_id uuid references rooms on delete cascade,
  created_at timestamptz not null default now()
);

-- ids as text, and no references: it came from another package
create table central_messages (
  id text primary key default gen_random_uuid(),
  channel_id text not null,
  author_id text not null,
  content text not null,
  created_at timestamptz not null default now()
);

create table tasks (
  id uuid primary key default gen_random_uuid(),
  agent_id uuid not null references agents on delete cascade,
  name text not null,
  tags text[] not null default '{}'
);

create table cache (
  key text not null,
  agent_id uuid not null,
  value jsonb not null,
  primary key (key, agent_id)
);

create table plugin_migrations (
  plugin text primary key,
  hash text not null
);

insert into servers values
  ('50000000-0000-4000-8000-000000000001', 'garden'),
  ('50000000-0000-4000-8000-000000000002', 'harbour');

-- the first three digits after the kind are the account: a1 has agents b1.., rooms d1..
insert into accounts values
  ('a0000000-0000-4000-8000-000000000001', '50000000-0000-4000-8000-000000000001', 'ann', 'ann@garden.example'),
  ('a0000000-0000-4000-8000-000000000002', '50000000-0000-4000-8000-000000000001', 'ben', 'ben@garden.example'),
  ('a0000000-0000-4000-8000-000000000003', '50000000-0000-4000-8000-000000000002', 'cleo', 'cleo@harbour.example'),
  ('a0000000-0000-4000-8000-000000000009', '50000000-0000-4000-8000-000000000001', 'lost property', null);

insert into agents (id, owner_id, name, settings) values
  ('b0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'scout', '{"secrets": {"WEATHER_KEY": "w-1"}}'),
  ('b0000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000002', 'bobot', '{"secrets": {"MAIL_KEY": "m-2"}}'),
  ('b0000000-0000-4000-8000-000000000003', 'a0000000-0000-4000-8000-000000000003', 'mimic', '{}'),
  ('b0000000-0000-4000-8000-000000000004', null, 'founder', '{}');

insert into entities values
  ('e0000000-0000-4000-8000-000000000001', 'b0000000-0000-4000-8000-000000000001', '{gus}'),
  ('e0000000-0000-4000-8000-000000000002', 'b0000000-0000-4000-8000-000000000002', '{hal}'),
  ('e0000000-0000-4000-8000-000000000003', 'b0000000-0000-4000-8000-000000000003', '{ivy}');

insert into rooms values
  ('d0000000-0000-4000-8000-000000000001', 'b0000000-0000-4000-8000-000000000001', 'discord', 'beds'),
  ('d0000000-0000-4000-8000-000000000002', 'b0000000-0000-4000-8000-000000000002', 'telegram', 'bicycles'),
  ('d0000000-0000-4000-8000-000000000003', 'b0000000-0000-4000-8000-000000000003', 'discord', 'quay'),
  -- nobody's but for who is in it: in the first one person, in the second two of different agents
  ('d0000000-0000-4000-8000-000000000005', null, 'discord', 'shed'),
  ('d0000000-0000-4000-8000-000000000006', null, 'discord', 'market');

insert into participants (entity_id, room_id) values
  ('e0000000-0000-4000-8000-000000000001', 'd0000000-0000-4000-8000-000000000001'),
  ('e0000000-0000-4000-8000-000000000002', 'd0000000-0000-4000-8000-000000000002'),
  ('e0000000-0000-4000-8000-000000000003', 'd0000000-0000-4000-8000-000000000003'),
  ('e0000000-0000-4000-8000-000000000001', 'd0000000-0000-4000-8000-000000000005'),
  ('e0000000-0000-4000-8000-000000000001', 'd0000000-0000-4000-8000-000000000006'),
  ('e0000000-0000-4000-8000-000000000002', 'd0000000-0000-4000-8000-000000000006');

insert into memories (id, content, agent_id, room_id) values
  ('f0000000-0000-4000-8000-000000000001', '{"text": "Gus waters on Mondays"}', 'b0000000-0000-4000-8000-000000000001', 'd0000000-0000-4000-8000-000000000001'),
  ('f0000000-0000-4000-8000-000000000002', '{"text": "The code of the shed is 4711"}', 'b0000000-0000-4000-8000-000000000001', null),
  ('f0000000-0000-4000-8000-000000000003', '{"text": "The beans are late"}', null, 'd0000000-0000-4000-8000-000000000001'),
  ('f0000000-0000-4000-8000-000000000004', '{"text": "Somebody left the tap open"}', null, 'd0000000-0000-4000-8000-000000000005'),
  ('f0000000-0000-4000-8000-000000000005', '{"text": "The lock of the bicycle is 2580"}', 'b0000000-0000-4000-8000-000000000002', 'd0000000-0000-4000-8000-000000000002'),
  ('f0000000-0000-4000-8000-000000000006', '{"text": "The crane code is 9001"}', 'b0000000-0000-4000-8000-000000000003', 'd0000000-0000-4000-8000-000000000003'),
  ('f0000000-0000-4000-8000-000000000007', '{"text": "Founded on a Tuesday"}', 'b0000000-0000-4000-8000-000000000004', null),
  ('f0000000-0000-4000-8000-000000000008', '{"text": "Overheard at the market"}', null, 'd0000000-0000-4000-8000-000000000006'),
  ('f0000000-0000-4000-8000-000000000009', '{"text": "Of nobody, nowhere"}', null, null);

insert into central_messages (channel_id, author_id, content) values
  ('d0000000-0000-4000-8000-000000000001', 'e0000000-0000-4000-8000-000000000001', 'Are the beans up?'),
  ('d0000000-0000-4000-8000-000000000002', 'e0000000-0000-4000-8000-000000000002', 'My chain is off'),
  ('d0000000-0000-4000-8000-000000000003', 'e0000000-0000-4000-8000-000000000003', 'Ship at nine'),
  ('gone', 'e0000000-0000-4000-8000-000000000003', 'In a channel that is gone');

insert into tasks (agent_id, name) values
  ('b0000000-0000-4000-8000-000000000001', 'water'),
  ('b0000000-0000-4000-8000-000000000002', 'oil the chain');

insert into cache values
  ('last_memory', 'b0000000-0000-4000-8000-000000000001', '"Gus waters on Mondays"'),
  ('last_memory', 'b0000000-0000-4000-8000-00000000000f', '"Of an agent that is gone"');

insert into plugin_migrations values ('sql', 'abc');
