// Attacks on what is usual for an agent (prisma/policies/29-baselines.sql): the agent freezes, resets or loosens its own baseline, or takes
// back that it was broken; and somebody looks at another's. What calls are compared with it: watching.ts.

import { DELEGABLE } from '../../../src/capabilities.ts';
import { AGENTS } from '../../../src/demo/cast.ts';
import { newId } from '../../../src/ids.ts';
import { keepBaseline } from '../../policies/usual.ts';
import { acme, alice, bob, made, rows } from './attempted.ts';
import { asLower, asUpper, GARDEN, type Given, pair, together } from './hops.ts';
import { itself } from './proposals.ts';
import { both, type Case, cases } from './requested.ts';
import { aside, open, type SqlAttack, type Step, step } from './stage.ts';
import { twins } from './worlds.ts';

const [scout, scribe] = [AGENTS.scout.id, AGENTS.scribe.id];
export const SCOUTS = newId();
const SCRIBES = newId();

/** Frozen baselines of scout and scribe, whatever else there was; with a threshold where one is given. */
export const frozen = (threshold = 0.5): Given =>
  together(
    (sql) => sql.rows('delete from baselines'),
    (sql) => keepBaseline(sql, { id: SCOUTS, owner: alice, agent: scout, frozen: true, threshold }),
    (sql) => keepBaseline(sql, { id: SCRIBES, owner: alice, agent: scribe, frozen: true, threshold }),
  );
const change = (what: string, expect: string | number): Step => step(`update baselines set ${what}`, expect);
/** Whatever an owner in person may change; nobody else changes a row. */
const unmoved: readonly Step[] = [
  ...['threshold = 1', 'frozen_at = now()', `frozen_at = null, learned = '[]'`, 'since = now()'].map((what) =>
    change(what, 0),
  ),
  change(`learned = '[{"host": "elsewhere.invalid"}]'`, 0),
  step('delete from baselines', '42501'),
];
const baseline = (row: Readonly<Record<string, unknown>>, expect: string | number): Step =>
  made('baselines', { owner_id: alice, agent_id: AGENTS.late.id, ...row }, expect);
/** As many as there were. */
const two = aside('select count(*)::int from baselines', 2);
const loose = 'an agent that does what it likes, and nobody is told';

const loosening: Readonly<Record<string, Case>> = {
  'as the agent, through a chain that names all there is': [
    'D13',
    loose,
    'scout',
    asUpper,
    both(frozen()),
    [step('select from baselines', 1), ...unmoved, baseline({}, '42501')],
  ],
  'as the agent itself': [
    'D13',
    loose,
    'scout',
    itself,
    frozen(),
    [...unmoved, baseline({}, '42501'), baseline({ owner_id: scout }, '42501')],
  ],
  'as the agent below': ['D13', loose, 'scribe', asLower, both(frozen()), unmoved],
  'as a colleague': ['P2', loose, 'bob', itself, frozen(), [...unmoved, baseline({}, '42501')]],
  'as an administrator': ['D26', loose, 'ada', itself, frozen(), [...unmoved, baseline({}, '42501')]],
  'as a stranger': ['D3', loose, 'mallory', itself, frozen(), [...unmoved, baseline({}, '42501')]],
  'with a token for reading': [
    'D8',
    loose,
    'alice',
    { scopes: ['baseline:read'] },
    frozen(),
    [step('select from baselines', 2), ...unmoved, baseline({}, '42501')],
  ],
  'of an agent of somebody else’s': [
    'P4 D26',
    loose,
    'alice',
    itself,
    frozen(),
    [baseline({ agent_id: AGENTS.bobot.id }, '23503'), baseline({ agent_id: AGENTS.mimic.id }, '23503'), two],
  ],
  'beside the one there is': [
    'P28',
    loose,
    'alice',
    itself,
    frozen(),
    [baseline({ agent_id: scout }, '23505'), two],
  ],
  'in a name that is not one’s own': [
    'D23',
    loose,
    'alice',
    itself,
    frozen(),
    [baseline({ created_by: bob }, '42501'), baseline({ request_id: bob }, '42501')],
  ],
  'past what can be': [
    'P28',
    loose,
    'alice',
    itself,
    frozen(),
    [
      change('threshold = 1.01', '23514'),
      change('threshold = 0.04', '23514'),
      change('frozen_at = null', '23514'),
      change(`learned = '{}'`, '23514'),
      change(`learned = (select jsonb_agg(n) from generate_series(0, 1000) n)`, '23514'),
    ],
  ],
  'by taking back that it was broken, or by moving it': [
    'P31',
    loose,
    'alice',
    itself,
    frozen(),
    [
      ...[
        'alerted_at',
        'alert',
        'agent_id',
        'owner_id',
        'tenant_id',
        'id',
        'created_by',
        'created_at',
        'request_id',
      ].map((column) => change(`${column} = default`, '42501')),
      baseline({ alerted_at: new Date(0) }, '42501'),
      baseline({ alert: '{}' }, '42501'),
      step('delete from baselines', '42501'),
    ],
  ],
};

const seen = 'where agents of others call, and what goes unnoticed there';
const unseen = step('select from baselines', 0);
const all = DELEGABLE.filter((one) => one !== 'baseline:read');
const reading: Readonly<Record<string, Case>> = {
  'of the agent above': [
    'D24',
    seen,
    'scribe',
    asLower,
    both(frozen()),
    [step('select from baselines where agent_id <> $1', 0, [scribe])],
  ],
  'of the agent below': [
    'D24',
    seen,
    'scout',
    asUpper,
    both(frozen()),
    [step('select from baselines where agent_id <> $1', 0, [scout])],
  ],
  'as the agent itself': ['D13', seen, 'scout', itself, frozen(), [unseen]],
  'as a colleague': ['P2', seen, 'bob', itself, frozen(), [unseen]],
  'as an administrator': ['D26', seen, 'ada', itself, frozen(), [unseen]],
  'as a stranger': ['D3', seen, 'mallory', itself, frozen(), [unseen]],
  'without the capability to': [
    'D8',
    seen,
    'scout',
    asUpper,
    together(pair({ capabilities: all }), frozen()),
    [unseen],
  ],
  'from inside one world': [
    'D14',
    seen,
    'scout',
    asUpper,
    together(pair({ capabilities: DELEGABLE, world: GARDEN }), frozen()),
    [unseen],
  ],
  'of the twin in another tenant': [
    'D3',
    seen,
    'alice',
    itself,
    together(frozen(), twins),
    [step('select from baselines where tenant_id <> $1', 0, [acme])],
  ],
};

const works = { ...rows, control: true, gain: 'nobody would hear that an agent goes astray' } as const;
const controls: readonly SqlAttack[] = [
  {
    ...works,
    name: 'an owner in person lets be learned what is usual, freezes it and begins anew',
    rule: 'P2 P28',
    given: frozen(),
    steps: [
      open('alice'),
      step('select from baselines', 2),
      baseline({ threshold: 0.05 }, 1),
      change(`frozen_at = now(), learned = '[]', threshold = 1`, 3),
      change(`frozen_at = null, learned = '[]', since = now()`, 3),
    ],
  },
  {
    ...works,
    name: 'how far a call is from what is usual, everybody may reckon',
    rule: 'S9',
    steps: [
      step(`select bailiwick.deviation('[]', '{"host": "a"}')->>'score'`, '0.900'),
      step(`select bailiwick.deviation('[{"host": "a"}]', '{"host": "a"}')->>'score'`, '0'),
    ],
  },
];

export const USUAL: readonly SqlAttack[] = [
  ...cases('loosening what is usual for an agent, ', rows, loosening),
  ...cases('reading what is usual for an agent, ', rows, reading),
  ...controls,
];
