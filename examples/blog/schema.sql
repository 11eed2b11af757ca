-- The tables of a blog, as somebody wrote them on a weekend, and what has gathered in them: a post whose author was deleted, comments
-- under posts that are gone. Integer keys, and nothing of Bailiwick's.

create table users (
  id serial primary key,
  name text not null unique,
  email text not null
);

create table posts (
  id serial primary key,
  author_id int references users on delete set null,
  title text not null,
  body text not null default '',
  published_at timestamptz
);

-- without a reference: they were imported from another blog once
create table comments (
  id serial primary key,
  post_id int not null,
  visitor text not null,
  body text not null,
  approved boolean not null default false
);

-- words for all authors
create table tags (
  id serial primary key,
  word text not null unique
);

create table post_tags (
  post_id int not null references posts on delete cascade,
  tag_id int not null references tags,
  primary key (post_id, tag_id)
);

insert into users (name, email) values
  ('ann', 'ann@blog.example'),
  ('ben', 'ben@blog.example'),
  ('lost property', 'editor@blog.example');

insert into posts (author_id, title, published_at) values
  (1, 'On beans', '2024-03-01'),
  (1, 'On compost', null),
  (2, 'On bicycles', '2024-04-02'),
  (2, 'A quarrel with my landlord', null),
  (null, 'By somebody who has left', '2021-01-01');

insert into comments (post_id, visitor, body, approved) values
  (1, 'gus', 'Mine never come up', true),
  (1, 'hal', 'Buy my pills', false),
  (2, 'ivy', 'A draft, I think?', false),
  (4, 'jo', 'Do not publish this, his lawyer reads it', false),
  (5, 'kay', 'Where are you now?', true),
  (77, 'lou', 'Under a post that is gone', true);

insert into tags (word) values ('garden'), ('town');
insert into post_tags values (1, 1), (2, 1), (3, 2), (4, 2);
