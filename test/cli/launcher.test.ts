// bin/bailiwick.js as a process of its own: on this Node, and on an older one if the machine has it.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test as base, expect, onTestFinished } from 'vitest';
import { createTestDatabase } from '../kit/database.ts';

const LAUNCHER = fileURLToPath(new URL('../../bin/bailiwick.js', import.meta.url));

/** An older Node, such as the one that runs npm. */
function findOlderNode(): string | undefined {
  return [
    '/usr/bin/node',
    '/usr/local/bin/node',
    ...(process.env.npm_node_execpath ? [process.env.npm_node_execpath] : []),
  ].find((path) => {
    try {
      const version = execFileSync(path, ['--version'], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      return Number.parseInt(version.slice(1), 10) < 24;
    } catch {
      return false;
    }
  });
}

async function launch(node: string, args: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = spawn(node, [LAUNCHER, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const written = { out: '', err: '' };
  child.stdout.on('data', (chunk) => {
    written.out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    written.err += chunk;
  });
  const [code] = await once(child, 'close');
  return { code, ...written };
}

// biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern what a fixture needs
const test = base.extend('database', { scope: 'file' }, async ({}, { onCleanup }) => {
  const database = await createTestDatabase();
  onCleanup(() => database.drop());
  return database;
});

const older = findOlderNode();
const nodes: [string, string][] = [
  ['this Node', process.execPath],
  ...(older === undefined ? [] : [['an older Node', older] as [string, string]]),
];

test.for(nodes)('%s: output and exit code are handed over', async ([_which, node]) => {
  const help = await launch(node, ['doctor', '--help']);
  expect([help.code, help.err]).toEqual([0, '']);
  expect(help.out).toContain('bailiwick doctor');
  const wrong = await launch(node, ['dance']);
  expect(wrong).toEqual({
    code: 2,
    out: '',
    err: 'bailiwick: there is no command dance\nSee `bailiwick --help`.\n',
  });
});

// Whoever supervises the launcher knows only its id. A server that outlived it would hold the port and the database.
test.for(
  nodes.flatMap(([which, node]) => [
    [which, node, 'SIGINT'] as const,
    // here the launcher is a process of its own, which hands signals on, and can be killed
    ...(which === 'this Node' ? [] : [[which, node, 'SIGTERM'] as const, [which, node, 'SIGKILL'] as const]),
  ]),
)(
  '%s (%s): the server ends in order when the launcher gets %s',
  async ([_which, node, signal], { database }) => {
    const dataDir = await mkdtemp(join(tmpdir(), 'bailiwick-launch-'));
    onTestFinished(() => rm(dataDir, { recursive: true }));
    const child = spawn(node, [LAUNCHER, 'start'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        DATABASE_URL: database.runtimeUrl,
        MIGRATION_DATABASE_URL: database.migratorUrl,
        DATA_DIR: dataDir,
        PORT: '0',
      },
    });
    let err = '';
    child.stderr.on('data', (chunk) => {
      err += chunk;
    });
    const [announced] = await once(child.stdout, 'data');
    expect(String(announced)).toMatch(/^listening on http:\/\/127\.0\.0\.1:\d+\/graphql\n/);
    child.kill(signal);
    // the streams close when the last process that writes to them has ended
    const [code] = await once(child, 'close');
    expect(err).toMatch(/^stopping \.\.\.$/m);
    expect(code).toBe(signal === 'SIGKILL' ? null : 0);
  },
);
