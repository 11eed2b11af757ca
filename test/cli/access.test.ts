// `bailiwick access` prints the file that reviewers read, byte for byte.

import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { POLICY_FOLDER } from '../../src/db/policies.ts';
import { transcript } from './transcript.ts';

const FILE = `${POLICY_FOLDER}ACCESS.txt`;

test.runIf(existsSync(FILE))('it prints ACCESS.txt as it is', async () => {
  expect(await transcript('access')).toEqual({ code: 0, out: readFileSync(FILE, 'utf8'), err: '' });
});

test.skipIf(existsSync(FILE))('without the file it says how to make it', async () => {
  expect(await transcript('access')).toMatchObject({
    code: 1,
    out: '',
    err: expect.stringContaining('npm run access'),
  });
});
