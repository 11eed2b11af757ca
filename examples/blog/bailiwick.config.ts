// Whose the rows of the blog are. One tenant for all, because one blog is one team; whatever hangs on a post is its author's.

import type { Adoption } from 'bailiwick/adoption';

const POST = { column: 'post_id', table: 'posts' };
/** The third user, to whom nobody signs in: what nobody can place is theirs, until somebody has looked at it. */
const unplaced = { quarantine: '3' };

export default {
  tenants: { constant: 'blog' },
  users: { table: 'users' },
  roles: ['blog_app'],
  tables: {
    users: { kind: 'user', owner: 'id' },
    posts: { kind: 'post', owner: 'author_id', unplaced },
    comments: { kind: 'comment', owner: { through: [POST], column: 'author_id' }, unplaced },
    post_tags: { kind: 'post', owner: { through: [POST], column: 'author_id' }, unplaced },
    tags: { exempt: 'words that all authors have in common' },
  },
} satisfies Adoption;
