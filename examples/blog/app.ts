// The writing side of a blog: an author sees and changes their own posts, and the comments under them. JSON over node:http, Drizzle below.
//
// Who is asking is in the header x-user, the number of a user; a real application has a session or a token there. This is the application
// before its adoption: every query carries its filter, but for one, which was forgotten.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { and, asc, eq, inArray } from 'drizzle-orm';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import { boolean, integer, pgTable, serial, text } from 'drizzle-orm/pg-core';
import pg from 'pg';

const users = pgTable('users', {
  id: serial().primaryKey(),
  name: text().notNull(),
  email: text().notNull(),
});
const posts = pgTable('posts', {
  id: serial().primaryKey(),
  authorId: integer('author_id'),
  title: text().notNull(),
  body: text().notNull().default(''),
});
const comments = pgTable('comments', {
  id: serial().primaryKey(),
  postId: integer('post_id').notNull(),
  visitor: text().notNull(),
  body: text().notNull(),
  approved: boolean().notNull().default(false),
});
const tags = pgTable('tags', { id: serial().primaryKey(), word: text().notNull() });
const postTags = pgTable('post_tags', {
  postId: integer('post_id').notNull(),
  tagId: integer('tag_id').notNull(),
});

type Call = {
  readonly db: NodePgDatabase;
  readonly me: number;
  /** The number in the path. */
  readonly id: number;
  readonly body: { readonly title?: string; readonly body?: string; readonly tags?: readonly string[] };
};

const postsOf = ({ db, me }: Call) => db.select({ id: posts.id }).from(posts).where(eq(posts.authorId, me));

const ROUTES: Record<string, (call: Call) => PromiseLike<readonly unknown[]>> = {
  'GET /me': ({ db, me }) => db.select().from(users).where(eq(users.id, me)),

  'GET /posts': ({ db, me }) => db.select().from(posts).where(eq(posts.authorId, me)).orderBy(asc(posts.id)),

  'POST /posts': ({ db, me, body: { title = '', body, tags: words = [] } }) =>
    db.transaction(async (tx) => {
      const [post] = await tx.insert(posts).values({ authorId: me, title, body }).returning();
      for (const word of words) {
        const set = { word };
        const [tag] = await tx
          .insert(tags)
          .values(set)
          .onConflictDoUpdate({ target: tags.word, set })
          .returning();
        await tx.insert(postTags).values({ postId: post?.id ?? 0, tagId: tag?.id ?? 0 });
      }
      return [post];
    }),

  'PATCH /posts/:id': ({ db, me, id, body: { title, body } }) =>
    db
      .update(posts)
      .set({ title, body })
      .where(and(eq(posts.id, id), eq(posts.authorId, me)))
      .returning(),

  'DELETE /posts/:id': ({ db, me, id }) =>
    db
      .delete(posts)
      .where(and(eq(posts.id, id), eq(posts.authorId, me)))
      .returning(),

  'GET /posts/:id/tags': ({ db, id, ...call }) =>
    db
      .select({ word: tags.word })
      .from(postTags)
      .innerJoin(tags, eq(tags.id, postTags.tagId))
      .where(and(eq(postTags.postId, id), inArray(postTags.postId, postsOf({ db, id, ...call })))),

  // forgotten: whose post it is. By this query alone anybody reads the comments under anybody’s drafts
  'GET /posts/:id/comments': ({ db, id }) =>
    db.select().from(comments).where(eq(comments.postId, id)).orderBy(asc(comments.id)),

  'DELETE /comments/:id': (call) =>
    call.db
      .delete(comments)
      .where(and(eq(comments.id, call.id), inArray(comments.postId, postsOf(call))))
      .returning(),
};

/** Serves on a port; 0 takes a free one. */
export async function start({ url, port }: { url: string; port: number }) {
  const pool = new pg.Pool({ connectionString: url });
  const db = drizzle(pool);
  const server = createServer(async (request, response) => {
    const send = (status: number, answer: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    const { method = '', url: path = '', headers } = request;
    const me = Number(headers['x-user']);
    const id = Number(/\d+/.exec(path)?.[0]);
    const route = ROUTES[`${method} ${path.replace(/\d+/, ':id')}`];
    if (!Number.isInteger(me) || route === undefined) {
      send(route === undefined ? 404 : 401, []);
      return;
    }
    try {
      const body = method === 'GET' || method === 'DELETE' ? {} : ((await json(request)) as Call['body']);
      const answer = await route({ db, me, id, body });
      send(method === 'GET' || answer.length > 0 ? 200 : 404, answer);
    } catch (error) {
      process.stderr.write(`${method} ${path}: ${error}\n`);
      send(500, []);
    }
  });
  await once(server.listen(port, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      await once(server.close(), 'close');
      await pool.end();
    },
  };
}

if (import.meta.main) {
  const { DATABASE_URL: url = 'postgresql://blog_app@127.0.0.1/blog', PORT = '4100' } = process.env;
  const running = await start({ url, port: Number(PORT) });
  process.stdout.write(`${running.url}\n`);
}
