// The package as it is installed: built, packed, unpacked into somebody's node_modules, and used from there. What a clone would do by its
// sources, it has to do by what was built of them.

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const run = promisify(execFile);
let app: string;
let files: string[];

beforeAll(async () => {
  app = await mkdtemp(join(tmpdir(), 'bailiwick-package-'));
  await run(process.execPath, [join(ROOT, 'bin/build.js')], { cwd: ROOT });
  // without prepare, which would generate Prisma's client anew below the other tests
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', app], { cwd: ROOT });
  const [packed = ''] = (await readdir(app)).filter((name) => name.endsWith('.tgz'));
  const installed = join(app, 'node_modules', 'bailiwick');
  files = await unpack(await readFile(join(app, packed)), installed);
  await symlink(join(ROOT, 'node_modules'), join(installed, 'node_modules'));
  await writeFile(join(app, 'package.json'), '{ "type": "module" }');
});
afterAll(() => rm(app, { recursive: true }));

/** Files of a tarball of npm's: ustar, with extended headers where a name is long (POSIX pax). */
async function unpack(packed: Buffer, into: string): Promise<string[]> {
  const tar = gunzipSync(packed);
  const names: string[] = [];
  let long: string | undefined;
  for (let at = 0; tar[at] !== undefined && tar[at] !== 0; ) {
    const text = (from: number, length: number) =>
      tar.toString('utf8', at + from, at + from + length).replace(/\0.*$/s, '');
    const size = Number.parseInt(text(124, 12), 8);
    const content = tar.subarray(at + 512, at + 512 + size);
    if (text(156, 1) === 'x') {
      long = /\d+ path=(.*)\n/.exec(content.toString())?.[1];
    } else {
      const path = long ?? join(text(345, 155), text(0, 100));
      const name = path.replace(/^package\//, '');
      long = undefined;
      names.push(name);
      await mkdir(dirname(join(into, name)), { recursive: true });
      await writeFile(join(into, name), content);
    }
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return names;
}

async function script(text: string): Promise<string> {
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', text], { cwd: app });
  return stdout;
}

async function command(...args: string[]): Promise<string> {
  const { stdout } = await run(
    process.execPath,
    [join(app, 'node_modules/bailiwick/bin/bailiwick.js'), ...args],
    {
      cwd: app,
    },
  );
  return stdout;
}

test('what is packed is what was built, with the SQL that it applies, and no sources or tests', async () => {
  expect(files).toContain('dist/src/cli.js');
  expect(files).toContain('dist/prisma/policies/00-session.sql');
  expect(files).toContain('dist/prisma/roles.sql');
  expect(
    files.filter((name) => !/^(dist\/|bin\/bailiwick\.js$|package\.json$|README\.md$|LICENSE$)/.test(name)),
  ).toEqual([]);
  expect(files.filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))).toEqual([]);
  const { scripts } = JSON.parse(await readFile(join(app, 'node_modules/bailiwick/package.json'), 'utf8'));
  // would run where it is installed, and what it needs is not there
  expect(Object.keys(scripts).filter((name) => /^(pre|post)?install$/.test(name))).toEqual([]);
});

test('the library is imported by its name, and only its part for Prisma loads Prisma', async () => {
  const loading = (name: string) =>
    script(`
      import { registerHooks } from 'node:module';
      const loaded = [];
      registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
      const names = Object.keys(await import('${name}'));
      console.log(JSON.stringify({ names, others: ['prisma', 'graphql', 'pg'].filter((one) =>
        loaded.some((url) => url.includes('/node_modules/' + one + '/') || url.includes('/node_modules/@' + one + '/'))) }));`);
  expect(JSON.parse(await loading('bailiwick'))).toEqual({
    names: expect.arrayContaining([
      'withSession',
      'openSession',
      'asPool',
      'delegate',
      'revoke',
      'BailiwickError',
    ]),
    others: [],
  });
  expect(JSON.parse(await loading('bailiwick/yoga'))).toEqual({
    names: ['useBailiwick'],
    others: ['graphql'],
  });
  expect(JSON.parse(await loading('bailiwick/apollo'))).toEqual({
    names: ['bailiwickPlugin'],
    others: ['graphql'],
  });
  expect(JSON.parse(await loading('bailiwick/prisma'))).toMatchObject({
    names: ['bailiwick', 'sealedAdapter'],
  });
  expect(JSON.parse(await loading('bailiwick/sealing'))).toMatchObject({
    names: ['EnvelopeError', 'openSealing'],
    others: [],
  });
  expect(JSON.parse(await loading('bailiwick/adoption'))).toMatchObject({ others: [] });
});

test('the command line runs from there, and finds what it applies', async () => {
  expect(await command('--help')).toContain('bailiwick <command> [options]');
  expect(await command('adopt', '--help')).toContain('bailiwick adopt');
  expect(await command('access')).toBe(await readFile(join(ROOT, 'prisma/policies/ACCESS.txt'), 'utf8'));
  const found = await script(`
    const at = (path) => import('./node_modules/bailiwick/dist/src/' + path);
    const { readPolicies } = await at('db/policies.js');
    const { MIGRATIONS_FOLDER } = await at('db/engine.js');
    const { readdirSync } = await import('node:fs');
    console.log(JSON.stringify([readPolicies().length, readdirSync(MIGRATIONS_FOLDER).length]));`);
  const sources = async (folder: string, ending: RegExp) =>
    (await readdir(join(ROOT, folder))).filter((name) => ending.test(name)).length;
  expect(JSON.parse(found)).toEqual([
    await sources('prisma/policies', /\.sql$/),
    await sources('prisma/migrations', /./),
  ]);
});

test('its types are found by a compiler that knows nothing of ours', async () => {
  await writeFile(
    join(app, 'app.ts'),
    `import { delegate, type Principal, withSession } from 'bailiwick';
     import type { Adoption } from 'bailiwick/adoption';
     import { useBailiwick } from 'bailiwick/yoga';
     import { bailiwickPlugin } from 'bailiwick/apollo';
     import { sealedAdapter } from 'bailiwick/prisma';
     import pg from 'pg';
     const pool = new pg.Pool();
     const who: Principal = { user: 7 };
     export const count: Promise<number> = withSession(pool, who, async (client) => (await client.query('select 1')).rows.length);
     export const adoption = { tenants: { constant: 'all' }, users: { table: 'accounts' }, tables: {} } satisfies Adoption;
     export const parts = [delegate, useBailiwick({ pool, principal: () => who }), bailiwickPlugin({ pool, principal: () => who }), sealedAdapter(pool)];
     // @ts-expect-error nobody is both
     export const both: Principal = { user: 7, agent: 7 };
    `,
  );
  await symlink(join(ROOT, 'node_modules/pg'), join(app, 'node_modules/pg'));
  await mkdir(join(app, 'node_modules/@types'));
  for (const types of ['node', 'pg']) {
    await symlink(join(ROOT, 'node_modules/@types', types), join(app, 'node_modules/@types', types));
  }
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
  const options = [
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    '--module',
    'nodenext',
    '--target',
    'es2023',
    '--types',
    'node',
  ];
  const { stdout } = await run(process.execPath, [tsc, ...options, 'app.ts'], { cwd: app }).catch(
    (error: { stdout: string }) => error,
  );
  expect(stdout).toBe('');
});
