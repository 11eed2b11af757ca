#!/usr/bin/env node
// `npm run build`: makes dist/, what an installed package consists of. Node strips no types inside node_modules, so there it needs
// JavaScript, and adopters' compilers need declarations of what they import; in a clone Node runs src/ as it is.
//
// Runs by itself after `npm ci` in a clone and before `npm pack`. Types are not checked here: `npm run check` does that. What the code
// reads beside itself is copied to the same place beside its output.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
// made beside, so that whoever runs from dist/ meanwhile finds it whole
const fresh = `${dist}.${process.pid}`;

/** Read at run time: SQL, the page of GraphiQL, and what decisions say of policies. */
const ASSETS = [
  'prisma/migrations',
  'prisma/policies',
  'prisma/adoption',
  'prisma/citus',
  'prisma/lints',
  'prisma/roles.sql',
  'docs/decisions',
  'src/graphiql',
];

function findCompiler() {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
  } catch {
    return undefined;
  }
}

async function compile(tsc, project, into) {
  const child = spawn(process.execPath, [tsc, '--project', join(root, project), '--outDir', into], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [status] = await once(child, 'exit');
  if (status !== 0) {
    throw new Error(`${project} could not be compiled`);
  }
}

/** The declarations that the package's own lead to, and no others: of the server there are none to be seen. */
function declarationsFrom(folder) {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const found = new Set();
  const follow = (file) => {
    if (!found.has(file)) {
      found.add(file);
      for (const [, target] of readFileSync(join(folder, file), 'utf8').matchAll(
        /(?:from |import\()['"](\.[^'"]+)\.ts['"]/g,
      )) {
        follow(join(dirname(file), `${target}.d.ts`));
      }
    }
  };
  for (const { types } of Object.values(exports)) {
    if (types !== undefined) {
      follow(types.replace('./dist/', ''));
    }
  }
  return found;
}

async function build() {
  const types = `${fresh}.types`;
  const old = `${fresh}.old`;
  try {
    const tsc = findCompiler();
    await Promise.all([
      compile(tsc, 'tsconfig.build.json', fresh),
      compile(tsc, 'tsconfig.types.json', types),
    ]);
    for (const file of declarationsFrom(types)) {
      cpSync(join(types, file), join(fresh, file));
    }
    for (const asset of ASSETS.filter((one) => existsSync(join(root, one)))) {
      cpSync(join(root, asset), join(fresh, asset), {
        recursive: true,
        filter: (path) => extname(path) !== '.ts',
      });
    }
    if (existsSync(dist)) {
      renameSync(dist, old);
    }
    renameSync(fresh, dist);
  } finally {
    for (const folder of [fresh, types, old]) {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

if (findCompiler() === undefined || !existsSync(join(root, 'generated', 'prisma'))) {
  // npm runs this also where it installs only what is needed to run, and there src/ is run as it is
  process.stderr.write('bailiwick: dist/ was not built: TypeScript, or the generated client, is not there\n');
} else {
  await build().catch((error) => {
    process.stderr.write(`bailiwick: dist/ was not built: ${error.message}\n`);
    process.exitCode = 1;
  });
}
