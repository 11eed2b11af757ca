import { writeFileSync } from 'node:fs';
import { test } from '../kit/cast.ts';
import { arrange } from './arrangement.ts';
import { probe } from './probe.ts';

test('x', async ({ database, migrate }) => {
  await migrate(arrange).catch((e) => {
    throw new Error(e.detail);
  });
  let t = performance.now();
  const f = await probe(database);
  const a = performance.now() - t;
  t = performance.now();
  await probe(database, 'memories');
  const b = performance.now() - t;
  t = performance.now();
  await probe(database, 'entities');
  writeFileSync(
    '/tmp/findings.txt',
    `${f.size} ${a} ms, memories ${b}, entities ${performance.now() - t}\n` +
      [...f].map(([k, v]) => `${k} = ${v}`).join('\n'),
  );
});
