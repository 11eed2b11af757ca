// Who may import whom, as ARCHITECTURE.md says; raw SQL only where it belongs; no file longer than a head can hold.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const FEATURES = [
  'access',
  'activity',
  'agents',
  'approvals',
  'baselines',
  'credentials',
  'delegations',
  'memories',
  'permissions',
  'receipts',
  'services',
  'tenants',
  'users',
  'viewer',
  'worlds',
];

// module -> what it may import of ours. A folder stands for its files.
const ALLOWED: Record<string, readonly string[]> = {
  ids: [],
  errors: [],
  capabilities: [],
  trust: [],
  settings: ['trust'],
  config: ['errors', 'settings', 'trust'],
  crypto: ['errors', 'ids', 'trust'],
  encryption: ['config', 'crypto'],
  outgoing: [],
  auth: ['config', 'errors', 'ids', 'outgoing', 'trust'],
  db: ['config', 'crypto', 'errors', 'ids'],
  context: ['auth', 'db', 'errors', 'ids', 'outgoing'],
  builder: ['context'],
  api: ['auth', 'builder', 'context', 'db', 'errors', 'ids', 'live', 'outgoing'],
  live: ['db', 'errors'],
  schema: ['api', 'builder', ...FEATURES],
  secret: [],
  oauth: ['auth', 'capabilities', 'crypto', 'db', 'errors', 'ids'],
  sending: [],
  server: ['api', 'auth', 'errors', 'ids', 'oauth', 'sending'],
  health: ['db', 'errors', 'server'],
  'print-schema': ['schema'],
  'print-errors': ['errors'],
  graphiql: [],
  demo: ['approvals', 'capabilities', 'crypto', 'db', 'ids', 'outgoing'],
  assurance: ['capabilities', 'db', 'ids'],
  library: ['adoption', 'config', 'crypto', 'db', 'encryption', 'errors', 'ids', 'secret'],
  adoption: ['crypto', 'db', 'ids'],
};
for (const feature of FEATURES) {
  ALLOWED[feature] = ['api', 'builder', 'capabilities', 'context', 'db', 'errors', 'ids', ...FEATURES];
}
// who makes keys knows their form
ALLOWED.credentials = [...(ALLOWED.credentials ?? []), 'auth'];
// who has services called
ALLOWED.services = [...(ALLOWED.services ?? []), 'outgoing'];
// the places where everything comes together
const FREE = new Set(['main', 'development', 'identity', 'cli']);

const files = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(folder, file));

const moduleOf = (path: string): string => (path.split('/')[1] ?? '').replace(/\.ts$/, '');

const importsOf = (file: string): string[] =>
  [...readFileSync(join(root, file), 'utf8').matchAll(/from '(\.[^']+)'/g)].map(([, target]) =>
    relative(root, resolve(dirname(join(root, file)), target ?? '')),
  );

test('every module imports only what ARCHITECTURE.md allows', () => {
  const wrong = files('src').flatMap((file) => {
    const from = moduleOf(file);
    const allowed = ALLOWED[from];
    if (FREE.has(from)) {
      return [];
    }
    return importsOf(file)
      .filter((target) => target.startsWith('src/'))
      .map(moduleOf)
      .filter((to) => to !== from && !(allowed?.includes(to) ?? false))
      .map((to) => `${file} imports ${to}`);
  });
  expect(wrong).toEqual([]);
});

test('a feature reaches the database only through the session, the kernel’s functions and search', () => {
  const wrong = FEATURES.flatMap((feature) => files(`src/${feature}`)).flatMap((file) =>
    importsOf(file)
      .filter(
        (target) =>
          target.startsWith('src/db/') &&
          !/src\/db\/(activity|baselines|explain|kernel|keys|permissions|search|services|session)\.ts/.test(
            target,
          ),
      )
      .map((target) => `${file} imports ${target}`),
  );
  expect(wrong).toEqual([]);
});

test('only src/db makes a client of the generated code', () => {
  const wrong = files('src').filter(
    (file) =>
      !file.startsWith('src/db/') &&
      /import \{[^}]*PrismaClient/.test(
        readFileSync(join(root, file), 'utf8').replaceAll(/import type[^;]+;/g, ''),
      ),
  );
  expect(wrong).toEqual([]);
});

test('raw SQL stands in src/db and where the operator works, never in a feature, and never unescaped', () => {
  const text = (file: string) => readFileSync(join(root, file), 'utf8');
  const outside = files('src').filter(
    (file) =>
      !/^src\/(adoption|assurance|cli|db|demo|library)\//.test(file) &&
      /\$(queryRaw|executeRaw)|\.query\(\s*['"`]/.test(text(file)),
  );
  expect(outside).toEqual([]);
  expect(files('src').filter((file) => /RawUnsafe/.test(text(file)))).toEqual([]);
});

test('no file is longer than 350 lines without saying why at its top', () => {
  const long = [...files('src'), ...files('test'), ...files('bin')].filter((file) => {
    const lines = readFileSync(join(root, file), 'utf8').split('\n');
    return lines.length > 351 && !/one file because/i.test(lines.slice(0, 10).join('\n'));
  });
  expect(long).toEqual([]);
});

test('every file opens with a comment that says what it is', () => {
  const bare = [...files('src'), ...files('test')].filter(
    (file) => !/^(#!.*\n)?\/\/ \S/.test(readFileSync(join(root, file), 'utf8')),
  );
  expect(bare).toEqual([]);
});
