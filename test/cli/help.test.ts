// What the command line says of itself, and how it answers to wrong use: exit code 2, the reason, where to read on.

import { expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli.ts';
import { transcript } from './transcript.ts';

const names = Object.keys(COMMANDS);
const describe = async (name: string) => (await COMMANDS[name]?.())?.command;

test.each(['--help', 'help'])('bailiwick %s lists every command with its summary', async (line) => {
  const { code, out, err } = await transcript(line);
  expect([code, err]).toEqual([0, '']);
  for (const name of names) {
    expect(out).toMatch(new RegExp(`^  ${name} +${(await describe(name))?.summary}$`, 'm'));
  }
});

test.each(names)('bailiwick %s --help shows its summary and every option', async (name) => {
  const command = await describe(name);
  const { code, out, err } = await transcript(`${name} --help`);
  expect([code, err]).toEqual([0, '']);
  expect(out.startsWith(`bailiwick ${name} `)).toBe(true);
  expect(out).toContain(`\n${command?.summary}.\n`);
  for (const [option, { about }] of Object.entries(command?.options ?? {})) {
    expect(out).toMatch(new RegExp(`^  --${option}( <.+>)? .*$`, 'm'));
    expect(out).toContain(about);
  }
  expect(out.split('\n').every((line) => line.length <= 120)).toBe(true);
});

test.each(names)('every line of the command %s is a sentence without an end', async (name) => {
  const command = await describe(name);
  expect(command?.name).toBe(name);
  for (const text of [command?.summary, ...Object.values(command?.options ?? {}).map(({ about }) => about)]) {
    expect(text).toMatch(/^\S.*[^.\s]$/);
  }
});

test.each([
  ['', 'say which command', 'bailiwick --help'],
  ['dance', 'there is no command dance', 'bailiwick --help'],
  ['constructor', 'there is no command constructor', 'bailiwick --help'],
  ['doctor --jsn', "unknown option '--jsn'", 'bailiwick doctor --help'],
  ['doctor now', 'unexpected argument now', 'bailiwick doctor --help'],
  ['doctor --json=yes', "option '--json' does not take an argument", 'bailiwick doctor --help'],
  ['policies', 'say which: apply, status, diff, lint', 'bailiwick policies --help'],
  ['policies drop', 'say which: apply, status, diff, lint', 'bailiwick policies --help'],
  ['policies apply twice', 'unexpected argument twice', 'bailiwick policies --help'],
  ['token', 'say who acts: --as <name>', 'bailiwick token --help'],
  ['token --as', "option '--as <value>' argument missing", 'bailiwick token --help'],
  ['token --as scout --delegation 7', '--delegation 7 is not an id', 'bailiwick token --help'],
  ['token --as scout --scope memory:fly', 'there is no scope memory:fly', 'bailiwick token --help'],
  [
    'token --as scout --expires soon',
    '--expires soon is not a time between 1s and 24h',
    'bailiwick token --help',
  ],
  ['token --as scout --expires 25h', '--expires 25h is not a time', 'bailiwick token --help'],
  ['token --as scout --expires 0m', '--expires 0m is not a time', 'bailiwick token --help'],
])('wrong use: bailiwick %s', async (line, reason, pointer) => {
  const { code, out, err } = await transcript(line);
  expect([code, out]).toEqual([2, '']);
  expect(err).toContain(`bailiwick: ${reason}`);
  expect(err).toContain(`See \`${pointer}\`.\n`);
});

test('an unusable environment is reported with all its faults', async () => {
  const { code, out, err } = await transcript('doctor', {
    PORT: 'x',
    DATABASE_URL: 'postgresql://only.one/x',
  });
  expect([code, out]).toEqual([1, '']);
  expect(err).toMatch(/^bailiwick: The environment is not usable:\n {2}- .*DATABASE_URL.*/);
  expect(err).toContain('  - PORT must be a number\n');
});
