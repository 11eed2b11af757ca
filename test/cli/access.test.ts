// `bailiwick access` prints the file that reviewers read, byte for byte.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { printAccess } from '../../src/cli/access.ts';
import { POLICY_FOLDER } from '../../src/db/policies.ts';
import { transcript } from './transcript.ts';

const FILE = `${POLICY_FOLDER}ACCESS.txt`;

test('it prints ACCESS.txt as it is', async () => {
  expect(await transcript('access')).toEqual({ code: 0, out: readFileSync(FILE, 'utf8'), err: '' });
});

test('without the file it says how to make it', async () => {
  const said: string[] = [];
  const io = { out: (text: string) => void said.push(text), err: (text: string) => void said.push(text) };
  expect(await printAccess(io, `${FILE}.gone`)).toBe(1);
  expect(said).toEqual([`there is no ${FILE}.gone: make it with \`npm run access\`\n`]);
});
