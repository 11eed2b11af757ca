import { expect } from 'vitest';
import { test } from '../kit/server.ts';

test('smoke', async ({ server, query }) => {
  const a = await query('scout', '{ viewer { live owner { id } } agents(first: 20) { edges { node { name memories(first: 20) { edges { node { content world { name } } } } } } } }', undefined, { delegation: 'scout' }).catch(() => undefined);
  process.stdout.write(JSON.stringify(a?.body, null, 1)?.slice(0, 1500) + JSON.stringify(a && server.cost(a)) + '\n' + JSON.stringify(server.log, null, 1));
  expect(a?.status).toBe(200);
});
