// The same comparison over hundreds of worlds; as many as somebody likes by WORLDS and SEED (stage.ts; SQL_WORLDS is for this half alone). And the instrument
// itself: that the worlds reach every answer there is, and that a fault is noticed.

import { expect, onTestFinished } from 'vitest';
import { sampleWorlds } from '../../../src/assurance/generate.ts';
import { CHANGEABLE, INSERTABLE, type Move, SEALED } from '../../../src/assurance/moves.ts';
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

/** Words that are followed by what they are about. */
const NOTED = /^(?:noted\/)?(allowed|asked|denied|audited|left)\//;
const ANSWERED = ['allow', 'ask', 'deny', 'denied', 'redeem', 'done'];

/** So many worlds reach almost every answer; in others only the moves are made that seldom come to one. */
const WHOLE = 16;
const RARE = [
  'use service',
  'note verdict',
  'decide',
  'redeem',
  'rotate',
  'share',
  'update agent_instructions',
  'seal agent_instructions',
  'update service_secrets',
];
const isRare = (move: Move) => RARE.includes('table' in move ? `${move.verb} ${move.table}` : move.verb);

test('random worlds reach every answer there is: each table seen and not seen, each refusal of a grant, a key or a session', async ({
  stage,
}) => {
  const outcomes = new Map<string, Set<string>>();
  for (const [n, world] of sampleWorlds(20261121, 75).entries()) {
    for (const { move, outcome } of await stage.play(world, n < WHOLE ? {} : { only: isRare })) {
      const what = move === 'open' ? move : 'table' in move ? `${move.verb} ${move.table}` : move.verb;
      const first = outcome.split(' ')[0] ?? '';
      const kind = /^t\d/.test(first)
        ? 'some'
        : ['made', 'ended', 'used', ...ANSWERED].includes(first)
          ? `${first}${outcome.includes(' broken ') ? ' and broken' : ''}`
          : (NOTED.exec(outcome)?.[1] ?? (outcome || 'none'));
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
  expect([...(outcomes.get('leave receipts') ?? [])].sort()).toEqual(['28000', 'left']);
  expect([...(outcomes.get('open') ?? [])].sort()).toEqual(['28000', 'opened', 'opened, with receipts']);
  expect([...(outcomes.get('share') ?? [])].sort()).toEqual(['23514', '42501', 'none', 'some']);
  expect([...(outcomes.get('take back') ?? [])].sort()).toEqual(['42501', 'none', 'some']);
  for (const table of TABLES) {
    expect([...(outcomes.get(`see ${table}`) ?? [])].sort(), table).toEqual(['none', 'some']);
  }
  for (const table of INSERTABLE.filter((one) => one !== 'delegations')) {
    const unfit = ['service_credentials', 'permissions', 'baselines'].includes(table) ? ['unfit'] : [];
    expect([...(outcomes.get(`insert ${table}`) ?? [])].sort(), table).toEqual([
      ...['admitted', 'refused'],
      ...unfit,
    ]);
  }
  expect([...(outcomes.get('grant') ?? [])].sort()).toEqual(['admitted', 'refused']);
  for (const verb of ['keep tenant key', 'keep data key']) {
    expect([...(outcomes.get(verb) ?? [])].sort(), verb).toEqual(['kept', 'not kept']);
  }
  for (const table of SEALED.filter((one) => CHANGEABLE.includes(one))) {
    expect([...(outcomes.get(`seal ${table}`) ?? [])].sort(), table).toEqual(['42501', 'none', 'some']);
    expect([...(outcomes.get(`update ${table}`) ?? [])].sort(), table).toEqual(['42501', 'none', 'some']);
  }
  expect([...(outcomes.get('use service') ?? [])].sort()).toEqual(
    [
      'ask',
      'authority',
      'call',
      'credential',
      'denied',
      'expired',
      'gone',
      'redeem',
      'used',
      'used and broken',
    ].sort(),
  );
  expect([...(outcomes.get('redeem') ?? [])].sort()).toEqual(
    ['approval', 'chain', 'changed', 'digest', 'done', 'expired', 'redeemed', 'rejected', 'waiting'].sort(),
  );
  expect([...(outcomes.get('decide') ?? [])].sort()).toEqual(
    ['approval', 'changed', 'decided', 'digest', 'done', 'expired'].sort(),
  );
  for (const verb of ['authorize', 'preview']) {
    expect([...(outcomes.get(verb) ?? [])].sort(), verb).toEqual(['allow', 'ask', 'deny', 'nothing']);
  }
  expect([...(outcomes.get('asked') ?? [])].sort()).toEqual(['asks', 'nothing']);
  expect([...(outcomes.get('note verdict') ?? [])].sort()).toEqual([
    'allowed',
    'asked',
    'audited',
    'denied',
    'none',
  ]);
  for (const table of ['service_credentials', 'permissions', 'approvals', 'baselines', 'access_receipts']) {
    expect([...(outcomes.get(`redirect ${table}`) ?? [])], table).toEqual(['42501']);
  }
  expect((outcomes.get('revealed') ?? new Set()).size).toBeGreaterThan(2);
});

test.for([
  ['a tenant floor that is gone', 'drop policy tenant_floor on memories', 'memories'],
  [
    'a policy that asks for another verb',
    `alter policy update_own on memories using (owner_id = (select bailiwick.owner('memory', 'read')))`,
    'memories',
  ],
  ['a world limit that is forgotten', 'drop policy world_limit on memories', 'memories'],
  [
    'a tenant floor that is gone from the credentials',
    'drop policy tenant_floor on credentials',
    'credentials',
  ],
  [
    'a credential for one agent that others see',
    'drop policy select_meant on service_credentials',
    'service_credentials',
  ],
  ['values under whatever key', 'drop policy insert_sealed on memories', 'memories'],
  [
    'rules about other agents that an agent sees',
    'drop policy select_concerned on permissions',
    'permissions',
  ],
  ['requests of other agents that an agent sees', 'drop policy select_asked on approvals', 'approvals'],
  ['a request where the rules do not say so', 'drop policy insert_asked on approvals', 'approvals'],
  ['a request in the name of another chain', 'drop policy insert_provenance on approvals', 'approvals'],
  [
    'entries of other agents that an agent sees',
    'drop policy select_did on activity_entries',
    'activity_entries',
  ],
  ['an entry of the past', 'drop policy insert_timely on activity_entries', 'activity_entries'],
  [
    'an entry that names an approval of others',
    'drop policy insert_redeemed on activity_entries',
    'activity_entries',
  ],
  [
    'what is shared in worlds of others',
    `create or replace function bailiwick.shared_worlds(kind text, verb text) returns uuid[] language sql stable security definer
       set search_path = pg_catalog, pg_temp as 'select array(select w.id from public.entities w where w.kind = $$world$$)'`,
    'memories',
  ],
  [
    'a guest who shares',
    `do $$ begin
       execute replace(pg_get_functiondef('bailiwick.shared_worlds'::regproc), 'm.role <> ''guest''', 'true');
     end $$`,
    'share',
  ],
  [
    'an agent that sees what is shared wherever its owner is',
    `do $$ begin
       execute replace(pg_get_functiondef('bailiwick.shared_worlds'::regproc), 'c.world_id is null', 'false');
     end $$`,
    'memories',
  ],
  ['what goes on being shared by whoever has left', 'drop policy update_shared on memories', 'share'],
  ['baselines of other agents that an agent sees', 'drop policy select_self on baselines', 'baselines'],
  [
    'a baseline that an agent makes for itself',
    `alter policy insert_own on baselines with check (owner_id = (select bailiwick.owner('baseline', 'read')))`,
    'baselines',
  ],
  [
    'receipts that an agent sees',
    `alter policy select_own on access_receipts using (owner_id = (select bailiwick.owner('memory', 'read')))`,
    'access_receipts',
  ],
  [
    'a baseline that never breaks',
    `create or replace function bailiwick.deviation(learned jsonb, network jsonb) returns jsonb language sql stable parallel safe as
       'select jsonb_build_object($$score$$, 0)'`,
    'use service',
  ],
  [
    'receipts for whoever is said to own the row',
    `do $$ begin
       execute replace(pg_get_functiondef('bailiwick.leave_receipts'::regproc), 'm.owner_id, e.owner_id, x.owner_id', 'x.owner_id');
     end $$`,
    'leave receipts',
  ],
  [
    'chains of which the last agent alone is bound',
    `create or replace function bailiwick.agents_of(c bailiwick.context) returns uuid[] language sql stable parallel restricted as
       'select array[(c).actor_id]'`,
    'acting',
  ],
  [
    'a token of our own that counts although it was revoked',
    `create or replace function bailiwick.mark_of_token(token_id text) returns text language sql stable parallel safe as 'select null'`,
    'describe',
  ],
])('%s is noticed', async ([, fault, where], { stage }) => {
  const { adminUrl, migratorUrl } = stage.database;
  await asAdmin(adminUrl, (admin) => admin.query(fault ?? ''));
  onTestFinished(async () => {
    await applyPolicies(migratorUrl, { force: true });
  });
  // about what is broken alone: whether anything differs elsewhere is no matter here
  const only = (move: Move) => ('table' in move ? move.table : move.verb) === where;
  let noticed = 0;
  for (const world of sampleWorlds(20261121, 240)) {
    noticed += differences(world, await stage.play(world, { only })).length;
    if (noticed > 0) {
      break;
    }
  }
  expect(noticed).toBeGreaterThan(0);
});
