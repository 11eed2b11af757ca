// What `policies diff` compares and how a change is named. What it makes of changes stands in diff.long.test.ts, and there is
// the gate too.

import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { type AccessObject, changedObjects, nameOfChange } from '../../../src/assurance/diff/catalog.ts';
import { diffPolicies } from '../../../src/assurance/diff/diff.ts';
import { revisionSource, SourceError, treeSource } from '../../../src/assurance/diff/sources.ts';
import { test } from '../../kit/cast.ts';

const OPTIONS = { worlds: 40, seed: 20261121 };

test('the same policies do not differ, and nothing is played', async ({ database }) => {
  const diff = await diffPolicies(database, treeSource(), treeSource(), OPTIONS);
  expect(diff).toMatchObject({ changes: [], worlds: 0, answers: 0 });
});

test('a change is named by what it becomes, so that an older decision does not cover it', () => {
  const access = (make: string) =>
    new Map<string, AccessObject>([['policy a.b', { id: 'policy a.b', make, unmake: '' }]]);
  expect(changedObjects(access('1'), access('2'))).toEqual(['policy a.b']);
  expect(nameOfChange('policy a.b', access('1'))).not.toBe(nameOfChange('policy a.b', access('2')));
});

test('the base is a revision of this repository', () => {
  expect(readFileSync('prisma/policies/BASE', 'utf8')).toMatch(/^[0-9a-f]{40}\n$/);
});

test('a revision that does not exist, or that is no revision, is said to be so', async () => {
  await expect(revisionSource('no-such-revision')).rejects.toThrow(SourceError);
  await expect(revisionSource('--output=/tmp/x')).rejects.toThrow(SourceError);
});
