#!/usr/bin/env node
// The launcher: runs src/cli.ts on Node 24, also when it was called by an older Node of the machine. In an installed package, which has
// no src, it runs what was built of it.
//
// Plain JavaScript, because an older Node cannot read anything else. The right Node is a dependency (the package `node`).
// It does nothing but hand over arguments, signals and the exit code.

import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import module, { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const KEPT_AFTER_MS = 10_000;

if (Number.parseInt(process.versions.node, 10) >= 24) {
  // Compiled code is kept from one start to the next: a third of the time that loading takes. In a folder of the package, because whoever
  // can write there can change its code anyway; where nobody can, nothing is kept.
  module.enableCompileCache?.(fileURLToPath(new URL('../node_modules/.cache/bailiwick', import.meta.url)));
  // it is written when the process ends, which of a server need not be in peace
  setTimeout(() => module.flushCompileCache?.(), KEPT_AFTER_MS).unref();
  const source = new URL('../src/cli.ts', import.meta.url);
  const { main } = await import(
    existsSync(source) ? source.href : new URL('../dist/src/cli.js', import.meta.url).href
  );
  await main();
} else {
  relaunch();
}

function relaunch() {
  const child = spawn(
    findNode(),
    [...process.execArgv, fileURLToPath(import.meta.url), ...process.argv.slice(2)],
    {
      // Over the fourth the child learns that this process is gone, even if it was killed outright.
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    },
  );
  const forward = (signal) => child.kill(signal);
  // A terminal sends Ctrl-C to the child as well; anything else sends it to this process alone.
  const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  process.on('SIGINT', terminal ? () => undefined : forward);
  process.on('SIGTERM', forward);
  process.on('SIGHUP', terminal ? () => undefined : forward);
  child.on('error', (error) => {
    process.stderr.write(`bailiwick: Node 24 does not start: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    if (signal === null) {
      process.exitCode = code ?? 1;
    } else {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    }
  });
}

function findNode() {
  try {
    const manifest = createRequire(import.meta.url).resolve('node/package.json');
    return join(dirname(manifest), JSON.parse(readFileSync(manifest, 'utf8')).bin.node);
  } catch {
    process.stderr.write(
      `bailiwick: needs Node 24, and this is ${process.version}: run \`npm ci\`, which brings it\n`,
    );
    return process.exit(1);
  }
}
