#!/usr/bin/env node
// Makes what is generated: `client` (Prisma's client, ignored by git), `documents` (typed GraphQL documents, ignored),
// `texts` (schema.graphql and docs/errors.md, checked in), `all`; `check` fails when a checked-in text is out of date.
//
// Plain JavaScript, because it runs at installation. Prisma's command line would download an engine that generating does
// not need; pointing it at any existing program keeps it from trying, and nothing here uses the network.

import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);

function run(program, ...args) {
  const { status, error } = spawnSync(process.execPath, [program, ...args], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
      PRISMA_HIDE_UPDATE_MESSAGE: '1',
      CHECKPOINT_DISABLE: '1',
    },
  });
  if (status !== 0) {
    process.stderr.write(
      `bailiwick: ${program} ${args.join(' ')} failed${error ? `: ${error.message}` : ''}\n`,
    );
    process.exit(1);
  }
}

const steps = {
  client() {
    const prisma = find('prisma/build/index.js');
    if (prisma === undefined) {
      // npm runs this also where it only writes the lock file and installs nothing
      process.stderr.write('bailiwick: Prisma is not installed, so its client was not generated\n');
    } else {
      run(prisma, 'generate');
    }
  },
  documents: () =>
    run(binOf('@graphql-codegen/cli', 'graphql-codegen'), '--config', 'codegen.ts', '--silent'),
  texts: () => run(join(root, 'bin/texts.ts'), 'write'),
  check: () => run(join(root, 'bin/texts.ts'), 'check'),
  all() {
    steps.client();
    steps.texts();
    steps.documents();
  },
};

function find(path) {
  try {
    return require.resolve(path);
  } catch {
    return undefined;
  }
}

function binOf(name, command) {
  const manifest = require.resolve(`${name}/package.json`);
  return join(dirname(manifest), require(manifest).bin[command]);
}

const [name = 'all'] = process.argv.slice(2);
if (!Object.hasOwn(steps, name)) {
  process.stderr.write(`usage: generate.js ${Object.keys(steps).join(' | ')}\n`);
  process.exit(2);
}
steps[name]();
