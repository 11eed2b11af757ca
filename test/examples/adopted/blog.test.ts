// The blog: integer keys, one tenant, Drizzle. What it is before its adoption and after, over HTTP.

import { withSession } from 'bailiwick';
import { expect, test } from 'vitest';
import { ask } from './http.ts';
import { asApplication, type Example, tellAdoption, tellReturn } from './story.ts';

const [ANN, BEN] = ['1', '2'];

const blog: Example = {
  folder: 'blog',
  role: 'blog_app',
  tables: ['users', 'posts', 'comments', 'post_tags'],
  people: [ANN, BEN],
  everything: async (url, user) =>
    Promise.all([
      ask(url, user, 'GET /me'),
      ask(url, user, 'GET /posts'),
      ask(url, user, `GET /posts/${user === ANN ? 1 : 3}/tags`),
    ]),
  nothing: [
    [200, []],
    [200, []],
    [200, []],
  ],
  leak: async (url) => (await ask(url, ANN, 'GET /posts/4/comments'))[1],
  leaked: [expect.objectContaining({ visitor: 'jo' })],
  reported: { table: 'comments', clause: 'owner' },
  async writes(url, nth) {
    const body = { title: `On slugs ${nth}`, body: 'There are too many', tags: ['garden', 'slugs'] };
    const [status, [post]] = (await ask(url, ANN, 'POST /posts', body)) as [number, [{ id: number }]];
    expect([status, post]).toEqual([200, expect.objectContaining({ title: body.title, authorId: 1 })]);
    const words = [200, [{ word: 'garden' }, { word: 'slugs' }]];
    expect(await ask(url, ANN, `GET /posts/${post.id}/tags`)).toEqual(words);
    const change = { title: `On snails ${nth}` };
    expect(await ask(url, ANN, `PATCH /posts/${post.id}`, change)).toMatchObject([200, [change]]);
    expect(await ask(url, BEN, `GET /posts/${post.id}/tags`)).toEqual([200, []]);
    expect(await ask(url, BEN, `PATCH /posts/${post.id}`, { title: 'Mine' })).toEqual([404, []]);
    expect(await ask(url, BEN, `DELETE /posts/${post.id}`)).toEqual([404, []]);
    expect((await ask(url, ANN, 'GET /posts'))[1]).toContainEqual(expect.objectContaining(change));
  },
  discards: async (url) => (await ask(url, ANN, 'DELETE /comments/2'))[0] === 200,
};

const stage = tellAdoption(blog);

test('who is nobody’s user is told so, and nothing can be written for another', async () => {
  const url = await stage().serve('app.adopted.ts');
  expect(await ask(url, '77', 'GET /posts')).toEqual([401, []]);
  await asApplication(stage().appUrl, async (pool) => {
    const planting = withSession(pool, { user: 1 }, (client) =>
      client.query('insert into posts (author_id, title) values (2, $1)', ['Planted']),
    );
    await expect(planting).rejects.toMatchObject({ code: '42501' });
  });
});

tellReturn(blog, stage);
