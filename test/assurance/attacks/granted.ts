// What is granted (D14, D15, D23): that granting works with true authority, that a granted row cannot be written again, and what
// the tables refuse even to whoever has all rights on them.

import { DELEGABLE } from '../../../src/capabilities.ts';
import { AGENTS, TENANTS, USERS, WORLDS } from '../../../src/demo/cast.ts';
import { DELEGATIONS } from '../../../src/demo/delegations.ts';
import { newId } from '../../../src/ids.ts';
import { delegate } from '../../policies/given.ts';
import { set, together } from './hops.ts';
import {
  acme,
  asScout,
  beforehand,
  type Case,
  DAY,
  HOP,
  hop,
  inGarden,
  inserted,
  itself,
  LIMITED,
  onward,
  proposed,
  ROOT,
  root,
  SCOUT,
  THIRD,
} from './proposals.ts';
import { open, type SqlAttack, step } from './stage.ts';
import { twins, unchecked } from './worlds.ts';

const allowed: Readonly<Record<string, Case>> = {
  'a root to one’s own agent': ['D14', 'alice', itself, ROOT],
  'a root with three further hops': ['D4', 'alice', itself, root({ redelegate: 3 })],
  'a root of 90 days': ['D12', 'alice', itself, root({ ends: 90 * DAY - 60 })],
  'a root for all that can be delegated': ['D9', 'alice', itself, root({ capabilities: [...DELEGABLE] })],
  'a root for a world of one’s own': ['D11', 'alice', itself, root({ world_id: WORLDS.garden.id })],
  'a root that begins later': ['D12', 'alice', itself, root({ begins: 300 })],
  'a hop': ['D14', 'scout', asScout, HOP],
  'a hop with one further hop': ['D4', 'scout', asScout, hop({ redelegate: 1 })],
  'a hop of nearly an hour': ['D12', 'scout', asScout, hop({ ends: 3540 })],
  'a hop of two hours, where the tenant allows it': [
    'D12',
    'scout',
    beforehand(set('tenants', acme, 'subdelegation_seconds = 7200'), asScout),
    hop({ ends: 7000 }),
  ],
  'a hop for a world, where there was no limit': [
    'D11',
    'scout',
    asScout,
    hop({ world_id: WORLDS.garden.id }),
  ],
  'a hop within the limit above': [
    'D11',
    'scout',
    inGarden,
    hop({ parent_id: LIMITED, world_id: WORLDS.garden.id }),
  ],
  'a hop to whom one’s twin has delegated, in another tenant': [
    'D3 D5',
    'scout',
    beforehand(
      together(
        twins,
        unchecked(
          'update delegations set delegate_id = $1 where tenant_id = $2 and id = $3',
          AGENTS.late.id,
          TENANTS.globex.id,
          SCOUT,
        ),
      ),
      asScout,
    ),
    HOP,
  ],
  'a hop below a hop': ['D4', 'scribe', onward, THIRD],
  'a root beside one’s twin in another tenant': ['D3', 'alice', { given: twins }, ROOT],
};

const WRITABLE = ['revoked_at', 'revoked_by', 'created_at'];

const COLUMNS = [
  'expires_at',
  'not_before',
  'capabilities',
  'delegate_id',
  'owner_id',
  'redelegate',
  'depth',
  'world_id',
  'revoked_at',
  'revoked_by',
  'parent_id',
];

const columns: SqlAttack[] = [
  ...WRITABLE.map(
    (column): SqlAttack => ({
      group: 'delegation',
      name: `granting with a ${column} of one’s own choice`,
      gain: 'a delegation that looks older, or as if it had ended',
      rule: 'D15',
      steps: [open('alice'), inserted(ROOT, '42501', { [column]: null })],
    }),
  ),
  ...COLUMNS.map(
    (column): SqlAttack => ({
      group: 'delegation',
      name: `writing ${column} of a delegation that was granted`,
      gain: 'a delegation that is longer, wider or alive again',
      rule: 'D15 D18',
      steps: [open('alice'), step(`update delegations set ${column} = ${column}`, '42501')],
    }),
  ),
  ...Object.entries({
    created_by: USERS.bob.id,
    delegation_id: DELEGATIONS.bobot.id,
    request_id: newId(),
  }).map(
    ([column, forged]): SqlAttack => ({
      group: 'delegation',
      name: `granting with a forged ${column}`,
      gain: 'a delegation that somebody else seems to have made',
      rule: 'D23',
      steps: [open('scout', asScout), inserted(HOP, '42501', { [column]: forged })],
    }),
  ),
];

const MIGRATOR: Readonly<
  Record<string, readonly [rule: string, sqlstate: string, made: Parameters<typeof delegate>[1]]>
> = {
  'of a fifth hop': ['D4', '23514', { from: 'scout', to: 'scribe', parent: SCOUT, depth: 5 }],
  'below one whose delegate is somebody else': ['D2', '23503', { from: 'late', to: 'scribe', parent: SCOUT }],
  'of a hop with none above': ['D2', '23514', { from: 'scout', to: 'scribe', depth: 2 }],
  'of a root by somebody else than the owner': ['D2', '23514', { from: 'scout', to: 'scribe', depth: 1 }],
  'to oneself': ['D5', '23514', { from: 'alice', to: 'alice' }],
  'to somebody else’s agent': ['D14', '23503', { from: 'alice', to: 'bobot' }],
  'to an agent of another tenant': ['D3', '23503', { from: 'alice', to: 'mimic' }],
  'of nothing': ['D9', '23514', { from: 'alice', to: 'scout', capabilities: [] }],
  'of 91 days': ['D12', '23514', { from: 'alice', to: 'scout', expires: 91 * DAY }],
};

const impossible = Object.entries(MIGRATOR).map(
  ([what, [rule, sqlstate, made]]): SqlAttack => ({
    group: 'delegation',
    name: `a delegation ${what}, made with all rights on the tables`,
    gain: 'a chain that no check at granting has seen',
    rule,
    given: (sql) => delegate(sql, made),
    unpreparable: sqlstate,
    steps: [],
  }),
);

export const GRANTED: readonly SqlAttack[] = [
  ...Object.entries(allowed).map(
    ([what, one]): SqlAttack => ({
      group: 'delegation',
      name: `granting ${what} works`,
      gain: 'owners could not hand anything on',
      control: true,
      ...proposed(one, null),
    }),
  ),
  ...columns,
  ...impossible,
];
