#!/usr/bin/env node
// `npm run assure`: runs every instrument of test/assurance and prints one screen of what each has to say. Arguments go to
// Vitest, so a part can be run by its path; the screen then also shows what earlier runs have found.
//
// The exit code is Vitest's. The figures are those that the instruments report (test/kit/report.ts), nothing is computed here.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const reports = join(root, 'test-results', 'assurance');
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');

/** In the order of the screen; what an instrument asks. */
const QUESTIONS = {
  model: 'Does PostgreSQL do what the rules say?',
  mutation: 'Does somebody notice when a rule is broken?',
  lints: 'Is the catalog free of known mistakes?',
  plans: 'Does every query of the API use its index?',
  diff: 'What did the policies change, and was it named?',
  oracles: 'Do constraints tell of rows out of sight?',
  attacks: 'What does an attacker get?',
  concurrency: 'Does it hold under races and faults?',
};

function screen(seconds, passed) {
  const all = existsSync(reports)
    ? readdirSync(reports)
        .filter((file) => file.endsWith('.json'))
        .sort()
        .map((file) => JSON.parse(readFileSync(join(reports, file), 'utf8')))
    : [];
  const width = Math.max(...all.map(({ what }) => what.length), 0);
  const lines = Object.entries(QUESTIONS).flatMap(([instrument, question]) => {
    const ours = all.filter((one) => one.instrument === instrument);
    return [
      `${instrument.padEnd(13)}${question}`,
      ...(ours.length === 0 ? ['  not run'] : []),
      ...ours.map(({ what, figures }) => {
        const said = Object.entries(figures).map(([name, value]) => `${name} ${group(value)}`);
        return `  ${what.padEnd(width)}  ${said.join(', ')}`;
      }),
    ];
  });
  return ['', ...lines, '', `${passed ? 'assured' : 'NOT assured'}, ${Math.round(seconds)} s`, ''].join('\n');
}

/** 1234567 as 1 234 567. */
function group(value) {
  return typeof value === 'number' ? String(value).replaceAll(/\B(?=(\d{3})+(?!\d))/g, ' ') : value;
}

const part = process.argv.slice(2);
if (part.length === 0) {
  rmSync(reports, { recursive: true, force: true });
}
const began = performance.now();
const { status } = spawnSync(
  process.execPath,
  [vitest, 'run', '--config', join(root, 'vitest.assure.config.ts'), ...part],
  { cwd: root, stdio: 'inherit' },
);
process.stdout.write(screen((performance.now() - began) / 1000, status === 0));
process.exit(status ?? 1);
