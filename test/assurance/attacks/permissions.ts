// Attacks on the rules about what agents do outside (prisma/policies/06-permissions.sql, 26-): written, changed or removed by whom they
// bind, got around by handing on or by asking for another thing, read and tried out by whoever they are none of the business of.

import { DELEGABLE } from '../../../src/capabilities.ts';
import { AGENTS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { SERVICES } from '../../../src/demo/services.ts';
import { newId } from '../../../src/ids.ts';
import { suspend } from '../../policies/given.ts';
import { acme, alice, asScout, bob, globex, made, rows } from './attempted.ts';
import {
  asLower,
  asUpper,
  ceiling,
  chain,
  GARDEN,
  LOWER,
  pair,
  set,
  through,
  together,
  UPPER,
} from './hops.ts';
import { itself, proposed, root } from './proposals.ts';
import { both, type Case, cases, LETTER, rule, rulesSeen, said } from './requested.ts';
import { LIST, used } from './served.ts';
import { open, type SqlAttack, type Step, step } from './stage.ts';
import { twins } from './worlds.ts';

const { tracker, weather } = SERVICES;
const [scout, scribe] = [AGENTS.scout.id, AGENTS.scribe.id];

/** To allow all agents everything, and each row there is too. */
const write = (expect: string | number, row: Readonly<Record<string, unknown>> = {}): Step =>
  made('permissions', { owner_id: alice, service: 'shop', action: '*', effect: 'allow', ...row }, expect);
const unwritable: readonly Step[] = [
  write('42501'),
  write('42501', { agent_id: scout }),
  step(`update permissions set effect = 'allow'`, 0),
  step(`update permissions set note = null`, 0),
  step('delete from permissions', 0),
];
const PERSONAL = ['permission:read', 'permission:create', 'permission:update', 'permission:delete'];

/** Whoever a rule binds, or is not the one whose rule it is. */
const writing: Readonly<Record<string, Case>> = {
  'an agent that writes itself a rule, or changes or removes one': [
    'D13',
    'an agent allows itself what its owner has denied',
    'scout',
    asScout,
    undefined,
    [said('deny', { service: 'bank', action: 'accounts.close' }), ...unwritable],
  ],
  'an agent whose delegation names what nobody can hand on': [
    'D9 D13',
    'an agent allows itself what its owner has denied',
    'scout',
    asUpper,
    pair({ capabilities: [...PERSONAL, 'approval:read', 'approval:update'] }),
    unwritable,
  ],
  'an agent as itself, for its owner or for itself': [
    'D13',
    'an agent allows itself what it likes',
    'scout',
    itself,
    undefined,
    [...unwritable, write('42501', { owner_id: scout, created_by: scout }), rulesSeen(0)],
  ],
  'an owner with a token that only reads': [
    'D8',
    'a stolen token changes what agents may do',
    'alice',
    { scopes: ['permission:read'] },
    undefined,
    [rulesSeen(4), ...unwritable],
  ],
  'a colleague, by the ids of it': [
    'P2',
    'a colleague lets her agents do what she denied',
    'bob',
    itself,
    undefined,
    [
      write('42501'),
      step(`update permissions set effect = 'allow' where owner_id = $1`, 0, [alice]),
      step('delete from permissions where owner_id = $1', 0, [alice]),
    ],
  ],
  'the administrator of the tenant': [
    'P2',
    'an administrator lets other people’s agents do what it likes',
    'ada',
    itself,
    undefined,
    [rulesSeen(0), write('42501'), step(`update permissions set effect = 'allow'`, 0)],
  ],
  'a stranger in another tenant': [
    'D3',
    'another customer’s agents do what they must not',
    'mallory',
    itself,
    undefined,
    [
      write('42501'),
      write('42501', { tenant_id: globex }),
      step(`update permissions set effect = 'allow' where tenant_id = $1`, 0, [acme]),
      step('delete from permissions where tenant_id = $1', 0, [acme]),
    ],
  ],
  'the same person’s twin in another tenant': [
    'D3',
    'whoever has an id twice has the rights of both',
    'alice',
    itself,
    twins,
    [
      rulesSeen(4),
      step('select from permissions where tenant_id = $1', 0, [globex]),
      write('42501', { tenant_id: globex }),
    ],
  ],
  'an owner who says that somebody else did it, or says it of another’s': [
    'D23',
    'a record that accuses somebody else',
    'alice',
    itself,
    undefined,
    [
      ...[{ created_by: scout }, { request_id: newId() }, { owner_id: bob }, { created_at: new Date() }].map(
        (row) => write('42501', row),
      ),
      ...[
        'owner_id',
        'tenant_id',
        'id',
        'agent_id',
        'service',
        'action',
        'created_by',
        'request_id',
        'created_at',
      ].map((column) => step(`update permissions set ${column} = ${column}`, '42501')),
    ],
  ],
};

/** What the tables refuse: begun, so all rows are compared. */
const unfit: SqlAttack[] = [
  {
    ...rows,
    name: 'writing two rules about the same, or one about another’s agent',
    gain: 'it is left open which of two rules holds, or a rule about whom it does not concern',
    rule: 'P2 D3',
    steps: [
      open('alice'),
      write('23505', { service: '*', action: '*' }),
      write('23505', { agent_id: scout, service: 'tracker', action: LIST }),
      write('23503', { agent_id: AGENTS.bobot.id }),
      write('23503', { agent_id: AGENTS.mimic.id }),
      write('23514', { effect: 'perhaps' }),
      ...['a*', '*.a', 'A', '', 'a..*.*', '.*'].map((action) => write('23514', { action })),
      ...['', 'a*', '%'].map((service) => write('23514', { service })),
    ],
  },
];

const nothingKnown: readonly Step[] = [
  rulesSeen(0),
  said('null'),
  step(`select bailiwick.authorize('*', '*')`, 'null'),
];
const without = DELEGABLE.filter((one) => !one.startsWith('permission:'));
const PREVIEW = `select bailiwick.preview($1, $2, 'mail', 'messages.send', $3)->>'effect'`;
const preview = (
  expect: string,
  agent: string,
  delegation: string | null = null,
  instead: unknown = [],
): Step => step(PREVIEW, expect, [agent, delegation, JSON.stringify(instead)]);

/** What one may not know, or not try out. */
const knowing: Readonly<Record<string, Case>> = {
  'reading rules through a delegation limited to a world': [
    'D11',
    'an agent in one world knows what is said of everything',
    'scout',
    asUpper,
    pair({ capabilities: DELEGABLE, world: GARDEN }),
    nothingKnown,
  ],
  'reading rules through a delegation that names other things': [
    'D8',
    'an agent knows where nobody looks',
    'scout',
    asUpper,
    pair({ capabilities: without }),
    nothingKnown,
  ],
  'reading rules above a ceiling': [
    'D8',
    'an agent knows where nobody looks',
    'scout',
    asUpper,
    together(both(), ceiling(scout, ...without)),
    nothingKnown,
  ],
  'reading rules through a chain whose first hop was revoked': [
    'D17',
    'an agent that was stopped goes on reading',
    'scribe',
    asLower,
    together(both(), set('delegations', UPPER, 'revoked_at = now(), revoked_by = owner_id')),
    nothingKnown,
  ],
  'reading rules for a suspended owner': [
    'D19',
    'an agent that was stopped goes on reading',
    'scout',
    asUpper,
    together(both(), suspend('alice')),
    nothingKnown,
  ],
  'reading rules as the agent itself': [
    'D13',
    'rules that concern nobody',
    'scout',
    itself,
    undefined,
    nothingKnown,
  ],
  'reading rules about agents beside and below': [
    'D8 D24',
    'an agent knows what others are trusted with',
    'scout',
    asUpper,
    both(rule({ agent: scribe, effect: 'deny' }), rule({ agent: AGENTS.late.id, effect: 'deny' })),
    [rulesSeen(4), step('select from permissions where agent_id <> $1', 0, [scout])],
  ],
  'reading a colleague’s rules, and another tenant’s': [
    'P2 D3',
    'what others’ agents are trusted with',
    'alice',
    itself,
    undefined,
    [rulesSeen(4), step('select from permissions where owner_id <> $1', 0, [alice])],
  ],
  'trying out rules through a chain': [
    'D13',
    'an agent looks for the gap in the rules that bind it',
    'scout',
    asUpper,
    both(),
    [preview('null', scout), preview('null', scout, UPPER), preview('null', scribe, LOWER)],
  ],
  'trying out rules of somebody else’s agents, or in delegations that they do not hold': [
    'P2 D3 D25',
    'what others’ agents are trusted with',
    'bob',
    itself,
    both(),
    [
      ...[scout, AGENTS.mimic.id, alice, bob, newId()].map((agent) => preview('null', agent)),
      preview('null', AGENTS.bobot.id, UPPER),
      preview('null', AGENTS.bobot.id, DELEGATIONS.mimic.id),
      preview('deny', AGENTS.bobot.id),
    ],
  ],
  'trying out rules leaves none behind': [
    'P2',
    'a question changes what agents may do',
    'alice',
    itself,
    both(),
    [
      preview('allow', scout, UPPER, [{ agentId: null, ...LETTER, effect: 'allow' }]),
      preview('ask', scout, UPPER),
      rulesSeen(4),
    ],
  ],
};

/** What a hop below must not have, because nobody can hand it on. */
const granting: SqlAttack[] = [
  ...['permission:create', 'permission:update', 'permission:delete', 'permission:*', 'approval:update'].map(
    (capability): SqlAttack => ({
      ...chain,
      name: `granting ${capability}`,
      gain: 'an agent decides what it may do',
      ...proposed(
        ['D9 D13', 'alice', itself, root({ capabilities: ['permission:read', 'approval:read', capability] })],
        'capabilities',
      ),
    }),
  ),
];

const OWN = newId();
const letter = { service: LETTER.service, action: LETTER.action };
const controls: SqlAttack[] = [
  {
    ...rows,
    control: true,
    name: 'an owner in person makes a rule, changes and removes it, and hears what would be said',
    gain: 'owners could not say what their agents may do',
    rule: 'D13',
    steps: [
      open('alice'),
      preview('ask', scout),
      write(1, { id: OWN, ...letter, effect: 'allow' }),
      preview('allow', scout, DELEGATIONS.scout.id),
      step(`update permissions set effect = 'deny', note = 'No more.', updated_at = now() where id = $1`, 1, [
        OWN,
      ]),
      preview('deny', scout, DELEGATIONS.scout.id),
      preview('allow', scribe, DELEGATIONS.scribe.id, [{ agentId: null, ...letter, effect: 'allow' }]),
      step('delete from permissions where id = $1', 1, [OWN]),
      preview('ask', scout),
    ],
  },
  {
    ...rows,
    control: true,
    name: 'an agent reads the rules that bind it, hears what is said, and does what is allowed',
    gain: 'agents could not know what they may do',
    rule: 'D8',
    steps: [
      open('scout', through.scout),
      rulesSeen(4),
      step(`select array_to_string(bailiwick.acting(), ',') = $1`, 'true', [scout]),
      said('allow', { service: 'tracker', action: LIST }),
      said('allow', { service: 'weather', action: 'forecast' }),
      said('deny', { service: 'weather', action: 'accounts.close' }),
      used('used tracker', tracker, LIST),
      used('used weather', weather, 'forecast'),
    ],
  },
];

export const PERMISSIONS: readonly SqlAttack[] = [
  ...cases('writing rules: ', rows, writing),
  ...unfit,
  ...cases('knowing rules: ', rows, knowing),
  ...granting,
  ...controls,
];
