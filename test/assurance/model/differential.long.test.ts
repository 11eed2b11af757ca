// The same comparison over hundreds of worlds; as many as somebody likes by WORLDS and SEED (stage.ts; SQL_WORLDS is for this half alone). And the instrument
// itself: that the worlds reach every answer there is, and that a fault is noticed.

import { expect, onTestFinished } from 'vitest';
import { sampleWorlds } from '../../../src/assurance/generate.ts';
import { INSERTABLE, SEALED } from '../../../src/assurance/moves.ts';
import { TABLES } from '../../../src/assurance/rows.ts';
import { applyPolicies } from '../../../src/db/policies.ts';
import { asAdmin } from '../../kit/database.ts';
import { report } from '../../kit/report.ts';
import { differences } from './expect.ts';
import { chosen, compareWorlds, test } from './stage.ts';

test('in hundreds of random worlds nothing differs from the model', { timeout: 0 }, async ({ stage }) => {
  const choice = chosen(Number(process.env.SQL_WORLDS || 300));
  const answers = await compareWorlds(stage, choice);
  expect(answers).toBeGreaterThan(choice.count * 100);
  report({
    instrument: 'model',
    what: 'random worlds through SQL',
    figures: { worlds: choice.count, seed: choice.seed, answers, differences: 0 },
  });
});

test('random worlds reach every answer there is: each table seen and not seen, each refusal of a grant, a key or a session', {
  timeout: 120_000,
}, async ({ stage }) => {
  const outcomes = new Map<string, Set<string>>();
  for (const world of sampleWorlds(20261121, 25)) {
    for (const { move, outcome } of await stage.play(world)) {
      const what = move === 'open' ? move : 'table' in move ? `${move.verb} ${move.table}` : move.verb;
      const first = outcome.split(' ')[0] ?? '';
      const kind = /^t\d/.test(first)
        ? 'some'
        : ['made', 'ended', 'used'].includes(first)
          ? first
          : outcome || 'none';
      outcomes.set(what, (outcomes.get(what) ?? new Set()).add(kind));
    }
  }
  const words = [
    'authority',
    'redelegate',
    'capabilities',
    'world',
    'lifetime',
    'cycle',
    'delegate',
    'no reason',
  ];
  expect([...(outcomes.get('why not') ?? [])].sort()).toEqual([...words].sort());
  const keyWords = ['authority', 'entity', 'capabilities', 'delegation', 'lifetime'];
  expect([...(outcomes.get('why no key') ?? [])].sort()).toEqual([...keyWords, 'no reason'].sort());
  expect([...(outcomes.get('rotate') ?? [])]).toEqual(
    expect.arrayContaining(['key', 'overlap', 'capabilities', 'lifetime', 'made']),
  );
  expect([...(outcomes.get('start session') ?? [])].sort()).toEqual(
    ['authority', 'capabilities', 'lifetime', 'made'].sort(),
  );
  expect([...(outcomes.get('make client') ?? [])]).toEqual(expect.arrayContaining(['authority', 'made']));
  for (const verb of ['revoke key', 'end credentials', 'kill']) {
    expect([...(outcomes.get(verb) ?? [])].sort(), verb).toEqual(['ended', 'nothing']);
  }
  expect([...(outcomes.get('use') ?? [])].sort()).toEqual(['28000', 'told of 1']);
  expect([...(outcomes.get('open') ?? [])].sort()).toEqual(['28000', 'opened']);
  for (const table of TABLES) {
    expect([...(outcomes.get(`see ${table}`) ?? [])].sort(), table).toEqual(['none', 'some']);
  }
  for (const table of INSERTABLE.filter((one) => one !== 'delegations')) {
    const unfit = table === 'service_credentials' ? ['unfit'] : [];
    expect([...(outcomes.get(`insert ${table}`) ?? [])].sort(), table).toEqual([
      ...['admitted', 'refused'],
      ...unfit,
    ]);
  }
  expect([...(outcomes.get('grant') ?? [])].sort()).toEqual(['admitted', 'refused']);
  for (const verb of ['keep tenant key', 'keep data key']) {
    expect([...(outcomes.get(verb) ?? [])].sort(), verb).toEqual(['kept', 'not kept']);
  }
  for (const table of SEALED) {
    expect([...(outcomes.get(`seal ${table}`) ?? [])].sort(), table).toEqual(['42501', 'none', 'some']);
    expect([...(outcomes.get(`update ${table}`) ?? [])].sort(), table).toEqual(['42501', 'none', 'some']);
  }
  expect([...(outcomes.get('use service') ?? [])].sort()).toEqual(
    ['authority', 'call', 'credential', 'expired', 'gone', 'used'].sort(),
  );
  expect([...(outcomes.get('redirect') ?? [])]).toEqual(['42501']);
  expect((outcomes.get('revealed') ?? new Set()).size).toBeGreaterThan(2);
});

test.for([
  ['a tenant floor that is gone', 'drop policy tenant_floor on memories'],
  [
    'a policy that asks for another verb',
    `alter policy update_own on memories using (owner_id = (select bailiwick.owner('memory', 'read')))`,
  ],
  ['a world limit that is forgotten', 'drop policy world_limit on memories'],
  ['a tenant floor that is gone from the credentials', 'drop policy tenant_floor on credentials'],
  ['a credential for one agent that others see', 'drop policy select_meant on service_credentials'],
  ['values under whatever key', 'drop policy insert_sealed on memories'],
  [
    'a token of our own that counts although it was revoked',
    `create or replace function bailiwick.mark_of_token(token_id text) returns text language sql stable parallel safe as 'select null'`,
  ],
])('%s is noticed', { timeout: 240_000 }, async ([, fault], { stage }) => {
  const { adminUrl, migratorUrl } = stage.database;
  await asAdmin(adminUrl, (admin) => admin.query(fault ?? ''));
  onTestFinished(async () => {
    await applyPolicies(migratorUrl, { force: true });
  });
  let noticed = 0;
  for (const world of sampleWorlds(20261121, 60)) {
    noticed += differences(world, await stage.play(world)).length;
    if (noticed > 0) {
      break;
    }
  }
  expect(noticed).toBeGreaterThan(0);
});
