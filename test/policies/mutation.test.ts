// No policy is idle: whichever is dropped, opened or forgets a condition, the probe that prints ACCESS.txt notices.
//
// A mutant that survives is either a policy that nothing needs or a guarantee that nothing tests. The faults are made on
// a database of this file's own, one at a time.

import { expect } from 'vitest';
import { test } from '../kit/cast.ts';
import { arrange } from './arrangement.ts';
import { readMutants } from './mutants.ts';
import { type Findings, probe } from './probe.ts';

// Faults that change no answer, each with the reason why.
const HARMLESS: Readonly<Record<string, string>> = {
  "entities.select_member forgets using kind = 'world'": 'only worlds have members, by foreign key',
  "entities.update_agent forgets check kind = 'agent'": 'kind is in no grant to update',
  "entities.update_agent forgets check owner_id = ( SELECT bailiwick.direct_owner('agent', 'update'))":
    'owner_id is in no grant to update',
  "entities.update_world forgets check kind = 'world'": 'kind is in no grant to update',
  "entities.update_world forgets check owner_id = ( SELECT bailiwick.direct_owner('world', 'update'))":
    'owner_id is in no grant to update',
  "world_members.update_own forgets check owner_id = ( SELECT bailiwick.owner('member', 'update'))":
    'owner_id is in no grant to update',
};

test('every fault in a policy is noticed', { timeout: 120_000 }, async ({ database, migrate }) => {
  await migrate(arrange);
  const healthy = await probe(database);
  const differs = (findings: Findings) => [...findings].some(([key, value]) => healthy.get(key) !== value);
  expect(differs(await probe(database)), 'the probe answers differently when asked twice').toBe(false);

  const survivors = await migrate(async (sql) => {
    const unnoticed: string[] = [];
    const mutants = await readMutants(sql);
    expect(mutants.length).toBeGreaterThan(150);
    for (const { name, table, kernel, apply, undo } of mutants) {
      await sql.rows(apply);
      // A policy for the runtime role decides about its own table only: asking less can hide a fault, never invent one.
      const findings = await probe(database, { only: kernel ? undefined : table, enough: differs });
      await sql.rows(undo);
      if (!differs(findings)) {
        unnoticed.push(name);
      }
    }
    return unnoticed;
  });
  expect(survivors.sort()).toEqual(Object.keys(HARMLESS).sort());
  expect(differs(await probe(database)), 'a mutant was not undone').toBe(false);
});
