// `bailiwick start` around a server that only pretends: what it prints, and that it ends when it is asked to.

import { expect, test, vi } from 'vitest';
import { PostureError } from '../../src/errors.ts';
import { transcript } from './transcript.ts';

const main = vi.hoisted(() => vi.fn());
vi.mock('../../src/main.ts', () => ({ main }));

test('it prints the address and the welcome, serves until it is asked to end, and then stops', async () => {
  const stop = vi.fn(async () => undefined);
  main.mockImplementationOnce(async (_config: unknown, progress: (step: string) => void) => {
    progress('database');
    return { url: 'http://127.0.0.1:4000/graphql', welcome: ['as alice: ...'], stop };
  });
  const ending = new AbortController();
  const running = transcript('start', {}, ending.signal);
  await vi.waitFor(() => expect(main).toHaveBeenCalled());
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(stop).not.toHaveBeenCalled();
  ending.abort('SIGINT');
  expect(await running).toEqual({
    code: 0,
    out: 'listening on http://127.0.0.1:4000/graphql\nas alice: ...\n',
    err: 'database ...\nstopping ...\n',
  });
  expect(stop).toHaveBeenCalledTimes(1);
});

test('asked to end while it is still starting, it stops as soon as it has started', async () => {
  const ending = new AbortController();
  const stop = vi.fn(async () => undefined);
  main.mockImplementationOnce(async () => {
    ending.abort('SIGTERM');
    return { url: 'http://127.0.0.1:4000/graphql', welcome: [], stop };
  });
  expect((await transcript('start', {}, ending.signal)).code).toBe(0);
  expect(stop).toHaveBeenCalledTimes(1);
});

test('a server that refuses to start says why', async () => {
  main.mockRejectedValueOnce(
    new PostureError('This database would not isolate its rows:', ['table-rls: ...']),
  );
  expect(await transcript('start')).toEqual({
    code: 1,
    out: '',
    err: 'bailiwick: This database would not isolate its rows:\n  - table-rls: ...\n',
  });
});

test.each([
  ['start', {}, false],
  ['start --development', {}, true],
  ['start --development', { MODE: 'production' }, false],
  ['start', { MODE: 'development' }, true],
])('bailiwick %s with %j', async (line, env, development) => {
  main.mockReset();
  main.mockRejectedValueOnce(new Error('far enough'));
  await transcript(line, env);
  expect(main.mock.calls[0]?.[0]).toMatchObject({ development });
});

test('development is refused where NODE_ENV says production', async () => {
  main.mockReset();
  const { code, err } = await transcript('start --development', { NODE_ENV: 'production' });
  expect([code, main.mock.calls.length]).toEqual([1, 0]);
  expect(err).toContain('MODE=development is refused');
});
